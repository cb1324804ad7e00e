"""What anyone may ask of the server: one class each, and the only registry of actions.

A class that is added in one of these modules can be called by HTTP and from the command line, is documented and
completed, without a further line: all of them read `registered()`. A field is an argument: required ones are positional
in their order.
"""

from hotswap_dev.domain.commands import access, channels, clients, faults, overrides, releases, rollouts
from hotswap_dev.domain.commands.faults import ArmFault
from hotswap_dev.domain.commands.registry import Built, Command, registered
from hotswap_dev.domain.commands.releases import Publish

__all__ = [
    "ArmFault",
    "Built",
    "Command",
    "Publish",
    "access",
    "channels",
    "clients",
    "faults",
    "overrides",
    "registered",
    "releases",
    "rollouts",
]
