"""Formats: equal, or related by an ontology; an ontology that cannot be had is only a warning."""

import logging
from pathlib import Path

import pytest

from recrate.core.cwl.formats import format_matches
from recrate.core.uris import to_uri

TURTLE = """
@prefix e: <http://e/> .
@prefix owl: <http://www.w3.org/2002/07/owl#> .
@prefix rdfs: <http://www.w3.org/2000/01/rdf-schema#> .
e:fasta rdfs:subClassOf e:sequence .
e:sequence rdfs:subClassOf e:text .
e:fa owl:equivalentClass e:fasta .
e:a rdfs:subClassOf e:b . e:b rdfs:subClassOf e:a .
"""
XML = """<?xml version="1.0"?>
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:rdfs="http://www.w3.org/2000/01/rdf-schema#">
<rdf:Description rdf:about="http://e/text"><rdfs:subClassOf rdf:resource="http://e/data"/></rdf:Description>
</rdf:RDF>
"""


@pytest.fixture
def ontologies(tmp_path: Path) -> list[str]:
    (tmp_path / "one.ttl").write_text(TURTLE)
    (tmp_path / "two#x.owl").write_text(XML)
    return [to_uri(str(tmp_path / "one.ttl")), to_uri(str(tmp_path / "two#x.owl"))]


@pytest.mark.parametrize(
    ("actual", "allowed", "expected"),
    [
        ("fasta", ["fasta"], True),
        ("fasta", ["x", "sequence"], True),
        ("fasta", ["text"], True),
        ("fasta", ["data"], True),
        ("sequence", ["fasta"], False),
        ("fa", ["fasta"], True),
        ("fasta", ["fa"], True),
        ("fa", ["data"], True),
        ("a", ["b"], True),
        ("a", ["c"], False),
        ("unknown", ["fasta"], False),
    ],
)
def test_subclasses_and_equivalents_match(
    ontologies: list[str], actual: str, allowed: list[str], expected: bool
) -> None:
    assert format_matches(f"http://e/{actual}", [f"http://e/{name}" for name in allowed], ontologies) is expected


def test_without_an_ontology_only_the_same_matches() -> None:
    assert format_matches("http://e/fasta", ["http://e/fasta"], [])
    assert not format_matches("http://e/fasta", ["http://e/text"], [])
    assert not format_matches(None, ["http://e/text"], [])


def test_an_ontology_that_changes_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "o.ttl"
    path.write_text("")
    assert not format_matches("http://e/fa", ["http://e/fasta"], [to_uri(str(path))])
    path.write_text(TURTLE)
    assert format_matches("http://e/fa", ["http://e/fasta"], [to_uri(str(path))])


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"<rdf:RDF", b"<<<>>>", b"{}", b'<?xml version="1.0"?><a/>'])
def test_an_ontology_that_cannot_be_understood_is_left_out(
    tmp_path: Path, ontologies: list[str], content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "bad").write_bytes(content)
    bad = to_uri(str(tmp_path / "bad"))
    assert format_matches("http://e/fasta", ["http://e/text"], [bad, *ontologies])
    assert not format_matches("http://e/x", ["http://e/y"], [bad])


def test_one_that_is_not_there_is_a_warning(ontologies: list[str], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    missing = ["file:///no/such.owl", "https://example.invalid/o.owl", "file://host/x"]
    assert format_matches("http://e/fasta", ["http://e/text"], [*missing, *ontologies])
    assert sum(uri in caplog.text for uri in missing) == 3
