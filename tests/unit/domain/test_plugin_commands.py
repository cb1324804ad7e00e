"""The page's commands as our rules play them. The real plugin is asked in tests/real_client/test_reference_*."""

from __future__ import annotations

import json
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hotswap_dev.domain.model import Manifest
from hotswap_dev.domain.plugin import (
    Act,
    App,
    Cached,
    Came,
    CheckResult,
    Emitted,
    Extract,
    Folder,
    Get,
    Heard,
    Keep,
    Received,
    Tell,
    TooLarge,
    Unanswered,
    Verify,
    VersionInfo,
    Wait,
    commands,
    launched,
    play,
    read_config,
    retry_delay,
)
from hotswap_dev.domain.plugin.app import Config

MANIFEST = Manifest(
    version="0.1.0-ota.7",
    sequence=7,
    min_binary_version="0.1.0",
    url="http://127.0.0.1:3333/bundles/-/7/0123abcd.tar.gz",
    signature="untrusted comment: x",
)
OFFER = Received(status=200, body=json.dumps(msgspec.to_builtins(MANIFEST)).encode())
BUNDLE = Received(status=200, body=b"bundle")
FAILURES: dict[str, tuple[Came, str]] = {
    "503": (Received(status=503), "HTTP 503: bundle download failed"),
    "broken off": (Received(status=200, body=None), "network error: error decoding response body"),
    "too large": (TooLarge(600), "bundle too large: 600 bytes exceeds limit of 512 bytes"),
    "no answer": (
        Unanswered("http://h/"),
        "network error: error sending request for url (http://h/)",
    ),
    "no address": (Unanswered("", "builder"), "network error: builder error"),
}


def config(**changes: object) -> Config:
    read = read_config(
        {
            "endpoint": "http://127.0.0.1:3333/api/ota/{{current_sequence}}",
            "pubkey": "RW",
            "require_https": False,
            "max_bundle_size": 512,
            **changes,
        }
    )
    assert isinstance(read, Config), read
    return read


def app(pending: Manifest | None = MANIFEST, folder: Folder | None = None, **changes: object) -> App:
    started, _ = launched(config(**changes), Folder() if folder is None else folder, binary_version="0.1.0")
    return msgspec.structs.replace(started, pending=pending)


def confirmed(sequence: int) -> Cached:
    return Cached(version=f"v{sequence}", sequence=sequence, min_binary_version="0.1.0", confirmed=True)


class Played:
    """A command played to its end: each Get comes to `got`, each check of a signature to `refused`, and so on."""

    def __init__(
        self,
        command: commands.Command,
        got: Came = BUNDLE,
        refused: str | None = None,
        failed: str | None = None,
    ) -> None:
        self.acts: list[Act] = []
        outcomes: dict[type, Came] = {Get: got, Verify: refused, Extract: failed}

        def respond(act: Act) -> Came:
            self.acts.append(act)
            return outcomes.get(type(act))

        self.heard: Heard = play(command, respond)

    @property
    def kinds(self) -> list[str]:
        return [type(act).__name__ for act in self.acts if not isinstance(act, Tell)]

    @property
    def events(self) -> list[str]:
        return [act.event.event for act in self.acts if isinstance(act, Tell)]


# --- checks ----------------------------------------------------------------------------------------------------------


def test_an_offer_becomes_pending_and_the_page_hears_of_it() -> None:
    played = Played(commands.check(app(None)), OFFER)

    assert played.heard.result == CheckResult(available=True, version="0.1.0-ota.7", sequence=7)
    assert played.heard.app.pending == MANIFEST
    assert played.acts[-1] == Tell(Emitted("check-complete", "0.1.0-ota.7", 7))


def test_nothing_new_takes_away_what_was_pending_and_an_error_leaves_it() -> None:
    nothing = Played(commands.check(app()), Received(status=204))
    failed = Played(commands.check(app()), Received(status=500))

    assert nothing.heard.result == CheckResult(available=False)
    assert nothing.heard.app.pending is None
    assert failed.heard.error == "HTTP 500: update check failed"
    assert failed.heard.app.pending == MANIFEST
    assert failed.events == ["check-start", "check-error"]


def test_a_check_asks_once_for_15_seconds_whatever_comes() -> None:
    played = Played(commands.check(app(max_retries=5)), Unanswered("http://h/"))

    assert played.kinds == ["Get"]
    get = played.acts[1]
    assert isinstance(get, Get)
    assert (get.seconds, get.limit) == (15, None)
    assert get.url == ("http://127.0.0.1:3333/api/ota/0?binary_version=0.1.0&platform=linux&arch=x86_64")


def test_an_endpoint_that_is_none_is_an_error_of_the_check() -> None:
    played = Played(commands.check(app(endpoint="nowhere")))

    assert played.heard.error == "configuration error: invalid endpoint URL: relative URL without a base"
    assert played.events == ["check-start", "check-error"]
    assert played.kinds == []


# --- downloads -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FAILURES)
def test_every_failed_download_is_tried_again_after_1_2_4_8_and_16_seconds(name: str) -> None:
    came, text = FAILURES[name]

    played = Played(commands.apply(app(max_retries=6)), came)

    assert played.heard.error == text
    assert [act.seconds for act in played.acts if isinstance(act, Wait)] == [1, 2, 4, 8, 16, 16]
    assert played.kinds.count("Get") == 7
    assert played.events == ["download-start", "download-error"]
    assert played.heard.app == app(max_retries=6)


@given(st.integers(0, 10**6))
def test_no_attempt_waits_longer_than_16_seconds_or_shorter_than_the_one_before(attempt: int) -> None:
    assert 0 <= retry_delay(attempt) <= retry_delay(attempt + 1) <= 16


def test_a_download_that_works_at_last_is_no_error() -> None:
    came = iter((Received(status=503), Received(status=200, body=None), BUNDLE))

    heard = play(commands.apply(app()), lambda act: next(came) if isinstance(act, Get) else None)

    assert heard.result == "0.1.0-ota.7"


def test_a_bad_signature_is_neither_tried_again_nor_told_of() -> None:
    played = Played(commands.apply(app()), refused="Unexpected signature algorithm")

    assert played.heard.error == "signature verification failed: Unexpected signature algorithm"
    assert played.kinds == ["Get", "Verify"]
    assert played.events == ["download-start"]


def test_a_failed_extraction_is_neither_tried_again_nor_told_of() -> None:
    played = Played(commands.apply(app()), failed="extraction failed: invalid gzip header")

    assert played.heard.error == "extraction failed: invalid gzip header"
    assert played.kinds == ["Get", "Verify", "Extract"]
    assert played.events == ["download-start", "download-complete"]
    assert played.heard.app == app()


def test_an_http_address_under_require_https_is_refused_before_anything_happens() -> None:
    played = Played(commands.apply(app(endpoint="https://h/", require_https=True)))

    assert played.heard.error == f"insecure URL rejected: {MANIFEST.url} (set require_https = false to allow)"
    assert played.acts == []


@pytest.mark.parametrize(
    ("url", "format_"),
    [("b.zip", "zip"), ("B.ZIP", "zip"), ("b.zip?v=1", "tar.gz"), ("b.tar.gz", "tar.gz"), ("zip", "tar.gz")],
)
def test_the_end_of_the_address_says_what_archive_it_is(url: str, format_: str) -> None:
    played = Played(commands.download(app(msgspec.structs.replace(MANIFEST, url=f"http://h/{url}"))))

    assert [act.format for act in played.acts if isinstance(act, Extract)] == [format_]


def test_a_zip_without_the_feature_is_refused_after_its_download() -> None:
    read = msgspec.structs.replace(config(), zip=False)
    without = msgspec.structs.replace(
        app(msgspec.structs.replace(MANIFEST, url="http://h/b.zip")), config=read
    )

    played = Played(commands.apply(without))

    assert played.heard.error == (
        "extraction failed: bundle is a .zip but the 'zip' feature is not enabled — "
        'add features = ["zip"] to your Cargo.toml'
    )
    assert played.kinds == ["Get", "Verify"]


# --- activate, confirm, roll back ------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [commands.apply, commands.download, commands.activate])
def test_without_a_check_there_is_nothing_to_do(command: Callable[[App], commands.Command]) -> None:
    played = Played(command(app(None)))

    assert played.heard.error == "no pending update — call check first"
    assert played.acts == []


def test_what_was_not_downloaded_can_not_be_activated() -> None:
    assert Played(commands.activate(app())).heard.error == (
        "configuration error: update not downloaded yet — call download first"
    )


@given(
    st.sets(st.integers(1, 12)),
    st.sampled_from(("latest_confirmed", "immediate_previous_confirmed", "embedded_only")),
    st.integers(0, 5),
)
def test_download_and_activate_come_to_what_apply_comes_to(there: set[int], policy: str, kept: int) -> None:
    folder = Folder(
        current=max(there, default=None), versions={sequence: confirmed(sequence) for sequence in there}
    )
    before = app(folder=folder, rollback_policy=policy, max_retained_versions=kept)

    applied = Played(commands.apply(before))
    downloaded = Played(commands.download(before))
    activated = Played(commands.activate(downloaded.heard.app))

    assert activated.heard == applied.heard
    assert downloaded.events + activated.events == applied.events
    assert applied.heard.app.folder.current == applied.heard.app.sequence == 7
    assert applied.heard.app.pending is None


def test_confirming_the_embedded_page_does_nothing() -> None:
    assert Played(commands.notify_ready(app())).acts == []


def test_what_was_applied_is_confirmed_even_by_the_page_before_it() -> None:
    applied = Played(commands.apply(app())).heard.app

    played = Played(commands.notify_ready(applied))

    assert played.events == ["ready-confirmed"]
    assert played.heard.app.folder.versions[7] == Cached(
        version="0.1.0-ota.7", sequence=7, min_binary_version="0.1.0", confirmed=True
    )


def test_a_rollback_names_what_runs_then_and_leaves_what_is_pending() -> None:
    folder = Folder(current=5, versions={5: confirmed(5), 3: confirmed(3)})

    first = Played(commands.rollback(app(folder=folder)))
    second = Played(commands.rollback(first.heard.app))

    assert first.heard.result == VersionInfo(version="v3", sequence=3, binary_version="0.1.0", active=True)
    assert first.acts[-1] == Tell(Emitted("rollback", "v3", 3))
    assert second.heard.result == VersionInfo(version=None, sequence=0, binary_version="0.1.0", active=False)
    assert second.acts[-1] == Tell(Emitted("rollback"))
    assert second.heard.app.pending == MANIFEST


def test_a_pointer_that_can_not_be_written_is_an_error_and_nothing_runs_that_did_not() -> None:
    heard = play(
        commands.apply(app()),
        lambda act: BUNDLE if isinstance(act, Get) else "I/O error: x" if isinstance(act, Keep) else None,
    )

    assert heard.error == "I/O error: x"
    assert heard.app.sequence == 0


# --- configuration ---------------------------------------------------------------------------------------------------


def test_a_removed_header_leaves_downloads_and_comes_back_in_checks() -> None:
    """The resolver keeps what the app was built with, and merges over it: a trap of the plugin's own."""
    after = commands.configured(
        app(headers={"X-A": "built in", "X-B": "built in"}), headers={"X-A": None, "X-B": "new"}
    ).app

    asked = [act.headers for act in Played(commands.check(after), OFFER).acts if isinstance(act, Get)]
    fetched = [act.headers for act in Played(commands.download(after)).acts if isinstance(act, Get)]

    assert asked == [{"X-A": "built in", "X-B": "new"}]
    assert fetched == [{"X-B": "new"}]


def test_what_configure_changed_is_gone_at_the_next_launch() -> None:
    changed = commands.configured(app(), channel="beta", endpoint="http://h/", headers={"X": "1"}).app

    again, _ = launched(changed.config, changed.folder, binary_version="0.1.0")

    assert (changed.channel, changed.endpoint, dict(changed.headers)) == ("beta", "http://h/", {"X": "1"})
    assert (again.channel, again.endpoint, dict(again.headers), again.pending) == (None, None, {}, None)


def test_a_refused_endpoint_leaves_headers_as_they_were_and_the_channel_changed() -> None:
    heard = commands.configured(
        app(endpoint="https://h/", require_https=True),
        channel="beta",
        endpoint="http://h/",
        headers={"X": "1"},
    )

    assert heard.error == "insecure URL rejected: http://h/ (set require_https = false to allow)"
    assert (heard.app.channel, heard.app.endpoint, dict(heard.app.headers)) == ("beta", None, {})
