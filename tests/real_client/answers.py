"""Answers to a check, and what the plugin makes of each: one table, held against our rules and the real plugin.

`tests/unit/test_plugin.py` asks `hotswap_dev.domain.plugin`, `test_verdict.py` the real one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hotswap_dev.domain.plugin import Verdict

MANIFEST: dict[str, Any] = {
    "version": "0.1.0-ota.7",
    "sequence": 7,
    "min_binary_version": "0.1.0",
    "url": "http://127.0.0.1:9/bundle.tar.gz",
    "signature": "untrusted comment: x",
}
REQUIRED = ("version", "sequence", "min_binary_version", "url", "signature")

NO_CONTENT = Verdict("not-available", ("check-start", "check-complete"), dropped="no-content")
BINARY_TOO_OLD = Verdict("not-available", ("check-start", "check-complete"), dropped="binary-too-old")
NOT_NEWER = Verdict("not-available", ("check-start", "check-complete"), dropped="not-newer")
AVAILABLE = Verdict("available", ("check-start", "check-complete"))
INVALID = Verdict(
    "error", ("check-start", "check-error"), text="invalid manifest: error decoding response body"
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """An answer, the client that gets it, and what its page is told."""

    name: str
    expected: Verdict
    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    sequence: int = 0
    binary_version: str = "0.1.0"


def manifest(**changes: Any) -> bytes:
    """The good manifest with fields changed; `without` names one that is left out."""
    left_out = changes.pop("without", None)
    fields = {**MANIFEST, **changes}
    return json.dumps({name: value for name, value in fields.items() if name != left_out}).encode()


def http_error(status: int) -> Verdict:
    return Verdict("error", ("check-start", "check-error"), text=f"HTTP {status}: update check failed")


def bad_minimum(objection: str) -> Verdict:
    return Verdict("error", ("check-start",), text=f"version error: invalid min_binary_version: {objection}")


def bad_binary(objection: str) -> Verdict:
    return Verdict("error", ("check-start",), text=f"version error: invalid binary version: {objection}")


_GOOD = manifest()
_IN_ORDER_OF_THE_STRUCT = [
    MANIFEST[name] for name in ("version", "sequence", "url", "signature", "min_binary_version")
]

STATUSES = [
    Row(name="204", status=204, expected=NO_CONTENT),
    Row(name="200", body=_GOOD, expected=AVAILABLE),
    Row(name="200 as text/html", body=_GOOD, content_type="text/html", expected=AVAILABLE),
    Row(name="201 with a manifest", status=201, body=_GOOD, expected=AVAILABLE),
    Row(name="205 with a manifest", status=205, body=_GOOD, expected=AVAILABLE),
    Row(name="205", status=205, expected=INVALID),
    Row(name="206 with a manifest", status=206, body=_GOOD, expected=AVAILABLE),
    Row(name="304", status=304, expected=http_error(304)),
    Row(name="302 without a Location", status=302, body=_GOOD, expected=http_error(302)),
    Row(name="400", status=400, body=b'{"title": "no"}', expected=http_error(400)),
    Row(name="401", status=401, expected=http_error(401)),
    Row(name="404 with a manifest", status=404, body=_GOOD, expected=http_error(404)),
    Row(name="500", status=500, body=b"oh no", expected=http_error(500)),
    Row(name="503", status=503, expected=http_error(503)),
]

BODIES = [
    Row(name="HTML", body=b"<!doctype html><p>Hello", content_type="text/html", expected=INVALID),
    Row(name="empty", expected=INVALID),
    Row(name="null", body=b"null", expected=INVALID),
    Row(name="no fields", body=b"{}", expected=INVALID),
    Row(name="half", body=_GOOD[:-10], expected=INVALID),
    Row(name="something behind it", body=_GOOD + b" x", expected=INVALID),
    Row(name="blanks around it", body=b" \r\n\t" + _GOOD + b"\n ", expected=AVAILABLE),
    Row(name="a byte order mark", body=b"\xef\xbb\xbf" + _GOOD, expected=INVALID),
    Row(name="UTF-16", body=_GOOD.decode().encode("utf-16"), expected=INVALID),
    Row(
        name="Latin-1",
        body=manifest(notes="_").replace(b'"_"', '"é"'.encode("latin-1")),
        expected=INVALID,
    ),
    Row(name="an unknown field", body=manifest(rollout={"percent": [1, 2.5]}), expected=AVAILABLE),
    Row(name="NaN in an unknown field", body=manifest(x=float("nan")), expected=INVALID),
    Row(name="a field twice", body=_GOOD[:-1] + b', "sequence": 7}', expected=INVALID),
    Row(name="an unknown field twice", body=_GOOD[:-1] + b', "x": 1, "x": 2}', expected=AVAILABLE),
    Row(
        name="an array in the struct's order",
        body=json.dumps(_IN_ORDER_OF_THE_STRUCT).encode(),
        expected=AVAILABLE,
    ),
    Row(name="an array too short", body=json.dumps(_IN_ORDER_OF_THE_STRUCT[:-1]).encode(), expected=INVALID),
    Row(
        name="an array too long",
        body=json.dumps([*_IN_ORDER_OF_THE_STRUCT, None, None, None, None, None]).encode(),
        expected=INVALID,
    ),
    *(Row(name=f"no {name}", body=manifest(without=name), expected=INVALID) for name in REQUIRED),
    *(Row(name=f"{name} null", body=manifest(**{name: None}), expected=INVALID) for name in REQUIRED),
    Row(name="version a number", body=manifest(version=1), expected=INVALID),
    Row(name="version empty", body=manifest(version=""), expected=AVAILABLE),
    Row(name="mandatory yes", body=manifest(mandatory="yes"), expected=INVALID),
    Row(name="mandatory 1", body=manifest(mandatory=1), expected=INVALID),
    Row(name="mandatory true", body=manifest(mandatory=True), expected=AVAILABLE),
    Row(
        name="optionals null",
        body=manifest(notes=None, pub_date=None, mandatory=None, bundle_size=None),
        expected=AVAILABLE,
    ),
    Row(name="notes a number", body=manifest(notes=5), expected=INVALID),
    Row(name="notes with half a surrogate pair", body=manifest(notes="\ud800"), expected=INVALID),
    Row(name="notes with a surrogate pair", body=manifest(notes="\U0001f600"), expected=AVAILABLE),
    Row(name="pub_date any text", body=manifest(pub_date="tomorrow"), expected=AVAILABLE),
    Row(name="bundle_size -1", body=manifest(bundle_size=-1), expected=INVALID),
    Row(name="bundle_size 1.5", body=manifest(bundle_size=1.5), expected=INVALID),
    Row(name="bundle_size 2^64", body=manifest(bundle_size=2**64), expected=INVALID),
    Row(name="sequence 7.0", body=manifest(sequence=7.0), expected=INVALID),
    Row(name="sequence 7e0", body=_GOOD.replace(b'"sequence": 7', b'"sequence": 7e0'), expected=INVALID),
    Row(name="sequence 07", body=_GOOD.replace(b'"sequence": 7', b'"sequence": 07'), expected=INVALID),
    Row(name="sequence -0", body=_GOOD.replace(b'"sequence": 7', b'"sequence": -0'), expected=INVALID),
    Row(name="sequence -1", body=manifest(sequence=-1), expected=INVALID),
    Row(name="sequence as text", body=manifest(sequence="7"), expected=INVALID),
    Row(name="sequence true", body=manifest(sequence=True), expected=INVALID),
    Row(name="sequence 2^64-1", body=manifest(sequence=2**64 - 1), expected=AVAILABLE),
    Row(name="sequence 2^64", body=manifest(sequence=2**64), expected=INVALID),
]

RULES = [
    Row(name="sequence 0", body=manifest(sequence=0), expected=NOT_NEWER),
    Row(name="above the current one", body=manifest(sequence=6), sequence=5, expected=AVAILABLE),
    Row(name="the current one", body=manifest(sequence=5), sequence=5, expected=NOT_NEWER),
    Row(name="below the current one", body=manifest(sequence=4), sequence=5, expected=NOT_NEWER),
    Row(name="min above the binary", body=manifest(min_binary_version="0.1.1"), expected=BINARY_TOO_OLD),
    Row(name="min below the binary", body=manifest(min_binary_version="0.0.9"), expected=AVAILABLE),
    Row(
        name="min above the binary, and not newer",
        body=manifest(min_binary_version="0.1.1", sequence=0),
        expected=BINARY_TOO_OLD,
    ),
    Row(
        name="a pre-release is below its release",
        body=_GOOD,
        binary_version="0.1.0-rc.1",
        expected=BINARY_TOO_OLD,
    ),
    Row(
        name="build metadata counts",
        body=manifest(min_binary_version="0.1.0+5"),
        expected=BINARY_TOO_OLD,
    ),
    Row(
        name="min latest",
        body=manifest(min_binary_version="latest"),
        expected=bad_minimum("unexpected character 'l' while parsing major version number"),
    ),
    Row(
        name="min empty",
        body=manifest(min_binary_version=""),
        expected=bad_minimum("empty string, expected a semver version"),
    ),
    Row(
        name="min that can't be read, and not newer",
        body=manifest(min_binary_version="1", sequence=0),
        expected=bad_minimum("unexpected end of input while parsing major version number"),
    ),
    Row(
        name="an app without version",
        body=_GOOD,
        binary_version="",
        expected=bad_binary("empty string, expected a semver version"),
    ),
    Row(
        name="an app of version 1.0",
        body=_GOOD,
        binary_version="1.0",
        expected=bad_binary("unexpected end of input while parsing minor version number"),
    ),
    Row(
        name="both can't be read",
        body=manifest(min_binary_version="v1.0.0"),
        binary_version="1.0",
        expected=bad_minimum("unexpected character 'v' while parsing major version number"),
    ),
    Row(name="204 to an app without version", status=204, binary_version="", expected=NO_CONTENT),
]

ROWS = [*STATUSES, *BODIES, *RULES]

NOT_VERSIONS = [
    *(
        "1",
        "1.",
        "1.0",
        "1.0.",
        "01.0.0",
        "1.00.0",
        "1.0.007",
        "v1.0.0",
        " 1.0.0",
        "1.0.0 ",
        "1.0.0\n",
        "1,0,0",
    ),
    *(
        "1.0.0-",
        "1.0.0-.",
        "1.0.0-a..b",
        "1.0.0-a.",
        "1.0.0-01",
        "1.0.0-a.00",
        "1.0.0-é",
        "1.0.0-a_b",
        "1.0.0-a+",
    ),
    *(
        "1.0.0+",
        "1.0.0+.",
        "1.0.0+a..b",
        "1.0.0+a+b",
        "1.0.0+ä",
        "1.0.0.0",
        "1.0.0a",
        "1.0.0\0",
        "1.0.0'",
        "1.0.0\\",
    ),
    *(
        "é",
        "1.é",
        "1.0.é",
        "\u0661.0.0",
        "1.\t0.0",
        "\x7f",
        "\u200b",
        "-1.0.0",
        "*",
        "1.x.0",
        "latest",
        "^1.0.0",
    ),
    *("18446744073709551616.0.0", "1.99999999999999999999999.0", "1.0.18446744073709551616", '1.0.0"x'),
    "9" * 5_000 + ".0.0",
]

VERSIONS = [
    *(
        "0.0.0",
        "0.1.0-0",
        "0.1.0-1",
        "0.1.0-9",
        "0.1.0-10",
        "0.1.0-a",
        "0.1.0-a.1",
        "0.1.0-a.b",
        "0.1.0-ab",
        "0.1.0--",
    ),
    *(
        "0.1.0-ota.1",
        "0.1.0-ota.2",
        "0.1.0-ota.10",
        "0.1.0",
        "0.1.0+0",
        "0.1.0+00",
        "0.1.0+1",
        "0.1.0+01",
        "0.1.0+10",
    ),
    *(
        "0.1.0+a",
        "0.1.0+a.1",
        "0.1.0-rc.1+5",
        "0.1.0-99999999999999999999",
        "0.1.1",
        "0.2.0",
        "0.10.0",
        "1.0.0",
        "18446744073709551615.0.0",
    ),
]
