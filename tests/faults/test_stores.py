"""A store that cannot be written is a failed run, never a run with holes; when it can, the run goes on."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recrate.provenance.rows import RunRow
from recrate.provenance.states import RunState
from recrate.provenance.store import open_store

from ..storebed.servers import Server as DatabaseServer
from ..storebed.servers import missing_program, stoppable_server
from .documents import EFFECTS, INPUTS, everything, pair
from .driver import Bed, contents

MakeBed = Callable[..., Bed]


def state_on_record(bed: Bed) -> RunState:
    with open_store(bed.store) as store:
        (run,) = store.database.rows(RunRow)
        return run.state


@pytest.mark.parametrize("seed", range(6))
def test_a_log_of_the_database_that_lost_its_end_costs_only_what_it_said(make_bed: MakeBed, seed: int) -> None:
    """A disk that lied about what it had written: jobs whose record is lost are done again, and all fits together."""
    chance = random.Random(seed)
    bed = make_bed(everything, INPUTS)
    assert bed.run(commit=chance.randint(8, 45))["status"] == -signal.SIGKILL
    log = Path(f"{bed.store}-wal")
    size = log.stat().st_size
    os.truncate(log, chance.randint(size // 3, size))
    if not bed.has_run():
        return
    answer = bed.resume()
    assert answer.get("state") == "completed", answer
    intact = make_bed(everything, INPUTS, "intact")
    assert contents(answer["outputs"]) == contents(intact.run()["outputs"])
    assert len(bed.lines()) == EFFECTS
    bed.check_closed()


@pytest.mark.parametrize("seconds", [-86_400, 86_400], ids=["back", "on"])
def test_a_clock_that_is_set_changes_nothing(make_bed: MakeBed, seconds: float) -> None:
    bed = make_bed(everything, INPUTS)
    assert bed.run(commit=20, clock=seconds)["status"] == -signal.SIGKILL
    answer = bed.resume()
    assert answer.get("state") == "completed", answer
    assert set(bed.lines().values()) == {1} and sum(bed.lines().values()) == EFFECTS
    bed.check_closed()


def test_of_two_controllers_that_resume_a_run_exactly_one_works(make_bed: MakeBed) -> None:
    bed = make_bed(lambda log: pair(log, short=0.2, long=6), {"x": "a"})
    assert bed.run(seconds=0.5)["status"] == -signal.SIGKILL
    from .driver import Server

    others = [Server() for _ in range(3)]
    answers: list[dict[str, object]] = []

    def resume(server: Server) -> None:
        answers.append(server.ask(do="resume", run="last", options={"store": bed.store}))

    threads = [threading.Thread(target=resume, args=(server,)) for server in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for server in others:
        server.close()
    assert sorted(str(answer.get("state") or answer.get("kind")) for answer in answers) == [
        "RunIsHeld",
        "RunIsHeld",
        "completed",
    ]
    assert sorted(bed.lines().values()) == [1, 1]
    bed.check_closed()


def test_a_second_run_on_the_same_store_waits_for_its_turn_and_does_not_fail(make_bed: MakeBed) -> None:
    """What others fail at with "database is locked"."""
    from .driver import Server

    bed = make_bed(everything, INPUTS)
    others = [Server() for _ in range(3)]
    answers: list[dict[str, object]] = []

    def run(server: Server) -> None:
        said = {"store": bed.store, "work": str(bed.directory / "work"), "containers": "none", "jobs": 4}
        answers.append(server.ask(do="run", document=str(bed.document), inputs=INPUTS, options=said))

    threads = [threading.Thread(target=run, args=(server,)) for server in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for server in others:
        server.close()
    assert [answer.get("state") for answer in answers] == ["completed"] * 3
    with open_store(bed.store) as store:
        assert len(store.database.rows(RunRow)) == 3


# -- disks ---------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own in memory, of 8 MB."""
    path = tmp_path / "disk"
    path.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", path], capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"a file system cannot be mounted here: {done.stderr.strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def remount(path: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", path], check=True)


def filling(log: Path) -> dict[str, object]:
    """Return a workflow of which nine leave 1.5 MB each."""
    made = everything(log)
    for step in ("spread", "end"):
        words = made["steps"][step]["run"]["baseCommand"]
        words[2] = f"set -e; head -c 1500000 /dev/zero >fill; {words[2]}"
    return made


@pytest.mark.parametrize("what", ["work", "store"])
def test_a_disk_that_fills_ends_the_run_in_one_line_and_with_space_it_goes_on(
    make_bed: MakeBed, small_disk: Path, what: str
) -> None:
    bed = make_bed(filling, {**INPUTS, "items": [*"abcdefgh"]})
    if what == "work":
        bed.options["work"] = str(small_disk / "work")
    else:
        bed.options["store"] = str(small_disk / "store.db")
        with (small_disk / "filler").open("wb") as filler:
            filler.write(bytes(7_300_000))
    command = ["run", "--quiet", "--store", bed.options.get("store", bed.store), "--work"]
    command += [bed.options.get("work", str(bed.directory / "work")), "--outdir", str(bed.directory / "out")]
    job = bed.directory / "job.json"
    job.write_text(json.dumps(bed.inputs))
    done = recrate(*command, str(bed.document), str(job))
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    assert "is full" in done.stderr or "No space left" in done.stderr, done.stderr
    remount(small_disk, "size=64m")
    again = recrate("resume", "last", "--quiet", "--store", bed.options.get("store", bed.store))
    assert again.returncode == 0, again.stderr
    if what == "store":
        bed.options.pop("store")
    assert len(bed.lines()) == 8 + 16 + 4 + 2


def recrate(*arguments: str) -> subprocess.CompletedProcess[str]:
    import sys

    return subprocess.run(
        [sys.executable, "-m", "recrate", *arguments], capture_output=True, text=True, timeout=120, check=False
    )


def test_a_store_that_becomes_read_only_ends_the_run_and_its_jobs_are_taken_over(
    make_bed: MakeBed, small_disk: Path
) -> None:
    import sys

    bed = make_bed(lambda log: pair(log, short=0.7, long=2.0), {"x": "a"})
    store = str(small_disk / "store.db")
    command = ["run", "--quiet", "--store", store, "--work", str(bed.directory / "work"), "--set", "x=a"]
    process = subprocess.Popen(
        [sys.executable, "-m", "recrate", *command, str(bed.document)],
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, cwd=bed.directory,
    )  # fmt: skip
    deadline = time.monotonic() + 20
    while not bed.effects.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    # Writers keep a file system from becoming read-only; what has happened to the disk is told by its writes.
    filler = os.open(small_disk / "filler", os.O_CREAT | os.O_WRONLY)
    with contextlib.suppress(OSError):
        while os.write(filler, bytes(4096)):
            continue
    os.close(filler)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert len(said.splitlines()) == 1 and "store" in said, said
    (small_disk / "filler").unlink()
    again = recrate("resume", "last", "--quiet", "--store", store)
    assert again.returncode == 0, again.stderr
    assert sorted(bed.lines().values()) == [1, 1]


# -- a database that stops -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def database_server() -> Iterator[DatabaseServer]:
    reason = missing_program()
    if reason is not None:
        pytest.skip(reason)
    pytest.importorskip("psycopg")
    with stoppable_server() as server:
        yield server


def test_a_database_that_stops_ends_the_run_and_when_it_is_back_the_run_goes_on(
    make_bed: MakeBed, database_server: DatabaseServer
) -> None:
    from .driver import Server

    bed = make_bed(lambda log: pair(log, short=1.0, long=3.0), {"x": "a"}, store=database_server.url)
    controllers = Server()
    answers: list[dict[str, object]] = []
    said = {"work": str(bed.directory / "work"), "containers": "none", "jobs": 4, "store": database_server.url}

    def run() -> None:
        answers.append(controllers.ask(do="run", document=str(bed.document), inputs=bed.inputs, options=said))

    thread = threading.Thread(target=run)
    thread.start()
    deadline = time.monotonic() + 20
    while sum(bed.lines().values()) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    database_server.stop()
    thread.join(60)
    controllers.close()
    database_server.start()
    assert answers[0].get("kind") == "StoreFailed", answers
    answer = bed.server.ask(do="resume", run="last", options={"store": database_server.url})
    assert answer.get("state") == "completed", answer
    assert sorted(bed.lines().values()) == [1, 1]


# -- directories that become read-only -----------------------------------------------------------


@pytest.fixture
def freeze() -> Iterator[Callable[[Path], None]]:
    """Return what makes a directory read-only, even for root; at the end it is not any more."""
    frozen: list[Path] = []

    def make_read_only(path: Path) -> None:
        done = subprocess.run(["chattr", "+i", path], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"a directory cannot be made immutable here: {done.stderr.strip()}")
        frozen.append(path)

    yield make_read_only
    for path in frozen:
        thaw(path)


def thaw(path: Path) -> None:
    subprocess.run(["chattr", "-i", path], check=True)


@pytest.mark.parametrize("which", ["work", "out"])
def test_a_directory_that_is_read_only_ends_the_run_and_when_it_is_not_the_run_goes_on(
    make_bed: MakeBed, freeze: Callable[[Path], None], which: str
) -> None:
    bed = make_bed(everything, INPUTS)
    assert bed.run(commit=20)["status"] == -signal.SIGKILL
    with open_store(bed.store) as store:
        (run,) = store.database.rows(RunRow)
    places = {"work": Path(run.work_directory or ""), "out": bed.directory / "out"}
    places["out"].mkdir(exist_ok=True)
    freeze(places[which])
    done = recrate("resume", "last", "--quiet", "--store", bed.store)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr and "not permitted" in done.stderr, done.stderr
    thaw(places[which])
    assert bed.resume()["state"] == "completed"
    assert set(bed.lines().values()) == {1} and sum(bed.lines().values()) == EFFECTS
    bed.check_closed()
