"""The catalogue of faults: one class each, and the only registry of them (design §7).

A class that is added to one of these modules can be armed by key, command line and HTTP, is listed and documented
without a further line: all of them read `every_fault()`. Its parameters are its fields.
"""

from hotswap_dev.domain.faults import bundle, check, download, presets, signature
from hotswap_dev.domain.faults.registry import (
    STAGES,
    Fault,
    Stage,
    Value,
    every_fault,
    fault_kind,
    listed_name,
    parameters_of,
    read_fault,
)
from hotswap_dev.domain.faults.striking import Drawn, Strike, fault_of, striking

__all__ = [
    "STAGES",
    "Drawn",
    "Fault",
    "Stage",
    "Strike",
    "Value",
    "bundle",
    "check",
    "download",
    "every_fault",
    "fault_kind",
    "fault_of",
    "listed_name",
    "parameters_of",
    "presets",
    "read_fault",
    "signature",
    "striking",
]
