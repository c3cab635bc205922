"""The cache of loaded documents: the same document again, and never a stale or a broken one."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from recrate.core.cwl import cache as cache_module
from recrate.core.cwl.cache import DocumentCache
from recrate.core.cwl.load import load_document
from recrate.core.cwl.process import Workflow
from recrate.errors import RecrateError

from .loading import EMPTY_TOOL, TOOL, needs_suite, suite_documents, write


@pytest.fixture
def cache(tmp_path: Path) -> DocumentCache:
    return DocumentCache(str(tmp_path / "cache"))


@pytest.fixture
def no_parsing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the parsing of any document fail the test."""

    def refuse(*_: object) -> None:
        raise AssertionError("a document was parsed")

    monkeypatch.setattr("recrate.core.cwl.documents.parse_text", refuse)


WORKFLOW = """\
cwlVersion: v1.2
class: Workflow
inputs: {a: {type: 'string[]?', default: [x, 'yes', 1.5]}}
outputs: []
steps:
  one: {run: t.cwl, in: {x: a}, out: [], when: $(true)}
  two: {run: t.cwl, in: {x: {source: [a], default: {class: File, location: d}}}, out: []}
  three: {run: {class: Operation, inputs: [], outputs: []}, in: [], out: []}
"""


def test_a_second_load_parses_nothing_and_gives_the_same(
    tmp_path: Path, cache: DocumentCache, request: pytest.FixtureRequest
) -> None:
    write(tmp_path, EMPTY_TOOL, "t.cwl")
    path = write(tmp_path, WORKFLOW)
    first = load_document(str(path), cache=cache)
    request.getfixturevalue("no_parsing")
    second = load_document(str(path), cache=cache)
    assert repr(second) == repr(first) and second == first
    assert isinstance(second.process, Workflow)
    assert second.process.steps[0].run is second.process.steps[1].run


@needs_suite
def test_all_documents_of_the_suite_come_back_as_they_were(cache: DocumentCache) -> None:
    for path in suite_documents():
        try:
            first = load_document(str(path), cache=cache)
        except RecrateError:
            continue
        assert repr(load_document(str(path), cache=cache)) == repr(first), path


@pytest.mark.parametrize("changed", ["doc.cwl", "t.cwl"])
def test_a_changed_file_is_read_anew(tmp_path: Path, cache: DocumentCache, changed: str) -> None:
    write(tmp_path, EMPTY_TOOL, "t.cwl")
    path = write(tmp_path, WORKFLOW)
    first = load_document(str(path), cache=cache)
    with open(tmp_path / changed, "a") as stream:
        stream.write("label: new\n")
    second = load_document(str(path), cache=cache)
    assert second != first and second.sources[(tmp_path / changed).as_uri()].endswith(b"label: new\n")


def test_a_file_that_went_away_is_missed_as_without_cache(tmp_path: Path, cache: DocumentCache) -> None:
    write(tmp_path, EMPTY_TOOL, "t.cwl")
    path = write(tmp_path, WORKFLOW)
    load_document(str(path), cache=cache)
    os.remove(tmp_path / "t.cwl")
    with pytest.raises(RecrateError, match="no such file"):
        load_document(str(path), cache=cache)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: json.dumps({**json.loads(text), "processes": []}),
        lambda text: json.dumps({**json.loads(text), "processes": [[99, 1]]}),
        lambda text: json.dumps({**json.loads(text), "processes": [["p", 7]]}),
        lambda text: json.dumps({**json.loads(text), "files": []}),
        lambda text: "\x00\xff",
    ],
)
def test_a_damaged_entry_is_as_none(tmp_path: Path, cache: DocumentCache, damage: object) -> None:
    path = write(tmp_path, EMPTY_TOOL)
    first = load_document(str(path), cache=cache)
    (entry,) = Path(cache.directory).iterdir()
    entry.write_text(damage(entry.read_text()))  # type: ignore[operator]
    assert load_document(str(path), cache=cache) == first


def test_another_program_has_entries_of_its_own(
    tmp_path: Path, cache: DocumentCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, EMPTY_TOOL)
    load_document(str(path), cache=cache)
    monkeypatch.setattr(cache_module, "FORMAT", cache_module.FORMAT + 1)
    load_document(str(path), cache=cache)
    assert len(list(Path(cache.directory).iterdir())) == 2


def test_processes_of_one_file_have_entries_of_their_own(tmp_path: Path, cache: DocumentCache) -> None:
    one = "{class: Operation, inputs: [], outputs: [], id: %s}"
    path = write(tmp_path, f"cwlVersion: v1.2\n$graph: [{one % 'main'}, {one % 'b'}]\n")
    names = [load_document(f"{path}{end}", cache=cache).process.name for end in ("", "#b", "", "#b")]
    assert names == ["main", "b", "main", "b"]


def test_a_document_with_problems_is_not_kept(tmp_path: Path, cache: DocumentCache) -> None:
    path = write(tmp_path, TOOL + "inputs: {a: strng}\noutputs: []\n")
    for _ in range(2):
        with pytest.raises(RecrateError, match="unknown type"):
            load_document(str(path), cache=cache)
    assert not Path(cache.directory).exists()


def test_the_cache_is_for_its_user_alone(tmp_path: Path, cache: DocumentCache) -> None:
    load_document(str(write(tmp_path, EMPTY_TOOL)), cache=cache)
    assert os.stat(cache.directory).st_mode & 0o077 == 0


def test_a_cache_that_cannot_be_written_changes_nothing(tmp_path: Path) -> None:
    path = write(tmp_path, EMPTY_TOOL)
    for _ in range(2):
        assert load_document(str(path), cache=DocumentCache(str(path / "below a file"))).process.name == "doc"


def test_positions_are_relative_to_where_one_is_now(
    tmp_path: Path, cache: DocumentCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, EMPTY_TOOL, "sub/doc.cwl")
    load_document(str(path), cache=cache)
    monkeypatch.chdir(tmp_path)
    assert str(load_document(str(path), cache=cache).process.where) == "sub/doc.cwl:1:1"
