"""Who gets what: `decide` and `decide_download`, pure and total (design §6).

`deciding` is the ladder, `eligibility` the rules of a release, `offers` what a client is told, `answers` what there is
to be told.
"""

from hotswap_dev.domain.policy.answers import (
    MAX_CONSIDERED,
    Answer,
    Considered,
    Decision,
    Denied,
    Fetch,
    NoUpdate,
    Offer,
    Refusal,
)
from hotswap_dev.domain.policy.deciding import decide, decide_download, denial, fits
from hotswap_dev.domain.policy.eligibility import bundle_gone, ineligible
from hotswap_dev.domain.policy.offers import manifest, newest_whole, told_minimum

__all__ = [
    "MAX_CONSIDERED",
    "Answer",
    "Considered",
    "Decision",
    "Denied",
    "Fetch",
    "NoUpdate",
    "Offer",
    "Refusal",
    "bundle_gone",
    "decide",
    "decide_download",
    "denial",
    "fits",
    "ineligible",
    "manifest",
    "newest_whole",
    "told_minimum",
]
