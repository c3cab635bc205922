"""The listing of an InitialWorkDirRequirement: what is staged, and where inputs are then."""

from __future__ import annotations

from typing import Any

import pytest

from recrate.core.cwl.environment import runtime_names
from recrate.core.cwl.expressions import Evaluator
from recrate.core.cwl.initial_workdir import Rules, stage_listing
from recrate.core.cwl.staging import Staged, stage_inputs
from recrate.core.plan import Runtime, Stage
from recrate.errors import InputInvalid

RUNTIME = Runtime(outdir="/out", tmpdir="/tmp", inputs="/in")
A = {"class": "File", "location": "file:///d/a.txt", "basename": "a.txt", "sha256": "aa"}
B = {"class": "File", "location": "file:///d/b.txt", "basename": "b.txt"}
INDEXED = {**A, "secondaryFiles": [{"class": "File", "location": "file:///d/a.idx", "basename": "a.idx"}]}
FOLDER = {
    "class": "Directory",
    "location": "file:///d/sub",
    "basename": "sub",
    "listing": [{"class": "File", "location": "file:///d/sub/x", "basename": "x"}],
}


def listed(listing: Any, inputs: dict[str, Any] | None = None, **rules: Any) -> Staged:
    runtime = rules.pop("runtime", RUNTIME)
    rule = Rules(Evaluator(javascript=True), runtime, runtime_names(runtime), **rules)
    return stage_listing(stage_inputs(inputs or {}, runtime.inputs), listing, rule)


def in_outdir(result: Staged) -> list[Stage]:
    return [stage for stage in result.stages if not stage.target.startswith("/in/")]


def dirent(entry: Any, entryname: str | None = None, **more: Any) -> dict[str, Any]:
    named = {} if entryname is None else {"entryname": entryname}
    return {"entry": entry, **named, **more}


CONTENTS = [
    ("plain text", "plain text"),
    ("line\n", "line\n"),
    ("  $(inputs.n)\n", "  3\n"),
    ("CONFIG=$(inputs.text)\n", "CONFIG=a b\n"),
    ("$(inputs.text)", "a b"),
    ("$(inputs.n)", "3"),
    ("$(inputs.record)", '{"k": [1, null, true]}'),
    ("$(inputs.record)\n", '{"k": [1, null, true]}\n'),
    ("$(inputs.record.k)", "[1, null, true]"),
    ("${ return 44.5; }", "44.5"),
    ("${ return ''; }", ""),
    ("${ return []; }", "[]"),
    ("${ return {}; }", "{}"),
    ("${ return false; }", "false"),
    ("${ return 1e-7; }", "0.0000001"),
]


@pytest.mark.parametrize("entry, contents", CONTENTS)
def test_what_is_no_file_is_written_to_one_exactly(entry: str, contents: str) -> None:
    inputs = {"n": 3, "text": "a b", "record": {"k": [1, None, True]}}
    assert in_outdir(listed([dirent(entry, "conf/x.json")], inputs)) == [Stage("/out/conf/x.json", contents=contents)]


@pytest.mark.parametrize(
    "listing", [None, [], "$(null)", ["$(null)"], [dirent("$(null)")], [dirent("$(null)", "n")], ["${return [];}"]]
)
def test_null_and_empty_lists_have_no_effect(listing: Any) -> None:
    assert in_outdir(listed(listing)) == []


SAME = [
    "$(inputs.f)",
    ["$(inputs.f)"],
    [dirent("$(inputs.f)")],
    "$([inputs.f])",
    ["$([inputs.f, null])"],
    "$([{entry: inputs.f}])",
    ["$({entry: inputs.f})"],
    "${return {class: 'File', location: inputs.f.location, basename: inputs.f.basename};}",
    "${return {class: 'File', path: inputs.f.path};}",
]


@pytest.mark.parametrize("listing", SAME)
def test_an_input_file_moves_to_the_work_directory(listing: Any) -> None:
    result = listed(listing, {"f": A, "g": B})
    assert [(stage.target, stage.location) for stage in result.stages] == [
        ("/in/1/b.txt", "file:///d/b.txt"),
        ("/out/a.txt", "file:///d/a.txt"),
    ]
    assert result.inputs["f"]["path"] == "/out/a.txt"
    assert result.inputs["f"]["dirname"] == "/out"
    assert result.inputs["g"]["path"] == "/in/1/b.txt"
    assert result.notes["/out/a.txt"]["location"] == A["location"]


def test_entryname_renames_and_may_name_directories() -> None:
    result = listed([dirent("$(inputs.f)", "sub/$(inputs.n).txt")], {"f": A, "n": 7})
    assert in_outdir(result) == [Stage("/out/sub/7.txt", location="file:///d/a.txt", sha256="aa")]
    moved = result.inputs["f"]
    assert (moved["path"], moved["basename"], moved["nameroot"]) == ("/out/sub/7.txt", "7.txt", "7")


def test_secondary_files_come_along() -> None:
    result = listed([dirent("$(inputs.f)", "sub/new.txt")], {"f": INDEXED})
    assert [stage.target for stage in result.stages] == ["/out/sub/new.txt", "/out/sub/a.idx"]
    assert result.inputs["f"]["secondaryFiles"][0]["path"] == "/out/sub/a.idx"


def test_writable_things_are_copies_and_in_place_the_original() -> None:
    listing = [dirent("$(inputs.f)", writable=True), dirent("$(inputs.d)", writable=True)]
    copies = in_outdir(listed(listing, {"f": A, "d": FOLDER}))
    assert [(stage.target, stage.writable, stage.in_place) for stage in copies] == [
        ("/out/a.txt", True, False),
        ("/out/sub", True, False),
    ]
    originals = in_outdir(listed(listing, {"f": A, "d": FOLDER}, inplace_update=True))
    assert all(stage.writable and stage.in_place for stage in originals)


def test_what_is_not_writable_is_never_changed_in_place() -> None:
    assert not in_outdir(listed(["$(inputs.f)"], {"f": A}, inplace_update=True))[0].in_place


def test_writable_reaches_into_literal_directories() -> None:
    listing = [dirent("${return {class: 'Directory', listing: [inputs.f]};}", "d", writable=True)]
    assert [(stage.target, stage.writable) for stage in in_outdir(listed(listing, {"f": A}))] == [
        ("/out/d", True),
        ("/out/d/a.txt", True),
    ]


def test_an_array_of_files_is_staged_one_by_one() -> None:
    result = listed([dirent("$(inputs.many)", writable=True)], {"many": [A, B]})
    assert [stage.target for stage in in_outdir(result)] == ["/out/a.txt", "/out/b.txt"]
    assert all(stage.writable for stage in in_outdir(result))


def test_an_entryname_cannot_name_an_array_of_files() -> None:
    with pytest.raises(InputInvalid, match="'x' cannot name 2 files"):
        listed([dirent("$(inputs.many)", "x")], {"many": [A, B]})


def test_text_needs_an_entryname() -> None:
    with pytest.raises(InputInvalid, match="'some text' needs an entryname"):
        listed([dirent("some text")])


def test_a_directory_moves_with_its_listing() -> None:
    result = listed([dirent("$(inputs.d)", "other")], {"d": FOLDER})
    assert in_outdir(result) == [Stage("/out/other", location="file:///d/sub", directory=True)]
    assert result.inputs["d"]["listing"][0]["path"] == "/out/other/x"


def test_the_listing_of_a_directory_can_be_staged_by_itself() -> None:
    result = listed("$(inputs.d.listing)", {"d": FOLDER})
    assert in_outdir(result) == [Stage("/out/x", location="file:///d/sub/x")]
    assert result.inputs["d"]["listing"][0]["path"] == "/out/x"
    assert result.inputs["d"]["path"] == "/in/0/sub"


def test_a_literal_directory_takes_input_files_in() -> None:
    listing = [dirent("${return {class: 'Directory', basename: 'no', listing: inputs.many};}", "yes")]
    result = listed(listing, {"many": [A, B]})
    assert [stage.target for stage in result.stages] == ["/out/yes", "/out/yes/a.txt", "/out/yes/b.txt"]
    assert [item["path"] for item in result.inputs["many"]] == ["/out/yes/a.txt", "/out/yes/b.txt"]


def test_files_of_the_document_are_resolved_against_it() -> None:
    listing = [[{"class": "File", "location": "data/x.txt"}, {"class": "Directory", "location": "../more"}]]
    result = listed(listing, base="file:///docs/tool.cwl")
    assert [(stage.target, stage.location) for stage in in_outdir(result)] == [
        ("/out/x.txt", "file:///docs/data/x.txt"),
        ("/out/more", "file:///more"),
    ]


def test_a_path_in_an_input_directory_is_found_again() -> None:
    inputs = {"d": {**FOLDER, "listing": None}}
    result = listed("${return {class: 'File', path: inputs.d.path + '/deep/y z', basename: 'y'};}", inputs)
    assert in_outdir(result) == [Stage("/out/y", location="file:///d/sub/deep/y%20z")]


def test_a_path_of_nothing_known_is_an_error() -> None:
    with pytest.raises(InputInvalid, match="'/etc/passwd' in InitialWorkDirRequirement is not one of an input"):
        listed("${return {class: 'File', path: '/etc/passwd'};}")


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "..", "."])
def test_a_name_outside_of_the_work_directory_is_refused(name: str) -> None:
    with pytest.raises(InputInvalid, match=r"leads out|is absolute"):
        listed([dirent("text", name)])


def test_an_absolute_name_needs_a_required_container() -> None:
    inside = Runtime(outdir="/out", tmpdir="/tmp", inputs="/in", in_container=True)
    for runtime, required in [(RUNTIME, True), (inside, False)]:
        with pytest.raises(InputInvalid, match="is absolute"):
            listed([dirent("$(inputs.f)", "/data/x")], {"f": A}, runtime=runtime, container_required=required)
    result = listed([dirent("$(inputs.f)", "/data/x")], {"f": A}, runtime=inside, container_required=True)
    assert in_outdir(result) == [Stage("/data/x", location="file:///d/a.txt", sha256="aa")]
    assert result.inputs["f"]["path"] == "/data/x"


def test_an_absolute_name_in_the_work_directory_is_allowed() -> None:
    assert in_outdir(listed([dirent("t", "/out/x/y")])) == [Stage("/out/x/y", contents="t")]


def test_two_different_things_of_one_name_are_an_error() -> None:
    with pytest.raises(InputInvalid, match=r"two different things .* '/out/n'"):
        listed([dirent("$(inputs.f)", "n"), dirent("text", "n")], {"f": A})


def test_the_same_thing_twice_is_staged_once() -> None:
    result = listed(["$(inputs.f)", "$(inputs.f)", dirent("$(inputs.f)", writable=True)], {"f": A})
    assert in_outdir(result) == [Stage("/out/a.txt", location="file:///d/a.txt", writable=True, sha256="aa")]


def test_a_directory_that_something_is_put_into_becomes_a_copy() -> None:
    result = listed([dirent("text", "sub/new.txt"), "$(inputs.d)"], {"d": FOLDER})
    assert in_outdir(result) == [
        Stage("/out/sub", location="file:///d/sub", directory=True, writable=True),
        Stage("/out/sub/new.txt", contents="text"),
    ]


def test_an_input_whose_old_path_is_written_down_stays_there_too() -> None:
    result = listed([dirent("$(inputs.f.path)", "where"), "$(inputs.f)"], {"f": A})
    assert [stage.target for stage in result.stages] == ["/in/0/a.txt", "/out/where", "/out/a.txt"]


def test_a_literal_input_directory_that_moves_is_not_made_twice() -> None:
    literal = {"class": "Directory", "basename": "made", "listing": [A]}
    result = listed("$(inputs.d)", {"d": literal})
    assert [stage.target for stage in result.stages] == ["/out/made", "/out/made/a.txt"]


@pytest.mark.parametrize("listing", ["text", ["$(inputs.n)"], "${return [1];}", "${return {a: 1};}"])
def test_a_listing_of_something_else_is_an_error(listing: Any) -> None:
    with pytest.raises(InputInvalid, match="must give Files and Directories"):
        listed(listing, {"n": 3})


def test_an_entryname_that_is_no_text_is_an_error() -> None:
    with pytest.raises(InputInvalid, match="must give a name, not 3"):
        listed([dirent("text", "$(inputs.n)")], {"n": 3})
