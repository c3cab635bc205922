"""What a job costs does not depend on how many there are: CPU time, store and memory of the controller.

The differences between sizes are compared, so that what a run costs once does not count, and
CPU time rather than time, so that other work on the machine counts little.
"""

from __future__ import annotations

import pytest

from benchmarks.engines.recrate import Recrate, command_of
from benchmarks.questions import QUESTIONS
from benchmarks.questions.base import Case
from benchmarks.results import Sample
from benchmarks.sitting import Sitter

SIZES = (50, 250, 1_000)
MOST_GROWTH = 1.7
MOST_BYTES_OF_MEMORY_A_JOB = 14_000


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    (many,) = [question for question in QUESTIONS if question.name == "many"]
    sitter = Sitter(tmp_path_factory.mktemp("slope"), 1, 120, lambda text: None)
    engine = Recrate(command_of(None))
    entries = [sitter.case(Case(many, size), [engine]).entries["recrate"] for size in SIZES]
    assert [entry.skipped for entry in entries] == [None, None, None]
    return [entry.samples[0] for entry in entries]


def slopes(figures: list[float]) -> tuple[float, float]:
    """Return what one more job costs among few, and among many."""
    few, some, many = figures
    return (some - few) / (SIZES[1] - SIZES[0]), (many - some) / (SIZES[2] - SIZES[1])


def test_cpu_time_of_a_job_does_not_grow(samples: list[Sample]) -> None:
    among_few, among_many = slopes([sample.controller_cpu for sample in samples])
    assert among_many < MOST_GROWTH * among_few


def test_bytes_on_record_of_a_job_do_not_grow(samples: list[Sample]) -> None:
    among_few, among_many = slopes([float(sample.store_bytes or 0) for sample in samples])
    assert among_many < MOST_GROWTH * among_few


def test_memory_of_the_controller_grows_little(samples: list[Sample]) -> None:
    _, among_many = slopes([float(sample.peak_bytes) for sample in samples])
    assert among_many < MOST_BYTES_OF_MEMORY_A_JOB
