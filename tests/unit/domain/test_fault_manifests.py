"""Manifests that a fault bends: the one thing is wrong that it names, and nothing else (design §7)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev import wire
from hotswap_dev.domain.faults import Fault, check, every_fault
from hotswap_dev.domain.faults.check import ManifestFault
from hotswap_dev.domain.faults.manifests import bent_manifest
from hotswap_dev.domain.model import MAX_SEQUENCE, Manifest
from hotswap_dev.domain.plugin.check import Answered, read_manifest, verdict

REQUIRED: tuple[Any, ...] = ("version", "sequence", "min_binary_version", "url", "signature")

sequences = st.integers(0, MAX_SEQUENCE)
manifests = st.builds(
    Manifest,
    version=st.text(),
    sequence=st.integers(1, MAX_SEQUENCE),
    min_binary_version=st.sampled_from(["0.1.0", "2.0.0-rc.1"]),
    url=st.sampled_from(
        [
            "http://127.0.0.1:3333/bundles/0123456789/7/0a1b2c3d.tar.gz",
            "https://updates.example:8443/bundles/-/7/0a1b2c3d.zip",
            "http://[::1]:3333/bundles/0123456789/7/0a1b2c3d.tar.gz",
        ]
    ),
    signature=st.text(),
    notes=st.none() | st.text(),
    mandatory=st.none() | st.booleans(),
    bundle_size=st.none() | st.integers(0, 10**9),
)


def offered(**changes: Any) -> Manifest:
    return Manifest(
        **{
            "version": "0.1.0-ota.7",
            "sequence": 7,
            "min_binary_version": "0.1.0",
            "url": "https://updates.example/bundles/0123456789/7/0a1b2c3d.tar.gz",
            "signature": "untrusted comment: …",
            "notes": "seven",
            "mandatory": True,
            "bundle_size": 1000,
            **changes,
        }
    )


def differences(fault: ManifestFault, manifest: Manifest, current: int = 3, **running: Any) -> dict[str, Any]:
    """What is told otherwise than without the fault; None where it is not told."""
    plain = json.loads(wire.encode_manifest(manifest))
    bent = json.loads(bent_manifest(fault, manifest, current, **running))
    return {name: bent.get(name) for name in plain | bent if plain.get(name) != bent.get(name)}


@given(manifest=manifests, field=st.sampled_from(REQUIRED))
def test_a_missing_field_is_the_only_one_that_is_not_there(manifest: Manifest, field: Any) -> None:
    plain = json.loads(wire.encode_manifest(manifest))
    bent = json.loads(bent_manifest(check.MissingField(field=field), manifest, 3))

    assert bent == {name: value for name, value in plain.items() if name != field}
    assert field in plain


def test_every_field_that_the_plugin_requires_can_be_missing() -> None:
    for field in REQUIRED:
        assert read_manifest(bent_manifest(check.MissingField(field=field), offered(), 3)) is None
    assert read_manifest(wire.encode_manifest(offered())) is not None


def test_a_stale_manifest_is_that_of_what_the_client_runs() -> None:
    running = offered(sequence=3, version="0.1.0-ota.3", notes=None)

    assert bent_manifest(check.StaleManifest(), offered(), 3, running) == wire.encode_manifest(running)
    with pytest.raises(ValueError, match="sequence 3"):
        bent_manifest(check.StaleManifest(), offered(), 3)


@given(manifest=manifests, current=sequences)
def test_same_and_lower_sequences_are_not_newer_and_change_nothing_else(
    manifest: Manifest, current: int
) -> None:
    same = json.loads(bent_manifest(check.SameSequence(), manifest, current))
    lower = json.loads(bent_manifest(check.LowerSequence(), manifest, current))

    assert same["sequence"] == current
    assert lower["sequence"] == max(0, current - 1)
    for bent in (same, lower):
        assert bent | {"sequence": manifest.sequence} == json.loads(wire.encode_manifest(manifest))
    for fault in (check.SameSequence(), check.LowerSequence()):
        read = read_manifest(bent_manifest(fault, manifest, current))
        assert verdict(Answered(200, read), sequence=current, binary_version="9.9.9").dropped == "not-newer"


def test_a_bad_minimum_is_no_version_to_the_plugin() -> None:
    assert differences(check.BadMinBinaryVersion(), offered()) == {"min_binary_version": "latest"}
    read = read_manifest(bent_manifest(check.BadMinBinaryVersion(), offered(), 3))
    told = verdict(Answered(200, read), sequence=3, binary_version="0.1.0").text
    assert told is not None
    assert told.startswith("version error: invalid min_binary_version: ")


@pytest.mark.parametrize("binary", ["0.1.0", "999.0.0", "20261231.0.0", f"{MAX_SEQUENCE - 1}.999.999"])
def test_a_future_minimum_is_above_every_binary_and_can_be_read(binary: str) -> None:
    assert set(differences(check.FutureMinBinaryVersion(), offered())) == {"min_binary_version"}
    read = read_manifest(bent_manifest(check.FutureMinBinaryVersion(), offered(), 3))
    assert verdict(Answered(200, read), sequence=3, binary_version=binary).dropped == "binary-too-old"


@pytest.mark.parametrize(
    ("url", "insecure"),
    [
        ("https://updates.example/b/1.tar.gz", "http://updates.example/b/1.tar.gz"),
        ("https://updates.example:8443/b/1.zip", "http://updates.example:8443/b/1.zip"),
        ("https://[::1]:3333/b/1.tar.gz", "http://[::1]:3333/b/1.tar.gz"),
        ("http://127.0.0.1:3333/b/1.tar.gz", "http://127.0.0.1:3333/b/1.tar.gz"),
    ],
)
def test_an_insecure_url_is_the_same_address_by_http(url: str, insecure: str) -> None:
    bent = json.loads(bent_manifest(check.InsecureUrl(), offered(url=url), 3))
    assert bent["url"] == insecure


@given(manifest=manifests)
def test_a_missing_bundle_is_a_name_beside_it_that_no_bundle_ever_has(manifest: Manifest) -> None:
    told = differences(check.MissingBundle(), manifest)

    folder, _, name = manifest.url.rpartition("/")
    assert told == {"url": f"{folder}/missing.{name.partition('.')[2]}"}


def test_every_fault_that_bends_a_manifest_bends_this_one_or_says_why_not() -> None:
    running = offered(sequence=3)
    kinds = [kind for kind in every_fault().values() if issubclass(kind, ManifestFault)]
    assert len(kinds) >= 8
    for kind in kinds:
        assert bent_manifest(kind(), offered(), 3, running) != wire.encode_manifest(offered()), kind


def test_a_fault_that_bends_no_manifest_is_refused() -> None:
    fault: Fault = check.HtmlPage()
    with pytest.raises(TypeError, match="html-page"):
        bent_manifest(fault, offered(), 3)  # type: ignore[arg-type] # on purpose
