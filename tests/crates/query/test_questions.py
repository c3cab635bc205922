"""The questions with names have answers on crates of ours, of both lines, and on the store."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from recrate.api import run
from recrate.crates.export import ExportOptions, describe_run, export_run
from recrate.crates.export.lines import LINES
from recrate.crates.query.asking import Source, answer, read_query
from recrate.crates.query.graphs import crate_source, run_base, run_source, store_source
from recrate.crates.query.questions import questions
from recrate.errors import UsageError
from recrate.provenance import ids
from recrate.provenance.rows import AgentRow, ImageRow, TransferRow
from recrate.provenance.states import RunState, TransferState
from recrate.provenance.store import Store, open_store

COUNT = {
    "class": "CommandLineTool",
    "label": "Count letters",
    "baseCommand": ["sh", "-c", 'grep -o "$0" "$1" | wc -l'],
    "requirements": {"EnvVarRequirement": {"envDef": {"LC_ALL": "C"}}},
    "hints": {"SoftwareRequirement": {"packages": {"grep": {"version": ["3.8"]}}}},
    "inputs": {"letter": {"type": "string", "inputBinding": {}}, "text": {"type": "File", "inputBinding": {}}},
    "outputs": {"count": "stdout"},
    "stdout": "count.txt",
}
SUM = {
    "class": "CommandLineTool",
    # The first attempt fails.
    "baseCommand": ["sh", "-c", 'mkdir "$0" && echo not yet >&2 && exit 3; cat "$@"'],
    "inputs": {
        "flag": {"type": "string", "inputBinding": {"position": 1}},
        "counts": {"type": "File[]", "inputBinding": {"position": 2}},
    },
    "outputs": {"total": "stdout"},
    "stdout": "total.txt",
}
WORKFLOW = {
    "cwlVersion": "v1.2",
    "class": "Workflow",
    "label": "Letters",
    "requirements": {"ScatterFeatureRequirement": {}},
    "inputs": {"texts": "File[]", "letter": "string", "flag": "string"},
    "outputs": {
        "total": {"type": "File", "outputSource": "sum/total"},
        "same": {"type": "string", "outputSource": "letter"},
    },
    "steps": {
        "count": {"run": COUNT, "scatter": "text", "in": {"text": "texts", "letter": "letter"}, "out": ["count"]},
        "sum": {"run": SUM, "in": {"flag": "flag", "counts": "count/count"}, "out": ["total"]},
    },
}
SHA256 = "9" * 64
GROUP = tuple(f"cq{number}" for number in range(1, 12))
Ask = Callable[..., list[dict[str, str]]]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store with a run: a scatter over two files, and a step whose first attempt fails."""
    base = tmp_path_factory.mktemp("questions")
    (base / "workflow.cwl").write_text(json.dumps(WORKFLOW))
    (base / "a.txt").write_text("eee\n")
    (base / "b.txt").write_text("e\n")
    url = str(base / "store.db")
    result = run(
        base / "workflow.cwl",
        {"texts": [base / "a.txt", base / "b.txt"], "letter": "e", "flag": str(base / "flag")},
        store=url, outdir=str(base / "out"), retries=1,
    )  # fmt: skip
    assert result.state is RunState.COMPLETED
    with open_store(url) as opened:
        _add_what_this_machine_lacks(opened)
        yield opened


def _add_what_this_machine_lacks(store: Store) -> None:
    database = store.database
    (run_id,) = database.one("SELECT id FROM run") or ("",)
    (location,) = database.one("SELECT DISTINCT location_id FROM attempt") or ("",)
    (token,) = database.one("SELECT token_id FROM file WHERE basename = 'a.txt' AND pointer = ''") or ("",)
    image = ImageRow(
        id="a" * 20, name="debian", tag="12", digest=f"sha256:{SHA256}", platform="linux/amd64", engine="docker"
    )
    transfer = TransferRow(
        id=ids.new_token(), run_id=run_id, token_id=token, source_location_id=location, source_path="/a.txt",
        target_location_id=location, target_path="/b.txt", method="copy", number=1,
        state=TransferState.COMPLETED, started=1.0, ended=2.0,
    )  # fmt: skip
    agent = AgentRow(id="b" * 20, name="Ada")
    store.write(image, transfer, agent)
    database.execute("UPDATE attempt SET image_id = ?", (image.id,))
    database.execute("UPDATE run SET agent_id = ?", (agent.id,))


@pytest.fixture(scope="module", params=["0.5", "0.6", "run", "store"])
def ask(store: Store, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """Gives the rows that a question gets: from a crate of each line, from the run, from the whole store."""
    source: Source
    if request.param == "run":
        source = run_source(store, "last")
    elif request.param == "store":
        source = store_source(store)
    else:
        crate = tmp_path_factory.mktemp("crates") / "crate.zip"
        export_run(store, "last", crate, ExportOptions(line=LINES[request.param]))
        source = crate_source(str(crate))

    def rows(name: str, **settings: str) -> list[dict[str, str]]:
        found = answer(source, read_query(name), settings)
        prefix = next(iter(source.bases.values()))
        return [
            dict(zip(found.columns, [text.removeprefix(prefix) for text in row], strict=True)) for row in found.rows()
        ]

    return rows


@pytest.mark.parametrize("name", [question.name for question in questions()])
def test_every_question_has_an_answer(ask: Ask, name: str) -> None:
    needed = {"lineage": {"file": "total.txt"}}
    rows = ask(name, **needed.get(name, {}))
    assert rows
    empty = {column for column in rows[0] if not any(row[column] for row in rows)}
    assert empty == {"failures": {"signal"}, "transfers": {"error"}}.get(name, set())


def test_all_questions_of_the_group_are_there() -> None:
    assert tuple(question.alias for question in questions() if question.alias) == GROUP


def test_cq1_names_images_by_their_digest(ask: Ask) -> None:
    (image,) = ask("cq1")
    assert (image["name"], image["tag"], image["sha256"], image["architecture"]) == ("debian", "12", SHA256, "amd64")


def test_cq6_is_the_whole_workflow_and_cq5_all_else(ask: Ask) -> None:
    assert [row["name"] for row in ask("cq6")] == ["Letters"]
    assert sorted(row["name"] for row in ask("cq5")) == ["Count letters", "Count letters", "sum", "sum"]


def test_cq8_gives_values_by_parameter(ask: Ask) -> None:
    found = {(row["direction"], row["parameter"], row["value"]) for row in ask("cq8")}
    assert {
        ("input", "letter", "e"),
        ("input", "texts", "inputs/a.txt"),
        ("output", "total", "total.txt"),
    } <= found


def test_cq11_follows_parameters_to_tools(ask: Ask) -> None:
    found = {(row["parameter"], row["value"], row["step"], row["tool"], row["tool_parameter"]) for row in ask("cq11")}
    assert {row for row in found if row[0] != "flag"} == {
        ("letter", "e", "count", "Count letters", "letter"),
        ("texts", "inputs/a.txt", "count", "Count letters", "text"),
        ("texts", "inputs/b.txt", "count", "Count letters", "text"),
    }


def test_attempts_are_counted_by_job(ask: Ask) -> None:
    counts = {row["job"]: (row["attempts"], row["failed"]) for row in ask("attempts")}
    assert counts == {"/sum": ("2", "1"), "/count[0]": ("1", "0"), "/count[1]": ("1", "0")}
    assert [row["job"] for row in ask("attempts", job="/sum")] == ["/sum"]


def test_failures_say_why(ask: Ask) -> None:
    (row,) = ask("failures")
    assert row["name"] == "/sum, attempt 1"
    assert row["exit_code"] == "3"
    assert row["error"].startswith("exit code 3")
    assert row["log"].startswith("logs/")


def test_a_file_was_made_of_what_led_to_it_and_of_nothing_else(ask: Ask) -> None:
    rows = ask("lineage", file="total.txt")
    made_of = {row["used"] for row in rows if row["used"].startswith("inputs/")}
    assert made_of == {"inputs/a.txt", "inputs/b.txt"}
    (count,) = {row["made"] for row in rows if row["used"] == "inputs/a.txt"}
    assert {row["used"] for row in ask("lineage", file=count)} & made_of == {"inputs/a.txt"}


def test_a_question_that_needs_a_value_says_so(ask: Ask) -> None:
    with pytest.raises(UsageError, match="the query lineage needs a value for file"):
        ask("lineage")


def test_a_file_is_found_by_name_path_or_hash(ask: Ask) -> None:
    by_name = ask("locations", file="total.txt")
    assert [row["made"] for row in by_name] == ["outputs/total.txt"]
    assert ask("locations", file="outputs/total.txt") == by_name
    (sha256,) = ask("SELECT ?hash { ?f wfrun:sha256 ?hash; schema:name 'total.txt' }")
    assert ask("locations", file=sha256["hash"]) == by_name
    assert ask("locations", file="tal.txt") == []


def test_transfers_say_how_a_file_got_there(ask: Ask) -> None:
    (row,) = ask("transfers", file="a.txt")
    assert row["how"].startswith("copy: /a.txt to /b.txt")
    assert ask("transfers", file="b.txt") == []


def test_the_graph_of_a_run_is_that_of_its_crate(store: Store, tmp_path: Path) -> None:
    export_run(store, "last", tmp_path / "crate")
    of_run = run_source(store, "last")
    (base,) = of_run.bases
    assert set(of_run.graph) == set(crate_source(str(tmp_path / "crate"), base).graph)


def test_describing_a_run_does_not_read_large_files(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recrate.crates.export.contents._SMALL", 1)
    monkeypatch.setattr("recrate.crates.export.contents.digest_file", lambda path: pytest.fail(f"{path} was read"))
    with open(tmp_path / "metadata.json", "wb") as stream:
        describe_run(store, "last", stream)
    assert len(json.loads((tmp_path / "metadata.json").read_bytes())["@graph"]) > 20


def test_runs_of_a_store_are_told_apart(store: Store) -> None:
    (run_id,) = store.database.one("SELECT id FROM run") or ("",)
    assert list(store_source(store).bases) == [run_base(run_id)]


def test_a_store_with_too_many_jobs_is_not_asked_as_a_whole(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recrate.crates.query.graphs.MOST_JOBS", 2)
    with pytest.raises(UsageError, match=r"4 jobs, too many .*name a run"):
        store_source(store)
