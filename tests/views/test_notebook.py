"""Runs in a notebook."""

from __future__ import annotations

import asyncio
import html
import os
import signal
import subprocess
import sys
import threading
import types
from pathlib import Path
from typing import Any

import pytest
from storebed.looked_at import HOSTILE

import recrate
from recrate.core.blocking import to_its_end
from recrate.core.observer import Notice, Progress
from recrate.provenance import queries
from recrate.provenance.database import Database
from recrate.views.notebook import NotebookProgress, notebook_observer, run_html


def run_id(database: Database, name: str) -> str:
    return queries.resolve(database, queries.Kind.RUN, name)


def test_a_run_is_a_page_in_a_frame_without_scripts(database: Database) -> None:
    shown = run_html(database, run_id(database, "good"))
    assert shown.startswith("<iframe ")
    assert 'sandbox="allow-popups"' in shown
    assert "<script" not in shown
    page = html.unescape(shown.partition('srcdoc="')[2].rpartition('"')[0])
    assert page.startswith("<!DOCTYPE html>")
    assert "data:image/svg+xml;base64," in page
    assert 'class="flow' in page
    assert HOSTILE not in page


def test_a_run_that_failed_says_why(database: Database) -> None:
    page = html.unescape(run_html(database, run_id(database, "bad")))
    assert "exit code 1" in page


def test_what_a_run_returns_shows_itself(tmp_path: Path) -> None:
    (tmp_path / "hello.cwl").write_text(
        '{"cwlVersion": "v1.2", "class": "CommandLineTool", "baseCommand": "true", "inputs": {}, "outputs": {}}'
    )
    store = tmp_path / "store.db"
    result = recrate.run(tmp_path / "hello.cwl", store=str(store), work=tmp_path / "work", name="hello")
    shown = result._repr_html_()
    assert shown is not None
    assert "hello" in shown
    assert recrate.attach("hello", store=str(store))._repr_html_() == shown
    for path in tmp_path.glob("store.db*"):
        path.unlink()
    assert result._repr_html_() is None, "there is nothing left to show"
    assert "store" not in repr(result)


async def test_a_run_can_be_waited_for_where_an_event_loop_runs(tmp_path: Path) -> None:
    """As in notebooks."""
    (tmp_path / "hello.cwl").write_text(
        '{"cwlVersion": "v1.2", "class": "CommandLineTool", "baseCommand": ["echo", "hi"], "inputs": {}, '
        '"outputs": {"said": "stdout"}}'
    )
    usual: dict[str, Any] = {"store": str(tmp_path / "store.db"), "work": tmp_path / "work"}
    result = recrate.run(tmp_path / "hello.cwl", **usual)
    assert result.raise_if_failed().outputs["said"]["size"] == 3
    assert recrate.resume(result.id, store=usual["store"]).id == result.id


async def test_a_run_of_a_notebook_is_cancelled_from_elsewhere_and_the_notebook_stays(tmp_path: Path) -> None:
    (tmp_path / "wait.cwl").write_text(
        '{"cwlVersion": "v1.2", "class": "CommandLineTool", "baseCommand": ["sleep", "60"], "inputs": {}, '
        '"outputs": {}}'
    )
    store = str(tmp_path / "store.db")
    words = [sys.executable, "-m", "recrate", "cancel", "waiting", "--store", store]

    class Canceller:
        started = False

        def notify(self, progress: Progress) -> None:
            if progress.notice is Notice.JOB_STARTED and not self.started:
                self.started = True
                subprocess.Popen(words, stdout=subprocess.DEVNULL)

    result = recrate.run(
        tmp_path / "wait.cwl", store=store, work=tmp_path / "work", name="waiting", observer=Canceller()
    )
    assert result.state.value == "cancelled"
    assert result.seconds < 40


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_what_interrupts_the_wait_ends_the_coroutine_in_its_own_way(number: signal.Signals) -> None:
    asked = threading.Event()

    async def going_on() -> str:
        await asyncio.sleep(0.5)  # until the other thread waits
        os.kill(os.getpid(), number)
        while not asked.is_set():
            await asyncio.sleep(0.01)
        return "ended"

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # as kernels of notebooks have it
    try:
        assert to_its_end(going_on(), asked.set) == "ended"
    finally:
        signal.signal(signal.SIGINT, before)


def test_without_an_event_loop_nothing_is_done_in_another_thread() -> None:
    async def where() -> int:
        return threading.get_ident()

    assert to_its_end(where()) == threading.get_ident()


def told(notice: Notice, **fields: Any) -> Progress:
    return Progress(notice, "r", **fields)


def test_progress_is_shown_now_and_then_and_at_the_end() -> None:
    shown: list[str] = []
    times = iter([0.0, 0.01, 0.02, 1.0, 1.1, 2.0])
    observer = NotebookProgress(shown.append, lambda: next(times))
    observer.notify(told(Notice.RUN_STARTED, text="run calm-otter"))
    observer.notify(told(Notice.STEP_UNFOLDED, step="/<b>", jobs=4))
    observer.notify(told(Notice.JOB_STARTED, step="/<b>", job="/<b>[0]"))
    observer.notify(told(Notice.JOB_COMPLETED, step="/<b>", job="/<b>[0]"))
    observer.notify(told(Notice.JOB_STARTED, step="/<b>", job="/<b>[1]"))
    observer.notify(told(Notice.RUN_ENDED, text="run calm-otter completed"))
    assert len(shown) == 2
    assert "1 of 4" in shown[0]
    assert "run calm-otter completed" in shown[1]
    assert "&lt;b&gt;" in shown[1]
    assert "<b>" not in shown[1]


def test_only_a_notebook_has_an_observer_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert notebook_observer() is None
    updates: list[str] = []
    handle = types.SimpleNamespace(update=updates.append)
    display = types.SimpleNamespace(HTML=str, display=lambda text, display_id: handle)
    terminal = types.SimpleNamespace(get_ipython=lambda: object(), display=display)
    monkeypatch.setitem(sys.modules, "IPython", terminal)
    assert notebook_observer() is None
    notebook = types.SimpleNamespace(get_ipython=lambda: types.SimpleNamespace(kernel=1), display=display)
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    observer = notebook_observer()
    assert observer is not None
    observer.notify(told(Notice.RUN_ENDED, text="over"))
    assert "over" in updates[-1]
