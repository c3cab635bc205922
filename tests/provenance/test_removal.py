"""Removing runs, and what lies on disk that nothing needs."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from storebed.samples import PLACE, Sample, run_row

from recrate.errors import RunIsHeld, UsageError
from recrate.provenance import queries
from recrate.provenance.checking import check_contents
from recrate.provenance.removal import collect, gc_plan, remove_run, sweep
from recrate.provenance.rows import TABLES, AgentRow, LocationRow, ReplicaRow, RunRow
from recrate.provenance.statements import Update
from recrate.provenance.states import Keep, ReplicaKind, RunState
from recrate.provenance.store import Store
from recrate.provenance.trees import disk_usage, remove_tree, unneeded_below

HERE = socket.gethostname()


@dataclass(frozen=True)
class OnDisk:
    """A run whose work directories exist."""

    store: Store
    sample: Sample
    root: Path

    def present(self) -> set[str]:
        """Return the jobs' paths, with the number of the attempt, whose result is on disk."""
        results = {"/count[0]": 1, "/count[1]": 2, "/sum": 1}
        there = {
            f"{path} #{number}" for path, number in results.items() if os.path.exists(self.sample.out(path, number))
        }
        if os.path.exists(self.sample.directory("/count[1]", 1)):
            there.add("/count[1] #1")
        return there

    def valid(self) -> set[str]:
        """Return the paths of work replicas that the store calls valid."""
        rows = queries.replicas_of_run(self.store.database, self.sample.run, valid=True)
        return {row.path for row in rows if row.kind is ReplicaKind.WORK}


def make_run(store: Store, root: Path, run_id: str = "5" * 16, **fields: object) -> OnDisk:
    sample = Sample.stored_in(store, run_id, str(root), host=HERE, **fields)  # type: ignore[arg-type]
    for path, number in (("/count[0]", 1), ("/count[1]", 1), ("/count[1]", 2), ("/sum", 1)):
        folder = Path(sample.directory(path, number)) / "out"
        folder.mkdir(parents=True)
        (folder / "result.txt").write_text("12345")
        (folder.parent / "stdout").write_text("log")
    store.write(Update(ReplicaRow, (delivered(store, run_id).id,), {"valid": False}))
    return OnDisk(store, sample, root)


def delivered(store: Store, run_id: str) -> ReplicaRow:
    [row] = store.database.rows(ReplicaRow, "WHERE run_id = ? AND kind = ?", (run_id, ReplicaKind.OUTPUT))
    return row


def deliver(run: OnDisk, path: Path) -> None:
    """Put the output of a run into an output directory, also on record."""
    path.parent.mkdir(parents=True)
    path.write_text("12345")
    row = delivered(run.store, run.sample.run)
    run.store.write(replace(row, id="d" * 20, path=str(path), valid=True))


ALL = {"/count[0] #1", "/count[1] #1", "/count[1] #2", "/sum #1"}


# -- rows ----------------------------------------------------------------------------------------


def test_nothing_is_left_of_a_run_that_was_removed(store: Store, sample: Sample) -> None:
    other = Sample.stored_in(store, "6" * 16)
    before = {table.TABLE: len(store.database.rows(table)) for table in TABLES}
    remove_run(store, sample.run)
    for table in TABLES:
        if not table.SHARED:
            assert len(store.database.rows(table)) == before[table.TABLE] / 2, table.TABLE
    assert queries.run_detail(store.database, other.run).counts


def test_a_run_that_is_carried_out_is_not_removed(store: Store, sample: Sample) -> None:
    lease = store.acquire(sample.run)
    with pytest.raises(RunIsHeld, match="cannot be removed"):
        remove_run(store, sample.run)
    lease.release()
    remove_run(store, sample.run)
    with pytest.raises(UsageError, match="no run"):
        remove_run(store, sample.run)


def test_a_sweep_deletes_only_what_nothing_refers_to(store: Store, sample: Sample) -> None:
    store.write(AgentRow(id="a", name="nobody"))
    assert sweep(store) == 1
    kept = {table.TABLE for table in TABLES if table.SHARED and store.database.rows(table)}
    assert kept == {"workflow", "document", "environment", "image", "deployment", "location"}
    remove_run(store, sample.run)
    assert sweep(store) == 6
    assert sweep(store) == 0


def test_nothing_is_swept_while_a_run_is_carried_out(store: Store) -> None:
    store.write(AgentRow(id="a", name="somebody"))
    lease = store.acquire("1" * 16)
    assert sweep(store) == 0
    lease.release()
    assert sweep(store) == 2, "the agent, and the lease of a run that never came to be"


# -- files ---------------------------------------------------------------------------------------


def test_a_run_that_keeps_everything_has_no_garbage(store: Store, tmp_path: Path) -> None:
    make_run(store, tmp_path)
    assert gc_plan(store) == []


def test_a_plan_changes_nothing(store: Store, tmp_path: Path) -> None:
    run = make_run(store, tmp_path, keep=Keep.NONE)
    valid = run.valid()
    plan = gc_plan(store)
    assert [item.path for item in plan] == [run.sample.work]
    assert plan[0].size == disk_usage(run.sample.work) > 0
    assert (run.present(), run.valid()) == (ALL, valid)


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.FAILED, RunState.CANCELLED])
def test_everything_stays_of_a_run_that_has_not_completed(store: Store, tmp_path: Path, state: RunState) -> None:
    make_run(store, tmp_path, keep=Keep.NONE, state=state)
    assert gc_plan(store) == []


def test_only_outputs_stay_where_only_outputs_are_kept(store: Store, tmp_path: Path) -> None:
    run = make_run(store, tmp_path, keep=Keep.OUTPUTS)
    collect(store, gc_plan(store))
    assert run.present() == {"/sum #1"}
    assert run.valid() == {run.sample.out("/sum")}
    assert not os.path.exists(f"{run.sample.directory('/sum')}/stdout")


def test_an_output_that_was_delivered_need_not_stay_where_it_was_made(store: Store, tmp_path: Path) -> None:
    run = make_run(store, tmp_path / "work", keep=Keep.OUTPUTS)
    deliver(run, tmp_path / "out" / "result.txt")
    collect(store)
    assert (run.present(), run.valid()) == (set(), set())
    assert (tmp_path / "out" / "result.txt").exists()


def test_an_output_that_is_no_longer_where_it_was_delivered_stays_where_it_was_made(
    store: Store, tmp_path: Path
) -> None:
    run = make_run(store, tmp_path / "work", keep=Keep.OUTPUTS)
    deliver(run, tmp_path / "out" / "result.txt")
    (tmp_path / "out" / "result.txt").unlink()
    collect(store)
    assert run.present() == {"/sum #1"}


def test_no_row_is_lost_with_the_files(store: Store, tmp_path: Path) -> None:
    run = make_run(store, tmp_path, keep=Keep.NONE)
    before = {table.TABLE: len(store.database.rows(table)) for table in TABLES}
    collect(store)
    assert {table.TABLE: len(store.database.rows(table)) for table in TABLES} == before
    assert run.valid() == set()
    assert not queries.is_available(store.database, run.sample.sha("/sum"))


def test_the_directory_of_a_run_that_was_removed_goes_and_is_forgotten(store: Store, tmp_path: Path) -> None:
    run = make_run(store, tmp_path)
    remove_run(store, run.sample.run)
    [item] = gc_plan(store)
    assert (item.path, item.reason) == (run.sample.work, "its run was removed")
    collected = collect(store)
    assert [removed.path for removed in collected.removed] == [run.sample.work]
    assert not os.path.exists(run.sample.work)
    assert store.database.one("SELECT count(*) FROM leftover") == (0,)
    assert gc_plan(store) == [] and collect(store).removed == []


def test_what_another_run_was_given_or_took_over_stays(store: Store, tmp_path: Path) -> None:
    run = make_run(store, tmp_path)
    store.write(run_row("7" * 16, host=HERE))
    for path, kind in (("/count[0]", ReplicaKind.INPUT), ("/sum", ReplicaKind.WORK)):
        [row] = store.database.rows(ReplicaRow, "WHERE path = ? AND run_id = ?", (run.sample.out(path), run.sample.run))
        store.write(replace(row, id=f"other {path}", run_id="7" * 16, kind=kind))
    remove_run(store, run.sample.run)
    collect(store)
    assert run.present() == {"/count[0] #1", "/sum #1"}
    assert store.database.one("SELECT count(*) FROM leftover") == (1,)
    remove_run(store, "7" * 16)
    collect(store)
    assert run.present() == set()


def test_a_collection_that_was_interrupted_is_carried_on(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(store, tmp_path)
    remove_run(store, run.sample.run)

    def killed(path: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("recrate.provenance.removal.remove_tree", killed)
    with pytest.raises(KeyboardInterrupt):
        collect(store)
    monkeypatch.undo()
    assert collect(store).removed
    assert run.present() == set()


def test_what_cannot_be_removed_is_named_and_found_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(store, tmp_path)
    remove_run(store, run.sample.run)

    def refused(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("recrate.provenance.removal.remove_tree", refused)
    [(item, reason)] = collect(store).failed
    assert (item.path, reason) == (run.sample.work, f"{run.sample.work}: Permission denied")
    monkeypatch.undo()
    assert [item.path for item in gc_plan(store)] == [run.sample.work]


def test_only_what_is_in_the_plan_is_removed(store: Store, tmp_path: Path) -> None:
    one = make_run(store, tmp_path, keep=Keep.NONE)
    two = make_run(store, tmp_path, "6" * 16, keep=Keep.NONE)
    plan = [item for item in gc_plan(store) if item.run_id == one.sample.run]
    collect(store, plan)
    assert (one.present(), two.present()) == (set(), ALL)
    assert two.valid()


@pytest.mark.parametrize("where", ["another name", "another host", "a link", "relative"])
def test_directories_that_are_not_ours_to_remove_are_left_alone(store: Store, tmp_path: Path, where: str) -> None:
    run = make_run(store, tmp_path / "work", keep=Keep.NONE)
    precious = tmp_path / "precious"
    precious.mkdir()
    changes: dict[str, object] = {"work_directory": str(precious)}
    if where == "another host":
        changes = {"host": "elsewhere"}
    elif where == "relative":
        changes = {"work_directory": f"{tmp_path}/work/../work/{run.sample.run}"}
    elif where == "a link":
        (tmp_path / run.sample.run).symlink_to(precious)
        changes = {"work_directory": str(tmp_path / run.sample.run)}
    store.write(Update(RunRow, (run.sample.run,), changes))
    assert gc_plan(store) == []
    remove_run(store, run.sample.run)
    collect(store)
    assert precious.exists() and run.present() == ALL


# -- trees ---------------------------------------------------------------------------------------


def test_a_tree_is_removed_without_following_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").touch()
    tree = tmp_path / "tree"
    (tree / "a" / "b").mkdir(parents=True)
    (tree / "a" / "link").symlink_to(outside)
    (tree / os.fsdecode(b"\xff\n'")).touch()
    (tree / "a" / "b").chmod(0o500)
    (tree / "a").chmod(0o000)
    remove_tree(str(tree))
    assert not tree.exists() and (outside / "file").exists()
    remove_tree(str(tree))


def test_only_what_is_needed_stays_of_a_tree(tmp_path: Path) -> None:
    for name in ("a/1", "a/2", "b/c/3", "b/4", "d/5"):
        path = tmp_path / "tree" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    root = str(tmp_path / "tree")
    needed = [f"{root}/a/1", f"{root}/b/c", f"{root}/gone/x", "/elsewhere"]
    found = {os.path.relpath(path, root) for path in unneeded_below(root, needed)}
    assert found == {"a/2", "b/4", "d"}
    assert list(unneeded_below(root, [root])) == []
    assert list(unneeded_below(root, [])) == [root]


# -- what is still there -------------------------------------------------------------------------


def test_contents_that_are_gone_or_changed_are_no_longer_called_valid(store: Store, tmp_path: Path) -> None:
    run = make_run(store, tmp_path)
    store.write(Update(LocationRow, (PLACE,), {"hostname": HERE}))
    os.unlink(run.sample.out("/count[0]"))
    Path(run.sample.out("/sum")).write_text("longer than it was")
    lost = {row.path for row in check_contents(store, run.sample.run)}
    assert lost == {run.sample.out("/count[0]"), run.sample.out("/sum"), "/data/0.txt", "/data/1.txt"}
    assert run.valid() == {run.sample.out("/count[1]", 2)}
    assert check_contents(store, run.sample.run) == []


def test_of_other_hosts_contents_nothing_is_said(store: Store, tmp_path: Path) -> None:
    run = make_run(store, tmp_path)
    os.unlink(run.sample.out("/sum"))
    assert check_contents(store, run.sample.run) == []
