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
    named = bool(considered) and considered[0].reason == decision.reason  # WHY is about that one already
    rest = considered[1:MAX_CONSIDERED] if named else considered[:MAX_CONSIDERED]
    if not rest:
        return Section("", "")
    groups: dict[str, list[int]] = {}
    reasons: dict[str, Reason] = {}
    for one in rest:
        words = passed_words(one.reason)
        groups.setdefault(words, []).append(one.sequence)
        reasons[words] = one.reason
    said = [
        f"{spans_of(sequences)} {passed_words(reasons[words], several=len(sequences) > 1)}"
        for words, sequences in groups.items()
    ]
    below = decision.passed_over - len(considered)
    more = [f"and {below} more below"] if below > 0 else []
    text = " · ".join([*said[:_MOST_GROUPS], *more])
    # What would change the answer stands beside WHY.
    others = (change(one.reason) for one in considered if one.reason != decision.reason)
    first = next((command for command in others if command), "")
    return Section("", f"Passed over{' too' if named else ''}: {text}", first, dear=1)


def passed_words(reason: Reason, *, several: bool = False) -> str:
    """Why a release was passed over, after its number, or after those of several: `needs binary 0.5.0`."""
    args = harmless(reason.args)
    match reason.code:
        case "release-withheld":
            return "bundle gone" if args.get("cause") == "bundle gone" else "withheld"
        case "binary-too-old":
            return f"need{'' if several else 's'} binary {args.get('min_binary_version', '?')}"
        case "pinned":
            return f"not {args.get('pinned', '?')}, which it is pinned to"
        case "not-targeted":
            return "not meant for it"
        case "not-in-rollout":
            return "not rolled out to it yet"
    return shown(reason.code)


def state_for_nobody(reason: Reason | None) -> str:
    """The state of a release that no client is offered for this reason, in a word or two; "" for no reason."""
    if reason is None:
        return ""
    match reason.code:
        case "forced-204":
            return "no update"
        case "binary-too-old":
            return f"needs {harmless(reason.args).get('min_binary_version', '?')}"
        case "pinned":
            return "pinned away"
    return "for nobody"
