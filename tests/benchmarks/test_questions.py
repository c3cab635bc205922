"""Each question: its documents are sound, and both Recrate and the floor give what is expected."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.engines.base import Engine
from benchmarks.engines.recrate import Recrate, command_of
from benchmarks.engines.xargs import Xargs
from benchmarks.questions import QUESTIONS, cases
from benchmarks.questions.base import Ask, Case
from benchmarks.results import Entry
from benchmarks.sitting import LARGE_BYTES, Sitter

LIMIT = 60


def entry_of(case: Case, engine: Engine, scratch: Path) -> Entry:
    return Sitter(scratch, 1, LIMIT, lambda text: None).case(case, [engine]).entries[engine.name]


def test_documents_are_valid(tiny: Case, tmp_path: Path) -> None:
    document = tiny.question.prepare(tmp_path, tiny.size).document
    command = [sys.executable, "-m", "recrate", "validate", str(document)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_recrate_answers_and_is_measured(tiny: Case, tmp_path: Path) -> None:
    entry = entry_of(tiny, Recrate(command_of(None)), tmp_path)
    assert entry.skipped is None
    (sample,) = entry.samples
    assert 0 < sample.seconds < LIMIT
    assert sample.peak_bytes > 1_000_000
    assert sample.controller_cpu > 0
    if tiny.question.ask is Ask.RUN:
        assert sample.store_bytes is not None and sample.store_bytes > 10_000
        assert tiny.jobs == 0 or tiny.question.name == "expressions" or sample.jobs_cpu > 0
    left = [path.name for path in tmp_path.iterdir()]
    assert left == ["done"]  # put aside until the sitting ends
    assert all(path.stat().st_size <= LARGE_BYTES for path in tmp_path.rglob("*") if path.is_file())


def test_the_floor_answers_where_there_is_one(tiny: Case, tmp_path: Path) -> None:
    entry = entry_of(tiny, Xargs(), tmp_path)
    if tiny.question.ask is Ask.RUN and tiny.question.name != "expressions":
        assert entry.skipped is None
        assert len(entry.samples) == 1
    else:
        assert entry.skipped == "has no such command"


def test_names_are_unique_and_chosen_by_question_or_by_size() -> None:
    every = [case.name for case in cases(quick=False)]
    assert len(every) == len(set(every))
    assert [case.name for case in cases(quick=False, only=["scatter-1000", "chain"])] == ["scatter-1000", "chain"]
    assert len(cases(quick=False, only=["scatter"])) == 3
    assert len(cases(quick=True)) == len(QUESTIONS)


def test_a_question_that_is_not_there_is_refused() -> None:
    with pytest.raises(ValueError, match="no such question: skatter"):
        cases(quick=True, only=["skatter"])
