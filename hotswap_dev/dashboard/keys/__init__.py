"""The keys: which there are, what each asks of the server as things are, and which one does what a command would.

All of it is pure. What a key is called, in the footer, behind `?` and in the palette, stands in `table` alone.
"""

from hotswap_dev.dashboard.keys.lines import key_for, words_for
from hotswap_dev.dashboard.keys.planned import Arm, Ask, Confirm, Plan, Roll, Say, Send
from hotswap_dev.dashboard.keys.plans import plan
from hotswap_dev.dashboard.keys.table import GROUPS, KEYS, STORY_KEYS, Key, keys_known

__all__ = [
    "GROUPS",
    "KEYS",
    "STORY_KEYS",
    "Arm",
    "Ask",
    "Confirm",
    "Key",
    "Plan",
    "Roll",
    "Say",
    "Send",
    "key_for",
    "keys_known",
    "plan",
    "words_for",
]
