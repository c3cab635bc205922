"""A place whose answers come late, twice and in another order changes nothing of what a run comes to."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from recrate.connectors.base import Ended, Handle
from recrate.connectors.local import LocalConnector
from recrate.core.engine import Engine
from recrate.core.machine.events import AttemptEnded, AttemptStarted, Event

from ..core.engine.bench import Bench, consistent
from .documents import EFFECTS, INPUTS, everything
from .driver import contents


@pytest.fixture
def bench(tmp_path: Path) -> Any:
    made = Bench(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("seed", range(4))
def test_answers_that_come_late_twice_and_in_another_order(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    log = bench.directory / "effects"
    expected = bench.run(everything(log), INPUTS, cache=False)
    log.unlink()
    wait, happened = LocalConnector.wait, Engine.happened

    async def late(self: LocalConnector, location: str, handle: Handle) -> Ended:
        ended = await wait(self, location, handle)
        await asyncio.sleep(chance.uniform(0, 0.1))
        again = await wait(self, location, handle)
        assert (again.ending, again.exit_code) == (ended.ending, ended.exit_code)
        if chance.random() < 0.3:
            await self.cancel(location, handle)
        return ended

    async def twice(self: Engine, event: Event, *rows: Any) -> None:
        await happened(self, event, *rows)
        if isinstance(event, (AttemptStarted, AttemptEnded)) and self.machine.outcome is None:
            await asyncio.sleep(chance.uniform(0, 0.02))
            assert self.machine.handle(event) == []

    monkeypatch.setattr(LocalConnector, "wait", late)
    monkeypatch.setattr(Engine, "happened", twice)
    ran = bench.run(everything(log), INPUTS, cache=False)
    assert contents(ran.outputs) == contents(expected.outputs)
    assert len(log.read_text().splitlines()) == EFFECTS
    consistent(ran)
