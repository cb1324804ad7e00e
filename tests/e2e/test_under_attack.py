"""A server process under attack: everybody else is answered as if nothing was (issue, hardening A to D)."""

from __future__ import annotations

import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.attacking import (
    Address,
    check_seconds,
    commands_of,
    control_of,
    demand_quick,
    half_open,
    log_of,
    python_with_files,
    raise_own_file_limit,
    said_to,
    server_file,
    site_of,
    state_of,
    still_open,
)
from tests.e2e.server_process import ServerProcess, write_frontend
from tests.server.asking import a_request, statuses
from tests.server.probes import FOREIGN_PAGES, ways_to_a_file
from tests.server.test_framing_client_site import SMUGGLING
from tests.server.test_guard_client_site import HOSTS

HALF = (
    b"",
    b"G",
    b"GET /api/ota/0 HTTP/1.1\r\nHost: localhost\r\nX-Dev",
    b"POST /update HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
)


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    return write_frontend(tmp_path / "dist")


def halves(count: int, *addresses: Address) -> list[tuple[Address, bytes]]:
    return [(addresses[n % len(addresses)], HALF[n // len(addresses) % len(HALF)]) for n in range(count)]


def test_D2_twelve_hundred_half_open_connections_cost_a_check_nothing(tmp_path: Path, dist: Path) -> None:
    raise_own_file_limit(2048)
    with ServerProcess(dist, "--port", "0", cwd=tmp_path) as server:
        server.event("published")
        with half_open(halves(1200, site_of(server), control_of(server))) as opened:
            demand_quick(check_seconds(server))
            # There is room for all of them; it is not by throwing them out that it answers.
            assert still_open(opened) == 1200
        assert state_of(server)["controls"]["last_sequence"] == 1
        server.process.terminate()
        assert server.errors() == ""
        assert log_of(server) == ""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of open files")
def test_D2_where_few_files_are_allowed_the_oldest_half_open_go_and_no_newcomer_is_refused(
    tmp_path: Path, dist: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raise_own_file_limit(2048)
    monkeypatch.setattr(sys, "executable", python_with_files(tmp_path, 1024))
    with ServerProcess(dist, "--port", "0", cwd=tmp_path) as server:
        monkeypatch.undo()
        server.event("published")
        with half_open(halves(1200, site_of(server), control_of(server))) as opened:
            demand_quick(check_seconds(server))
            assert still_open(opened[:300]) == 0
            # 1024 - 256, and the checks needed one place.
            assert 760 <= still_open(opened) <= 768
        server.process.terminate()
        assert server.errors() == ""
        assert len(log_of(server)) < 10_000
        assert "Traceback" not in log_of(server)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux changes the limit of another process")
@pytest.mark.xfail(
    strict=False,
    reason="now and then the first check after the limit fell waits longer than its 5 s: not understood yet",
)
def test_D2_a_process_that_runs_out_of_files_all_the_same_goes_on_answering_and_is_quiet(
    tmp_path: Path, dist: Path
) -> None:
    import resource

    raise_own_file_limit(2048)
    with ServerProcess(dist, "--port", "0", cwd=tmp_path) as server:
        server.event("published")
        pid = server.process.pid
        _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        used = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        resource.prlimit(
            pid, resource.RLIMIT_NOFILE, (used + 20, hard)
        )  # far below what it was told at its start
        with half_open(halves(300, site_of(server))):
            demand_quick(check_seconds(server))
            assert state_of(server)["controls"]["last_sequence"] == 1
            before = cpu_seconds(pid)
            demand_quick(check_seconds(server, 5))
            time.sleep(0.5)
            # It waits for connections, and does not ask for them over and over.
            assert cpu_seconds(pid) - before < 0.3
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (hard, hard))
        demand_quick(check_seconds(server))
        server.process.terminate()
        assert server.errors() == ""
        assert len(log_of(server)) < 10_000
        assert "Traceback" not in log_of(server)


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


@pytest.mark.parametrize("options", [(), ("--host", "0.0.0.0")], ids=["loopback", "network"])
def test_whatever_is_thrown_at_it_nothing_breaks_leaks_or_changes(
    tmp_path: Path, dist: Path, options: tuple[str, ...]
) -> None:
    """Hosts, targets, framings, ways to a file, pages and tokens: A2 to A12, B1, B2, D5, all of them at once."""
    with ServerProcess(dist, "--port", "0", *options, cwd=tmp_path) as server:
        server.event("published")
        before = state_of(server)
        bundle = before["controls"]["releases"]["1"]["bundle"]
        sites = [site_of(server)]
        if options and sys.platform == "linux":
            # Any address but the one that everything else here uses, without a network.
            sites.append(("127.0.0.2", site_of(server)[1]))
        probes = [
            *(
                (site, probe)
                for site in sites
                for probe in against_the_client_site(f"{bundle['hash'][:8]}.tar.gz")
            ),
            *((control_of(server), probe) for probe in against_the_control_site(server)),
        ]
        assert len(probes) > 350

        with ThreadPoolExecutor(8) as attackers:
            answering = [attackers.submit(said_to, address, probe) for address, probe in probes]
            meanwhile = check_seconds(server)
            answers = [answer.result() for answer in answering]

        demand_quick(meanwhile)
        told = {status for answer in answers for status in statuses(answer)}
        # 200 only for a host that may be asked for, never from the control site.
        assert told <= {200, 400, 401, 403, 404, 405, 417}
        for (address, _), answer in zip(probes, answers, strict=True):
            assert address != control_of(server) or set(statuses(answer)) <= {400, 401, 403}
        for secret in secrets_of(server, tmp_path):
            assert [answer for answer in answers if secret in answer] == [], secret
        assert state_of(server)["controls"] == before["controls"]
        if options and sys.platform == "linux":
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.2", control_of(server)[1]), 1)
        server.process.terminate()
        assert server.errors() == ""
        assert "Traceback" not in log_of(server)
        assert len(log_of(server)) < 20_000


def against_the_client_site(bundle: str) -> list[bytes]:
    check = "/api/ota/0?binary_version=0.1.0&platform=linux&arch=x86_64"
    commands = ("/api/state", "/api/events", "/api/commands", "/api/commands/publish", "/api/checks")
    return [
        *(a_request(check, host=host) for host in HOSTS),
        *(
            a_request(target)
            for target in (
                "http://evil.example/",
                "//evil.example/",
                "*",
                "",
                "\\",
                "/#",
                "/\x00",
                "/%00",
                "/\xff",
            )
        ),
        *SMUGGLING.values(),
        *(a_request(way, method=method) for way in ways_to_a_file(bundle) for method in ("GET", "HEAD")),
        *(
            a_request(f"{prefix}{name}")
            for name in ("server.json", "state.db", "history.db", "key", "secret", "lock", "server.log")
            for prefix in ("/", "/bundles/", "/bundles/-/1/", "/.hotswap-dev/", "/bundles/-/1/../../../")
        ),
        *(
            a_request(path, method=method)
            for path in commands
            for method in ("GET", "POST", "PUT", "OPTIONS")
        ),
    ]


def against_the_control_site(server: ServerProcess) -> list[bytes]:
    token = f"Authorization: Bearer {server_file(server)['token']}"
    own = urlsplit(server.ready["control"]).netloc
    routes = [
        *(
            ("GET", f"/api/{name}")
            for name in ("state", "events", "commands", "checks", "releases", "clients")
        ),
        *(("POST", f"/api/commands/{command['name']}") for command in commands_of(server)),
    ]
    body = ("Content-Type: application/json", "Content-Length: 0")
    probes = list(SMUGGLING.values())
    for method, path in routes:
        probes += [
            a_request(path, *body, method=method, host=own),
            a_request(path, *body, "Authorization: Bearer wrong", method=method, host=own),
            a_request(f"{path}?token={server_file(server)['token']}", *body, method=method, host=own),
            a_request(path, *body, token, method=method, host="evil.example"),
        ]
        for page in FOREIGN_PAGES.values():
            sent = [f"{name}: {value.replace('OWN-TLS', f'https://{own}')}" for name, value in page.items()]
            probes.append(a_request(path, *body, token, *sent, method=method, host=own))
    return probes


def secrets_of(server: ServerProcess, folder: Path) -> list[bytes]:
    """What stands in no answer: where things are, how it fails, and whatever signs or opens something."""
    workspace = Path(server.ready["workspace"])
    key = (workspace / "key").read_bytes().splitlines()
    assert len(key[1]) > 100
    return [
        bytes(folder),
        b"Traceback",
        b"site-packages",
        b".py",
        b"hotswap_dev",
        key[1],
        (workspace / "secret").read_bytes(),
        server_file(server)["token"].encode(),
    ]
