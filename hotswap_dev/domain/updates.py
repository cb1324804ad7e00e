"""The second protocol's documents: what its clients ask, are told and report (contract, update-server-protocol).

A document that can't be answered is a `BadCheck` that names the field, the value and an example. What merely deviates
is answered, or recorded, and flagged. JSON comes here decoded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct

from hotswap_dev.domain.checks import PLATFORMS, BadCheck, Check, client_id, is_loopback
from hotswap_dev.domain.controls import Controls
from hotswap_dev.domain.model import DEFAULT_CHANNEL, MAX_SEQUENCE, Bundle, Release
from hotswap_dev.domain.text import shown
from hotswap_dev.domain.versions import MAX_LENGTH, is_version

MOST_TYPES = 64
"""Update types that one answer lists and one completion may report: of more, those with the newest releases."""

HASH_FUNCTION = "sha512"
"""What the contract's examples say; a client that was written from them may know no other."""

EXAMPLE = '{"product": "my-app", "version": 0, "platform": "macOS", "locale": "en-US"}'
COMPLETION_EXAMPLE = '{"updates": {"frontend": {"status": "success", "version": "1.0"}}, "request_id": "…"}'

NOT_REPORTED = "not-reported"
"""The status of an update that was offered and that a completion says nothing of."""

_LONGEST_PRODUCT = 256
_LONGEST_ID = 1000


class Asked(Struct, frozen=True, kw_only=True):
    """A question as its document has it. The version is a sequence, or a text whose meaning the releases decide."""

    product: str
    version: int | str
    platform: str
    flags: tuple[str, ...] = ()


class Update(Struct, frozen=True, kw_only=True):
    """One entry of the list that a client is told (contract, "Protocol"); `size` is in bytes."""

    update_type: str
    url: str
    hash_function: str
    hash_value: str
    size: int
    version: str


class Reported(Struct, frozen=True, kw_only=True):
    """What a completion says of one update. None is what it does not say, or not readably; `flags` tells which.

    Texts are as `text.shown` makes them, but for the hash's, which are compared and kept nowhere.
    """

    update_type: str
    status: str
    version: str | None = None
    detail: str = ""
    hash_function: str | None = None
    hash_value: str | None = None
    size: int | None = None
    flags: tuple[str, ...] = ()


class Completion(Struct, frozen=True, kw_only=True):
    """What became of the updates of one answer. `request_id` is "" where it has none."""

    request_id: str
    updates: tuple[Reported, ...]


def is_completion(document: object) -> bool:
    """Whether a document is a completion and no question: the contract names no path for either."""
    if not isinstance(document, dict):
        return False
    return "updates" in document or ("request_id" in document and "product" not in document)


def read_asked(document: object) -> Asked | BadCheck:
    """Read a question's document; the BadCheck names no client yet."""
    if not isinstance(document, dict):
        return bad("body", document, "a JSON object, or a form with one in a field", EXAMPLE)
    product, version, platform = (document.get(name) for name in ("product", "version", "platform"))
    if not isinstance(product, str) or not product or len(product) > _LONGEST_PRODUCT:
        expected = f"a text of 1 to {_LONGEST_PRODUCT} characters"
        return bad("product", product, expected, '"product": "my-app"')
    if isinstance(version, bool) or not isinstance(version, int | str):
        return bad("version", version, _VERSION, '"version": 12')
    if isinstance(version, int) and not 0 <= version <= MAX_SEQUENCE:
        return bad("version", version, f"as a number one from 0 to {MAX_SEQUENCE}", '"version": 12')
    if isinstance(version, str) and not 0 < len(version) <= MAX_LENGTH:
        return bad("version", version, f"as a text one of 1 to {MAX_LENGTH} characters", '"version": "0.1.0"')
    if not isinstance(platform, str) or not platform:
        return bad("platform", platform, "one of " + ", ".join(PLATFORMS), '"platform": "macOS"')
    platform = platform.lower()
    locale = document.get("locale")
    flags = (
        *(() if platform in PLATFORMS else ("platform-unknown",)),
        *(() if isinstance(locale, str) and locale else ("locale-missing",)),
    )
    return Asked(product=product, version=version, platform=platform, flags=flags)


def check_of(
    asked: Asked,
    controls: Controls,
    *,
    device: str | None,
    peer: str,
    headers: Mapping[str, str],
) -> Check | BadCheck:
    """The check that a question means (interface, "update-server protocol").

    `device` is the id header's value if it was sent, `peer` the address that asked, `headers` are those of
    `Check.headers`. A version that names a release is its sequence, in the product's own channel first: the highest,
    where a re-offer repeats it. Any other text is the binary's version, which then runs nothing from here.
    """
    client = update_client(device, peer=peer, platform=asked.platform)
    channel = controls.products.get(asked.product)
    binary_version = None
    if isinstance(asked.version, int):
        sequence = asked.version
    else:
        named = _sequence_named(controls, asked.version, channel or DEFAULT_CHANNEL)
        if named is None and not is_version(asked.version):
            return bad("version", asked.version, _VERSION, '"version": "0.1.0"', client=client)
        sequence = named or 0
        binary_version = asked.version if named is None else None
    return Check(
        client=client,
        sequence=sequence,
        binary_version=binary_version,
        platform=asked.platform,
        arch="",
        channel=channel,
        flags=asked.flags,
        headers=headers,
        protocol="update-server",
    )


def update_client(device: str | None, *, peer: str, platform: str) -> str:
    """Who asks: the id that it sends, else where it asks from and what it runs on; this protocol has no arch.

    Platforms that nobody knows share one client at each address: whoever invents them fills no table.
    """
    here = "local" if is_loopback(peer) else peer
    known = platform if platform in PLATFORMS else "?"
    return client_id(device or f"{here}/{known}", peer=peer, platform=known, arch="")


def update_of(release: Release, *, url: str, hash_value: str) -> Update:
    """How a release stands in the list; `hash_value` is its bundle's, by `HASH_FUNCTION`, as hex digits."""
    return Update(
        update_type=release.update_type,
        url=url,
        hash_function=HASH_FUNCTION,
        hash_value=hash_value,
        size=release.bundle.size,
        version=release.version,
    )


def read_completion(document: object) -> Completion | BadCheck:
    """Read a completion's document. Refused is only what reports nothing: all else is kept, and flagged."""
    if not isinstance(document, dict):
        return bad("body", document, "a JSON object, or a form with one in a field", COMPLETION_EXAMPLE)
    updates = document.get("updates")
    if not isinstance(updates, dict) or not 0 < len(updates) <= MOST_TYPES:
        expected = f"an object of 1 to {MOST_TYPES} updates by their types"
        return bad("updates", updates, expected, COMPLETION_EXAMPLE)
    request_id = document.get("request_id")
    return Completion(
        request_id=shown(request_id, _LONGEST_ID) if isinstance(request_id, str) else "",
        updates=tuple(_reported(str(kind), said) for kind, said in updates.items()),
    )


def mismatches(
    reported: Reported, bundle: Bundle, *, sha512: str | None, version_fits: bool
) -> tuple[str, ...]:
    """Flags for what a report says otherwise than it was: its version, its hash, its size.

    `bundle` is the one that was offered; `sha512` is None where it can't be known any more, because its bytes are gone.
    `version_fits` is whether the reported version is one that it was offered as.
    """
    flags = []
    if reported.version is not None and not version_fits:
        flags.append("version-mismatch")
    if reported.hash_value is not None:
        function = (reported.hash_function or HASH_FUNCTION).lower().replace("-", "")
        right = {"sha512": sha512, "sha256": bundle.hash}.get(function)
        if right is None:
            flags.append("hash-unchecked")
        elif reported.hash_value.lower() != right:
            flags.append("hash-mismatch")
    if reported.size is not None and reported.size != bundle.size:
        flags.append("size-mismatch")
    return tuple(flags)


def left_out(completion: Completion, offered: Iterable[str]) -> tuple[Reported, ...]:
    """The updates that were offered and that a completion says nothing of."""
    said = {one.update_type for one in completion.updates}
    return tuple(
        Reported(update_type=kind, status=NOT_REPORTED, flags=(NOT_REPORTED,))
        for kind in offered
        if kind not in said
    )


def bad(parameter: str, value: object, expected: str, example: str, *, client: str = "") -> BadCheck:
    """A document that can't be answered; `value` is of any JSON."""
    return BadCheck(
        client=client, parameter=parameter, value=_worded(value), expected=expected, example=example
    )


_VERSION = "the sequence as a number, a release's version or the app's own as a text"
_WORDS: Mapping[type, str] = {dict: "an object", list: "an array", bool: "true or false", type(None): ""}


def _worded(value: object) -> str:
    return _WORDS.get(type(value)) or shown(str("" if value is None else value))


def _sequence_named(controls: Controls, version: str, channel: str) -> int | None:
    """The highest sequence whose release has this version: in the channel, and only else in any other."""
    known = controls.channels.get(channel)
    here = known.releases if known else ()
    return max(
        (one for one in here if controls.releases[one].version == version),
        default=max(
            (one.sequence for one in controls.releases.values() if one.version == version), default=None
        ),
    )


def _reported(kind: str, said: object) -> Reported:
    kind = shown(kind)
    if not isinstance(said, dict):
        return Reported(update_type=kind, status="", flags=("malformed",))
    flags: list[str] = []

    def text(name: str) -> str | None:
        value = said.get(name)
        if value is not None and not isinstance(value, str):
            flags.append("malformed")
        return value if isinstance(value, str) and value else None

    status, version, reason = text("status"), text("version"), text("reason")
    hash_function, hash_value = text("hash_function"), text("hash_value")
    size = said.get("size")
    if size is not None and (isinstance(size, bool) or not isinstance(size, int)):
        flags.append("malformed")
        size = None
    if status not in ("success", "failed"):
        flags.append("missing-status" if status is None else "unknown-status")
    if version is None:
        flags.append("missing-version")
    if status == "failed":
        # The contract's success has neither reason nor hash nor size, its failure has all of them.
        given = {"reason": reason, "hash": hash_value, "size": size}
        flags += [f"missing-{name}" for name, value in given.items() if value is None]
    return Reported(
        update_type=kind,
        status=shown(status or ""),
        version=None if version is None else shown(version),
        detail=shown(reason or ""),
        hash_function=hash_function,
        hash_value=hash_value,
        size=size,
        flags=tuple(dict.fromkeys(flags)),
    )
