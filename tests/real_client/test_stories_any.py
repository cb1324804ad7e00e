"""Any story at all: an app does things in a random order, and no label is about something that did not happen."""

from __future__ import annotations

import random
import shutil

import pytest

from hotswap_dev.domain.labels import Reading, readings
from tests.real_client.our_server import Serve
from tests.real_client.our_server import serve_fixture as serve_fixture
from tests.real_client.stories import App, Apps, Publishing
from tests.real_client.stories import app_fixture as app_fixture
from tests.real_client.stories import publish_fixture as publish_fixture

DOINGS = (
    *("check",) * 6,
    *("apply",) * 5,
    *("restart",) * 5,
    *("confirm",) * 3,
    *("publish", "publish", "publish below", "download", "activate", "rollback"),
    *("upgrade", "downgrade", "reinstall"),
)
VERSIONS = ("0.1.0", "0.2.0", "0.3.0")
_SAID_AT_A_START: dict[str, Reading] = {
    "discards cached": "discarded",
    "Rolling back.": "rolled-back",
    "requires binary >=": "set-aside",
}


@pytest.mark.parametrize("seed", range(12))
async def test_no_label_is_about_something_that_did_not_happen(
    seed: int, serve: Serve, app: Apps, publish: Publishing
) -> None:
    draw = random.Random(seed)
    config = {
        "binary_cache_policy": draw.choice(("discard_on_upgrade", "discard_on_upgrade", "keep_compatible")),
        "rollback_policy": draw.choice(("latest_confirmed", "embedded_only")),
        "max_retained_versions": draw.choice((2, 4)),
    }
    one = app(await serve(app_version="0.2.0"), version="0.2.0", config=config)
    await publish(one.server, "first")
    await one.start()
    happened: set[Reading] = {"embedded"}
    told: list[str] = []
    for number in range(60):
        doing = draw.choice(DOINGS)
        told.append(doing)
        if doing == "check":
            before = one.client.label if one.server.engine.clients else None
            await one.check()
            label = one.client.label
            assert label is not None
            if label is not before:
                told[-1] += f" -> {label.code} {dict(label.args)}"
                about = {"embedded"} if one.client.sequence == 0 else set()
                assert (happened | about) & set(readings(label)), (label, happened, told)
            happened = set()
        else:
            happened |= await done(one, doing, draw, publish, number)


async def done(one: App, doing: str, draw: random.Random, publish: Publishing, number: int) -> set[Reading]:
    """Do it, and say what came of it."""
    if doing.startswith("publish"):
        below = {"min_binary_version": "0.1.0"} if doing == "publish below" else {}
        await publish(one.server, f"build {number}", **below)
    elif doing == "apply":
        applied = await one.plugin.apply()
        return {"applied"} if applied.error is None else set()
    elif doing == "download":
        fetched = await one.plugin.download()
        return {"not-yet-activated"} if fetched.error is None else set()
    elif doing == "activate":
        activated = await one.plugin.activate()
        return {"applied"} if activated.error is None else set()
    elif doing == "confirm":
        await one.plugin.notify_ready()
    elif doing == "rollback":
        await one.plugin.rollback()
        return {"rolled-back"}
    elif doing == "reinstall":
        await one.plugin.close()
        shutil.rmtree(one.data)
        return {"reinstalled", *await restarted(one, one.version)}
    else:
        place = VERSIONS.index(one.version)
        places = {"upgrade": VERSIONS[place + 1 :], "downgrade": VERSIONS[:place]}.get(doing, (one.version,))
        return await restarted(one, draw.choice(places) if places else one.version)
    return set()


async def restarted(one: App, version: str) -> set[Reading]:
    """What the plugin's log says of a start: nothing else does."""
    waiting = (one.plugin.folder / "current").exists() and await running(one) == 0
    await one.start(version)
    said = "\n".join(one.plugin.started.log)
    found = {reading for words, reading in _SAID_AT_A_START.items() if words in said}
    if not found and one.plugin.started.value["sequence"]:
        found = {"set-aside" if waiting else "kept"}
    return found


async def running(one: App) -> int:
    """What the launch that ends now reported when it began, or 0 where it has ended already."""
    return int(one.plugin.started.value["sequence"])
