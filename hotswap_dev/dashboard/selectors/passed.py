"""What was passed over on the way to an answer, in a few words each: `15 withheld · 16 needs binary 0.5.0`."""

from __future__ import annotations

from hotswap_dev.dashboard.selectors.figures import spans_of
from hotswap_dev.dashboard.selectors.sections import Section
from hotswap_dev.domain.policy import MAX_CONSIDERED, Decision
from hotswap_dev.domain.reasons import Reason, change, harmless
from hotswap_dev.domain.text import shown

_MOST_GROUPS = 6


def passed_over(decision: Decision) -> Section:
    """The releases above the client's that it was not offered; no text where there is none but what WHY says."""
    considered = decision.considered
    if not considered or (len(considered) == 1 and considered[0].reason == decision.reason):
        return Section("", "")
    groups: dict[str, list[int]] = {}
    for one in considered[:MAX_CONSIDERED]:
        groups.setdefault(passed_words(one.reason), []).append(one.sequence)
    said = [f"{spans_of(sequences)} {words}" for words, sequences in groups.items()]
    rest = decision.passed_over - len(considered)
    more = [f"and {rest} more below"] if rest > 0 else []
    text = " · ".join([*said[:_MOST_GROUPS], *more])
    # What would change the answer stands beside WHY.
    others = (change(one.reason) for one in considered if one.reason != decision.reason)
    first = next((command for command in others if command), "")
    return Section("", f"Passed over: {text}", first, dear=1)


def passed_words(reason: Reason) -> str:
    """Why a release was passed over, after its number: `needs binary 0.5.0`."""
    args = harmless(reason.args)
    match reason.code:
        case "release-withheld":
            return "bundle gone" if args.get("cause") == "bundle gone" else "withheld"
        case "binary-too-old":
            return f"needs binary {args.get('min_binary_version', '?')}"
        case "pinned":
            return f"not {args.get('pinned', '?')}, which it is pinned to"
        case "not-targeted":
            return "not meant for it"
        case "not-in-rollout":
            return "not rolled out to it yet"
    return shown(reason.code)
