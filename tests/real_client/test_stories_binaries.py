"""Stories of an app whose binary and bundle don't match, or that is installed anew."""

from __future__ import annotations

import shutil

import pytest

from hotswap_dev.domain.labels import Reading
from tests.real_client.our_server import Serve
from tests.real_client.our_server import serve_fixture as serve_fixture
from tests.real_client.stories import Apps, Publishing
from tests.real_client.stories import app_fixture as app_fixture
from tests.real_client.stories import publish_fixture as publish_fixture


@pytest.mark.parametrize(
    ("policy", "after", "truly"),
    [("discard_on_upgrade", 0, "discarded"), ("keep_compatible", 1, "kept"), ("never_discard", 1, "kept")],
)
async def test_a_new_binary_is_upgraded_whatever_its_policy_does(
    serve: Serve, app: Apps, publish: Publishing, policy: str, after: int, truly: Reading
) -> None:
    one = app(await serve(), config={"binary_cache_policy": policy})
    await publish(one.server)
    await one.start()
    await one.apply()
    await one.plugin.notify_ready()
    await one.check()
    await one.start("0.2.0")

    said = await one.proves("upgraded", truly, sequence=after)

    assert said.startswith("Its binary was 0.1.0, now 0.2.0: upgraded.")
    assert (one.plugin.folder / "seq-1").exists() == (after == 1)


async def test_a_release_below_the_app_is_discarded_at_each_start_and_said_before(
    serve: Serve, app: Apps, publish: Publishing
) -> None:
    one = app(await serve(app_version="0.1.0"), version="0.3.0")
    await publish(one.server)
    await one.start()
    warning = "1 will be discarded at the next start: binary 0.3.0 > min 0.1.0"
    for times in (1, 2):
        await one.apply()
        await one.plugin.notify_ready()
        await one.proves("applied", "applied", sequence=1)
        assert one.next().sentence.startswith(warning)
        await one.start()
        said = await one.proves("discarded", "discarded", sequence=0)
        assert not (one.plugin.folder / "seq-1").exists()
        assert ("for the 2nd time" in said) == (times == 2)
        assert warning in one.next().sentence
    assert one.next().command == "hotswap-dev edit-release 1 --min-binary-version same-as-client"


async def test_discarded_before_it_ever_checked_is_among_what_may_have_happened(
    serve: Serve, app: Apps, publish: Publishing
) -> None:
    """An app that checks at its start alone: the server sees a download and the same sequence as before."""
    one = app(await serve(app_version="0.1.0"), version="0.3.0")
    await publish(one.server)
    await one.start()
    await one.apply()
    await one.plugin.notify_ready()
    await one.start()

    said = await one.proves("not-activated", "discarded", sequence=0)

    assert (
        "Or it ran and was discarded at a start, as it will be each time: binary 0.3.0 > min 0.1.0." in said
    )


async def test_discarded_unseen_over_one_that_was_kept_is_discarded(
    serve: Serve, app: Apps, publish: Publishing
) -> None:
    one = app(await serve(app_version="0.1.0"), version="0.3.0")
    await publish(one.server, "kept", min_binary_version="same-as-client")
    await one.start()
    await one.apply()
    await one.plugin.notify_ready()
    await one.proves("applied", "applied", sequence=1)
    await publish(one.server, "discarded")
    await one.apply()
    await one.plugin.notify_ready()
    await one.start()

    said = await one.proves("discarded", "discarded", sequence=0)

    assert said.startswith(
        "It reported 1, now 0: 2 was discarded at a start, because binary 0.3.0 > min 0.1.0"
    )
    assert (one.plugin.folder / "seq-1").is_dir(), "discarding looks for nothing older"


async def test_the_command_that_next_names_keeps_it(serve: Serve, app: Apps, publish: Publishing) -> None:
    one = app(await serve(app_version="0.1.0"), version="0.3.0")
    await publish(one.server, min_binary_version="same-as-client")
    await one.start()
    await one.apply()
    await one.plugin.notify_ready()
    await one.check()
    assert "discarded" not in one.next().sentence

    await one.start()

    await one.proves("applied", "applied", sequence=1)


async def test_an_older_binary_sets_its_bundle_aside_and_the_newer_one_finds_it_again(
    serve: Serve, app: Apps, publish: Publishing
) -> None:
    one = app(await serve(app_version="0.2.0"), version="0.2.0")
    await publish(one.server)
    await one.start()
    await one.apply()
    await one.plugin.notify_ready()
    await one.check()

    await one.start("0.1.0")
    await one.proves("downgraded", "set-aside", sequence=0)
    assert (one.plugin.folder / "seq-1").is_dir()
    await one.start("0.2.0")
    await one.proves("upgraded", "set-aside", sequence=1)


async def test_a_reinstalled_app_is_never_said_to_have_rolled_back_for_sure(
    serve: Serve, app: Apps, publish: Publishing
) -> None:
    one = app(await serve())
    await publish(one.server)
    await one.start()
    await one.apply()
    await one.plugin.notify_ready()
    await one.check()
    await one.plugin.close()
    shutil.rmtree(one.data)
    await one.start()

    said = await one.proves("rolled-back", "reinstalled", sequence=0)

    assert "or reinstalled" in said
    assert said.endswith("(Inferred.)")
