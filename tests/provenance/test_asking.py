"""A wish reaches the controller of a run: by the store, and by a signal where that is safe."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import pytest
from storebed.samples import run_row

from recrate.provenance import leases, recorder
from recrate.provenance.asking import ask_to_cancel, wait_for_end
from recrate.provenance.leases import Wish
from recrate.provenance.processes import Process, handles, process_start, signal_process, this_process
from recrate.provenance.recorder import Recorder
from recrate.provenance.rows import RunRow
from recrate.provenance.statements import Update
from recrate.provenance.states import RunState
from recrate.provenance.store import Store

RUN = "1" * 16
ELSEWHERE = Process("there", "m2", "boot2", "pid:[2]", 77, 123)

WAITING = "import time; print('ready', flush=True); time.sleep(60)"
HANDLING = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); " + WAITING


def holder(program: str) -> Iterator[tuple[subprocess.Popen[str], Process]]:
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()
    yield child, replace(this_process(), pid=child.pid, start=process_start(child.pid) or 0)
    child.kill()
    child.communicate()


@pytest.fixture
def handling() -> Iterator[tuple[subprocess.Popen[str], Process]]:
    """A process that handles SIGTERM."""
    yield from holder(HANDLING)


@pytest.fixture
def waiting() -> Iterator[tuple[subprocess.Popen[str], Process]]:
    """A process that SIGTERM would kill."""
    yield from holder(WAITING)


def held_by(store: Store, process: Process) -> None:
    store.write(run_row(RUN, state=RunState.RUNNING))
    leases.acquire(store.database, RUN, process)


def test_a_controller_on_this_machine_is_woken_once(
    store: Store, handling: tuple[subprocess.Popen[str], Process]
) -> None:
    child, process = handling
    held_by(store, process)
    assert ask_to_cancel(store, RUN).woken
    assert child.wait(timeout=10) == 7
    assert ask_to_cancel(store, RUN).state is RunState.INTERRUPTED


def test_a_controller_without_a_handler_is_not_killed(
    store: Store, waiting: tuple[subprocess.Popen[str], Process]
) -> None:
    child, process = waiting
    held_by(store, process)
    asked = ask_to_cancel(store, RUN)
    assert (asked.state, asked.woken) == (RunState.RUNNING, False)
    assert child.poll() is None
    assert store.database.one("SELECT asked FROM lease") == ("cancel",)


def test_nobody_but_the_holder_gets_the_signal(handling: tuple[subprocess.Popen[str], Process]) -> None:
    child, process = handling
    me = this_process()
    for other in (
        replace(process, start=process.start - 1),
        replace(process, boot="another"),
        replace(process, boot=""),
        replace(process, pid_space="pid:[1]"),
    ):
        assert not signal_process(other, signal.SIGTERM, me)
    assert child.poll() is None
    assert handles(child.pid, signal.SIGTERM)
    assert not handles(child.pid, signal.SIGHUP)
    assert signal_process(process, signal.SIGTERM, me)


def test_a_run_that_is_over_is_not_asked_for_anything(store: Store) -> None:
    store.write(run_row(RUN, state=RunState.COMPLETED))
    lease = store.acquire(RUN)
    assert ask_to_cancel(store, RUN).state is RunState.COMPLETED
    assert store.database.one("SELECT asked FROM lease") == (None,)
    lease.release()


async def test_a_holder_elsewhere_hears_of_the_wish_with_its_heartbeat(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "HEARTBEAT_SECONDS", 0.05)
    heard: asyncio.Queue[Wish] = asyncio.Queue()
    held = store.acquire(RUN)
    writing = Recorder(store, held, heard.put_nowait)
    await writing.record(run_row(RUN, state=RunState.RUNNING))
    await asyncio.sleep(0.2)
    assert heard.empty()
    store.database.execute("UPDATE lease SET asked = 'something new'")
    await asyncio.sleep(0.2)
    assert heard.empty()
    store.database.execute("UPDATE lease SET asked = 'cancel'")
    assert await asyncio.wait_for(heard.get(), 10) is Wish.CANCEL
    await writing.close()
    held.release()


def test_who_takes_a_run_over_was_asked_for_nothing(store: Store) -> None:
    held_by(store, ELSEWHERE)
    ask_to_cancel(store, RUN)
    store.database.execute("UPDATE lease SET heartbeat = ?", (0.0,))
    store.acquire(RUN)
    assert store.database.one("SELECT asked FROM lease") == (None,)


def test_waiting_for_the_end_has_an_end(store: Store) -> None:
    held_by(store, ELSEWHERE)
    assert wait_for_end(store, RUN, 0.0)[1] is RunState.RUNNING
    store.write(Update(RunRow, (RUN,), {"state": RunState.CANCELLED}))
    assert wait_for_end(store, RUN, 60.0)[1] is RunState.CANCELLED
