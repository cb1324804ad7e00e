"""A build folder in, settled trees out: the watcher says when a build is finished, and never packs one."""

from hotswap_dev.watching.seen import Polling, Seen, Settled, SettleNarrowed, SettleWidened, Waiting
from hotswap_dev.watching.settling import Pace
from hotswap_dev.watching.watch import Watch, watch

__all__ = [
    "Pace",
    "Polling",
    "Seen",
    "SettleNarrowed",
    "SettleWidened",
    "Settled",
    "Waiting",
    "Watch",
    "watch",
]
