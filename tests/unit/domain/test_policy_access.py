"""Who is let in where a channel demands a header, and that its value is kept nowhere."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from hotswap_dev import wire
from hotswap_dev.domain.checks import Check
from hotswap_dev.domain.commands.access import MapProduct, SetRequiredHeader, Unseen
from hotswap_dev.domain.commands.overrides import ClearOverrides
from hotswap_dev.domain.controls import Controls, apply
from hotswap_dev.domain.facts import ChannelCreated, RequiredHeaderRemoved, RequiredHeaderSet
from hotswap_dev.domain.model import RequiredHeader
from hotswap_dev.domain.policy import Denied, decide, decide_download
from hotswap_dev.domain.reasons import change, sentence
from hotswap_dev.domain.text import digest
from hotswap_dev.errors import HotswapError
from tests.unit.making import API_KEY, NOW, a_check, a_release, all_controls, checks, controls_with

RIGHT = {"x-api-key": digest(API_KEY)}
WRONG = {"x-api-key": digest("another")}


def done(controls: Controls, *commands: SetRequiredHeader | MapProduct) -> Controls:
    for command in commands:
        for fact in command.events(controls, NOW):
            controls = apply(controls, fact)
    return controls


def demanding(status: Any = 401, value: str | None = API_KEY, header: str = "X-API-Key") -> Controls:
    command = SetRequiredHeader(channel="production", header=header, status=status, value=value)
    return done(controls_with(a_release(1), a_release(2, channel="beta")), command)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("sent", [{}, WRONG, {"authorization": digest(API_KEY)}])
def test_who_sends_none_or_another_value_is_refused_a_check_and_a_bundle(
    status: int, sent: dict[str, str]
) -> None:
    controls = demanding(status)
    decision = decide(controls, a_check(headers=sent), NOW)
    assert decision.answer == Denied(status=status, header="X-API-Key")
    assert (decision.status, decision.offered, decision.spends) == (status, None, ())
    fetch = decide_download(controls, controls.releases[1], "phone", sent)
    assert fetch.denied == decision.answer


def test_who_sends_the_value_is_let_in() -> None:
    controls = demanding()
    assert decide(controls, a_check(headers=RIGHT), NOW).reason.code == "newer-release"
    assert decide_download(controls, controls.releases[1], None, RIGHT).denied is None


def test_without_a_value_any_will_do_and_none_will_not() -> None:
    controls = demanding(value=None)
    assert decide(controls, a_check(headers=WRONG), NOW).reason.code == "newer-release"
    assert decide(controls, a_check(), NOW).reason.code == "access-denied"


def test_a_headers_name_is_the_same_in_any_case() -> None:
    assert decide(demanding(header="x-aPI-kEY"), a_check(headers=RIGHT), NOW).status == 200


def test_other_channels_are_as_open_as_before() -> None:
    controls = demanding()
    assert decide(controls, a_check(channel="beta"), NOW).status == 200
    assert decide_download(controls, controls.releases[2], None, {}).denied is None


def test_a_check_without_a_channel_is_asked_what_production_demands() -> None:
    for channel in (None, "production"):
        assert decide(demanding(), a_check(channel=channel), NOW).status == 401


def test_the_reason_names_the_header_and_the_line_that_opens_the_door_and_no_value() -> None:
    reason = decide(demanding(403), a_check(headers=WRONG), NOW).reason
    assert sentence(reason) == (
        "Channel production demands the header X-API-Key, which did not come or had another value: 403."
    )
    assert change(reason) == "hotswap-dev set-required-header production X-API-Key none"
    assert set(reason.args) == {"status", "header", "channel"}


# The command


def test_the_value_is_kept_as_a_digest_alone() -> None:
    [fact] = SetRequiredHeader(channel="production", header="X-API-Key", status=401, value=API_KEY).events(
        controls_with(a_release(1)), NOW
    )
    assert fact == RequiredHeaderSet(
        at=NOW,
        channel="production",
        required=RequiredHeader(header="X-API-Key", status=401, digest=digest(API_KEY)),
    )
    assert API_KEY.encode() not in wire.encode(fact) + wire.encode(demanding())


@given(st.text(min_size=8, max_size=40))
def test_a_digest_says_nothing_of_its_value(value: str) -> None:
    assert len(digest(value)) == 16
    assert set(digest(value)) <= set("0123456789abcdef")
    assert digest(value) != digest(value + "x")


def test_to_demand_the_same_again_or_to_open_an_open_door_leads_to_nothing() -> None:
    controls = demanding()
    again = SetRequiredHeader(channel="production", header="X-API-Key", status=401, value=API_KEY)
    assert again.events(controls, NOW) == []
    for changed in (replace(again, status=403), replace(again, value="b"), replace(again, value=None)):
        assert len(changed.events(controls, NOW)) == 1
    opening = SetRequiredHeader(channel="production", header="X-API-Key", status=None)
    assert opening.events(controls, NOW) == [RequiredHeaderRemoved(at=NOW, channel="production")]
    assert opening.events(done(controls, opening), NOW) == []
    assert done(controls, opening).required == {}


def test_a_channel_demands_one_header_and_the_newest_command_says_which() -> None:
    other = SetRequiredHeader(channel="production", header="Authorization", status=403)
    controls = done(demanding(), other)
    assert controls.required == {"production": RequiredHeader(header="Authorization", status=403)}
    assert decide(controls, a_check(headers=RIGHT), NOW).status == 403


def test_a_channel_that_is_missing_is_made() -> None:
    facts = SetRequiredHeader(channel="new", header="X", status=401).events(Controls(), NOW)
    assert facts[0] == ChannelCreated(at=NOW, channel="new")
    # Where nothing is demanded of it there is no door to open, and no channel to make for it.
    assert SetRequiredHeader(channel="new", header="X", status=None).events(Controls(), NOW) == []


@pytest.mark.parametrize("header", ["", "X Key", "X-Key:", "Schlüssel", "X\r\nY", "x" * 65, "a/b"])
def test_what_can_not_be_a_headers_name_is_refused_and_shown_harmless(header: str) -> None:
    with pytest.raises(HotswapError) as refused:
        SetRequiredHeader(channel="production", header=header, status=401).events(Controls(), NOW)
    assert refused.value.code == "bad-header"
    assert refused.value.message.isprintable()


@pytest.mark.parametrize(
    "header",
    ["X-Device-Id", "x-device-ID", "Host", "Content-Length", "Connection", "Transfer-Encoding", "TE", "Upgrade"],
)  # fmt: skip
def test_what_is_shown_or_ends_at_the_next_proxy_is_no_credential(header: str) -> None:
    with pytest.raises(HotswapError, match="can't be demanded") as refused:
        SetRequiredHeader(channel="production", header=header, status=401, value="x").events(Controls(), NOW)
    assert (refused.value.code, refused.value.hint) == ("bad-header", "such as Authorization or X-API-Key")


def test_a_header_that_an_earlier_version_let_be_demanded_can_still_be_given_up() -> None:
    demanded = {"production": RequiredHeader(header="Host", status=401)}
    opening = SetRequiredHeader(channel="production", header="Host", status=None)
    assert len(opening.events(Controls(required=demanded), NOW)) == 1


def test_an_error_about_a_value_does_not_repeat_it() -> None:
    secret = "canary" * 400
    with pytest.raises(HotswapError) as refused:
        wire.read_command(
            "set-required-header", {"channel": "a", "header": "X", "status": 401, "value": secret}
        )
    assert "value" in refused.value.message
    assert "canary" not in refused.value.message + refused.value.hint


def test_of_who_was_never_seen_sending_the_header_it_is_said_that_nobody_knows() -> None:
    demand = SetRequiredHeader(channel="production", header="X-API-Key", status=401)
    asking = [a_check(headers=RIGHT), a_check(), a_check(channel="production"), a_check(channel="beta")]

    found = demand.outlook(demanding(), asking)

    assert found == Unseen(header="X-API-Key", unseen=2, of=3)
    halves = [demand.outlook(demanding(), half) for half in (asking[:2], asking[2:])]
    assert halves[0] is not None
    assert halves[1] is not None
    assert halves[0].plus(halves[1]) == found
    opening = SetRequiredHeader(channel="production", header="X-API-Key", status=None)
    assert opening.outlook(demanding(), asking) is None


def test_what_is_demanded_is_no_override_and_stays_when_those_end() -> None:
    assert ClearOverrides().events(demanding(), NOW) == []


# Products


def test_a_product_is_mapped_to_a_channel_that_is_made_if_it_is_missing() -> None:
    controls = done(Controls(), MapProduct(product="your_app", channel="beta"))
    assert controls.products == {"your_app": "beta"}
    assert "beta" in controls.channels
    assert MapProduct(product="your_app", channel="beta").events(controls, NOW) == []
    again = done(controls, MapProduct(product="your_app", channel="production"))
    assert again.products == {"your_app": "production"}


@pytest.mark.parametrize("product", ["a\x1b[2Jb", "a\nb", "x" * 129])
def test_what_can_not_be_a_products_name_is_refused(product: str) -> None:
    with pytest.raises(HotswapError, match="can't be a product's name"):
        MapProduct(product=product, channel="beta").events(Controls(), NOW)


# Laws


@given(all_controls(), checks())
def test_who_is_let_in_is_exactly_who_sends_what_the_channel_demands(
    controls: Controls, check: Check
) -> None:
    required = controls.required.get(check.asked_channel)
    sent = None if required is None else check.headers.get(required.header.lower())
    let_in = required is None or (sent is not None and required.digest in (None, sent))
    assert isinstance(decide(controls, check, NOW).answer, Denied) is not let_in
    for release in controls.releases.values():
        if release.channel == check.asked_channel:
            fetch = decide_download(controls, release, check.client, check.headers)
            assert (fetch.denied is None) is let_in


@given(all_controls(), checks())
def test_who_is_let_in_is_answered_as_if_nothing_were_demanded(controls: Controls, check: Check) -> None:
    decision = decide(controls, check, NOW)
    if not isinstance(decision.answer, Denied):
        assert decision == decide(replace(controls, required={}), check, NOW)
