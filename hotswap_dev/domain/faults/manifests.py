"""What a manifest says where a fault bends it: the answer is well formed, its content is not right (design §7)."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from hotswap_dev.domain.faults import check
from hotswap_dev.domain.faults.check import ManifestFault
from hotswap_dev.domain.model import MAX_SEQUENCE, Manifest

NO_VERSION = "latest"
"""A minimum that is no version; a person would write it by mistake."""

ABOVE_EVERY_BINARY = f"{MAX_SEQUENCE}.0.0"
"""The highest major version that the plugin can read (Rust's semver: u64)."""

NEVER_A_BUNDLE = "missing"
"""Stands in a bundle's URL where eight hex digits do: no bundle is ever called so, whatever is published."""


def bent_manifest(
    fault: ManifestFault, manifest: Manifest, current_sequence: int, running: Manifest | None = None
) -> bytes:
    """The body of an offer with this fault in it; the rest of it is as it was.

    `current_sequence` is what the client says that it runs, `running` the manifest of that release: `stale-manifest`
    answers with it, and a ValueError where it is not given. A sequence is never below 0 (a u64 in the plugin):
    `lower-sequence` tells a client that runs the embedded page 0, which it drops as silently.
    """
    match fault:
        case check.MissingField():
            told = msgspec.to_builtins(manifest)
            del told[fault.field]
            return msgspec.json.encode(told)
        case check.StaleManifest():
            if running is None:
                raise ValueError(f"nothing is known of sequence {current_sequence}, which the client runs")
            bent = running
        case check.SameSequence():
            bent = replace(manifest, sequence=current_sequence)
        case check.LowerSequence():
            bent = replace(manifest, sequence=max(0, current_sequence - 1))
        case check.BadMinBinaryVersion():
            bent = replace(manifest, min_binary_version=NO_VERSION)
        case check.FutureMinBinaryVersion():
            bent = replace(manifest, min_binary_version=ABOVE_EVERY_BINARY)
        case check.InsecureUrl():
            bent = replace(manifest, url=urlsplit(manifest.url)._replace(scheme="http").geturl())
        case check.MissingBundle():
            bent = replace(manifest, url=_of_no_bundle(manifest.url))
        case _:
            raise TypeError(f"{fault.name} bends no manifest")
    return msgspec.json.encode(bent)


def _of_no_bundle(url: str) -> str:
    """The same address with another name; its ending stays: the plugin chooses zip or tar.gz by it."""
    folder, _, name = url.rpartition("/")
    _, dot, ending = name.partition(".")
    return f"{folder}/{NEVER_A_BUNDLE}{dot}{ending}"
