"""The node's time is right, also when it is not asked for each attempt, and nobody else's file is believed."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from recrate.connectors.queues.node import CLOCK_SECONDS, NODE, PROGRAM
from recrate.connectors.queues.reports import parse_reports, report_text
from recrate.connectors.wrapper import Script, script_text

BOOT = Path("/proc/sys/kernel/random/boot_id")
UPTIME = Path("/proc/uptime")


@pytest.fixture
def known() -> Iterator[Path]:
    """Where the answer of `date` is kept for a user of this test alone."""
    path = Path(f"/tmp/recrate-clock.test-{os.getpid()}")
    path.unlink(missing_ok=True)
    yield path
    path.unlink(missing_ok=True)


def boot_instant(folder: Path, known: Path) -> float:
    """Carry an attempt out by dash, and return when the machine was booted by what it left."""
    folder.mkdir()
    (folder / "out").mkdir()
    (folder / "script").write_text(script_text(Script("t", "j", str(folder), f"{folder}/out", ("true",))))
    user = known.name.partition(".")[2]
    argv = ["sh", "-c", PROGRAM, "recrate", f"'{folder}' 0"]
    subprocess.run(argv, env={"PATH": os.environ["PATH"], "USER": user}, check=True)
    assert (folder / NODE).exists()
    printed = subprocess.run(["sh", "-s"], input=report_text([str(folder)]), capture_output=True, check=True).stdout
    [report] = parse_reports(printed.decode())
    assert report.origin is not None
    return report.origin


def truly() -> float:
    return time.time() - float(UPTIME.read_text().split()[0])


def test_it_is_asked_once(known: Path, tmp_path: Path) -> None:
    assert boot_instant(tmp_path / "a", known) == pytest.approx(truly(), abs=1.0)
    if not known.exists():
        pytest.skip("the shell here knows the time by itself")
    kept = known.read_text()
    assert boot_instant(tmp_path / "b", known) == pytest.approx(truly(), abs=1.0)
    assert known.read_text() == kept


@pytest.mark.parametrize(
    "kept",
    [
        "an-earlier-boot 1000.5 7.5\n",
        "BOOT 1000.5 OLD\n",
        "BOOT 10\n",
        "",
    ],
)
def test_what_was_kept_for_another_boot_or_too_long_or_in_part_is_not_believed(
    known: Path, tmp_path: Path, kept: str
) -> None:
    now = float(UPTIME.read_text().split()[0])
    if now < CLOCK_SECONDS + 10:
        pytest.skip("this machine was booted less than an hour ago")
    old = f"{now - CLOCK_SECONDS - 5:.2f}"
    known.write_text(kept.replace("BOOT", BOOT.read_text().strip()).replace("OLD", old))
    assert boot_instant(tmp_path / "a", known) == pytest.approx(truly(), abs=1.0)


def test_a_link_that_somebody_else_has_left_there_is_not_written_through(known: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious\n")
    known.symlink_to(tmp_path / "mine")
    assert boot_instant(tmp_path / "a", known) == pytest.approx(truly(), abs=1.0)
    assert (tmp_path / "mine").read_text() == "precious\n"
