"""A run belongs to one controller at a time."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from recrate.errors import RunIsHeld, StoreFailed
from recrate.provenance import leases
from recrate.provenance.processes import Life, Process, life_of, process_start, this_process
from recrate.provenance.rows import LeaseRow
from recrate.provenance.store import Store

RUN = "1" * 16
ELSEWHERE = Process("there", "m2", "boot2", "pid:[2]", 77, 123)

HOLD = """
import sys, time
from recrate.provenance.store import open_store
store = open_store(sys.argv[1])
print(store.acquire(sys.argv[2]).lease.number, flush=True)
time.sleep(60)
"""


def hold_elsewhere(store: Store, run: str = RUN) -> subprocess.Popen[str]:
    """Start a process that takes the lease of a run and keeps it."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, store.url.target, run], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "1"
    return process


def test_a_second_controller_is_told_who_has_the_run(store: Store) -> None:
    holder = hold_elsewhere(store)
    try:
        with pytest.raises(RunIsHeld, match=f"process {holder.pid} on "):
            store.acquire(RUN)
    finally:
        holder.kill()
        holder.communicate()


def test_the_run_of_a_controller_that_was_killed_is_taken_over(store: Store) -> None:
    holder = hold_elsewhere(store)
    holder.kill()
    holder.communicate()
    assert store.acquire(RUN).lease.number == 2


def test_even_a_zombie_is_dead(store: Store) -> None:
    holder = hold_elsewhere(store)
    holder.kill()
    until = time.monotonic() + 10
    while process_start(holder.pid) is not None and time.monotonic() < until:
        time.sleep(0.01)
    assert store.acquire(RUN).lease.number == 2
    holder.communicate()


def test_a_lease_that_was_given_back_is_free_and_its_number_grows(store: Store) -> None:
    store.acquire(RUN).release()
    second = store.acquire(RUN)
    assert second.lease.number == 2
    with pytest.raises(RunIsHeld):
        store.acquire(RUN)


def test_leases_of_different_runs_do_not_disturb_each_other(store: Store) -> None:
    assert store.acquire(RUN).lease.number == store.acquire("2" * 16).lease.number == 1


def test_a_holder_on_another_host_lives_as_long_as_its_heart_beats(store: Store) -> None:
    held = leases.acquire(store.database, RUN, ELSEWHERE)
    with pytest.raises(RunIsHeld, match="process 77 on there"):
        store.acquire(RUN)
    silent = store.database.now() - leases.PATIENCE_SECONDS - 1
    store.database.execute("UPDATE lease SET heartbeat = ?", (silent,))
    held.beat(store.database)
    with pytest.raises(RunIsHeld):
        store.acquire(RUN)
    store.database.execute("UPDATE lease SET heartbeat = ?", (silent,))
    assert store.acquire(RUN).lease.number == 2


def test_a_holder_that_was_taken_over_does_not_pass_the_check(store: Store) -> None:
    held = leases.acquire(store.database, RUN, ELSEWHERE)
    held.check(store.database)
    store.database.execute("UPDATE lease SET heartbeat = ?", (0.0,))
    taken = store.acquire(RUN)
    with pytest.raises(StoreFailed, match="taken over"):
        held.check(store.database)
    taken.lease.check(store.database)


def test_a_holder_that_was_taken_over_gives_nothing_back(store: Store) -> None:
    held = leases.acquire(store.database, RUN, ELSEWHERE)
    store.database.execute("UPDATE lease SET heartbeat = ?", (0.0,))
    taken = store.acquire(RUN)
    held.release(store.database)
    held.beat(store.database)
    taken.lease.check(store.database)


def test_of_controllers_that_ask_at_once_one_gets_the_run(store: Store) -> None:
    program = (
        "import sys\nfrom recrate.errors import RunIsHeld\nfrom recrate.provenance.store import open_store\n"
        "store = open_store(sys.argv[1])\nprint('ready', flush=True)\nsys.stdin.readline()\n"
        "try:\n    store.acquire(sys.argv[2])\n    print('mine', flush=True)\n"
        "except RunIsHeld:\n    print('held', flush=True)\nsys.stdin.readline()\n"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, store.url.target, RUN],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for _ in range(4)
    ]  # fmt: skip
    said = []
    for process in running:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in running:
        assert process.stdout is not None
        said.append(process.stdout.readline().strip())
    for process in running:
        process.communicate("\n")
    assert sorted(said) == ["held", "held", "held", "mine"]


# -- what is known of a process ------------------------------------------------------------------


def test_this_process_is_alive() -> None:
    me = this_process()
    assert me.pid == os.getpid()
    assert life_of(me, me) is Life.ALIVE


def test_a_process_id_that_was_given_to_another_process_is_not_the_same_process() -> None:
    me = this_process()
    assert life_of(replace(me, start=me.start - 1), me) is Life.DEAD


def test_after_a_reboot_all_processes_of_the_machine_are_dead() -> None:
    me = replace(this_process(), machine="m1", boot="now")
    assert life_of(replace(me, boot="before"), me) is Life.DEAD


@pytest.mark.parametrize("change", [{"pid_space": "pid:[9]"}, {"boot": "other", "machine": "other"}, {"boot": ""}])
def test_of_processes_elsewhere_nothing_is_known(change: dict[str, str]) -> None:
    me = replace(this_process(), machine="m1")
    assert life_of(replace(me, **change), me) is Life.UNKNOWN  # type: ignore[arg-type]


def test_hosts_of_one_name_without_an_identity_are_not_taken_for_one_machine() -> None:
    me = replace(this_process(), machine="", boot="now")
    assert life_of(replace(me, boot="before"), me) is Life.UNKNOWN


def test_the_start_is_read_behind_any_name_of_a_program(tmp_path: Path) -> None:
    (tmp_path / "5").mkdir()
    fields = ["R", *("0" * 18), "4711", "0"]
    (tmp_path / "5" / "stat").write_text(f"5 (a) R (b) {' '.join(fields)}")
    assert process_start(5, tmp_path) == 4711
    assert process_start(6, tmp_path) is None


def test_the_row_of_a_lease_says_who_has_it(store: Store) -> None:
    store.acquire(RUN)
    [row] = store.database.rows(LeaseRow)
    me = this_process()
    assert (row.host, row.pid, row.process_start, row.boot) == (me.host, me.pid, me.start, me.boot)
