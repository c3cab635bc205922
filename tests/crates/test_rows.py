"""The rows of a run as lines of JSON: nothing is lost, and nothing wrong is read."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from storebed.samples import Sample, run_row

from recrate.crates import rows
from recrate.crates.rows import WRITTEN, read_rows, row_lines
from recrate.errors import CrateInvalid
from recrate.provenance import belonging
from recrate.provenance.migrations import LATEST
from recrate.provenance.rows import AttemptRow, DeploymentRow, LocationRow, ReplicaRow, Row, RunRow
from recrate.provenance.states import ReplicaKind
from recrate.provenance.store import Store, open_store
from recrate.redaction import Redactor


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "store.db")) as opened:
        yield opened


def lines_of(store: Store, run_id: str, redactor: Redactor | None = None) -> bytes:
    return b"".join(row_lines(store.database, run_id, redactor or Redactor()))


def parse(content: bytes) -> list[Row]:
    return list(read_rows(io.BytesIO(content)).rows)


def test_what_is_written_comes_back_in_another_store(store: Store, sample: Sample, tmp_path: Path) -> None:
    content = lines_of(store, sample.run)
    with open_store(str(tmp_path / "other.db")) as other:
        other.write(*parse(content))
        assert lines_of(other, sample.run) == content
        for table in WRITTEN:
            order = f"ORDER BY {', '.join(table.KEY)}"
            wanted = [as_it_comes(row) for row in store.database.rows(table, order)]
            assert other.database.rows(table, order) == wanted


def as_it_comes(row: Row) -> Row:
    if isinstance(row, AttemptRow):
        return replace(row, token="")
    return replace(row, valid=False) if isinstance(row, ReplicaRow) else row


def test_only_the_run_that_was_asked_for_is_written(store: Store, sample: Sample) -> None:
    alone = lines_of(store, sample.run)
    Sample.stored_in(store, run_id="6" * 16, name="brave-owl-1")
    assert lines_of(store, sample.run) == alone
    assert b"6" * 16 not in alone


def test_a_large_text_is_written_in_pieces(store: Store, sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    text = json.dumps({"name": 'é "quoted" \\ \U0001f600' * 3})
    store.write(run_row("large", outputs=text))
    whole = lines_of(store, "large")
    monkeypatch.setattr(rows, "LARGE", 7)
    pieces = list(row_lines(store.database, "large", Redactor()))
    assert b"".join(pieces) == whole and len(pieces) > whole.count(b"\n") + 5
    assert list(rows.parsed_lines(iter(pieces))) == parse(whole)
    assert [row.outputs for row in parse(whole) if isinstance(row, RunRow)] == [text]


def test_tokens_of_attempts_are_not_written(store: Store, sample: Sample) -> None:
    store.database.execute("UPDATE attempt SET token = ?", ("unguessable",))
    assert b"unguessable" not in lines_of(store, sample.run)


def test_secrets_are_masked(store: Store, sample: Sample) -> None:
    store.database.execute("UPDATE attempt SET argv = ?", ('["login","s3cr\\"et"]',))
    content = lines_of(store, sample.run, Redactor(frozenset({'s3cr"et'})))
    assert b"s3cr" not in content
    assert any(row.argv == '["login","***"]' for row in parse(content) if isinstance(row, AttemptRow))


def test_where_the_files_of_an_import_lie_is_not_written(store: Store, sample: Sample) -> None:
    before = lines_of(store, sample.run)
    store.write(
        DeploymentRow(id="e" * 20, name="crates", kind=belonging.IMPORTED, config="{}"),
        LocationRow(id="f" * 20, deployment_id="e" * 20, name="crates"),
        ReplicaRow(
            id="1" * 20, run_id=sample.run, location_id="f" * 20, path="/x", path_key=1, kind=ReplicaKind.COPY,
            valid=True,
        ),
    )  # fmt: skip
    assert lines_of(store, sample.run) == before


TEXTS = st.text(max_size=8)
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "str": TEXTS,
    "int": st.integers(-(1 << 63), (1 << 63) - 1),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "bool": st.booleans(),
}


def any_row(table: type[Row]) -> st.SearchStrategy[Row]:
    """Return a strategy of rows of a table that refer to nothing that is not there."""
    made: dict[str, st.SearchStrategy[Any]] = {}
    for column in fields(table):  # type: ignore[arg-type]
        kind = str(column.type)
        plain = kind.removesuffix(" | None")
        strategy = st.sampled_from(table.ENUMS[column.name]) if column.name in table.ENUMS else KINDS[plain]
        made[column.name] = st.none() | strategy if plain != kind else strategy
    return st.builds(table, **made)


@settings(max_examples=60, deadline=None)
@given(row=st.sampled_from(WRITTEN).flatmap(any_row))
def test_any_row_comes_back_as_it_was(row: Row) -> None:
    columns = {type(row).TABLE: rows.columns_of(type(row))}
    head = ["recrate-rows", {"schema": LATEST, "run": "r", "columns": columns}]
    written = [type(row).TABLE, *(plain(getattr(row, name)) for name in rows.columns_of(type(row)))]
    content = "\n".join(json.dumps(line) for line in (head, written, ["end", 1])).encode()
    assert parse(content) == [as_it_comes(row)]


def plain(value: Any) -> Any:
    return value.name if hasattr(value, "name") else value


@settings(max_examples=25, deadline=None)
@given(
    fields=st.fixed_dictionaries(
        {"name": TEXTS, "cwd": TEXTS, "error": st.none() | TEXTS, "started": KINDS["float"], "inputs": TEXTS}
    )
)
def test_odd_texts_survive_the_store_and_the_lines(fields: dict[str, Any], tmp_path_factory: Any) -> None:
    folder = tmp_path_factory.mktemp("odd")
    with open_store(str(folder / "store.db")) as store:
        row = run_row("7" * 16, **fields)
        store.write(row)
        (back,) = [row for row in parse(lines_of(store, "7" * 16)) if isinstance(row, RunRow)]
        assert back == row


Change = Callable[[list[Any]], list[Any]]


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda lines: [], "does not begin"),
        (lambda lines: lines[1:], "does not begin"),
        (lambda lines: [["recrate-rows", {"columns": {}}], *lines[1:]], "names no run"),
        (lambda lines: [["recrate-rows", {**lines[0][1], "schema": LATEST + 1}], *lines[1:]], "use a newer release"),
        (lambda lines: [["recrate-rows", {**lines[0][1], "columns": {"lease": []}}]], "no table 'lease'"),
        (lambda lines: [["recrate-rows", {**lines[0][1], "columns": {"run": ["id"]}}]], "lacks columns"),
        (lambda lines: [["recrate-rows", {**lines[0][1], "columns": {"run": ["nil"]}}]], "not known"),
        (lambda lines: lines[:-1], "break off"),
        (lambda lines: [*lines[:-2], lines[-1]], "no row of a known table"),
        (lambda lines: [*lines, lines[1]], "no row of a known table"),
        (lambda lines: [lines[0], ["lease", 1], *lines[1:]], "no row of a known table"),
        (lambda lines: [lines[0], {"a": 1}, *lines[1:]], "no row of a known table"),
        (lambda lines: [lines[0], ["software", "x"], *lines[1:]], "values instead of"),
        (lambda lines: [lines[0], ["software", 1, "a", "b", "c", None], *lines[1:]], "cannot hold '1'"),
        (lambda lines: [lines[0], ["event", "r", 1 << 70, "k", "{}", 0.0], *lines[1:]], "out of range"),
        (lambda lines: [lines[0], ["event", "r", True, "k", "{}", 0.0], *lines[1:]], "cannot hold 'True'"),
        (lambda lines: [lines[0], ["port", "s", "SIDEWAYS", "n", None, None], *lines[1:]], "cannot hold 'SIDEWAYS'"),
    ],
)
def test_what_is_wrong_is_refused_in_one_line(store: Store, sample: Sample, change: Change, said: str) -> None:
    lines = [json.loads(line) for line in lines_of(store, sample.run).splitlines()]
    content = b"".join(json.dumps(line).encode() + b"\n" for line in change(lines))
    with pytest.raises(CrateInvalid, match=said) as caught:
        parse(content)
    assert "\n" not in caught.value.render() and "rows.jsonl" in caught.value.render()


@settings(max_examples=100, deadline=None)
@given(content=st.binary(max_size=60) | st.text(max_size=60).map(lambda text: f'["recrate-rows",{text}'.encode()))
def test_any_bytes_are_refused_or_read(content: bytes) -> None:
    with pytest.raises(CrateInvalid):
        parse(content)


def test_a_line_without_end_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "LONGEST_LINE", 1000)
    with pytest.raises(CrateInvalid, match="more than"):
        parse(b"[" * 5000)
