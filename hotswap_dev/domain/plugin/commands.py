"""What a page can ask of the plugin, each command as a pure conversation (plugin: commands.rs, updater.rs).

A command is a generator that does nothing itself. It yields what has to be done (`Act`), gets back what came of it
(`Came`), and returns a `Heard`: the app as it is then, and what the page's promise resolves to or rejects with. Who
drives it decides what the acts are: HTTP and a disk (`hotswap_dev.client.updater`), or values made up by whoever wants
to know what the plugin would do (`play`). Time is among the acts too: nothing here waits.

    heard = play(apply(app), lambda act: Received(status=503) if isinstance(act, Get) else None)
    heard.error == "HTTP 503: bundle download failed"

One command at a time: a command works on the app that it was given.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from hotswap_dev.domain.model import Manifest
from hotswap_dev.domain.plugin.app import App, CheckResult, Emitted, version_info
from hotswap_dev.domain.plugin.check import (
    Answered,
    Unanswered,
    insecure_url,
    read_manifest,
    unanswered,
    verdict,
)
from hotswap_dev.domain.plugin.request import BadUrl, check_url
from hotswap_dev.domain.plugin.start import EMBEDDED, Folder, activated, confirmed, downloaded, rolled_back

CHECK_SECONDS = 15
DOWNLOAD_SECONDS = 300
"""Of one attempt, from the request to the last byte."""
MAX_REDIRECTS = 10

# --- acts, and what comes of them ---------------------------------------------------------------------------------


class Tell(Struct, frozen=True):
    """Emit a lifecycle event. Nothing comes of it."""

    event: Emitted


class Get(Struct, frozen=True, kw_only=True):
    """A GET request, up to ten redirects followed: Received, TooLarge or Unanswered."""

    url: str
    headers: Mapping[str, str]
    """Beside `accept: */*` and `host`; there is no User-Agent."""
    seconds: int
    """How long it may take, to the last byte of the body."""
    limit: int | None = None
    """The most bytes of a body that are taken; None for a check, which has no limit."""


class Received(Struct, frozen=True, kw_only=True):
    """An answer came back."""

    status: int
    body: bytes | None = b""
    """None where it broke off, or was not at its end in time."""


class TooLarge(Struct, frozen=True):
    """A 2xx whose body is larger than the limit: by its Content-Length, else as soon as that many bytes have come."""

    size: int


class Wait(Struct, frozen=True):
    """Wait for so many seconds. Nothing comes of it."""

    seconds: int


class Verify(Struct, frozen=True, kw_only=True):
    """Check a signature: None where it fits, else why not, in the words of `minisign-verify` and the plugin."""

    bundle: bytes
    signature: str
    pubkey: str


class Extract(Struct, frozen=True, kw_only=True):
    """Extract a bundle and put it in its place with its metadata: None, or the whole text of the error."""

    bundle: bytes
    manifest: Manifest
    format: Literal["tar.gz", "zip"]


class Keep(Struct, frozen=True):
    """Make the folder on the disk what it is `after`: pointer, metadata, deletions. None, or the text of the error."""

    before: Folder
    after: Folder
    tidy: bool = False
    """Whether what extractions left half done is deleted too (plugin: `cleanup_old_versions`)."""


Act = Tell | Get | Wait | Verify | Extract | Keep
Came = Received | TooLarge | Unanswered | str | None


class Heard(Struct, frozen=True, kw_only=True):
    """The end of a command."""

    app: App
    result: object = None
    """What the promise resolves to: a CheckResult, a VersionInfo, the version as text, or None."""
    error: str | None = None
    """What it rejects with; None where it resolves."""


Command = Generator[Act, Came, Heard]


def play(command: Command, respond: Callable[[Act], Came]) -> Heard:
    """Drive a command with made-up outcomes, to its end."""
    came: Came = None
    while True:
        try:
            act = command.send(came)
        except StopIteration as ended:
            heard = ended.value
            assert isinstance(heard, Heard)  # noqa: S101 - what a Command returns
            return heard
        came = respond(act)


# --- commands -----------------------------------------------------------------------------------------------------


def check(app: App) -> Command:
    """`checkUpdate()`: one request, never a second. What it offers becomes pending; an error leaves what was."""
    yield Tell(Emitted("check-start"))
    try:
        url = check_url(
            app.config.endpoint if app.endpoint is None else app.endpoint,
            sequence=app.sequence,
            binary_version=app.binary_version,
            platform=app.platform,
            arch=app.arch,
            channel=app.channel,
        )
    except BadUrl as bad:
        return (yield from _failed(app, "check-error", f"configuration error: invalid endpoint URL: {bad}"))
    # What the resolver was made with, and over it what is configured now: a header that was removed goes on with its
    # first value (resolver.rs, "Merge").
    headers = {**app.config.headers, **app.headers}
    came = yield Get(url=url, headers=headers, seconds=CHECK_SECONDS)
    answer: Answered | Unanswered
    if isinstance(came, Received):
        answer = Answered(came.status, None if came.body is None else read_manifest(came.body))
    elif isinstance(came, Unanswered):
        answer = came
    else:
        raise TypeError(f"a check can't come to {came!r}")
    said = verdict(answer, sequence=app.sequence, binary_version=app.binary_version)
    offered = answer.manifest if said.kind == "available" and isinstance(answer, Answered) else None
    for event in said.events[1:]:
        if event == "check-error":
            yield Tell(Emitted(event, error=said.text))
        elif offered is not None:
            yield Tell(Emitted(event, version=offered.version, sequence=offered.sequence))
        else:
            yield Tell(Emitted(event))
    if said.kind == "error":
        return Heard(app=app, error=said.text)
    after = replace(app, pending=offered)
    if offered is None:
        return Heard(app=after, result=CheckResult(available=False))
    return Heard(
        app=after,
        result=CheckResult(
            available=True,
            version=offered.version,
            sequence=offered.sequence,
            notes=offered.notes,
            mandatory=offered.mandatory,
            bundle_size=offered.bundle_size,
        ),
    )


def download(app: App) -> Command:
    """`downloadUpdate()`: what is pending lies in the folder then, verified, unconfirmed, and does not run yet."""
    manifest = app.pending
    if manifest is None:
        return Heard(app=app, error=NO_PENDING)
    after = yield from _downloaded(app, manifest)
    return (
        Heard(app=app, error=after) if isinstance(after, str) else Heard(app=after, result=manifest.version)
    )


def activate(app: App) -> Command:
    """`activateUpdate()`: what is pending and lies in the folder runs from the next reload on."""
    manifest = app.pending
    if manifest is None:
        return Heard(app=app, error=NO_PENDING)
    if manifest.sequence not in app.folder.versions:
        return Heard(app=app, error=NOT_DOWNLOADED)
    return (yield from _activated(app, manifest))


def apply(app: App) -> Command:
    """`applyUpdate()`: download and activate in one."""
    manifest = app.pending
    if manifest is None:
        return Heard(app=app, error=NO_PENDING)
    after = yield from _downloaded(app, manifest)
    if isinstance(after, str):
        return Heard(app=app, error=after)
    return (yield from _activated(after, manifest))


def rollback(app: App) -> Command:
    """`rollback()`: what the pointer names is deleted; what the policy chooses runs, or the embedded page.

    What is pending stays so.
    """
    running, folder, _ = rolled_back(app.folder, app.config.policies)
    yield Keep(app.folder, folder)
    version = None if running == EMBEDDED else _version(folder, running)
    after = replace(app, folder=folder, sequence=running, version=version)
    yield Tell(Emitted("rollback", version=version, sequence=None if running == EMBEDDED else running))
    return Heard(app=after, result=version_info(after))


def notify_ready(app: App) -> Command:
    """`notifyReady()`: what runs is confirmed. Nothing happens, and no event comes, for the embedded page.

    It confirms what the last apply put in place, though the page that calls it may be the one before.
    """
    cached = app.folder.versions.get(app.sequence)
    if app.sequence == EMBEDDED or cached is None:
        return Heard(app=app)
    folder = confirmed(app.folder, app.sequence)
    failed = yield Keep(app.folder, folder)
    if isinstance(failed, str):
        return Heard(app=app, error=failed)
    yield Tell(Emitted("ready-confirmed", version=cached.version, sequence=app.sequence))
    return Heard(app=replace(app, folder=folder))


def configured(
    app: App,
    *,
    channel: str | None = None,
    endpoint: str | None = None,
    headers: Mapping[str, str | None] | None = None,
) -> Heard:
    """`configure({channel, endpoint, headers})` for this launch, at once. A header of None is removed.

    None for channel and endpoint leaves them: null and absent come to the plugin's command as the same, so nothing set
    at run time can be unset. A refused endpoint leaves the headers as they were, but the channel is changed by then.
    """
    after = app if channel is None else replace(app, channel=channel)
    if endpoint is not None:
        refused = insecure_url(endpoint, require_https=app.config.require_https)
        if refused is not None:
            return Heard(app=after, error=refused)
        after = replace(after, endpoint=endpoint)
    if headers is not None:
        merged = {**after.headers, **headers}
        after = replace(after, headers={name: value for name, value in merged.items() if value is not None})
    return Heard(app=after)


NO_PENDING = "no pending update — call check first"
NOT_DOWNLOADED = "configuration error: update not downloaded yet — call download first"
NO_ZIP = (
    "extraction failed: bundle is a .zip but the 'zip' feature is not enabled — "
    'add features = ["zip"] to your Cargo.toml'
)


# --- the steps they share -----------------------------------------------------------------------------------------


def retry_delay(attempt: int) -> int:
    """Seconds before an attempt, counted from 0: none before the first, then 1, 2, 4, 8, and 16 for ever after."""
    return 0 if attempt == 0 else 1 << min(attempt - 1, 4)


def _downloaded(app: App, manifest: Manifest) -> Generator[Act, Came, App | str]:
    """From a manifest to a version in the folder, or the text of the error (plugin: `download_and_extract`)."""
    refused = insecure_url(manifest.url, require_https=app.config.require_https)
    if refused is not None:
        return refused
    yield Tell(Emitted("download-start", manifest.version, manifest.sequence))
    bundle = yield from _fetched(app, manifest)
    if isinstance(bundle, str):
        yield Tell(Emitted("download-error", manifest.version, manifest.sequence, bundle))
        return bundle
    refused = _text((yield Verify(bundle=bundle, signature=manifest.signature, pubkey=app.config.pubkey)))
    if refused is not None:
        return f"signature verification failed: {refused}"
    yield Tell(Emitted("download-complete", manifest.version, manifest.sequence))
    zipped = manifest.url.lower().endswith(".zip")
    if zipped and not app.config.zip:
        return NO_ZIP
    failed = _text((yield Extract(bundle=bundle, manifest=manifest, format="zip" if zipped else "tar.gz")))
    if failed is not None:
        return failed
    return replace(app, folder=downloaded(app.folder, manifest))


def _fetched(app: App, manifest: Manifest) -> Generator[Act, Came, bytes | str]:
    """The bundle's bytes, or the text of the last attempt's error: whatever it was, it is tried again."""
    error = "network error: download failed"
    for attempt in range(app.config.max_retries + 1):
        if attempt:
            yield Wait(retry_delay(attempt))
        # Only what is configured now: a removed header is gone from downloads (commands.rs, `custom_headers`).
        came = yield Get(
            url=manifest.url,
            headers=app.headers,
            seconds=DOWNLOAD_SECONDS,
            limit=app.config.max_bundle_size,
        )
        if isinstance(came, Unanswered):
            error = unanswered(came)
        elif isinstance(came, TooLarge):
            error = f"bundle too large: {came.size} bytes exceeds limit of {app.config.max_bundle_size} bytes"
        elif not isinstance(came, Received):
            raise TypeError(f"a download can't come to {came!r}")
        elif not 200 <= came.status <= 299:
            error = f"HTTP {came.status}: bundle download failed"
        elif came.body is None:
            error = "network error: error decoding response body"
        else:
            return came.body
    return error


def _activated(app: App, manifest: Manifest) -> Command:
    folder = activated(app.folder, manifest.sequence, app.config.policies)
    failed = yield Keep(app.folder, folder, tidy=True)
    if isinstance(failed, str):
        return Heard(app=app, error=failed)
    yield Tell(Emitted("apply", manifest.version, manifest.sequence))
    after = replace(app, folder=folder, sequence=manifest.sequence, version=manifest.version, pending=None)
    return Heard(app=after, result=manifest.version)


def _failed(app: App, event: Literal["check-error"], text: str) -> Command:
    yield Tell(Emitted(event, error=text))
    return Heard(app=app, error=text)


def _text(came: Came) -> str | None:
    if came is None or isinstance(came, str):
        return came
    raise TypeError(f"a text or nothing was meant, not {came!r}")


def _version(folder: Folder, sequence: int) -> str | None:
    cached = folder.versions.get(sequence)
    return None if cached is None else cached.version
