"""`query`: runs, the store and crates, in SPARQL and SQL."""

from __future__ import annotations

import csv
import io
import json

import pytest

from .conftest import Commands


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    """A store with a run; no test changes it."""
    recrate = Commands(tmp_path_factory.mktemp("asked"))
    recrate("run", "-q", "tool.cwl", "--set", "text=a.txt", "--name", "first")
    return recrate


def test_the_queries_are_listed(ran: Commands) -> None:
    listed = {one["name"]: one for one in ran.json("query", "--list")}
    assert listed["images"]["alias"] == "cq1"
    assert listed["lineage"]["parameters"][0]["required"] is True
    assert "Which container images were used?" in ran("query", "--list").stdout


def test_a_run_the_store_and_a_crate_give_the_same_answer(ran: Commands) -> None:
    ran("export", "first", "-o", "crate.zip")
    of_run = ran("query", "locations", "first").stdout
    assert "outputs/count.txt" in of_run
    assert ran("query", "locations", "--crate", "crate.zip").stdout == of_run
    assert "first:outputs/count.txt" in ran("query", "locations").stdout


def test_answers_come_as_json_and_csv(ran: Commands) -> None:
    found = ran.json("query", "SELECT ?name { ?file schema:name ?name FILTER(?name = 'count.txt') }", "first")
    assert found["head"]["vars"] == ["name"]
    assert found["results"]["bindings"] == [{"name": {"type": "literal", "value": "count.txt"}}]
    rows = list(csv.reader(io.StringIO(ran("query", "cq6", "first", "--csv").stdout)))
    assert rows[0] == ["action", "workflow", "name", "start", "end", "duration"]
    assert rows[1][0].startswith("arcp://name,")
    graph = ran.json("query", "CONSTRUCT { ?a schema:name ?n } { ?a a schema:CreateAction; schema:name ?n }", "first")
    assert {"http://schema.org/name"} <= set(graph[0])
    failed = ran("query", "ASK { ?s ?p ?o }", "first", "--csv", code=2)
    assert "cannot be CSV" in failed.stderr


def test_sql_reads_and_does_nothing_else(ran: Commands) -> None:
    sql = "SELECT name, host IS NULL AS nowhere FROM run"
    assert ran.json("query", "--sql", sql) == [{"name": "first", "nowhere": 0}]
    assert ran("query", "--sql", sql, "--csv").stdout == "name,nowhere\nfirst,0\n"
    refused = ran("query", "--sql", "DELETE FROM run", code=2)
    assert "queries can only read the store" in refused.stderr
    assert ran.json("runs")[0]["name"] == "first"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "there is no query"),
        (["status", "nobody"], "no run is called 'nobody'"),
        (["status", "first", "--crate", "x"], "cannot be asked at once"),
        (["lineage", "first", "--set", "file"], "has no value"),
        (["--sql", "SELECT 1", "first"], "--sql asks the store alone"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_line(ran: Commands, words: list[str], said: str) -> None:
    failed = ran("query", *words, code=2)
    assert said in failed.stderr
    assert len(failed.stderr.splitlines()) == 1


def test_a_query_comes_from_a_file_or_from_standard_input(ran: Commands) -> None:
    (ran.folder / "mine.rq").write_text("SELECT (COUNT(*) AS ?n) { ?a a schema:CreateAction }")
    assert json.loads(ran("query", "mine.rq", "first", "--json").stdout)["results"]["bindings"][0]["n"]["value"] == "2"
