"""Signatures and public keys of every kind: taken, or refused in the words of the real one."""

from __future__ import annotations

import pytest
from minisign import KeyPair

from tests.real_client.reference import GOOD, KEY, Pairing, TwoSided, offered, serving
from tests.real_client.reference import pair_fixture as pair_fixture
from tests.real_client.reference import server_fixture as server_fixture
from tests.real_client.scripted_server import (
    in_base64,
    public_line,
    signed,
)

_SIGNED = signed(KEY, GOOD)
_LINES = _SIGNED.split("\n")


# --- signatures ------------------------------------------------------------------------------------------------------

SIGNATURES = {
    "good": _SIGNED,
    "good in base64": in_base64(_SIGNED),
    "good in base64 with blanks around it": f" {in_base64(_SIGNED)}\r\n",
    "good without its last newline": _SIGNED.rstrip("\n"),
    "good with carriage returns": _SIGNED.replace("\n", "\r\n"),
    "good with more behind it": _SIGNED + "more\n",
    "another first line": _SIGNED.replace(_LINES[0], "untrusted comment:"),
    "another key": signed(KeyPair.generate(), GOOD),
    "legacy": signed(KEY, GOOD, prehash=False),
    "another key's legacy": signed(KeyPair.generate(), GOOD, prehash=False),
    "another file's": signed(KEY, GOOD + b"x"),
    "trusted comment changed": _SIGNED.replace("trusted comment: ", "trusted comment: x", 2),
    "without the fourth line": "\n".join(_LINES[:3]),
    "without the third line": "\n".join((_LINES[0], _LINES[1], _LINES[3])),
    "only its second line": _LINES[1],
    "a line too much": "\n" + _SIGNED,
    "second line cut": _SIGNED.replace(_LINES[1], _LINES[1][:-4]),
    "second line of another kind": _SIGNED.replace(_LINES[1], "QQ" + _LINES[1][2:]),
    "empty": "",
    "blank": "  \n",
    "rubbish": "rubbish!",
    "rubbish without a bad letter": "rubbish",
    "base64 of rubbish": in_base64("rubbish"),
    "base64 of no text": in_base64(b"\xff\xfe\x00"),
    "base64 of half a text": in_base64("é".encode()[:1]),
    "base64 of half a text within": in_base64(b"ab\xe2\x82c"),
    "base64 of a surrogate": in_base64(b"x\xed\xa0\x80"),
    **{
        f"no base64: {text!r}": text
        for text in (
            *(
                "A",
                "AA",
                "AAA",
                "AAAAA",
                "AA=",
                "A=",
                "=",
                "====",
                "AA==AA==",
                "AAA=A",
                "AAAA=",
                "AB==",
                "AAB=",
            ),
            *(
                "AA\nAA",
                "AAé=",
                "A" * 33,
                "A" * 40 + "!",
                "!" + "A" * 40,
                "AAAA!",
                "AA=A",
                "A===",
                "AAAAAA=!",
            ),
        )
    },
}


@pytest.mark.parametrize("name", SIGNATURES)
async def test_a_signature_is_taken_or_refused_in_the_same_words(
    name: str, server: TwoSided, pair: Pairing
) -> None:
    both = await pair()
    serving(server, signature=SIGNATURES[name])
    await offered(both)

    said = await both.do("apply")

    assert said.signed == (said.error is None)
    assert said.events[0] == "download-start"


_LINE = public_line(KEY)


PUBKEYS = {
    "empty": "",
    "no base64": "x",
    "a letter": "é",
    "a newline": f"{_LINE}\n",
    "a space": f" {_LINE}",
    "cut by one": _LINE[:-1],
    "cut by four": _LINE[:-4],
    "longer": f"{_LINE}AAAA",
    "another kind": "QQ" + _LINE[2:],
    "prehashed by its own word": "RU" + _LINE[2:],
    "two lines": f"untrusted comment: x\n{_LINE}\n",
    "two lines in base64": in_base64(f"untrusted comment: x\n{_LINE}\n"),
}


@pytest.mark.parametrize("name", PUBKEYS)
async def test_a_pubkey_is_taken_or_refused_in_the_same_words(
    name: str, server: TwoSided, pair: Pairing
) -> None:
    both = await pair(pubkey=PUBKEYS[name])
    serving(server)
    await offered(both)

    await both.do("apply")
