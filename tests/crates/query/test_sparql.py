"""Queries to crates: what they find, what they may not do, and when they end."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from cratebed.building import RUN_TERMS, V11, folder, head, ref

from recrate.crates.query.asking import Source, answer, read_query
from recrate.crates.query.graphs import crate_source
from recrate.crates.query.sparql import QueryStopped
from recrate.errors import CrateInvalid, UsageError

IMAGE = {"@id": "#image", "@type": "ContainerImage", "name": "debian", "tag": "12", "sha256": "ab" * 32}
ACTION = {
    "@id": "#run",
    "@type": "CreateAction",
    "name": "Run of it",
    "actionStatus": "http://schema.org/FailedActionStatus",
    "error": "no space left",
    "containerImage": ref("#image"),
    "result": [ref("a b.txt")],
}
FILE = {"@id": "a b.txt", "@type": "File", "name": "É.txt"}


@pytest.fixture
def source(tmp_path: Path) -> Source:
    return crate_source(str(folder(tmp_path / "crate", [*head(), ACTION, IMAGE, FILE], {"a b.txt": ""})))


def rows(source: Source, query: str, **settings: str) -> list[list[str]]:
    return [list(row) for row in answer(source, read_query(query), settings).rows()]


def test_a_query_finds_what_the_metadata_say(source: Source) -> None:
    assert rows(source, "SELECT ?name { ?i a wfrun:ContainerImage; schema:name ?name }") == [["debian"]]


def test_identifiers_are_shown_as_the_crate_has_them(source: Source) -> None:
    assert rows(source, "SELECT ?a ?r { ?a schema:result ?r }") == [["#run", "a%20b.txt"]]
    assert rows(source, "SELECT ?root { ?root a schema:Dataset }") == [["./"]]


def test_a_question_has_a_name_and_a_number(source: Source) -> None:
    assert rows(source, "images") == rows(source, "CQ1") != []


def test_ask_gives_yes_or_no(source: Source) -> None:
    assert rows(source, "ASK { ?a a schema:CreateAction }") == [["yes"]]
    assert rows(source, "ASK { ?a a schema:HowTo }") == [["no"]]


def test_construct_gives_triples(source: Source) -> None:
    found = rows(source, "CONSTRUCT { ?a schema:about ?i } WHERE { ?a wfrun:containerImage ?i }")
    assert found == [["#run", "http://schema.org/about", "#image"]]


@pytest.mark.parametrize("value", ["debian", 'x" } INSERT', "É.txt"])
def test_a_value_is_a_term_and_never_text_of_the_query(source: Source, value: str) -> None:
    found = rows(source, "SELECT ?thing { ?thing schema:name ?name }", name=value)
    assert found == {"debian": [["#image"]], "É.txt": [["a%20b.txt"]]}.get(value, [])


def test_a_value_in_angle_brackets_is_an_iri_of_the_crate(source: Source) -> None:
    assert rows(source, "SELECT ?name { ?file schema:name ?name }", file="<a b.txt>") == [["É.txt"]]


def test_a_value_for_a_variable_that_is_not_there_is_an_error(source: Source) -> None:
    with pytest.raises(UsageError, match=r"has no variable \?nmae .*it has name, thing"):
        rows(source, "SELECT ?thing { ?thing schema:name ?name }", nmae="x")


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("SELECT * { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } }", "another service"),
        ("SELECT * { { SELECT * { SERVICE SILENT ?where { ?s ?p ?o } } } }", "another service"),
        ("ASK { FILTER EXISTS { SERVICE <http://127.0.0.1:9/> { ?s ?p ?o } } }", "another service"),
        ("SELECT * FROM <http://127.0.0.1:9/> { ?s ?p ?o }", "other data"),
        ("SELECT * FROM NAMED <file:///etc/passwd> { ?s ?p ?o }", "other data"),
        ("SELECT * { ?s ?p ?o", "line 1: it breaks off"),
        ("SELECT * {\n ?s nope:x ?o }", "nope"),
        ("DELETE WHERE { ?s ?p ?o } # SELECT", "must be a SELECT"),
        ("LOAD <http://127.0.0.1:9/> # SELECT {", "must be a SELECT"),
        ("no-such-query", "neither the name of a query"),
        ("", "neither the name of a query"),
    ],
)
def test_what_is_no_query_of_the_graph_is_refused(query: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        read_query(query)


def test_a_query_that_takes_too_long_is_stopped(source: Source) -> None:
    everything = " . ".join(f"?s{n} ?p{n} ?o{n}" for n in range(6))
    began = time.monotonic()
    with pytest.raises(QueryStopped, match=r"longer than 0\.3 s"):
        answer(source, read_query(f"SELECT (COUNT(*) AS ?n) {{ {everything} }}"), {}, seconds=0.3)
    assert time.monotonic() - began < 5


def test_a_query_that_gives_too_much_is_refused(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recrate.crates.query.sparql.MOST_ROWS", 3)
    with pytest.raises(QueryStopped, match="more than 3 rows"):
        rows(source, "SELECT * { ?s ?p ?o }")


def test_a_query_may_be_a_file(source: Source, tmp_path: Path) -> None:
    (tmp_path / "mine.rq").write_text("PREFIX s: <http://schema.org/> SELECT ?e { ?a s:error ?e }")
    assert rows(source, str(tmp_path / "mine.rq")) == [["no space left"]]


def test_contexts_within_entities_are_not_followed(tmp_path: Path) -> None:
    image = {**IMAGE, "@context": "http://127.0.0.1:9/evil"}
    source = crate_source(str(folder(tmp_path / "crate", [*head(), ACTION, image])))
    assert rows(source, "images")[0][3] == "debian"


def test_terms_of_the_crate_itself_are_known_and_their_contexts_are_not(tmp_path: Path) -> None:
    own = {"flavour": {"@id": "https://example.org/flavour", "@context": "http://127.0.0.1:9/evil"}}
    graph = [*head(), {**IMAGE, "flavour": "sour"}]
    crate = folder(tmp_path / "crate", graph, context=[V11, RUN_TERMS, own])
    assert rows(crate_source(str(crate)), "SELECT ?f { ?i <https://example.org/flavour> ?f }") == [["sour"]]


def test_a_crate_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CrateInvalid, match="no crate"):
        crate_source(str(tmp_path))
