"""Requests that worked against other servers: what each test of a site's defences sends."""

from __future__ import annotations

from collections.abc import Mapping


def ways_to_a_file(name: str) -> list[str]:
    """Ways into a folder that worked elsewhere: Vite, aiohttp, NTFS, 8.3 names, encodings (hardening B1).

    `name` is a published one, `HASH8.tar.gz`: every line is near it, and none is it.
    """
    hash8 = name.split(".")[0]
    other = "0" * 8
    names = [
        f"{name}/",
        f"{name}/.",
        f"{name}/..",
        f"./../{name}",
        f"{name}%00",
        f"{name}%00.png",
        f"{name}.",
        f"{name}%20",
        f"%20{name}",
        f"{name}::$DATA",
        f"{name}:stream",
        f"{name}~1",
        f"{hash8[:6]}~1.GZ",
        f"{name}.gz",
        f"{name}.br",
        f"{hash8}.tar",
        f"{hash8}.zip",
        f"{hash8}.tgz",
        f"{hash8}.files.json",
        f"{hash8}",
        f"{hash8}*",
        f"{hash8}.tar.gz;a=b",
        f"{hash8.upper() if hash8 != hash8.upper() else hash8 + 'A'}.tar.gz",
        f"{hash8}.TAR.GZ",
        f"{other}.tar.gz",
        "..",
        "../",
        "../secret",
        "..%2fsecret",
        "%2e%2e",
        "%2e%2e/secret",
        "%2e%2e%2fsecret",
        "%252e%252e%252fsecret",
        "..%5csecret",
        "..\\secret",
        "%c0%ae%c0%ae%c0%afsecret",
        "%uff0e%uff0e/secret",
        "....//secret",
        ".%2e/secret",
        "..;/secret",
        "%ff",
        "%ed%a0%80",
        "A" * 4000,
    ]
    return [
        *(f"/bundles/-/1/{one}" for one in names),
        f"/bundles/-/01/{name}",
        f"/bundles/-/0/{name}",
        f"/bundles/-/2/{name}",
        f"/bundles/-/-1/{name}",
        f"/bundles/-/%D9%A1/{name}",
        f"/bundles/-/1_0/{name}",
        f"/bundles/-/18446744073709551617/{name}",
        f"/bundles/-//{name}",
        f"/bundles//1/{name}",
        f"/bundles/1/{name}",
        f"/bundles/{name}",
        "/bundles/",
        "/bundles",
        "/bundles/-/1/",
        f"/BUNDLES/-/1/{name}",
        f"/api/../bundles/-/1/{name}/x",
        "/@fs/etc/passwd",
        "/etc/passwd",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/static/../../etc/passwd",
        "/index.html?raw??",
        "/file:///etc/passwd",
    ]


FOREIGN_PAGES: Mapping[str, Mapping[str, str]] = {
    "another site": {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    "another site without an origin": {"Sec-Fetch-Site": "cross-site"},
    "another port of this machine": {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:5173"},
    "a browser without Sec-Fetch": {"Origin": "https://evil.example"},
    "a sandboxed frame": {"Origin": "null"},
    "a page at an address": {"Origin": "http://192.168.1.5"},
    "a page at this address": {"Origin": "http://127.0.0.1"},
    "a page at an IPv6 address": {"Origin": "http://[::1]"},
    "the same over TLS": {"Origin": "OWN-TLS"},
    "a liar": {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"},
    "an empty origin": {"Origin": ""},
    "a strange site": {"Sec-Fetch-Site": "SAME-ORIGIN"},
    "an app": {"Origin": "tauri://localhost"},
}
"""The headers of a page that is not the control site's own (hardening A5, A6); OWN-TLS is its own origin over https."""
