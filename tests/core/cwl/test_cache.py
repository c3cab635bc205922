"""The cache of loaded documents: the same document again, and never a stale or a broken one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from recrate.core.cwl import cache as cache_module
from recrate.core.cwl.cache import DocumentCache, user_cache
from recrate.core.cwl.check import check
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


BROKEN = """\
cwlVersion: v1.2
class: Workflow
inputs: []
outputs: {o: {type: string, outputSource: nowhere/o}}
steps: []
"""


def test_a_document_that_fails_a_check_is_not_kept(tmp_path: Path, cache: DocumentCache) -> None:
    path = write(tmp_path, BROKEN)
    for _ in range(2):
        document = load_document(str(path), cache=cache)
        assert not document.valid and check(document)
    assert not Path(cache.directory).exists()


def test_a_kept_document_is_not_checked_again(
    tmp_path: Path, cache: DocumentCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, EMPTY_TOOL)
    load_document(str(path), cache=cache)
    monkeypatch.setattr("recrate.core.cwl.check._problems", lambda _: pytest.fail("it was checked again"))
    assert check(load_document(str(path), cache=cache)) == []


def only_entry(cache: DocumentCache) -> Path:
    (entry,) = Path(cache.directory).iterdir()
    return entry


@pytest.mark.parametrize("mode", [0o620, 0o602])
@pytest.mark.parametrize("folder", [True, False])
def test_an_entry_that_others_can_write_is_ignored(
    tmp_path: Path, cache: DocumentCache, mode: int, folder: bool, request: pytest.FixtureRequest
) -> None:
    path = write(tmp_path, EMPTY_TOOL)
    load_document(str(path), cache=cache)
    os.chmod(cache.directory if folder else only_entry(cache), mode | (0o111 if folder else 0))
    request.getfixturevalue("no_parsing")
    with pytest.raises(AssertionError, match="was parsed"):
        load_document(str(path), cache=cache)


def test_an_entry_of_another_user_is_ignored(
    tmp_path: Path, cache: DocumentCache, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    path = write(tmp_path, EMPTY_TOOL)
    load_document(str(path), cache=cache)
    user = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: user + 1)
    request.getfixturevalue("no_parsing")
    with pytest.raises(AssertionError, match="was parsed"):
        load_document(str(path), cache=cache)


def test_a_link_in_the_place_of_an_entry_is_not_followed(tmp_path: Path, cache: DocumentCache) -> None:
    path = write(tmp_path, EMPTY_TOOL)
    load_document(str(path), cache=cache)
    entry = only_entry(cache)
    target = entry.rename(tmp_path / "elsewhere")
    before = target.read_bytes()
    entry.symlink_to(target)
    assert load_document(str(path), cache=cache).process.name == "doc"
    assert target.read_bytes() == before and not entry.is_symlink()


def test_what_was_used_least_recently_makes_room(
    tmp_path: Path, cache: DocumentCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "MOST_ENTRIES", 2)
    folder = Path(cache.directory)
    folder.mkdir(mode=0o700)
    (folder / "somebody's own.json").write_text("")
    first = write(tmp_path, EMPTY_TOOL, "1.cwl")
    load_document(str(first), cache=cache)
    (kept,) = folder.glob("[0-9a-f]*[0-9a-f].json")
    load_document(str(write(tmp_path, EMPTY_TOOL, "2.cwl")), cache=cache)
    for entry in folder.iterdir():
        os.utime(entry, (1, 1))
    load_document(str(first), cache=cache)
    load_document(str(write(tmp_path, EMPTY_TOOL, "3.cwl")), cache=cache)
    left = {entry.name for entry in folder.iterdir()}
    assert len(left) == 3 and {kept.name, "somebody's own.json"} < left


def test_programs_that_write_at_once_leave_whole_entries(tmp_path: Path, cache: DocumentCache) -> None:
    path = write(tmp_path, EMPTY_TOOL)
    program = (
        "import sys\nfrom recrate.core.cwl.cache import DocumentCache\n"
        "from recrate.core.cwl.load import load_document\n"
        "cache = DocumentCache(sys.argv[2])\ndocument = load_document(sys.argv[1])\n"
        "for _ in range(200):\n    cache.put('file:///x', '', document)\n"
        "    assert load_document(sys.argv[1], cache=cache).process.name == 'doc'\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, str(path), cache.directory]) for _ in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    assert {entry.suffix for entry in Path(cache.directory).iterdir()} == {".json"}


def test_the_cache_of_the_user_is_where_xdg_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RECRATE_DOCUMENT_CACHE", raising=False)
    monkeypatch.setenv("HOME", "/home/me")
    places = {}
    for value in ("/cache", "relative", ""):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        found = user_cache()
        assert found is not None
        places[value] = found.directory
    home = "/home/me/.cache/recrate/documents"
    assert places == {"/cache": "/cache/recrate/documents", "relative": home, "": home}


def test_an_empty_variable_means_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECRATE_DOCUMENT_CACHE", "")
    assert user_cache() is None
    monkeypatch.setenv("RECRATE_DOCUMENT_CACHE", "/elsewhere")
    found = user_cache()
    assert found is not None and found.directory == "/elsewhere"
