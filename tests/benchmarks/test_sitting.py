"""A sitting: what is taken for a run, and what is not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.engines import all_engines
from benchmarks.engines.base import Call, Room, size_of, texts
from benchmarks.questions import cases
from benchmarks.questions.base import Ask, Case, Prepared
from benchmarks.results import Entry, Sample
from benchmarks.sitting import Sitter, turned, unfit


@dataclass(frozen=True)
class Shell:
    """An engine that runs a line of shell whatever it is asked."""

    script: str
    gives: Sequence[str] = ()
    name: str = "shell"
    title: str = "Shell"
    most_jobs: int | None = None
    because: str = ""

    def make_ready(self) -> str:
        return "1"

    def call(self, ask: Ask, prepared: Prepared, room: Room) -> Call | None:
        return Call(["sh", "-c", self.script]) if self.script else None

    def outputs(self, room: Room) -> Iterator[str]:
        yield from self.gives

    def store_bytes(self, room: Room) -> int | None:
        return size_of(room.work)


@pytest.fixture
def steps() -> Case:
    (case,) = cases(quick=True, only=["steps"])
    return case


def sit(case: Case, engine: Shell, scratch: Path, *, runs: int = 1, limit: float = 20) -> Entry:
    return Sitter(scratch, runs, limit, lambda text: None).case(case, [engine]).entries["shell"]


def test_a_run_that_gives_what_it_should_counts_as_often_as_asked(steps: Case, tmp_path: Path) -> None:
    entry = sit(steps, Shell("printf 12345 > store", ["0\n"]), tmp_path, runs=3)
    assert entry.skipped is None
    assert [sample.store_bytes for sample in entry.samples] == [5, 5, 5]


@pytest.mark.parametrize(
    "script, gives, said",
    [
        ("exit 0", ["1\n"], "gave 1 outputs that are not the 1 expected"),
        ("exit 0", [], "gave 0 outputs that are not the 1 expected"),
        ("echo 'out of luck' >&2; exit 3", ["0\n"], "failed with exit code 3: out of luck"),
        ("kill -9 $$", ["0\n"], "failed with exit code -9: nothing was said"),
        ("sleep 60", ["0\n"], "not done after 0 s"),
        ("", [], "has no such command"),
    ],
)
def test_a_run_that_is_wrong_has_no_time_and_says_why(
    steps: Case, tmp_path: Path, script: str, gives: Sequence[str], said: str
) -> None:
    entry = sit(steps, Shell(script, gives), tmp_path, limit=0.4 if "sleep" in script else 20)
    assert entry.skipped == said
    assert entry.samples == []
    assert entry.median("seconds") is None


def test_nothing_of_a_run_is_there_in_the_next(steps: Case, tmp_path: Path) -> None:
    script = 'test ! -e "$HOME/cache" && test ! -e left && touch "$HOME/cache" left'
    assert sit(steps, Shell(script, ["0\n"]), tmp_path, runs=2).skipped is None


def test_asked_again_only_the_home_is_kept(tmp_path: Path) -> None:
    (again,) = cases(quick=True, only=["steps-again"])
    second = 'if test -e "$HOME/cache"; then test ! -e left; else touch "$HOME/cache" left; fi'
    assert sit(again, Shell(second, ["0\n"]), tmp_path).skipped is None


def test_what_is_slow_is_run_three_times_at_most(steps: Case, tmp_path: Path) -> None:
    entry = Entry([Sample(61.0, 1, 0.1, 0.1, None)] * 3)
    prepared = steps.question.prepare(tmp_path, steps.size)
    Sitter(tmp_path, 5, 20, lambda text: None).turn(steps, prepared, Shell("exit 1"), entry)
    assert len(entry.samples) == 3 and entry.skipped is None


def test_each_round_begins_with_another_engine() -> None:
    engines = [Shell("", name=name) for name in "abc"]
    orders = ["".join(engine.name for engine in turned(engines, number)) for number in range(4)]
    assert orders == ["abc", "bca", "cab", "abc"]


def test_a_peer_is_not_asked_for_more_than_it_can_do_in_time(tmp_path: Path) -> None:
    (large,) = cases(quick=False, only=["scatter-10000"])
    reasons = {
        engine.name: unfit(engine, large, Prepared(tmp_path, tmp_path, [], "true")) for engine in all_engines(tmp_path)
    }
    assert reasons["recrate"] is None and reasons["xargs"] is None
    assert reasons["toil"] == "not above 100 jobs: takes more than half a second a job"
    assert "not above 2,000 jobs" in str(reasons["cwltool"])


def test_outputs_are_read_from_the_outside_to_the_inside(tmp_path: Path) -> None:
    (tmp_path / "a b.txt").write_text("text")
    file = {"class": "File", "location": f"file://{tmp_path}/a%20b.txt"}
    assert list(texts([[file, {"class": "File", "path": f"{tmp_path}/a b.txt"}], 5, None])) == [
        "text", "text", "5", "null",
    ]  # fmt: skip
