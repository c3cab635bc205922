"""Peak memory of attempts that run for long."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from recrate.connectors import processes, sampler
from recrate.connectors.local import LocalConnector

from .running import launch_of


async def gone(session: int) -> None:
    """Wait until nothing of a session is left: what was killed last is somebody else's child, who has to notice."""
    async with asyncio.timeout(10):
        while processes.of_session(session):
            await asyncio.sleep(0.01)


async def test_a_short_job_has_no_sampler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def started(*arguments: object) -> int:
        raise AssertionError(arguments)

    monkeypatch.setattr(sampler, "start", started)
    monkeypatch.setattr(sampler, "AFTER_SECONDS", 0.3)
    connector = LocalConnector()
    await connector.wait("local", await connector.launch("local", launch_of(tmp_path / "a", "true")))
    await asyncio.sleep(0.4)
    assert not (tmp_path / "a" / "rss").exists()


async def test_the_highest_peak_of_all_processes_of_a_session_is_kept(tmp_path: Path) -> None:
    hold = "import time; x = bytearray(70_000_000); del x; print(flush=True); time.sleep(60)"
    argv = (sys.executable, "-S", "-c", hold)
    process = await asyncio.create_subprocess_exec(*argv, start_new_session=True, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    await process.stdout.readline()
    watching = sampler.start(str(tmp_path), process.pid, process.pid)
    second = sampler.start(str(tmp_path), process.pid, process.pid)
    os.waitpid(min(watching, second) if (tmp_path / "rss").exists() else second, os.WNOHANG)
    while not (tmp_path / "rss").exists() or int((tmp_path / "rss").read_text() or 0) == 0:
        await asyncio.sleep(0.01)
    peak = int((tmp_path / "rss").read_text()) * 1024
    process.kill()
    await process.wait()
    assert 70_000_000 < peak < 200_000_000, "also when the memory was given back"
    for pid in (watching, second):
        sampler.stop(pid)
        await gone(pid)


async def test_a_sampler_ends_by_itself(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec("sleep", "60", start_new_session=True)
    watching = sampler.start(str(tmp_path), process.pid, process.pid)
    while not (tmp_path / "rss").exists():
        await asyncio.sleep(0.01)
    process.kill()
    await process.wait()
    await asyncio.wait_for(asyncio.to_thread(os.waitpid, watching, 0), 10)


async def test_a_sampler_of_a_job_that_ended_is_ended_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampler, "AFTER_SECONDS", 0.1)
    pids = []
    start = sampler.start
    monkeypatch.setattr(sampler, "start", lambda *arguments: pids.append(start(*arguments)) or pids[-1])
    connector = LocalConnector()
    handle = await connector.launch("local", launch_of(tmp_path / "a", "sleep", "0.5"))
    ended = await connector.wait("local", handle)
    assert len(pids) == 1
    await gone(pids[0])
    assert ended.figures.peak_rss
