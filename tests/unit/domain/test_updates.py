"""The second protocol's documents: read, judged, and bent by faults."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from hotswap_dev.domain.bent_updates import bent, strikes_updates
from hotswap_dev.domain.checks import BadCheck, Check
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.facts import ProductMapped
from hotswap_dev.domain.faults import every_fault, read_fault
from hotswap_dev.domain.model import MAX_SEQUENCE
from hotswap_dev.domain.updates import (
    HASH_FUNCTION,
    MOST_TYPES,
    NOT_REPORTED,
    Asked,
    Completion,
    Reported,
    Update,
    check_of,
    is_completion,
    left_out,
    mismatches,
    read_asked,
    read_completion,
    update_client,
    update_of,
)
from tests.unit.making import NOW, a_bundle, a_release, controls_with

CONTRACT_QUESTION = {"product": "your_app", "version": 666, "platform": "macOS", "locale": "en-US"}
CONTRACT_COMPLETION = {
    "updates": {
        "blocklist": {"status": "success", "version": "1.0"},
        "gecko_media_plugins": {
            "status": "failed",
            "reason": "bad checksum",
            "version": "2.0",
            "hash_function": "sha512",
            "hash_value": "abc123",
            "size": 1234,
        },
    },
    "request_id": "xyz321",
}
UPDATE = Update(
    update_type="frontend",
    url="https://ota.example/bundles/ab/7/01234567.tar.gz",
    hash_function="sha512",
    hash_value="ab" * 64,
    size=1000,
    version="1.0.0-ota.7",
)
SHA512 = "cd" * 64

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
)


def checked(version: int | str, controls: Controls, product: str = "your_app") -> Check:
    found = check_of(
        Asked(product=product, version=version, platform="macos"),
        controls,
        device=None,
        peer="::1",
        headers={},
    )
    assert isinstance(found, Check)
    return found


def test_the_contracts_own_question_is_read() -> None:
    assert read_asked(CONTRACT_QUESTION) == Asked(product="your_app", version=666, platform="macos")


def test_the_contracts_own_completion_is_read_without_a_flag() -> None:
    assert read_completion(CONTRACT_COMPLETION) == Completion(
        request_id="xyz321",
        updates=(
            Reported(update_type="blocklist", status="success", version="1.0"),
            Reported(
                update_type="gecko_media_plugins",
                status="failed",
                version="2.0",
                detail="bad checksum",
                hash_function="sha512",
                hash_value="abc123",
                size=1234,
            ),
        ),
    )


@given(json_values | st.fixed_dictionaries(dict.fromkeys(CONTRACT_QUESTION, json_values)))
def test_any_question_is_read_or_refused_by_the_name_of_a_field(document: Any) -> None:
    read = read_asked(document)

    if isinstance(read, BadCheck):
        assert read.parameter in ("body", "product", "version", "platform")
        assert read.value.isprintable()
        assert read.example
    else:
        assert read.product == document["product"]
        assert type(read.version) is type(document["version"])
        assert isinstance(read.version, str) or 0 <= read.version <= MAX_SEQUENCE
        assert read.platform == document["platform"].lower()


@given(json_values | st.fixed_dictionaries({"updates": json_values, "request_id": json_values}))
def test_any_completion_is_read_whole_or_refused(document: Any) -> None:
    read = read_completion(document)

    if isinstance(read, BadCheck):
        updates = document.get("updates") if isinstance(document, dict) else None
        assert not isinstance(updates, dict) or not 0 < len(updates) <= MOST_TYPES
    else:
        assert len(read.updates) == len(document["updates"])
        for one in read.updates:
            assert all(
                text.isprintable() for text in (one.update_type, one.status, one.detail, one.version or "")
            )
            assert bool(one.flags) == (
                one.status not in ("success", "failed")
                or one.version is None
                or (one.status == "failed" and not (one.detail and one.hash_value and one.size is not None))
                or "malformed" in one.flags
            )


@pytest.mark.parametrize(
    ("document", "completes"),
    [
        (CONTRACT_COMPLETION, True),
        (CONTRACT_QUESTION, False),
        ({"updates": {}}, True),
        ({"request_id": "x"}, True),
        ({**CONTRACT_QUESTION, "request_id": "x"}, False),
        ({}, False),
        ([], False),
        (None, False),
    ],
)
def test_a_completion_is_told_from_a_question_by_its_fields(document: object, completes: bool) -> None:
    assert is_completion(document) == completes


def test_a_number_is_a_sequence_with_an_unknown_binary() -> None:
    check = checked(3, controls_with(a_release(3)))

    assert (check.sequence, check.binary_version) == (3, None)
    assert (check.protocol, check.arch, check.channel) == ("update-server", "", None)


def test_a_version_of_a_release_is_the_highest_sequence_of_it_in_the_products_channel() -> None:
    controls = controls_with(
        a_release(1, version="2.0.0", channel="beta"),
        a_release(2, version="2.0.0"),
        a_release(3, version="2.0.0"),
        a_release(4, version="2.0.0", channel="beta"),
        a_release(5, version="3.0.0", channel="beta"),
    )
    mapped = apply(controls, ProductMapped(at=NOW, product="game", channel="beta"))

    assert checked("2.0.0", controls).sequence == 3
    assert checked("2.0.0", mapped, product="game").sequence == 4
    assert checked("3.0.0", controls).sequence == 5
    assert checked("3.0.0", controls).binary_version is None


def test_any_other_version_is_the_binarys_at_sequence_0() -> None:
    check = checked("0.4.0", controls_with(a_release(1)))

    assert (check.sequence, check.binary_version) == (0, "0.4.0")


def test_a_version_that_is_neither_is_refused_for_its_client() -> None:
    asked = Asked(product="p", version="latest", platform="linux")

    found = check_of(asked, Controls(), device="Pixel 8", peer="10.0.0.7", headers={})

    assert isinstance(found, BadCheck)
    assert (found.client, found.parameter, found.value) == ("Pixel 8", "version", "latest")


@pytest.mark.parametrize(
    ("device", "peer", "client"),
    [
        ("Pixel 8", "10.0.0.7", "Pixel 8"),
        (None, "10.0.0.7", "10.0.0.7/macos"),
        (None, "127.0.0.1", "local/macos"),
        (None, "::1", "local/macos"),
        ("x" * 129, "::1", "h:"),
        ("\x1b", "::1", "h:"),
    ],
)
def test_a_client_is_its_id_or_where_it_asks_from_and_its_platform(
    device: str | None, peer: str, client: str
) -> None:
    found = update_client(device, peer=peer, platform="macos")

    assert found == client if client != "h:" else found.startswith("h:")


def test_C7_platforms_that_nobody_knows_share_one_client_unless_it_names_itself() -> None:
    invented = [f"beos{number}" for number in range(100)]

    assert {update_client(None, peer="10.0.0.7", platform=one) for one in invented} == {"10.0.0.7/?"}
    assert {update_client("Pixel 8", peer="10.0.0.7", platform=one) for one in invented} == {"Pixel 8"}


def test_a_release_stands_in_the_list_with_the_contracts_six_fields() -> None:
    release = a_release(7, update_type="blocklist")

    assert asdict(update_of(release, url="http://localhost/x", hash_value=SHA512)) == {
        "update_type": "blocklist",
        "url": "http://localhost/x",
        "hash_function": HASH_FUNCTION,
        "hash_value": SHA512,
        "size": 1000,
        "version": "1.0.0-ota.7",
    }


@pytest.mark.parametrize(
    ("said", "flags"),
    [
        ({}, ()),
        ({"hash_value": SHA512}, ()),
        ({"hash_value": SHA512.upper(), "hash_function": "SHA-512"}, ()),
        ({"hash_value": a_bundle().hash, "hash_function": "sha256"}, ()),
        ({"hash_value": a_bundle().hash}, ("hash-mismatch",)),
        ({"hash_value": "00", "hash_function": "md5"}, ("hash-unchecked",)),
        ({"size": 1000}, ()),
        ({"size": 0}, ("size-mismatch",)),
        ({"hash_value": "00", "size": 2}, ("hash-mismatch", "size-mismatch")),
    ],
)
def test_a_report_is_compared_with_what_was_offered(said: dict[str, Any], flags: tuple[str, ...]) -> None:
    reported = Reported(update_type="frontend", status="success", **said)

    assert mismatches(reported, a_bundle(), sha512=SHA512, version_fits=True) == flags


def test_a_version_is_only_wrong_where_one_was_said() -> None:
    silent = Reported(update_type="frontend", status="success")

    assert mismatches(silent, a_bundle(), sha512=None, version_fits=False) == ()
    assert mismatches(replace(silent, version="1"), a_bundle(), sha512=None, version_fits=False) == (
        "version-mismatch",
    )


def test_a_hash_of_bytes_that_are_gone_is_not_called_wrong() -> None:
    reported = Reported(update_type="frontend", status="success", hash_value="00")

    assert mismatches(reported, a_bundle(), sha512=None, version_fits=True) == ("hash-unchecked",)


def test_what_a_completion_leaves_out_is_told() -> None:
    completion = Completion(request_id="x", updates=(Reported(update_type="a", status="success"),))

    assert [(one.update_type, one.status) for one in left_out(completion, ["a", "b"])] == [
        ("b", NOT_REPORTED)
    ]


@pytest.mark.parametrize("name", every_fault())
def test_a_fault_that_strikes_an_offer_here_changes_it_and_no_other_does(name: str) -> None:
    fault = read_fault(name, {"field": "url"} if name == "missing-field" else {})
    running = replace(UPDATE, version="1.0.0-ota.6", hash_value="ef" * 64)

    changed = bent(fault, UPDATE, current="1.0.0-ota.6", running=running) != asdict(UPDATE)

    assert changed == (fault.at_offers and strikes_updates(fault))


def test_without_what_the_client_runs_nothing_is_stale() -> None:
    assert bent(read_fault("stale-manifest", {}), UPDATE, current="", running=None) == asdict(UPDATE)


def test_a_missing_bundle_has_an_address_beside_the_real_one() -> None:
    url = bent(read_fault("missing-bundle", {}), UPDATE, current="", running=None)["url"]

    assert url == "https://ota.example/bundles/ab/7/00000000.tar.gz"
