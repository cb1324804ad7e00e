"""Real build tools against a real server: every save one release, every bundle byte-equal to the build.

Slow: npm installs Vite once into a cache outside the checkout.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import statistics
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest

from tests.e2e.server_process import ServerProcess

DEMANDED = os.environ.get("HOTSWAP_DEV_REQUIRE_TOOLS") == "1"
pytestmark = [
    pytest.mark.slow,
    # Where these tools are demanded (in CI) their absence is a failure.
    pytest.mark.skipif(shutil.which("npm") is None and not DEMANDED, reason="npm is not installed"),
]

SAVES = 10
CACHE = Path(os.environ.get("HOTSWAP_DEV_CACHE", Path.home() / ".cache" / "hotswap-dev"))


@pytest.mark.parametrize("vite", ["7", "8"])
def test_ten_saves_under_vite_build_watch_are_ten_releases_equal_to_dist(tmp_path: Path, vite: str) -> None:
    project = _vite_project(tmp_path / "app", vite)
    dist = project / "dist"
    verified = 0
    offered_ms = []
    with (
        _vite_watching(project) as built,
        ServerProcess(dist, "--port", "0", "--workspace", tmp_path / "w", cwd=tmp_path) as server,
    ):
        first = server.event("published")["sequence"]
        pubkey = server.ready["pubkey"]
        for save in range(1, SAVES + 1):
            (project / "src" / "main.js").write_text(_script(f"save {save}"))
            built()
            published = server.event("published")
            assert published["sequence"] == first + save
            offered_ms.append(published["offered_ms"])
            status, manifest = server.check(first + save - 1)
            assert status == 200
            assert manifest is not None
            _, archive = server.get(manifest["url"])
            assert _unpacked(archive) == _files(dist)
            assert f"save {save}" in "".join(
                text.decode() for name, text in _unpacked(archive).items() if name.endswith(".js")
            )
            verified += _minisign_accepts(tmp_path, archive, manifest["signature"], pubkey)
        # Nothing more comes: the next event of its kind would be an eleventh release.
        (project / "dist" / "last.txt").write_text("the end")
        assert server.event("published")["sequence"] == first + SAVES + 1
    print(
        f"vite {vite}: {SAVES} saves, {SAVES} releases, {verified} signatures verified by minisign -VH, "
        f"offered {statistics.median(offered_ms):.0f} ms after the newest change (median)"
    )
    assert verified == SAVES or not (DEMANDED or shutil.which("minisign"))
    assert statistics.median(offered_ms) <= 450


def _vite_project(root: Path, version: str) -> Path:
    (root / "src").mkdir(parents=True)
    (root / "package.json").write_text(json.dumps({"name": "app", "private": True, "type": "module"}))
    (root / "index.html").write_text(
        '<!doctype html><div id="app"></div><script type="module" src="/src/main.js"></script>'
    )
    (root / "src" / "main.js").write_text(_script("save 0"))
    (root / "src" / "lazy.js").write_text("export const lazy = 'lazy chunk'")
    (root / "src" / "style.css").write_text("body { color: teal }")
    (root / "node_modules").symlink_to(_installed(version))
    return root


def _script(text: str) -> str:
    return (
        "import './style.css'\n"
        f"document.querySelector('#app').textContent = {text!r}\n"
        "import('./lazy.js').then(module => console.log(module.lazy))\n"
    )


def _installed(version: str) -> Path:
    """Vite of this major version, installed once for all runs."""
    folder = CACHE / f"vite-{version}"
    if not (folder / "node_modules" / "vite").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true}')
        done = subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", f"vite@{version}"],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode:
            assert not DEMANDED, done.stderr
            pytest.skip(f"vite@{version} can't be installed here: {done.stderr[-300:]}")
    return folder / "node_modules"


@contextmanager
def _vite_watching(project: Path) -> Iterator[Callable[[], None]]:
    """`vite build --watch` until the block ends; yields a function that waits for the next finished build."""
    lines: queue.Queue[str] = queue.Queue()
    program = ["node", str(project / "node_modules" / "vite" / "bin" / "vite.js"), "build", "--watch"]
    with subprocess.Popen(
        program,
        cwd=project,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        output = process.stdout
        reader = threading.Thread(target=_queued, args=(output, lines), daemon=True)
        reader.start()

        def built() -> None:
            deadline = time.monotonic() + 60
            seen = []
            while True:
                try:
                    seen.append(lines.get(timeout=max(0.0, deadline - time.monotonic())))
                except queue.Empty:
                    raise AssertionError(f"vite built nothing: {seen}") from None
                if "built in" in seen[-1]:
                    return

        try:
            built()
            yield built
        finally:
            process.terminate()
            process.wait(20)
            reader.join(5)


def _queued(output: Iterable[str], lines: queue.Queue[str]) -> None:
    for line in output:
        lines.put(line)


def _unpacked(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=BytesIO(archive), mode="r:gz") as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]


def _files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def _minisign_accepts(folder: Path, archive: bytes, signature: str, pubkey: str) -> bool:
    """Whether Debian's minisign takes it, demanding a prehashed signature; False where it is not installed."""
    if shutil.which("minisign") is None:
        return False
    (folder / "bundle").write_bytes(archive)
    (folder / "bundle.minisig").write_text(signature)
    done = subprocess.run(
        ["minisign", "-VH", "-m", str(folder / "bundle"), "-P", pubkey],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return True
