"""The addresses that the plugin asks, to the letter: they stand in its errors, and in a server's log.

Written after what its `url` crate does (the WHATWG rules) for http and https, as far as addresses in configs and
manifests go: no host is turned into punycode and no address of IPv4 is rewritten.
"""

from __future__ import annotations

import re
from urllib.parse import quote, quote_plus

PLACEHOLDER = "{{current_sequence}}"
"""What stands for the sequence in an endpoint (contract, "Endpoint")."""


class BadUrl(ValueError):
    """No address can be read from a text; `str()` is what the `url` crate says of it."""


def check_url(
    endpoint: str, *, sequence: int, binary_version: str, platform: str, arch: str, channel: str | None
) -> str:
    """The address of a check (plugin: resolver.rs, `HttpResolver`). BadUrl where the endpoint is none.

    What the endpoint has as its query stays before what is appended. A channel is sent where one is set, "" too.
    """
    read = read_url(endpoint.replace(PLACEHOLDER, str(sequence)))
    asked = [("binary_version", binary_version), ("platform", platform), ("arch", arch)]
    if channel is not None:
        asked.append(("channel", channel))
    whole, _, fragment = read.partition("#")
    before, question, query = whole.partition("?")
    appended = "&".join(f"{name}={_form(value)}" for name, value in asked)
    joined = f"{before}?{query}&{appended}" if question and query else f"{before}?{appended}"
    return f"{joined}#{fragment}" if fragment else joined


def read_url(text: str) -> str:
    """An address as the `url` crate writes it. BadUrl where it can't be read.

    What is no http or https is given back as it is: no request can be made of it anyway.
    """
    # Blanks and controls around it, and tabs and line ends within, are taken away before anything else.
    text = re.sub("[\t\n\r]", "", text.strip("".join(map(chr, range(0x21)))))
    scheme, colon, rest = text.partition(":")
    if not colon or not re.fullmatch("[A-Za-z][A-Za-z0-9+.-]*", scheme):
        raise BadUrl("relative URL without a base")
    scheme = scheme.lower()
    if scheme not in _PORTS:
        return f"{scheme}:{rest}"
    rest, hash_, fragment = rest.partition("#")
    rest, question, query = rest.partition("?")
    authority, _, path = rest.replace("\\", "/").lstrip("/").partition("/")
    credentials, at, place = authority.rpartition("@")
    host, port = _host_and_port(place)
    shown = f"{scheme}://{credentials}{at}{host}" + (f":{port}" if port not in (None, _PORTS[scheme]) else "")
    shown += "/" + "/".join(_resolved(quote(path, safe=_PATH).split("/")))
    shown += f"?{quote(query, safe=_QUERY)}" if question else ""
    return shown + (f"#{fragment}" if hash_ else "")


_PORTS = {"http": 80, "https": 443}
# What the WHATWG rules leave as it is in each part; a percent sign stays, whatever stands behind it.
_PATH = "/!$%&'()*+,-.:;=@[]^_|~"
_QUERY = "/!$%&()*+,-.:;=?@[\\]^_`{|}~"


def _form(value: str) -> str:
    """A value as a form has it; Python's own leaves the tilde alone."""
    return quote_plus(value, safe="*").replace("~", "%7E")


def _host_and_port(place: str) -> tuple[str, int | None]:
    if place.startswith("[") and "]" not in place:
        raise BadUrl("invalid IPv6 address")
    found = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::(.*))?", place)
    if found is None:
        raise BadUrl("invalid port number")
    host, port = found[1].lower(), found[2]
    if not host:
        raise BadUrl("empty host")
    if re.search(r"[\0-\x20\x7f#%/<>?@\\^|]", host):
        raise BadUrl("invalid international domain name" if "%" not in host else "invalid domain character")
    if not port:
        return host, None
    if not re.fullmatch("[0-9]+", port) or int(port[:12]) > 65535:
        raise BadUrl("invalid port number")
    return host, int(port)


_HERE = (".", "%2e")
_ABOVE = ("..", ".%2e", "%2e.", "%2e%2e")


def _resolved(parts: list[str]) -> list[str]:
    """A path without `.` and `..`."""
    kept: list[str] = []
    for place, part in enumerate(parts):
        last = place == len(parts) - 1
        if part.lower() in _ABOVE:
            del kept[-1:]
        elif part.lower() not in _HERE:
            kept.append(part)
            continue
        if last:
            kept.append("")
    return kept
