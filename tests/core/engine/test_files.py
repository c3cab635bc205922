"""Files and directories that flow: literals, records, secondary files, directories, equal names, one file twice."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from recrate.provenance import queries
from recrate.provenance.states import Keep, ReplicaKind

from .bench import Bench, expression, files, identity, shell, text, workflow

MAKER = shell(
    {"name": {"type": "string", "inputBinding": {}}},
    {"o": {"type": "File", "outputBinding": {"glob": "out.txt"}}},
    'printf %s "$1" >out.txt',
)
CAT = shell({"f": {"type": "File", "inputBinding": {}}}, {"o": "stdout"}, 'cat "$1"', stdout="seen.txt")
LIST = shell({"d": {"type": "Directory", "inputBinding": {}}}, {"o": "stdout"}, '(cd "$1" && find . | sort)')


def one(run: Any, ins: Any, inputs: Any, out: str = "o", kind: Any = "Any") -> dict[str, Any]:
    return workflow(
        inputs, {"o": {"type": kind, "outputSource": f"s/{out}"}}, {"s": {"run": run, "in": ins, "out": [out]}}
    )


def test_a_file_goes_from_step_to_step(bench: Bench) -> None:
    steps = {
        "make": {"run": MAKER, "in": {"name": "n"}, "out": ["o"]},
        "cat": {"run": CAT, "in": {"f": "make/o"}, "out": ["o"]},
    }
    document = workflow({"n": "string"}, {"o": {"type": "File", "outputSource": "cat/o"}}, steps)
    ran = bench.run(document, {"n": "hello"}, outdir=bench.directory / "out")
    assert text(ran.outputs["o"]) == "hello"
    assert ran.outputs["o"]["checksum"] == "sha1$aaf4c61ddcc5e8a2dabede0f3b482cd9aea9434d"
    assert ran.outputs["o"]["size"] == 5
    made = queries.outputs(ran.database, ran.jobs["/make"])["o"]
    assert queries.inputs(ran.database, ran.jobs["/cat"].id)["f"].id == made.id


def test_literals_of_an_expression_are_staged_and_delivered(bench: Bench) -> None:
    make = expression(
        {},
        {"f": "File", "d": "Directory"},
        "${return {f: {'class': 'File', basename: 'lit.txt', contents: 'literal\\n'},"
        " d: {'class': 'Directory', basename: 'dir', listing: ["
        "{'class': 'File', basename: 'in.txt', contents: 'inner'},"
        "{'class': 'Directory', basename: 'sub', listing: []}]}};}",
    )
    steps = {
        "make": {"run": make, "in": {}, "out": ["f", "d"]},
        "cat": {"run": CAT, "in": {"f": "make/f"}, "out": ["o"]},
        "list": {"run": LIST, "in": {"d": "make/d"}, "out": ["o"]},
    }
    outputs = {
        "cat": {"type": "File", "outputSource": "cat/o"},
        "list": {"type": "File", "outputSource": "list/o"},
        "f": {"type": "File", "outputSource": "make/f"},
        "d": {"type": "Directory", "outputSource": "make/d"},
    }
    ran = bench.run(workflow({}, outputs, steps), outdir=bench.directory / "out")
    assert text(ran.outputs["cat"]) == "literal\n"
    assert text(ran.outputs["list"]).split() == [".", "./in.txt", "./sub"]
    assert text(ran.outputs["f"]) == "literal\n"
    assert ran.outputs["f"]["basename"] == "lit.txt"
    assert "contents" not in ran.outputs["f"]
    assert (bench.directory / "out" / "dir" / "in.txt").read_text() == "inner"
    assert (bench.directory / "out" / "dir" / "sub").is_dir()


def test_a_file_passes_through_an_expression_with_its_hashes(bench: Bench) -> None:
    file = bench.write("a.txt", "data")
    ran = bench.run(one(identity(), {"x": "f"}, {"f": "File"}, "r", "File"), {"f": file})
    assert text(ran.outputs["o"]) == "data"
    assert ran.outputs["o"]["size"] == 4
    lineage = queries.upstream(ran.database, [ran.out_tokens()["o"].id])
    assert {(token.path, token.port) for token in lineage.tokens.values()} >= {("/", "f")}


RECORD = {
    "type": "record",
    "fields": {
        "main": {"type": "File", "outputBinding": {"glob": "main.txt"}, "secondaryFiles": [".idx", "^.log?"]},
        "count": {"type": "int", "outputBinding": {"outputEval": "$(7)"}},
        "all": {"type": "File[]", "outputBinding": {"glob": "part*"}},
    },
}


def test_records_and_arrays_with_secondary_files(bench: Bench) -> None:
    script = "echo m >main.txt; echo i >main.txt.idx; for n in 2 10 1; do echo $n >part$n; done"
    tool = shell({}, {"o": {"type": RECORD}}, script)
    ran = bench.run(one(tool, {}, {}), outdir=bench.directory / "out")
    record = ran.outputs["o"]
    assert record["count"] == 7
    assert [item["basename"] for item in record["main"]["secondaryFiles"]] == ["main.txt.idx"]
    assert [item["basename"] for item in record["all"]] == ["part1", "part10", "part2"]
    assert sorted(os.listdir(bench.directory / "out")) == ["main.txt", "main.txt.idx", "part1", "part10", "part2"]
    token = ran.out_tokens()["o"]
    pointers = {file.pointer: file.basename for file in queries.files_of(ran.database, token.id)}
    assert pointers == {
        "/main": "main.txt",
        "/main/secondaryFiles/0": "main.txt.idx",
        "/all/0": "part1",
        "/all/1": "part10",
        "/all/2": "part2",
    }


def test_an_array_of_files_keeps_each_with_its_secondary_files(bench: Bench) -> None:
    tool = shell(
        {}, {"o": {"type": "File[]", "outputBinding": {"glob": "*.bam"}, "secondaryFiles": [".bai"]}},
        "for n in a b; do echo $n >$n.bam; echo i$n >$n.bam.bai; done",
    )  # fmt: skip
    user = shell(
        {"f": {"type": "File", "secondaryFiles": [".bai"], "inputBinding": {}}}, {"o": "stdout"}, 'cat "$1" "$1.bai"'
    )
    steps = {
        "make": {"run": tool, "in": {}, "out": ["o"]},
        "use": {"run": user, "in": {"f": "make/o"}, "scatter": "f", "out": ["o"]},
    }
    outputs = {
        "o": {"type": "File[]", "outputSource": "use/o"},
        "made": {"type": "File[]", "outputSource": "make/o"},
    }
    ran = bench.run(workflow({}, outputs, steps), outdir=bench.directory / "out")
    assert [text(item) for item in ran.outputs["o"]] == ["a\nia\n", "b\nib\n"]
    assert [item["secondaryFiles"][0]["basename"] for item in ran.outputs["made"]] == ["a.bam.bai", "b.bam.bai"]


def test_nested_directories_are_delivered_whole(bench: Bench) -> None:
    tool = shell(
        {}, {"o": {"type": "Directory", "outputBinding": {"glob": "top"}}},
        "mkdir -p top/a/b top/empty; echo 1 >top/one; echo 2 >top/a/b/two",
    )  # fmt: skip
    steps = {
        "make": {"run": tool, "in": {}, "out": ["o"]},
        "list": {"run": LIST, "in": {"d": "make/o"}, "out": ["o"]},
    }
    outputs = {"d": {"type": "Directory", "outputSource": "make/o"}, "l": {"type": "File", "outputSource": "list/o"}}
    ran = bench.run(workflow({}, outputs, steps), outdir=bench.directory / "out")
    assert text(ran.outputs["l"]).split() == [".", "./a", "./a/b", "./a/b/two", "./empty", "./one"]
    top = bench.directory / "out" / "top"
    assert (top / "a" / "b" / "two").read_text() == "2\n"
    assert (top / "empty").is_dir()
    names = {item["basename"] for item in files(ran.outputs["d"])}
    assert names == {"top", "a", "b", "two", "empty", "one"}


def test_two_files_of_one_name_are_both_delivered(bench: Bench) -> None:
    steps = {
        "a": {"run": MAKER, "in": {"name": {"default": "first"}}, "out": ["o"]},
        "b": {"run": MAKER, "in": {"name": {"default": "second"}}, "out": ["o"]},
    }
    outputs = {"a": {"type": "File", "outputSource": "a/o"}, "b": {"type": "File", "outputSource": "b/o"}}
    ran = bench.run(workflow({}, outputs, steps), outdir=bench.directory / "out")
    assert text(ran.outputs["a"]) == "first"
    assert text(ran.outputs["b"]) == "second"
    assert ran.outputs["a"]["path"] != ran.outputs["b"]["path"]


def test_one_file_on_two_ports_is_delivered_once(bench: Bench) -> None:
    steps = {"a": {"run": MAKER, "in": {"name": {"default": "x"}}, "out": ["o"]}}
    outputs = {"a": {"type": "File", "outputSource": "a/o"}, "b": {"type": "File[]", "outputSource": ["a/o", "a/o"]}}
    ran = bench.run(workflow({}, outputs, steps), outdir=bench.directory / "out")
    paths = {item["path"] for item in files(ran.outputs)}
    assert paths == {str(bench.directory / "out" / "out.txt")}
    assert os.listdir(bench.directory / "out") == ["out.txt"]


def test_delivered_files_are_on_record_as_outputs(bench: Bench) -> None:
    steps = {"a": {"run": MAKER, "in": {"name": {"default": "x"}}, "out": ["o"]}}
    document = workflow({}, {"o": {"type": "File", "outputSource": "a/o"}}, steps)
    ran = bench.run(document, outdir=bench.directory / "out")
    kinds = {replica.kind for replica in ran.replicas() if replica.valid}
    assert kinds == {ReplicaKind.WORK, ReplicaKind.OUTPUT}
    found = queries.replicas_at(ran.database, str(bench.directory / "out" / "out.txt"))
    assert [placed.replica.run_id for placed in found] == [ran.id]


def test_files_that_are_not_kept_are_no_longer_where_they_were_made(bench: Bench) -> None:
    steps = {"a": {"run": MAKER, "in": {"name": {"default": "x"}}, "out": ["o"]}}
    document = workflow({}, {"o": {"type": "File", "outputSource": "a/o"}}, steps)
    ran = bench.run(document, outdir=bench.directory / "out", keep=Keep.OUTPUTS)
    assert text(ran.outputs["o"]) == "x"
    for replica in ran.replicas():
        assert replica.valid is Path(replica.path).exists(), replica


def test_without_an_output_directory_outputs_stay_where_they_were_made(bench: Bench) -> None:
    steps = {"a": {"run": MAKER, "in": {"name": {"default": "x"}}, "out": ["o"]}}
    ran = bench.run(workflow({}, {"o": {"type": "File", "outputSource": "a/o"}}, steps))
    assert ran.outputs["o"]["location"].startswith(f"file://{bench.directory}/work/{ran.id}/")
    assert text(ran.outputs["o"]) == "x"


def test_inputs_of_one_name_are_both_staged(bench: Bench) -> None:
    tool = shell(
        {
            "a": {"type": "File", "inputBinding": {"position": 1}},
            "b": {"type": "File", "inputBinding": {"position": 2}},
        },
        {"o": "stdout"},
        'cat "$1" "$2"',
    )
    document = one(tool, {"a": "a", "b": "b"}, {"a": "File", "b": "File"})
    ran = bench.run(document, {"a": bench.write("x/n.txt", "1"), "b": bench.write("y/n.txt", "2")})
    assert text(ran.outputs["o"]) == "12"


def test_names_of_any_characters(bench: Bench) -> None:
    name = "a b'c\"d$(x)é\\n.txt"
    file = bench.directory / name
    file.write_text("odd")
    copy = shell(
        {"f": {"type": "File", "inputBinding": {}}},
        {"o": {"type": "File[]", "outputBinding": {"glob": "*.txt"}}},
        'cp "$1" .',
    )
    ran = bench.run(one(copy, {"f": "f"}, {"f": "File"}), {"f": file}, outdir=bench.directory / "out")
    assert [item["basename"] for item in ran.outputs["o"]] == [name]
    assert (bench.directory / "out" / name).read_text() == "odd"


def test_the_listing_of_a_directory_input_is_what_the_expression_sees(bench: Bench) -> None:
    bench.write("d/a.txt", "1")
    bench.write("d/sub/b.txt", "2")
    names = expression(
        {"d": {"type": "Directory", "loadListing": "shallow_listing"}},
        {"o": "string[]"},
        "${return {o: inputs.d.listing.map(function (item) {return item.basename;})};}",
    )
    ran = bench.run(one(names, {"d": "d"}, {"d": "Directory"}), {"d": bench.directory / "d"})
    assert sorted(ran.outputs["o"]) == ["a.txt", "sub"]


def test_defaults_that_are_files_are_on_record_with_their_hashes(bench: Bench) -> None:
    for name in ("tool", "step", "workflow"):
        bench.write(f"{name}.txt", name)
    both = ("a", "b", "c")
    tool = shell(
        {name: {"type": "File", "inputBinding": {"position": at}} for at, name in enumerate(both)},
        {"o": "stdout"},
        'cat "$1" "$2" "$3"',
    )
    tool["inputs"]["c"]["default"] = {"class": "File", "location": "tool.txt"}
    default = {"class": "File", "location": "step.txt"}
    inputs = {"w": {"type": "File", "default": {"class": "File", "location": "workflow.txt"}}}
    ran = bench.run(one(tool, {"a": "w", "b": {"default": default}}, inputs))
    assert text(ran.outputs["o"]) == "workflowsteptool"


def test_a_file_that_passes_through_stays_an_input(bench: Bench) -> None:
    file = bench.write("a.txt", "data")
    tool = shell({"f": "File"}, {"o": {"type": "File", "outputBinding": {"outputEval": "$(inputs.f)"}}}, "true")
    steps = {
        "a": {"run": identity(), "in": {"x": "f"}, "out": ["r"]},
        "b": {"run": tool, "in": {"f": "a/r"}, "out": ["o"]},
    }
    document = workflow({"f": "File"}, {"o": {"type": "File", "outputSource": "b/o"}}, steps)
    ran = bench.run(document, {"f": file}, keep=Keep.OUTPUTS, outdir=bench.directory / "out")
    kinds = {replica.path: replica.kind for replica in ran.replicas()}
    assert kinds == {str(file): ReplicaKind.INPUT, str(bench.directory / "out" / "a.txt"): ReplicaKind.OUTPUT}
    assert file.read_text() == "data"


def test_a_delivered_literal_is_found_by_what_it_holds(bench: Bench) -> None:
    make = expression({}, {"f": "File"}, "${return {f: {'class': 'File', basename: 'l.txt', contents: 'unique'}};}")
    ran = bench.run(one(make, {}, {}, "f", "File"), outdir=bench.directory / "out")
    found = queries.producers(ran.database, str(bench.directory / "out" / "l.txt"))
    assert [item.job.path for item in found if item.job] == ["/s"]
