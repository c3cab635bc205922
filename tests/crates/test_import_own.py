"""Crates of our own: what was exported comes back without loss, and nothing else does."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cratebed.building import zipped
from cratebed.own import RESULT, crate_of, lines_of, sample_with_result
from storebed.samples import Sample

from recrate.crates import importing, rows, writing
from recrate.crates.importing import import_crate
from recrate.crates.keeping import Keeping
from recrate.errors import CrateInvalid, RunIsHeld, StoreFailed
from recrate.provenance import queries
from recrate.provenance.removal import gc_plan, remove_run
from recrate.provenance.rows import CrateRow, Row, RunRow, TokenRow
from recrate.provenance.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "first" / "store.db")) as opened:
        yield opened


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "second" / "store.db")) as opened:
        yield opened


@pytest.fixture
def sample(store: Store) -> Sample:
    return sample_with_result(store)


@pytest.mark.parametrize("at_once", [3, 5_000])
def test_rows_are_stored_in_batches_of_any_size(
    store: Store, sample: Sample, other: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(writing, "_ROWS_AT_ONCE", at_once)
    import_crate(str(crate_of(store, sample.run, tmp_path / "crate")), other)
    assert lines_of(other, sample.run) == lines_of(store, sample.run)


@pytest.mark.parametrize("at_once", [3, 5_000])
def test_rows_of_which_the_last_is_missing_leave_nothing(
    store: Store, sample: Sample, other: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(writing, "_ROWS_AT_ONCE", at_once)
    crate = crate_of(store, sample.run, tmp_path / "crate")
    lines = (crate / rows.PATH).read_bytes().splitlines(keepends=True)
    (crate / rows.PATH).write_bytes(b"".join(lines[:-1]))
    with pytest.raises(CrateInvalid, match="break off"):
        import_crate(str(crate), other)
    assert all(other.database.one(f"SELECT count(*) FROM {table.TABLE}") == (0,) for table in rows.WRITTEN)


def test_what_runs_share_comes_before_the_run(store: Store) -> None:
    """So it is known to be right, when the row of the run was checked, before any of it is stored."""
    tables = list(rows.WRITTEN)
    assert all(tables.index(table) < tables.index(RunRow) for table in tables if table.SHARED)


def test_a_workflow_with_the_id_of_another_is_never_stored(
    store: Store, sample: Sample, other: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_ROWS_AT_ONCE", 1)
    written: list[str] = []
    monkeypatch.setattr(writing, "statements", lambda some: written.extend(row.TABLE for row in some) or [])
    crate = crate_of(store, sample.run, tmp_path / "crate")
    (workflow,) = store.database.one("SELECT id FROM workflow") or ("",)
    text = (crate / rows.PATH).read_text()
    (crate / rows.PATH).write_text(text.replace(workflow, "ab" * (len(workflow) // 2)))
    with pytest.raises(CrateInvalid, match="does not follow"):
        import_crate(str(crate), other)
    assert not written


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_an_import_is_what_was_exported(store: Store, sample: Sample, other: Store, tmp_path: Path, form: str) -> None:
    crate = crate_of(store, sample.run, tmp_path / "crate")
    if form == "archive":
        crate = zipped(crate, tmp_path / "crate.zip")
    (done,) = import_crate(str(crate), other)
    assert done.is_new and done.run_id == sample.run and done.name == "calm-otter-42"
    assert lines_of(other, sample.run) == lines_of(store, sample.run)


def without_umask(line: Any) -> Any:
    """Return a line of rows as the schema before the last change of locations had it."""
    if line[0] == "location":
        return line[:-2]
    if isinstance(line[1], dict):
        line[1]["schema"] = 5
        line[1]["columns"]["location"] = line[1]["columns"]["location"][:-2]
    return line


def test_a_crate_of_an_earlier_schema_can_be_imported_exported_and_imported(
    store: Store, sample: Sample, other: Store, tmp_path: Path
) -> None:
    crate = crate_of(store, sample.run, tmp_path / "crate")
    lines = [without_umask(json.loads(line)) for line in (crate / rows.PATH).read_text().splitlines()]
    (crate / rows.PATH).write_text("".join(json.dumps(line) + "\n" for line in lines))
    import_crate(str(crate), other)
    with store_at(tmp_path / "third") as third:
        import_crate(str(crate_of(other, sample.run, tmp_path / "again")), third)
        assert lines_of(third, sample.run) == lines_of(other, sample.run) == lines_of(store, sample.run)


def test_its_files_are_kept_beside_the_store(store: Store, sample: Sample, other: Store, tmp_path: Path) -> None:
    import_crate(str(crate_of(store, sample.run, tmp_path / "crate")), other)
    (placed,) = queries.replicas_of(other.database, hashlib.sha256(RESULT).hexdigest())
    assert placed.replica.path == str(tmp_path / "second" / "crates" / sample.run / "data" / "result.txt")
    assert Path(placed.replica.path).read_bytes() == RESULT


def test_a_folder_can_be_used_in_place(store: Store, sample: Sample, other: Store, tmp_path: Path) -> None:
    crate = crate_of(store, sample.run, tmp_path / "crate")
    import_crate(str(crate), other, copy=False)
    (placed,) = queries.replicas_of(other.database, hashlib.sha256(RESULT).hexdigest())
    assert placed.replica.path == str(crate / "data" / "result.txt")
    assert not (tmp_path / "second" / "crates").exists()
    with pytest.raises(CrateInvalid, match="in place"):
        import_crate(str(zipped(crate, tmp_path / "crate.zip")), store_at(tmp_path / "third"), copy=False)


def store_at(path: Path) -> Store:
    return open_store(str(path / "store.db"))


def test_where_it_came_from_is_on_record(store: Store, sample: Sample, other: Store, tmp_path: Path) -> None:
    crate = crate_of(store, sample.run, tmp_path / "crate")
    import_crate(str(crate), other)
    row = other.database.row(CrateRow, sample.run)
    assert row is not None and row.is_own and row.path == str(crate) and row.producer == "recrate 0.1"
    lines = "".join(
        f"{hashlib.sha256((crate / name).read_bytes()).hexdigest()}  {name}\n"
        for name in sorted(["data/result.txt", rows.PATH, "ro-crate-metadata.json"])
    )
    assert row.sha256 == hashlib.sha256(lines.encode()).hexdigest()


def test_importing_twice_makes_no_second_run(store: Store, sample: Sample, other: Store, tmp_path: Path) -> None:
    crate = crate_of(store, sample.run, tmp_path / "crate")
    import_crate(str(crate), other)
    for target in (other, store):
        (again,) = import_crate(str(crate), target)
        assert not again.is_new
        assert len(queries.list_runs(target.database)) == 1


def test_a_run_of_the_same_id_and_another_content_is_refused(
    store: Store, sample: Sample, other: Store, tmp_path: Path
) -> None:
    crate = crate_of(store, sample.run, tmp_path / "crate")
    import_crate(str(crate), other)
    store.database.execute("UPDATE job SET error = ? WHERE path = ?", ("changed", "/sum"))
    changed = crate_of(store, sample.run, tmp_path / "changed")
    with pytest.raises(CrateInvalid, match="another content: rows of table job differ"):
        import_crate(str(changed), other)


def test_a_changed_file_is_refused_and_leaves_nothing(
    store: Store, sample: Sample, other: Store, tmp_path: Path
) -> None:
    crate = crate_of(store, sample.run, tmp_path / "crate", content=b"another")
    with pytest.raises(CrateInvalid, match=r"data/result.txt was changed: its sha256 is"):
        import_crate(str(crate), other)
    assert queries.list_runs(other.database) == []
    assert list((tmp_path / "second" / "crates").iterdir()) == []


def test_an_imported_run_can_be_looked_at(store: Store, sample: Sample, other: Store, tmp_path: Path) -> None:
    import_crate(str(crate_of(store, sample.run, tmp_path / "crate")), other)
    (made,) = queries.producers(other.database, hashlib.sha256(RESULT).hexdigest())
    assert made.job is not None and made.job.path == "/sum"
    lineage = queries.upstream(other.database, [made.token.id])
    assert {job.path for job in lineage.jobs.values()} == {"/count[0]", "/count[1]", "/sum"}
    assert other.database.row(TokenRow, made.token.id) == store.database.row(TokenRow, made.token.id)


def test_no_result_of_it_is_taken_by_the_cache(store: Store, sample: Sample, other: Store, tmp_path: Path) -> None:
    store.database.execute("UPDATE job SET inputs_hash = ?", ("k" * 64,))
    import_crate(str(crate_of(store, sample.run, tmp_path / "crate")), other)
    assert list(queries.candidates(store.database, "k" * 64, "/sum", "0" * 16))
    assert not list(queries.candidates(other.database, "k" * 64, "/sum", "0" * 16))
    assert not queries.cached_results(other.database)


def test_removing_it_frees_its_files_and_no_others(store: Store, sample: Sample, other: Store, tmp_path: Path) -> None:
    import socket

    work = tmp_path / "work" / sample.run
    work.mkdir(parents=True)
    store.database.execute(
        "UPDATE run SET work_directory = ?, host = ?, keep = ?", (str(work), socket.gethostname(), "NONE")
    )
    import_crate(str(crate_of(store, sample.run, tmp_path / "crate")), other)
    assert gc_plan(other) == []
    remove_run(other, sample.run)
    (garbage,) = gc_plan(other)
    assert garbage.path == str(tmp_path / "second" / "crates" / sample.run)


def test_what_a_killed_import_left_is_removed(store: Store, sample: Sample, other: Store, tmp_path: Path) -> None:
    left = tmp_path / "second" / "crates"
    for name in (sample.run, f"{sample.run}.abc"):
        (left / name).mkdir(parents=True)
        (left / name / "x").write_text("x")
    import_crate(str(crate_of(store, sample.run, tmp_path / "crate")), other)
    assert [path.name for path in left.iterdir()] == [sample.run]
    assert not (left / sample.run / "x").exists()


def test_an_import_that_was_killed_is_done_again(
    store: Store, sample: Sample, other: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crate = crate_of(store, sample.run, tmp_path / "crate")
    monkeypatch.setattr(writing, "_ROWS_AT_ONCE", 10)
    with monkeypatch.context() as patched:
        patched.setattr(writing, "_delete_rest", lambda *_: None)  # a killed process tidies nothing up
        patched.setattr(Keeping, "settle", raise_interrupt)
        with pytest.raises(KeyboardInterrupt):
            import_crate(str(crate), other)
    row = other.database.row(CrateRow, sample.run)
    assert row is not None and row.imported is None
    (again,) = import_crate(str(crate), other)
    assert again.is_new and again.crate is not None and again.crate.imported is not None
    assert lines_of(other, sample.run) == lines_of(store, sample.run)


def raise_interrupt(_: Keeping) -> None:
    raise KeyboardInterrupt


def test_an_import_that_fails_leaves_no_rows(
    store: Store, sample: Sample, other: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "_ROWS_AT_ONCE", 10)
    monkeypatch.setattr(Keeping, "settle", raise_interrupt)
    with pytest.raises(KeyboardInterrupt):
        import_crate(str(crate_of(store, sample.run, tmp_path / "crate")), other)
    assert all(other.database.one(f"SELECT count(*) FROM {table.TABLE}") == (0,) for table in rows.WRITTEN)


def test_an_import_that_was_taken_over_neither_ends_nor_deletes_what_is_there(
    store: Store, sample: Sample, other: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crate = crate_of(store, sample.run, tmp_path / "crate")
    kept = writing.replica_rows

    def taken_over(*given: Any) -> Iterator[Row]:
        yield from kept(*given)
        with open_store(other.url.target) as another:
            another.database.execute("UPDATE lease SET number = number + 1, holder = 'another'")

    monkeypatch.setattr(importing, "replica_rows", taken_over)
    monkeypatch.setattr(writing, "_ROWS_AT_ONCE", 3)
    with pytest.raises(StoreFailed, match="taken over by another controller"):
        import_crate(str(crate), other)
    row = other.database.row(CrateRow, sample.run)
    assert row is not None and row.imported is None
    assert other.database.row(RunRow, sample.run) is not None
    assert not (tmp_path / "second" / "crates" / sample.run).exists()


def test_a_run_that_another_process_imports_is_left_alone(
    store: Store, sample: Sample, other: Store, tmp_path: Path
) -> None:
    held = other.acquire(sample.run)
    with pytest.raises(RunIsHeld):
        import_crate(str(crate_of(store, sample.run, tmp_path / "crate")), other)
    held.release()


Change = Callable[[list[Any]], Any]


def changed(table: str, column: str, value: Any) -> Change:
    """Return what changes a column of the first row of a table."""

    def change(lines: list[Any]) -> None:
        names = lines[0][1]["columns"][table]
        row = next(line for line in lines if line[0] == table)
        row[1 + names.index(column)] = value

    return change


@pytest.mark.parametrize(
    "change, said",
    [
        (changed("run", "id", "6" * 16), "another run"),
        (changed("job", "run_id", "6" * 16), "belongs to another run"),
        (changed("job", "path", "/evil"), "does not follow"),
        (changed("job", "id", "../../x"), "no id"),
        (changed("attempt", "number", 7), "does not follow"),
        (changed("attempt", "location_id", "6" * 20), "location that is not there"),
        (changed("attempt", "argv", "{}"), "something else in column argv"),
        (changed("document", "text", "evil"), "another text"),
        (changed("workflow", "entry", "file:///evil.cwl"), "does not follow"),
        (changed("environment", "variables", '{"LD_PRELOAD":"x"}'), "does not follow"),
        (changed("environment", "variables", "[]"), "something else"),
        (changed("image", "name", "evil"), "does not follow"),
        (changed("deployment", "config", '{"hook":"rm"}'), "does not follow"),
        (changed("location", "hostname", "evil"), "does not follow"),
        (changed("token", "value", "{"), "no JSON"),
        (changed("token", "value", "[" * 100_000), "no JSON"),
        (changed("token", "source_id", "6" * 20), "derived from one that is not there"),
        (changed("file", "sha256", "x"), "hash that is none"),
        (changed("file", "token_id", "6" * 20), "token that is not there"),
        (changed("usage", "job_id", "6" * 20), "job that is not there"),
        (changed("replica", "path", "/etc/passwd"), "does not follow"),
        (changed("replica", "path_key", 7), "key that is not its path's"),
        (changed("event", "kind", "Evil"), "no event that can happen"),
        (changed("run", "options", "[]"), "something else"),
        (lambda lines: lines.insert(1, lines[-2]), "not in its place"),
        (lambda lines: lines.insert(5, lines[5]), "is there twice"),
        (lambda lines: lines[0][1].update(run="../../../x"), "no id of a run"),
    ],
)
def test_rows_that_do_not_fit_are_refused(
    change: Change, said: str, store: Store, sample: Sample, other: Store, tmp_path: Path
) -> None:
    crate = crate_of(store, sample.run, tmp_path / "crate")
    lines = [json.loads(line) for line in (crate / rows.PATH).read_bytes().splitlines()]
    change(lines)
    lines[-1][1] = len(lines) - 2
    (crate / rows.PATH).write_text("\n".join(map(json.dumps, lines)))
    with pytest.raises(CrateInvalid, match=said) as caught:
        import_crate(str(crate), other)
    assert caught.value.render().isprintable()
    assert other.database.one("SELECT count(*) FROM run") == (0,)
    assert other.database.one("SELECT count(*) FROM workflow") == (0,)


def test_a_token_that_is_a_part_of_itself_is_refused(
    store: Store, sample: Sample, other: Store, tmp_path: Path
) -> None:
    whole = sample.token("/count", "out", "gathered")
    store.database.execute("UPDATE part SET part_id = ? WHERE position = ?", (whole, 0))
    with pytest.raises(CrateInvalid, match="part of itself"):
        import_crate(str(crate_of(store, sample.run, tmp_path / "crate")), other)


def test_tokens_of_another_run_are_not_taken_over(store: Store, sample: Sample, other: Store, tmp_path: Path) -> None:
    token = sample.token("/sum", "out", "output")
    theirs = Sample.stored_in(other, run_id="6" * 16)
    other.database.execute("PRAGMA foreign_keys = OFF")
    other.database.execute("UPDATE token SET id = ? WHERE id = ?", (token, theirs.token("/sum", "out", "output")))
    with pytest.raises(CrateInvalid, match="is in the store, with another content"):
        import_crate(str(crate_of(store, sample.run, tmp_path / "crate")), other)
