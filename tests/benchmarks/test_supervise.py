"""What is measured of a command: the controller and its jobs, each for itself."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import supervise
from benchmarks.supervise import Measured

MEGABYTE = 1_000_000
SPIN = "import time\nwhile time.process_time() < 0.4: pass\n"


def measured(tmp_path: Path, *command: str, limit: float = 30) -> Measured:
    result = tmp_path / "measured.json"
    subprocess.run([sys.executable, "-I", supervise.__file__, str(limit), str(result), *command], check=True)
    found: Measured = json.loads(result.read_text())
    return found


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def starting(program: str) -> list[str]:
    return python(f"import subprocess, sys, time; subprocess.run([sys.executable, '-c', {program!r}])")


def test_memory_of_a_job_is_not_the_controllers(tmp_path: Path) -> None:
    hold = "x = bytearray(200_000_000); import time; time.sleep(0.3)"
    assert measured(tmp_path, *python(hold))["peak_bytes"] > 200 * MEGABYTE
    assert measured(tmp_path, *starting(hold))["peak_bytes"] < 100 * MEGABYTE


def test_cpu_time_of_the_controller_and_of_its_jobs_are_told_apart(tmp_path: Path) -> None:
    own, jobs = measured(tmp_path, *python(SPIN)), measured(tmp_path, *starting(SPIN))
    assert own["controller_cpu"] > 0.35 > own["jobs_cpu"]
    assert jobs["jobs_cpu"] > 0.35 > jobs["controller_cpu"]


def test_cpu_time_of_a_job_that_nobody_waited_for_counts(tmp_path: Path) -> None:
    (tmp_path / "spin.py").write_text(SPIN)
    script = f"(setsid {sys.executable} {tmp_path}/spin.py &) ; sleep 2"
    assert measured(tmp_path, "sh", "-c", script)["jobs_cpu"] > 0.35


def test_the_exit_code_is_the_commands(tmp_path: Path) -> None:
    assert measured(tmp_path, "sh", "-c", "exit 7")["code"] == 7


def test_nothing_goes_on_when_the_time_is_up(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    found = measured(tmp_path, "sh", "-c", f"setsid sh -c 'sleep 4; touch {flag}' & sleep 60", limit=0.3)
    assert found["timed_out"]
    assert found["seconds"] < 3
    time.sleep(4)
    assert not flag.exists()


def test_nothing_goes_on_when_it_is_interrupted(tmp_path: Path) -> None:
    begun, flag = tmp_path / "begun", tmp_path / "flag"
    script = f"touch {begun}; sleep 4; touch {flag}"
    command = [sys.executable, "-I", supervise.__file__, "30", str(tmp_path / "m.json"), "sh", "-c", script]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    while not begun.exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait(10) != 0
    time.sleep(4)
    assert not flag.exists()
