"""What is moved between places: each content once, whole, whatever it is called, and checked where it arrives."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from recrate.core import streams, transport
from recrate.core.binding import PortBinding, Target
from recrate.errors import InputInvalid, PlaceFailed
from recrate.provenance.rows import ReplicaRow
from recrate.provenance.states import Keep, RunState, TransferState

from ...elsewhere.connector import Elsewhere
from ..engine.bench import expression, shell, text, workflow
from .fields import Fields, done, ran_at, transfers

COPY = shell({"f": {"type": "File", "inputBinding": {}}}, {"o": "stdout"}, 'cat "$1"', stdout="out.txt")
FILES = {"type": "File[]", "outputBinding": {"glob": "*.txt"}}
MANY = shell({"n": {"type": "int", "inputBinding": {}}}, {"o": FILES}, "for i in $(seq $1); do echo $i >$i.txt; done")
JOIN = shell({"f": {"type": "File[]", "inputBinding": {}}}, {"o": "stdout"}, 'cat "$@" | sort -n', stdout="all.txt")
DIRECTORY = {"type": "Directory", "outputBinding": {"glob": "d"}}
TREE = shell({}, {"o": DIRECTORY}, "mkdir -p d/sub/empty && echo a >'d/a b' && echo c >d/sub/c && : >d/none")
LIST = shell(
    {"d": {"type": "Directory", "inputBinding": {}}},
    {"o": "stdout"},
    '(cd "$1" && find . | LC_ALL=C sort && cat "a b" sub/c)',
    stdout="list.txt",
)


def two(first: Any, second: Any, port: str, inputs: Any = None) -> dict[str, Any]:
    """Return a workflow of two steps, the second of which has the output `o` of the first on a port."""
    return workflow(
        inputs or {},
        {"o": {"type": "Any", "outputSource": "b/o"}},
        {
            "a": {"run": first, "in": {name: name for name in inputs or {}}, "out": ["o"]},
            "b": {"run": second, "in": {port: "a/o"}, "out": ["o"]},
        },
    )


def test_an_input_file_goes_to_a_place_once_however_many_jobs_need_it(fields: Fields) -> None:
    given = fields.bench.write("given.txt", "hello")
    steps = {f"s{n}": {"run": COPY, "in": {"f": "f"}, "out": ["o"]} for n in range(4)}
    outputs = {f"o{n}": {"type": "File", "outputSource": f"s{n}/o"} for n in range(4)}
    ran = fields.run(
        workflow({"f": "File"}, outputs, steps),
        {"f": {"class": "File", "path": str(given)}},
        fields.binding({"/": "east"}),
    )
    assert {text(ran.outputs[name]) for name in outputs} == {"hello"}
    assert done(ran).count(("local", "east")) == 1


def test_what_comes_to_the_same_content_is_not_sent_to_where_that_is(fields: Fields) -> None:
    document = two(COPY, COPY, "f", {"f": "File"})
    given = fields.bench.write("given.txt", "hello")
    binding = fields.binding({"/a": "east", "/b": "west"})
    ran = fields.run(document, {"f": {"class": "File", "path": str(given)}}, binding)
    assert text(ran.outputs["o"]) == "hello"
    # The output of the first step is what the controller has already, which is one step away and not two.
    assert done(ran) == [("local", "east"), ("local", "west")]


def test_many_small_files_travel_together(fields: Fields) -> None:
    document = two(MANY, JOIN, "f", {"n": "int"})
    ran = fields.run(document, {"n": 200}, fields.binding({"/a": "east", "/b": "west"}))
    assert text(ran.outputs["o"]).split() == [str(n) for n in range(1, 201)]
    relayed = [row for row in transfers(ran) if row.method == "tar relay"]
    assert len(relayed) == 200 and all(row.state is TransferState.COMPLETED for row in relayed)
    assert [call for call in fields.connectors["east"].calls if call.startswith("pack")] == ["pack 200"]


def test_a_directory_arrives_whole_with_what_is_empty_in_it(fields: Fields) -> None:
    ran = fields.run(two(TREE, LIST, "d"), {}, fields.binding({"/a": "east", "/b": "west"}))
    expected = [".", "./a b", "./none", "./sub", "./sub/c", "./sub/empty", "a", "c"]
    assert text(ran.outputs["o"]).splitlines() == expected


@pytest.mark.parametrize("name", ["a b.txt", "it's.txt", "$HOME;&|.txt", "-n.txt", "new\nline.txt", "☃.txt"])
def test_a_file_arrives_whatever_its_name(fields: Fields, name: str) -> None:
    given = fields.bench.directory / name
    given.write_bytes(b"odd")
    binding = fields.binding({"/a": "east", "/b": "west"})
    ran = fields.run(two(COPY, COPY, "f", {"f": "File"}), {"f": {"class": "File", "path": str(given)}}, binding)
    assert text(ran.outputs["o"]) == "odd"


def test_an_empty_file_and_its_secondary_file_arrive(fields: Fields) -> None:
    fields.bench.write("x.bam", "")
    fields.bench.write("x.bam.bai", "index")
    tool = shell(
        {"f": {"type": "File", "secondaryFiles": [".bai"], "inputBinding": {}}},
        {"o": "stdout"},
        'cat "$1" "$1.bai"',
        stdout="o.txt",
    )
    document = workflow(
        {"f": {"type": "File", "secondaryFiles": [".bai"]}},
        {"o": {"type": "File", "outputSource": "a/o"}},
        {"a": {"run": tool, "in": {"f": "f"}, "out": ["o"]}},
    )
    given = {"class": "File", "path": str(fields.bench.directory / "x.bam")}
    assert text(fields.run(document, {"f": given}, fields.binding({"/a": "west"})).outputs["o"]) == "index"


def test_expressions_read_what_lies_elsewhere(fields: Fields) -> None:
    count = expression(
        {"f": {"type": "File", "loadContents": True}}, {"o": "int"}, "${return {o: inputs.f.contents.length};}"
    )
    given = fields.bench.write("given.txt", "12345")
    binding = fields.binding({"/a": "east"})
    ran = fields.run(two(COPY, count, "f", {"f": "File"}), {"f": {"class": "File", "path": str(given)}}, binding)
    assert ran.outputs["o"] == 5


def test_what_is_passed_through_is_still_the_same_file(fields: Fields) -> None:
    passing = shell(
        {"f": "File"},
        {"o": {"type": "File", "outputBinding": {"glob": "kept.txt"}}},
        "true",
        requirements={"InitialWorkDirRequirement": {"listing": [{"entry": "$(inputs.f)", "entryname": "kept.txt"}]}},
    )
    given = fields.bench.write("given.txt", "kept")
    ran = fields.run(
        two(passing, passing, "f", {"f": "File"}),
        {"f": {"class": "File", "path": str(given)}},
        fields.binding({"/a": "east", "/b": "west"}),
    )
    assert text(ran.outputs["o"]) == "kept"
    assert ran.made("/a")["o"]["location"] == given.as_uri()


class Troubled(Elsewhere):
    """Does to the first copies that it takes part in what `trouble` says."""

    trouble = ""
    left = 0

    async def read(self, location: str, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        async for chunk in super().read(location, path, offset=offset):
            if Troubled.left > 0:
                Troubled.left -= 1
                if Troubled.trouble == "cut":
                    yield chunk[: len(chunk) // 2]
                    raise PlaceFailed("the connection was cut")
                if Troubled.trouble == "flip":
                    chunk = bytes([chunk[0] ^ 1]) + chunk[1:]
            yield chunk


@pytest.fixture
def troubled(fields: Fields, monkeypatch: pytest.MonkeyPatch) -> Fields:
    monkeypatch.setattr(type(fields), "kind", Troubled)
    monkeypatch.setattr(transport, "WAIT_SECONDS", 0.01)
    return fields


LARGE = shell({}, {"o": "stdout"}, "head -c 3000000 /dev/zero", stdout="large.bin")
SUM = shell({"f": {"type": "File", "inputBinding": {}}}, {"o": "stdout"}, 'sha256sum <"$1"', stdout="sum.txt")
SHA256 = hashlib.sha256(bytes(3000000)).hexdigest()


def test_a_copy_that_is_cut_goes_on_where_it_ended(troubled: Fields) -> None:
    Troubled.trouble, Troubled.left = "cut", 1
    ran = troubled.run(two(LARGE, SUM, "f"), {}, troubled.binding({"/a": "east", "/b": "west"}))
    assert text(ran.outputs["o"]).split()[0] == SHA256
    first, second = [row for row in transfers(ran) if row.method == "relay"][:2]
    assert first.state is TransferState.FAILED and "cut" in (first.error or "")
    assert second.state is TransferState.COMPLETED and second.number == 2
    starts = [call.split()[-1] for call in troubled.connectors["west"].calls if call.startswith("write")]
    assert starts[0] == "0" and int(starts[1]) > 0


def test_a_copy_that_was_damaged_on_its_way_is_made_again(troubled: Fields) -> None:
    Troubled.trouble, Troubled.left = "flip", 1
    ran = troubled.run(two(LARGE, SUM, "f"), {}, troubled.binding({"/a": "east", "/b": "west"}))
    assert text(ran.outputs["o"]).split()[0] == SHA256


def test_a_stream_that_brings_nothing_is_given_up(troubled: Fields, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "STALL_SECONDS", 0.2)

    async def stuck(self: Any, location: str, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        import asyncio

        if Troubled.left > 0:
            Troubled.left -= 1
            await asyncio.sleep(60)
        async for chunk in Elsewhere.read(self, location, path, offset=offset):
            yield chunk

    monkeypatch.setattr(Troubled, "read", stuck)
    Troubled.left = 1
    ran = troubled.run(two(LARGE, SUM, "f"), {}, troubled.binding({"/a": "east", "/b": "west"}))
    assert text(ran.outputs["o"]).split()[0] == SHA256
    assert any("nothing came" in (row.error or "") for row in transfers(ran))


def test_bandwidth_is_limited(fields: Fields) -> None:
    binding = fields.binding({"/a": "east", "/b": "west"}, bandwidth=6_000_000)
    ran = fields.run(two(LARGE, SUM, "f"), {}, binding)
    (row,) = [row for row in transfers(ran) if row.method == "relay"]
    assert row.ended is not None and row.started is not None and row.ended - row.started > 0.3


def test_inputs_that_lie_at_a_place_already_are_looked_up_and_stay_there(fields: Fields) -> None:
    data = fields.path("east") / "data"
    data.mkdir(parents=True)
    (data / "set.txt").write_text("there")
    binding = fields.binding({"/a": "east"}, ports=(PortBinding("/f", Target("east", workdir=str(data))),))
    document = two(COPY, COPY, "f", {"f": "File"})
    ran = fields.run(document, {"f": {"class": "File", "path": "set.txt"}}, binding)
    assert text(ran.outputs["o"]) == "there"
    assert ("local", "east") not in done(ran)
    assert ran.given("/a")["f"]["sha256"] == hashlib.sha256(b"there").hexdigest()


def test_an_input_that_is_not_where_it_is_bound_to_is_an_error(fields: Fields) -> None:
    target = Target("east", workdir=str(fields.path("east")))
    binding = fields.binding({"/a": "east"}, ports=(PortBinding("/f", target),))
    with pytest.raises(InputInvalid, match="is not on 'east'"):
        fields.run(two(COPY, COPY, "f", {"f": "File"}), {"f": {"class": "File", "path": "gone.txt"}}, binding)


def test_outputs_are_collected_at_the_place_that_their_port_is_bound_to(fields: Fields) -> None:
    target = Target("west", workdir=str(fields.path("west")))
    binding = fields.binding({"/a": "east"}, ports=(PortBinding("/a/o", target),))
    ran = fields.run(two(LARGE, SUM, "f"), {}, binding)
    assert done(ran)[0] == ("east", "west")
    assert ran_at(ran, "/b") == ["local"]


def test_nothing_is_left_of_what_was_on_its_way(fields: Fields) -> None:
    fields.run(two(MANY, JOIN, "f", {"n": "int"}), {"n": 5}, fields.binding({"/a": "east", "/b": "west"}))
    left = [name for place in ("east", "west") for name in _below(fields.path(place))]
    assert not [name for name in left if name.endswith(".part") or "/incoming/" in name]


def _below(top: Path) -> list[str]:
    return [os.path.join(folder, name) for folder, _, names in os.walk(top) for name in names]


def test_a_second_run_takes_results_that_lie_elsewhere(fields: Fields) -> None:
    binding = fields.binding({"/a": "east", "/b": "west"})
    fields.bench.run(two(LARGE, SUM, "f"), {}, binding=binding)
    second = fields.bench.run(two(LARGE, SUM, "f"), {}, binding=binding)
    assert second.result.state is RunState.COMPLETED
    assert second.states == {"/a": "cached", "/b": "cached"}
    assert text(second.outputs["o"]).split()[0] == SHA256


@pytest.mark.parametrize("keep", [Keep.NONE, Keep.OUTPUTS])
def test_nothing_is_left_at_places_when_nothing_is_to_be_kept(fields: Fields, keep: Keep) -> None:
    out = str(fields.bench.directory / "out")
    binding = fields.binding({"/a": "east", "/b": "west"})
    options = fields.bench.options(binding=binding, outdir=out, keep=keep)
    prepared = fields.bench.prepare(two(LARGE, SUM, "f"), {}, options)
    result = fields.bench.execute(prepared, options)
    assert text(result.outputs["o"]).split()[0] == SHA256
    assert [_below(fields.path(place) / "work") for place in ("east", "west")] == [[], []]
    rows = fields.bench.database().rows(ReplicaRow, "WHERE valid = ?", (True,))
    assert all(str(fields.bench.directory) in row.path for row in rows)


class Neighbour(Elsewhere):
    """Sends to other places by itself, when it is told to."""

    fails = False

    def address(self, location: str) -> str | None:
        return f"me@{self.name}"

    async def can_send(self, location: str, to: str) -> bool:
        return True

    async def send(self, location: str, path: str, to: str, target: str) -> None:
        if Neighbour.fails:
            raise PlaceFailed("no route")
        self._mine(path)
        self.calls.append(f"send to {to}")
        shutil.copyfile(path, target)


@pytest.mark.parametrize("fails", [False, True])
def test_places_that_reach_each_other_need_no_controller_between_them(
    fields: Fields, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    monkeypatch.setattr(type(fields), "kind", Neighbour)
    monkeypatch.setattr(transport, "WAIT_SECONDS", 0.01)
    monkeypatch.setattr(Neighbour, "fails", fails)
    ran = fields.run(two(LARGE, SUM, "f"), {}, fields.binding({"/a": "east", "/b": "west"}))
    assert text(ran.outputs["o"]).split()[0] == SHA256
    methods = [(row.method, row.state) for row in transfers(ran) if row.number == 1 or row.method == "relay"]
    assert methods[0] == ("direct", TransferState.FAILED if fails else TransferState.COMPLETED)
    assert (("relay", TransferState.COMPLETED) in methods) is fails
