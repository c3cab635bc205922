"""The data of a run in its crate: files by content, values as texts, and what was to stay out."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from rocrate.rocrate import ROCrate

from recrate.core.cwl.load import load_document
from recrate.crates.export import export_run
from recrate.errors import CrateFailed, UsageError
from recrate.provenance.rows import RunRow
from recrate.provenance.statements import Update
from recrate.provenance.states import Keep, RunState
from recrate.provenance.store import open_store

from .conftest import COPY, SAY, Crate, Exporter, Runner, file_at, many, names, output, tool, workflow

GIVE_BACK = workflow({"x": "Any?"}, {"out": output("Any?", "x")}, {})


def given(path: Path, content: str = "content\n") -> dict[str, str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return {"class": "File", "path": str(path)}


def content_of(crate: Crate, entity: dict[str, Any]) -> str:
    return (crate.path / unquote(entity["@id"])).read_text()


def test_files_lie_in_the_crate_by_their_names(run: Runner, export: Exporter, tmp_path: Path) -> None:
    copied = {"class": "File", "path": str(tmp_path / "in" / "a.txt")}
    given(tmp_path / "in" / "a.txt")
    run(COPY, {"file": copied})
    crate = export()
    assert (crate.path / "inputs" / "a.txt").read_text() == "content\n"
    assert (crate.path / "outputs" / "copy.txt").read_text() == "content\n"
    entity = crate.graph["inputs/a.txt"]
    assert entity["sha256"] == hashlib.sha256(b"content\n").hexdigest() and entity["contentSize"] == "8"
    assert {"@id": "#main/inputs/file"} in many(entity["exampleOfWork"])
    assert crate.exported.files == 2 and not crate.exported.absent_count


def test_equal_contents_keep_their_names_apart(run: Runner, export: Exporter, tmp_path: Path) -> None:
    files = [given(tmp_path / "in" / name) for name in ("a.txt", "b.txt", "deep/a.txt")]
    run(workflow({"x": "File[]"}, {"out": output("File[]", "x")}, {}), {"x": files})
    crate = export()
    (value,) = [one for one in crate.of("PropertyValue") if one.get("name") == "x"]
    assert [one["@id"] for one in value["value"]] == ["outputs/a.txt", "outputs/b.txt", "outputs/a.txt"]


def test_equal_names_keep_their_contents_apart(run: Runner, export: Exporter, tmp_path: Path) -> None:
    files = [given(tmp_path / "in" / name, name) for name in ("1/a.txt", "2/a.txt", "3/A.txt")]
    run(workflow({"x": "File[]"}, {"out": output("File[]", "x")}, {}), {"x": files})
    crate = export()
    (value,) = [one for one in crate.of("PropertyValue") if one.get("name") == "x"]
    assert [content_of(crate, one) for one in crate.at(value["value"])] == ["1/a.txt", "2/a.txt", "3/A.txt"]
    assert len({one["@id"].casefold() for one in value["value"]}) == 3


@pytest.mark.parametrize("name", ["a b.txt", "50%.txt", "a#b?.txt", "it's.txt", "é.txt", "new\nline.txt", 'q"uote.txt'])
def test_names_that_need_escaping_are_told(run: Runner, export: Exporter, tmp_path: Path, name: str) -> None:
    run(COPY, {"file": given(tmp_path / "in" / name)})
    crate = export()
    entity = crate.named(name, "File")
    assert content_of(crate, entity) == "content\n"
    assert "alternateName" not in entity or entity["alternateName"] == name


def test_a_name_that_is_no_text_is_exported(run: Runner, export: Exporter, tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.txt"
    with open(path, "wb") as stream:
        stream.write(b"content\n")
    run(COPY, {"file": {"class": "File", "path": os.fsdecode(path)}})
    crate = export()
    assert content_of(crate, crate.named("\\xff.txt", "File")) == "content\n"


def test_a_file_with_others_is_a_collection(run: Runner, export: Exporter, tmp_path: Path) -> None:
    given(tmp_path / "in" / "a.txt"), given(tmp_path / "in" / "a.txt.idx", "index\n")
    indexed = {"type": "File", "secondaryFiles": [".idx"]}
    run(workflow({"x": indexed}, {"out": output("File", "x")}, {}), {"x": given(tmp_path / "in" / "a.txt")})
    crate = export()
    collections = crate.of("Collection")
    assert names(crate.at(collections[0]["hasPart"])) == ["a.txt", "a.txt.idx"]
    assert crate.at(collections[0]["mainEntity"]) == [crate.graph["outputs/a.txt"]]
    assert crate.graph["#main/inputs/x"]["additionalType"] == "Collection"
    assert all({"@id": one["@id"]} in many(crate.root["mentions"]) for one in collections)


@pytest.mark.parametrize(
    "value, said",
    [
        (3, "3"), (True, "True"), (0.5, "0.5"), ("a text", "a text"), ([], "[]"), ([1, 2], ["1", "2"]),
        (["a", None], ["a", "null"]),
    ],
)  # fmt: skip
def test_values_are_texts(run: Runner, export: Exporter, value: Any, said: Any) -> None:
    run(GIVE_BACK, {"x": value})
    crate = export()
    (found,) = [one for one in crate.of("PropertyValue") if one.get("name") == "x"]
    assert found["value"] == said


def test_a_value_that_is_absent_has_no_entity(run: Runner, export: Exporter) -> None:
    run(GIVE_BACK)
    crate = export()
    assert not [one for one in crate.of("PropertyValue") if one.get("name") == "x"]
    (action,) = crate.of("ActivateAction")
    assert names(crate.at(action["object"])) == ["how the run was made"]


def test_lists_in_lists_and_records_are_values_in_values(run: Runner, export: Exporter, tmp_path: Path) -> None:
    run(GIVE_BACK, {"x": {"many": [[1, 2], [3]], "file": given(tmp_path / "in" / "a.txt"), "label": "one"}})
    crate = export()
    (record,) = [one for one in crate.of("PropertyValue") if one.get("name") == "x"]
    fields = {one["name"]: one for one in crate.at(record["value"])}
    assert fields["label"]["value"] == "one"
    assert names(crate.at(fields["file"]["value"])) == ["a.txt"]
    assert [one["value"] for one in crate.at(fields["many"]["value"])] == [["1", "2"], "3"]


def test_directories_are_in_the_crate(run: Runner, export: Exporter, tmp_path: Path) -> None:
    given(tmp_path / "in" / "d" / "inner" / "a.txt")
    (tmp_path / "in" / "d" / "empty").mkdir()
    folder = {"class": "Directory", "path": str(tmp_path / "in" / "d")}
    run(workflow({"x": "Directory"}, {"out": output("Directory", "x")}, {}), {"x": folder})
    crate = export()
    assert crate.graph["outputs/d/"]["@type"] == "Dataset"
    assert (crate.path / "outputs/d/inner/a.txt").read_text() == "content\n"
    assert (crate.path / "outputs/d/empty").is_dir()


def test_literal_files_are_in_the_crate(run: Runner, export: Exporter) -> None:
    run(COPY, {"file": {"class": "File", "basename": "note.txt", "contents": "hello\n"}})
    crate = export()
    assert (crate.path / "inputs/note.txt").read_text() == "hello\n"


def test_a_file_that_was_changed_is_not_passed_off(run: Runner, export: Exporter, tmp_path: Path) -> None:
    run(tool("wc -c < $1", {"file": "File"}, {"out": "stdout"}), {"file": given(tmp_path / "in" / "a.txt")})
    (tmp_path / "in" / "a.txt").write_text("changed\n")
    crate = export()
    entity = crate.named("a.txt", "File")
    assert entity["@id"].startswith("ni:///sha-256;") and entity["sha256"] == hashlib.sha256(b"content\n").hexdigest()
    assert crate.exported.absent == ("inputs/a.txt",)
    assert any("inputs/a.txt" in warning for warning in crate.exported.warnings)
    assert not (crate.path / "inputs").exists()


def test_a_content_is_found_wherever_it_still_lies(run: Runner, export: Exporter, tmp_path: Path) -> None:
    run(SAY, {"text": "x"}, keep=Keep.NONE)
    crate = export()
    assert (crate.path / "outputs/said.txt").read_text() == "x\n"


# -- what is to stay out ----------------------------------------------------------------------------


def test_metadata_only_names_contents_by_their_hash(run: Runner, export: Exporter) -> None:
    run(tool("echo log >&2; echo out", {}, {"out": "stdout"}), {})
    crate = export(metadata_only=True)
    assert not any((crate.path / folder).exists() for folder in ("inputs", "outputs", "intermediate", "logs"))
    assert crate.exported.files == 0 and crate.exported.left_out == 1 and not crate.exported.absent_count
    assert (crate.path / "recrate/rows.jsonl").exists()


@pytest.mark.parametrize("options", [{"exclude": ["*.big"]}, {"exclude": ["inputs/*"]}, {"max_file_size": 100}])
def test_some_contents_can_stay_out(run: Runner, export: Exporter, tmp_path: Path, options: dict[str, Any]) -> None:
    run(tool("head -c 3 $1", {"x": "File"}, {"out": "stdout"}), {"x": given(tmp_path / "in" / "a.big", "x" * 1000)})
    crate = export(**options)
    assert (crate.exported.files, crate.exported.left_out) == (1, 1)
    assert crate.named("a.big", "File")["@id"].startswith("ni:")
    assert "x" * 500 not in (crate.path / "ro-crate-preview.html").read_text()


def test_secrets_are_in_no_file(run: Runner, export: Exporter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECRATE_SECRETS", "KEY")
    monkeypatch.setenv("KEY", "swordfish")
    run(tool('echo "$1" >&2; echo "$1" | wc -c', {"key": "string"}, {"out": "stdout"}), {"key": "swordfish"})
    crate = export()
    files = [path for path in crate.path.rglob("*") if path.is_file()]
    assert [path.read_text() for path in files if path.parent.name == "logs"] == ["***\n"]
    assert not [path for path in files if b"swordfish" in path.read_bytes()]


# -- the crate as a whole ---------------------------------------------------------------------------


def contents_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_run_gives_the_same_crate(run: Runner, export: Exporter) -> None:
    run(SAY, {"text": "x"})
    assert contents_of(export().path) == contents_of(export().path)


def test_an_archive_holds_what_a_folder_does(run: Runner, export: Exporter, tmp_path: Path) -> None:
    run(SAY, {"text": "x"})
    folder = contents_of(export().path)
    with open_store(str(tmp_path / "store.db")) as store:
        for number in (1, 2):
            export_run(store, "last", tmp_path / f"{number}.zip")
    with zipfile.ZipFile(tmp_path / "1.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == folder
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()


def test_nothing_is_overwritten(run: Runner, tmp_path: Path) -> None:
    run(SAY, {"text": "x"})
    for path in (tmp_path / "crate", tmp_path / "crate.zip"):
        with open_store(str(tmp_path / "store.db")) as store:
            export_run(store, "last", path)
            with pytest.raises(CrateFailed, match="something at"):
                export_run(store, "last", path)


def test_an_export_that_fails_leaves_nothing(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(SAY, {"text": "x"})

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("recrate.crates.export.crate.write_own_files", full)
    before = sorted(tmp_path.iterdir())
    for name in ("crate", "crate.zip"):
        with open_store(str(tmp_path / "store.db")) as store, pytest.raises(CrateFailed, match="No space left"):
            export_run(store, "last", tmp_path / name)
    assert sorted(tmp_path.iterdir()) == before


def test_a_run_that_goes_on_is_not_exported(run: Runner, tmp_path: Path) -> None:
    result = run(SAY, {"text": "x"})
    with open_store(str(tmp_path / "store.db")) as store:
        store.write(Update(RunRow, (result.id,), {"state": RunState.RUNNING, "ended": None}))
        held = store.acquire(result.id)
        with pytest.raises(UsageError, match="still going on"):
            export_run(store, "last", tmp_path / "crate")
        held.release()
        export_run(store, "last", tmp_path / "crate")
    crate = json.loads((tmp_path / "crate/ro-crate-metadata.json").read_text())["@graph"]
    (action,) = [one for one in crate if one["@id"] == f"#run/{result.id}"]
    assert action["error"] == "its controller was gone before the end" and "endTime" not in action


def test_other_readers_open_the_crate(run: Runner, export: Exporter) -> None:
    run(SAY, {"text": "x"})
    crate = export(name="a title", license="CC0-1.0", keywords=["one", "two"])
    opened = ROCrate(str(crate.path))
    assert opened.name == "a title" and opened.keywords == ["one", "two"]
    assert opened.mainEntity.id == "workflow/packed.cwl"
    assert opened.get("outputs/said.txt")["contentSize"] == "2"


def test_the_workflow_is_there_packed_as_written_and_drawn(run: Runner, export: Exporter, tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "say.cwl").write_text(json.dumps({"cwlVersion": "v1.2", **SAY}))
    step = {"run": "tools/say.cwl", "in": {"text": "text"}, "out": ["out"]}
    run(workflow({"text": "string"}, {"out": output("File", "say/out")}, {"say": step}), {"text": "x"})
    crate = export()
    written = crate.path / "workflow" / "original"
    assert (written / "tools" / "say.cwl").read_bytes() == (tmp_path / "tools" / "say.cwl").read_bytes()
    assert (written / "workflow.cwl").exists()
    assert (crate.path / "workflow/diagram.svg").read_text().startswith("<svg")
    assert load_document(str(crate.path / "workflow/packed.cwl")).process.name
    lock = (crate.path / "recrate/requirements.txt").read_text()
    assert "recrate==" in lock and "cwl-utils==" in lock


def test_files_of_a_record_are_taken_along(run: Runner, export: Exporter) -> None:
    made = tool("echo a > a.txt; echo b > b.txt", {}, {
        "out": {"type": {"type": "record", "fields": {"a": file_at("a.txt"), "b": file_at("b.txt")}}}})  # fmt: skip
    run(made)
    crate = export()
    assert {path.name for path in (crate.path / "outputs").iterdir()} == {"a.txt", "b.txt"}
