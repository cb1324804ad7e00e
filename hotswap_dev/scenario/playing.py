"""Scenarios, played: one step after the other, by one driver, until the first that fails."""

from __future__ import annotations

from typing import NamedTuple, cast

from msgspec.structs import replace

from hotswap_dev.client.control import ServerRefused
from hotswap_dev.domain.model import DEFAULT_CHANNEL
from hotswap_dev.errors import HotswapError
from hotswap_dev.fleet.fleet import ActName
from hotswap_dev.scenario.beats import Beat
from hotswap_dev.scenario.conditions import Result, holds
from hotswap_dev.scenario.deeds import in_words, judges, promised
from hotswap_dev.scenario.model import Act, Condition, Do, Expect, Live, Save, Scenario, Step, Wait
from hotswap_dev.scenario.stage import Stage, sequence_of
from hotswap_dev.scenario.verdict import Begun, Ended, Outcome, Tell, Verdict
from hotswap_dev.wire import Json


class _Failed(Exception):
    """A step did not come to what it should."""

    def __init__(self, expected: str, seen: str) -> None:
        super().__init__(expected)
        self.expected = expected
        self.seen = seen


class _Done(NamedTuple):
    sequence: int | None = None
    fault: int | None = None


async def play(scenario: Scenario, stage: Stage, tell: Tell = lambda _: None) -> Verdict:
    """Play a scenario on a stage. What a server or a client does is never raised: it is in the verdict.

    Its crews join first. Clients live only while a step says so (wait, live), and the step after it waits until that
    is done. A step that fails ends the scenario, and the others are skipped. Before a `Beat` all is made calm, and the
    beats are played that lead to what it needs; where one of them fails, its failure is this one's.
    """
    if isinstance(scenario, Beat):
        return await _beat(scenario, stage, tell)
    return await _steps(scenario, stage, tell)


async def _beat(beat: Beat, stage: Stage, tell: Tell) -> Verdict:
    try:
        for name, leads_there in beat.needs.items():
            if await _standing(name, beat, stage):
                continue
            verdict = await _beat(leads_there, stage, tell)
            if not verdict.ok:
                return replace(verdict, title=beat.title, file=beat.file)
        await _calmed(stage)
    except HotswapError as error:
        return _lost(beat, _told(error), stage, tell)
    verdict = await _steps(beat, stage, tell)
    if verdict.ok:
        stage.spent |= {(beat.file, name, stage.names[name]) for name in beat.needs}
    return verdict


async def _standing(name: str, beat: Beat, stage: Stage) -> bool:
    """Whether the release that a beat needs is still what its channel offers, and the beat has not used it up."""
    sequence = stage.names.get(name)
    if sequence is None or (beat.file, name, sequence) in stage.spent:
        return False
    controls = (await stage.control.state()).controls
    release = controls.releases.get(sequence)
    if release is None or release.withheld or release.targets.restrict or not controls.has_bytes(release):
        return False
    if release.min_binary_version != release.binary_version:  # somebody has edited it: others may have it now
        return False
    newest = controls.newest(release.channel)
    return newest is not None and newest.sequence == sequence


async def _calmed(stage: Stage) -> None:
    """Lift what somebody may have set since the last beat and what would keep its clients from its releases."""
    controls = (await stage.control.state()).controls
    pinned = [client for client in controls.pins if client in stage.fleet.phones]
    wanted: list[tuple[str, dict[str, Json]]] = [
        ("clear-overrides", {}),
        # It makes the channel, where nothing was ever published.
        ("set-build-channel", {"channel": DEFAULT_CHANNEL}),
        ("resume-channel", {"channel": DEFAULT_CHANNEL}),
        *(("pin-client", {"client": client, "sequence": None}) for client in pinned),
    ]
    if (demanded := controls.required.get(DEFAULT_CHANNEL)) is not None:
        door = {"channel": DEFAULT_CHANNEL, "header": demanded.header, "status": None}
        wanted.append(("set-required-header", door))
    for command, arguments in wanted:
        await stage.control.command(command, arguments)


def _lost(scenario: Scenario, seen: str, stage: Stage, tell: Tell) -> Verdict:
    """The verdict where not even the first step could be begun."""
    ended = []
    for number, step in enumerate(scenario.steps, 1):
        failed = number == 1
        ended.append(
            Ended(
                number=number,
                line=step.line,
                text=in_words(step.action),
                outcome="failed" if failed else "skipped",
                expected=promised(step.action) if failed else "",
                seen=seen if failed else "",
                judges=judges(step.action),
                at=stage.clock.now,
            )
        )
        tell(ended[-1])
    return Verdict(title=scenario.title, file=scenario.file, seed=scenario.seed, steps=tuple(ended))


async def _steps(scenario: Scenario, stage: Stage, tell: Tell) -> Verdict:
    failed = False
    ended: list[Ended] = []
    for number, step in enumerate(scenario.steps, 1):
        text, began = in_words(step.action), round(stage.clock.now, 3)
        done, expected, seen = _Done(), "", ""
        if not failed:
            tell(
                Begun(
                    number=number,
                    of=len(scenario.steps),
                    text=text,
                    say=step.say,
                    watch=step.watch,
                    at=began,
                )
            )
            try:
                if number == 1:
                    await stage.begin()
                    await stage.add(scenario.crews, scenario.seed)
                done = await _done(step, stage)
            except _Failed as failure:
                expected, seen = failure.expected, failure.seen
            except HotswapError as error:
                expected, seen = promised(step.action), _told(error)
        if step.named is not None and done.sequence is not None:
            stage.names[step.named] = done.sequence
        if step.named is not None and done.fault is not None:
            stage.faults[step.named] = done.fault
        outcome: Outcome = "skipped" if failed else "failed" if expected else "passed"
        failed = failed or outcome == "failed"
        ended.append(
            Ended(
                number=number,
                line=step.line,
                text=text,
                outcome=outcome,
                expected=expected,
                seen=seen,
                judges=judges(step.action),
                say=step.say,
                watch=step.watch,
                at=began,
                seconds=round(stage.clock.now - began, 3),
                sequence=done.sequence,
            )
        )
        tell(ended[-1])
    return Verdict(title=scenario.title, file=scenario.file, seed=scenario.seed, steps=tuple(ended))


async def _done(step: Step, stage: Stage) -> _Done:
    match step.action:
        case Save(folder=folder):
            return _Done(sequence=await stage.save(folder))
        case Do() as do:
            return await _do(do, stage)
        case Act() as act:
            name = cast("ActName", act.act)  # the format has no others
            await stage.fleet.act(name, stage.clients(act.group, act.client), act.binary_version)
        case Wait() as wait:
            await _wait(wait, stage)
        case Expect(that=condition):
            result = await _asked(condition, stage)
            if not result.holds:
                raise _Failed(result.expected, result.seen)
        case Live(seconds=seconds):
            await stage.live(stage.clock.now + seconds)
    return _Done()


async def _do(do: Do, stage: Stage) -> _Done:
    arguments = await stage.arguments(do.arguments, strict=do.refused is None)
    try:
        done = await stage.control.command(do.command, arguments)
    except ServerRefused as refused:
        if refused.code == do.refused:
            return _Done()
        raise _Failed(promised(do), _told(refused)) from None
    if do.refused is not None:
        raise _Failed(promised(do), "it was done")
    made = done.get("result")
    armed = made.get("id") if do.command == "arm-fault" and isinstance(made, dict) else None
    return _Done(sequence=sequence_of(done["events"]), fault=armed)


async def _wait(wait: Wait, stage: Stage) -> None:
    until = stage.clock.now + wait.within
    while True:
        result = await _asked(wait.until, stage)
        if result.holds:
            return
        if not await stage.lives_on(until):
            idle = "" if stage.fleet.due() is not None or not stage.fleet.phones else _NOBODY_ACTS
            raise _Failed(f"{result.expected}, within {wait.within:g} s", result.seen + idle)


_NOBODY_ACTS = "; no client does anything by itself: its [[clients]] have no poll"


async def _asked(condition: Condition, stage: Stage) -> Result:
    if condition.client is not None:
        condition = replace(condition, client=stage.client(condition.client))
    return holds(condition, await stage.look(answers=condition.is_ == "answered"))


def _told(error: HotswapError) -> str:
    said = f"refused as {error.code}: {error.message}" if isinstance(error, ServerRefused) else error.message
    return f"{said} ({error.hint})" if error.hint else said
