"""The same clients under locust, whose master and workers drive more of them than one process can.

Only locust may import this file: doing so patches Python's sockets, locks and threads (gevent). `hotswap-dev fleet
--locust` says the commands, and starts them. Each user is one client of the plan with the plugin's own rules
(`domain/plugin`) over locust's client, which adds a User-Agent of its own.

In locust's tables requests are named for what they are: `check`, `bundle`, `lifecycle`. Failed is one that was not
answered with 2xx, or not whole. What the plugin rejects of a good answer (a signature, an archive) is an exception
there, in the plugin's words. A page that does not start, and the version before that runs again, are neither: clients
do that.
"""

from __future__ import annotations

import logging
import time
from argparse import ArgumentTypeError
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gevent  # type: ignore[import-untyped]
from locust import FastHttpUser, events, task
from locust.rpc import Message
from locust.runners import MasterRunner, WorkerRunner

from hotswap_dev.domain.plugin import Extract, Get, Received, TooLarge, Unanswered, Verify, Wait
from hotswap_dev.domain.plugin.commands import MAX_REDIRECTS
from hotswap_dev.errors import HotswapError
from hotswap_dev.fleet.asked import TRAITS, crew
from hotswap_dev.fleet.happened import Happened
from hotswap_dev.fleet.life import Asked, Given, Life, Report, Until
from hotswap_dev.fleet.places import Places, SeenBundles

if TYPE_CHECKING:
    from locust.argument_parser import LocustArgumentParser
    from locust.env import Environment

_message: Any = Message  # locust's own types say nothing of it
_log = logging.getLogger("hotswap_dev.fleet")

_PREFIX = "hotswap-"
_IDLE_SECONDS = 3600.0
_LEAVING_SECONDS = 5.0
"""That a worker has to tell its last figures, once its users have stopped."""
_LONGEST_SECONDS = 300.0
"""Of a request, whatever it is about: each is ended by its own limit before."""
_REJECTED = {"check-failed": "check", "failed": "apply"}
"""Which promise rejects, by what the client did."""


class PluginRejected(Exception):
    """What the plugin said no to, in its words."""


# --- what is asked for --------------------------------------------------------------------------------------------


def _arguments(parser: LocustArgumentParser) -> None:
    """Locust's own options and web page ask for the clients' traits too."""
    group = parser.add_argument_group("clients of tauri-plugin-hotswap")
    group.add_argument(
        f"--{_PREFIX}pubkey",
        metavar="RW…",
        default="",
        help="the line of the server's key, as in the app's config",
    )
    group.add_argument(f"--{_PREFIX}seed", type=int, default=1, help="the same seed plans the same clients")
    group.add_argument(
        f"--{_PREFIX}clients",
        type=int,
        default=1000,
        help="how many are planned at once; give the number of users",
    )
    for trait in TRAITS:
        group.add_argument(
            f"--{_PREFIX}{trait.name}",
            metavar=trait.metavar,
            default=trait.default or "",
            type=_readable(trait.name, trait.read),
            help=trait.help,
        )


def _readable(name: str, read: Callable[[str, str], object]) -> Callable[[str], str]:
    """An argument stays the text that it was, so that it travels to the workers, once it can be read."""

    def text(given: str) -> str:
        try:
            if given:
                read(_PREFIX + name, given)
        except HotswapError as error:
            raise ArgumentTypeError(f"{error.message}: {error.hint}") from None
        return given

    return text


def _option(environment: Environment, name: str) -> Any:  # noqa: ANN401 - as the argument's type says
    return getattr(environment.parsed_options, (_PREFIX + name).replace("-", "_"))


# --- who is there -------------------------------------------------------------------------------------------------


class _Playing:
    """A client and how far its life has come: what it asks for now, and since when it lives."""

    def __init__(self, number: int, life: Life) -> None:
        self.number = number
        self.life = life
        self.began = time.monotonic()
        self.lived = life.lived()
        self.asked = next(self.lived)

    def waits(self) -> float:
        """Seconds until it goes on."""
        if not isinstance(self.asked, Until):
            return 0.0
        if self.asked.at is None:
            return _IDLE_SECONDS
        return max(0.0, self.asked.at - (time.monotonic() - self.began))

    def goes_on(self, given: Given) -> None:
        """With what came of what it asked for."""
        self.life.now = time.monotonic() - self.began
        self.asked = self.lived.send(given)


class _Run:
    """One test, from its start to its stop, in this process. A client that left comes back as it was."""

    def __init__(self, environment: Environment) -> None:
        runner, options = environment.runner, environment.parsed_options
        texts = {trait.name: _option(environment, trait.name) or None for trait in TRAITS}
        index, every = 0, 1
        if isinstance(runner, WorkerRunner) and options is not None:
            index, every = runner.worker_index, options.expect_workers
        self.places = Places(
            crew(texts, count=max(1, _option(environment, "clients"))),
            _option(environment, "seed"),
            index=index,
            every=every,
        )
        self.bundles = SeenBundles()
        self.downloads = 0
        self._playing: dict[int, _Playing] = {}

    def joined(self, site: str, pubkey: str) -> _Playing:
        """The next that nobody plays."""
        number = self.places.taken()
        if number not in self._playing:
            self._playing[number] = _Playing(
                number, Life(self.places.phone(number), site=site, pubkey=pubkey)
            )
        return self._playing[number]


_runs: dict[int, _Run] = {}
"""By the environment's id: there is one, but for tests of locust itself."""


def _started(environment: Environment, **_: object) -> None:
    if not isinstance(environment.runner, MasterRunner):
        _runs[id(environment)] = _Run(environment)


_leaving: set[int] = set()
"""Environments whose process is about to end."""


def _leaves(environment: Environment, **_: object) -> None:
    _leaving.add(id(environment))


def _stopped(environment: Environment, **_: object) -> None:
    """A master that leaves waits for its workers: by itself it gives what is on its way half a second.

    So that each request that a server answered is in locust's figures, be it slow, or tried again.
    """
    runner, options = environment.runner, environment.parsed_options
    headless = options is not None and options.headless
    if not isinstance(runner, MasterRunner) or not (headless or id(environment) in _leaving):
        return
    for worker in runner.clients.all:
        runner.server.send_to_client(_message("quit", None, worker.id))
    until = time.monotonic() + environment.stop_timeout + _LEAVING_SECONDS
    while runner.clients.all and time.monotonic() < until:
        gevent.sleep(0.05)


# --- what they do -------------------------------------------------------------------------------------------------


class HotswapUser(FastHttpUser):
    """One client of the plan: an app with the plugin, and the person who has it in hand."""

    concurrency = 1
    max_redirects = MAX_REDIRECTS
    network_timeout = connection_timeout = _LONGEST_SECONDS

    def on_start(self) -> None:
        """Take the place of a planned client, or of one that left."""
        self._run = _runs[id(self.environment)]
        self._site = (self.host or "").rstrip("/")
        self._went_well = True
        self._playing = self._run.joined(self._site, _option(self.environment, "pubkey"))

    def on_stop(self) -> None:
        """Leave the place to the next."""
        self.client.client.close()
        self._run.places.left(self._playing.number)

    def wait_time(self) -> float:
        """Seconds until its next check, its person's next click: it may be stopped then, and never in a request."""
        return self._playing.waits()

    @task
    def live(self) -> None:
        """What is due, to its end: afterwards it may be stopped, though the next thing is due already."""
        playing = self._playing
        if playing.waits() > 0:
            return
        while True:
            # What was asked stays so until it is done: who is stopped here does it again when it comes back.
            playing.goes_on(self._done(playing.asked))
            if isinstance(playing.asked, Until):
                return

    def _done(self, asked: Asked) -> Given:
        if isinstance(asked, Get):
            return self._got(asked)
        if isinstance(asked, Report):
            # As the page's `fetch` does it: nobody waits for the answer's meaning, and it may be refused.
            self.client.post(f"{self._site}/api/lifecycle", name="lifecycle", json=asked.body)
        elif isinstance(asked, Verify):
            return self._run.bundles.refusal(asked)
        elif isinstance(asked, Extract):
            return self._run.bundles.listing(asked)
        elif isinstance(asked, Wait):
            gevent.sleep(asked.seconds)
        elif isinstance(asked, Happened) and asked.what in _REJECTED and self._went_well:
            # Else the request stands among those that failed.
            rejected = PluginRejected(f"{_REJECTED[asked.what]}: {asked.detail}")
            self.environment.events.user_error.fire(user_instance=self, exception=rejected, tb=None)
        return None

    def _got(self, get: Get) -> Received | TooLarge | Unanswered:
        """A check where nothing limits its size, else a download."""
        name = "check" if get.limit is None else "bundle"
        headers = {"accept": "*/*", "accept-encoding": "identity", **get.headers}
        with (
            gevent.Timeout(get.seconds, _TimedOut(get.seconds)),
            self.client.request("GET", get.url, name=name, headers=headers, catch_response=True) as response,
        ):
            status, broken = response.status_code, response.request_meta["exception"]
            self._went_well = 200 <= status <= 299 and broken is None
            if not status:
                return Unanswered(get.url, "send")
            if broken is not None and 200 <= status <= 299:
                response.failure(broken)
                return Received(status=status, body=None)
            body = response.content or b""
            if get.limit is not None:
                self._run.downloads += 1
                if len(body) > get.limit:
                    return TooLarge(len(body))
            return Received(status=status, body=body)


class _TimedOut(OSError):
    """A request that took longer than the plugin waits."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer within {seconds:g} s")


# --- what is said about it ----------------------------------------------------------------------------------------

_told: dict[str, dict[str, int]] = {}
"""What each worker has said last of its bundles."""


def _tell_master(client_id: str, data: dict[str, Any], **_: object) -> None:
    for run in _runs.values():
        data["hotswap"] = _counted(run)


def _hear_worker(client_id: str, data: dict[str, Any], **_: object) -> None:
    if "hotswap" in data:
        _told[client_id] = data["hotswap"]


def _say(environment: Environment, **_: object) -> None:
    if isinstance(environment.runner, WorkerRunner):
        return
    for rejected in () if environment.runner is None else environment.runner.exceptions.values():
        # Without its page locust counts them for the exit code, and does not say which.
        _log.warning("%d times %s", rejected["count"], rejected["msg"])
    told = list(_told.values()) or [_counted(run) for run in _runs.values()]
    if told:
        downloads = sum(one["downloads"] for one in told)
        verified = max(one["verified"] for one in told)
        where = "" if len(told) == 1 else f" in each of {len(told)} workers"
        _log.info("%d downloads; %d bundles, each verified and extracted once%s", downloads, verified, where)


def _counted(run: _Run) -> dict[str, int]:
    return {"downloads": run.downloads, "verified": run.bundles.verified}


_hooks: Any = events  # locust's own types say nothing of it
_hooks.init_command_line_parser.add_listener(_arguments)
_hooks.test_start.add_listener(_started)
_hooks.test_stop.add_listener(_stopped)
_hooks.report_to_master.add_listener(_tell_master)
_hooks.worker_report.add_listener(_hear_worker)
_hooks.quitting.add_listener(_leaves)
_hooks.quitting.add_listener(_say)
