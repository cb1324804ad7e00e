"""npm's real Vite, and a folder of 43,000 files: one settled tree for each build, and it is the build."""

import asyncio
import contextlib
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hotswap_dev.packing.tree import scan
from hotswap_dev.watching import Settled, Waiting, Watch, watch

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SAVES = 10
PAGE = '<!doctype html><title>app</title><body><script type="module" src="/src/main.js"></script></body>'
MAIN = """import "./style.css"
document.body.append("save 0")
import("./lazy.js").then((lazy) => lazy.go())
"""
# Vite empties the folder when it renders; what a plugin then does is silence.
SILENT_FOR_4_S = """export default { plugins: [{
  name: "silent", enforce: "post", generateBundle: () => new Promise((resolve) => setTimeout(resolve, 4000)),
}] }
"""


@pytest.fixture(scope="module", params=["7", "8"])
def installed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with Vite in it."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not on the PATH")
    project = tmp_path_factory.mktemp(f"vite-{request.param}")
    (project / "package.json").write_text(json.dumps({"name": "app", "private": True, "type": "module"}))
    install = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", f"vite@{request.param}"]
    subprocess.run(install, cwd=project, check=True, timeout=240)
    return project


@pytest.fixture
def project(installed: Path) -> Path:
    """Fresh sources, and nothing built yet."""
    for folder in ("src", "public", "dist"):
        shutil.rmtree(installed / folder, ignore_errors=True)
    (installed / "vite.config.js").unlink(missing_ok=True)
    files = {
        "index.html": PAGE,
        "src/main.js": MAIN,
        "src/lazy.js": 'export const go = () => (document.title = "lazy")\n',
        "src/style.css": "p { color: teal }\n",
        "public/robots.txt": "User-agent: *\n",
    }
    for path, content in files.items():
        (installed / path).parent.mkdir(exist_ok=True)
        (installed / path).write_text(content)
    return installed


async def test_ten_saves_in_vites_watch_mode_are_ten_settled_trees_and_each_is_the_build(
    project: Path,
) -> None:
    dist = project / "dist"
    async with watch(dist) as folder, _vite(project, "build", "--watch"):
        assert (await _settled(folder)).first
        for save in range(1, SAVES + 1):
            # Pauses of all lengths, also shorter than a build and its settling.
            await asyncio.sleep(0.13 * save % 0.7)
            (project / "src/main.js").write_text(MAIN.replace("save 0", f"save {save}"))
            settled = await _settled(folder)
            assert settled.scan == scan(dist)
            assert settled.missing_references == ()
            assert f"save {save}" in _scripts(dist), "handed over before the build was done"
        assert await _none_within(folder, 3.0)


async def test_a_folder_that_vite_empties_and_leaves_silent_for_4_s_is_one_settled_tree(
    project: Path,
) -> None:
    dist = project / "dist"
    async with _vite(project, "build") as first:
        assert await first.wait() == 0
    (project / "vite.config.js").write_text(SILENT_FOR_4_S)
    (project / "src/main.js").write_text(MAIN.replace("save 0", "save 1"))
    async with watch(dist) as folder:
        assert (await _settled(folder)).first
        async with _vite(project, "build") as second:
            assert await anext(folder) == Waiting("no-index", "there is no index.html at the top of dist")
            settled = await _settled(folder)
            assert settled.scan == scan(dist)
            assert "save 1" in _scripts(dist)
            assert await second.wait() == 0
            assert await _none_within(folder, 3.0)


async def test_43_000_files_written_while_it_watches_are_one_settled_tree(tmp_path: Path) -> None:
    root = tmp_path / "dist"
    async with watch(root) as folder:
        assert isinstance(await anext(folder), Waiting)
        writing = asyncio.create_task(asyncio.to_thread(_write_icons, root, 43_000))
        settled = await _settled(folder)
        await writing
        assert settled.scan == scan(root)
        assert len(settled.scan.files) == 43_001
        (root / "icons-7" / "icon-7.js").write_text("export const changed = true\n")
        assert (await _settled(folder)).scan == scan(root)
        assert await _none_within(folder, 2.0)


@contextlib.asynccontextmanager
async def _vite(project: Path, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    vite = await asyncio.create_subprocess_exec(
        "node", "node_modules/vite/bin/vite.js", *arguments, cwd=project, stdout=subprocess.DEVNULL
    )
    try:
        yield vite
    finally:
        if vite.returncode is None:
            vite.terminate()
        await vite.wait()


async def _settled(folder: Watch) -> Settled:
    async with asyncio.timeout(60):
        while not isinstance(seen := await anext(folder), Settled):
            assert isinstance(seen, Waiting), f"not for {seen}"
        return seen


async def _none_within(folder: Watch, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await anext(folder)
    except TimeoutError:
        return True
    return False


def _scripts(dist: Path) -> str:
    return "".join(path.read_text() for path in dist.rglob("*.js"))


def _write_icons(root: Path, count: int) -> None:
    for number in range(20):
        (root / f"icons-{number}").mkdir(parents=True)
    (root / "index.html").write_text('<script type="module" src="/icons-0/icon-0.js"></script>')
    for number in range(count):
        (root / f"icons-{number % 20}" / f"icon-{number}.js").write_text(f"export const icon = {number}\n")
