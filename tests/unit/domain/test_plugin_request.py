"""The addresses of checks, to the letter. The real plugin is asked about more in test_reference_rules.py."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.domain.plugin.request import BadUrl, check_url, read_url

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)


def asked(endpoint: str, channel: str | None = None, binary_version: str = "0.1.0") -> str:
    return check_url(
        endpoint, sequence=7, binary_version=binary_version, platform="linux", arch="x86_64", channel=channel
    )


OWN = "binary_version=0.1.0&platform=linux&arch=x86_64"


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("http://h/{{current_sequence}}", f"http://h/7?{OWN}"),
        ("http://h", f"http://h/?{OWN}"),
        ("HTTPS://H:443/x", f"https://h/x?{OWN}"),
        ("http://h:80/x?", f"http://h/x?{OWN}"),
        ("http://h:8080/x?a=b", f"http://h:8080/x?a=b&{OWN}"),
        ("http://h/x?s={{current_sequence}}#there", f"http://h/x?s=7&{OWN}#there"),
        ("http://h/a/../b/./c d", f"http://h/b/c%20d?{OWN}"),
        ("http://[::1]:3333/", f"http://[::1]:3333/?{OWN}"),
        (" http://h/\n", f"http://h/?{OWN}"),
    ],
)
def test_what_the_plugin_says_of_itself_is_appended(endpoint: str, url: str) -> None:
    assert asked(endpoint) == url


def test_a_channel_is_sent_where_one_is_set_the_empty_one_too() -> None:
    assert asked("http://h/", "a b&c=~é") == f"http://h/?{OWN}&channel=a+b%26c%3D%7E%C3%A9"
    assert asked("http://h/", "") == f"http://h/?{OWN}&channel="


@pytest.mark.parametrize(
    ("text", "objection"),
    [
        ("nowhere", "relative URL without a base"),
        ("//h/", "relative URL without a base"),
        ("http://", "empty host"),
        ("http://h:99999/", "invalid port number"),
        ("http://[::1/", "invalid IPv6 address"),
    ],
)
def test_what_is_no_address_is_refused(text: str, objection: str) -> None:
    with pytest.raises(BadUrl, match=objection):
        read_url(text)


@given(channel=TEXT, version=TEXT)
def test_whatever_is_sent_is_read_back_as_it_was(channel: str, version: str) -> None:
    query = urlsplit(asked("http://h/", channel, version)).query

    read = dict(parse_qsl(query, keep_blank_values=True, strict_parsing=True))

    assert (read["channel"], read["binary_version"]) == (channel, version)


@given(TEXT)
def test_an_address_that_was_read_is_read_as_itself(path: str) -> None:
    once = read_url(f"http://h/{path}")

    assert read_url(once) == once
