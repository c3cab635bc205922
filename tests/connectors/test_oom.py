"""Jobs that the kernel killed for want of memory, told apart from those that somebody killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from recrate.connectors import oom
from recrate.connectors.base import Ending
from recrate.connectors.local import LocalConnector
from recrate.connectors.oom import KillCount, kernel_kills
from recrate.connectors.watch import Watch

from .running import launch_of


def counted(*counts: int | None) -> KillCount:
    """Return a count that goes through these values, look by look, and no value is fresh."""
    values = iter(counts)
    moments = iter(range(0, 1000, 10))
    return KillCount(lambda: next(values), lambda: float(next(moments)))


@pytest.mark.parametrize(
    ("signal", "counts", "ending"),
    [
        ("KILL", (3, 4), Ending.OUT_OF_MEMORY),
        ("KILL", (3, 3), Ending.SIGNALLED),
        ("KILL", (None, None), Ending.SIGNALLED),
        ("KILL", (None, 1), Ending.SIGNALLED),
        ("SEGV", (3, 4), Ending.SIGNALLED),
    ],
)
async def test_a_job_that_was_killed_while_the_count_rose_was_out_of_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signal: str, counts: tuple[int | None, ...], ending: Ending
) -> None:
    connector = LocalConnector()
    monkeypatch.setattr(connector, "_watch", Watch(counted(*counts)))
    handle = await connector.launch("local", launch_of(tmp_path / "a", "sh", "-c", f"kill -{signal} $$"))
    assert (await connector.wait("local", handle)).ending is ending


async def test_a_job_that_we_killed_was_not_out_of_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connector = LocalConnector()
    monkeypatch.setattr(connector, "_watch", Watch(counted(3, 4)))
    handle = await connector.launch("local", launch_of(tmp_path / "a", "sleep", "60"))
    connector.end_all()
    assert (await connector.wait("local", handle)).ending is Ending.CANCELLED


def test_the_count_is_looked_at_once_a_second() -> None:
    looks: list[float] = []
    now = [0.0]

    def look() -> int:
        looks.append(now[0])
        return 0

    count = KillCount(look, lambda: now[0])
    for tenth in range(31):
        now[0] = tenth / 10
        count.recent()
    assert looks == [0.0, 1.0, 2.0, 3.0]


def test_the_own_control_group_is_asked_before_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "job").mkdir()
    for name, path, text in (
        ("OWN_GROUP", "cgroup", "0::/job\n"),
        ("VMSTAT", "vmstat", "nr_free_pages 1\noom_kill 7\n"),
        ("GROUPS", "", None),
    ):
        if text is not None:
            (tmp_path / path).write_text(text)
        monkeypatch.setattr(oom, name, str(tmp_path / path).rstrip("/"))
    assert kernel_kills() == 7
    (tmp_path / "job" / "memory.events").write_text("low 0\noom 3\noom_kill 2\noom_group_kill 0\n")
    assert kernel_kills() == 2
    (tmp_path / "cgroup").unlink()
    (tmp_path / "vmstat").unlink()
    assert kernel_kills() is None
