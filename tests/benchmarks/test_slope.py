"""What a job costs does not depend on how many there are: CPU time, store and memory of the controller.

The differences between sizes are compared, so that what a run costs once does not count; and of
CPU time the least of some rounds, so that other work on the machine counts little.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks.engines.recrate import Recrate, command_of
from benchmarks.questions import QUESTIONS
from benchmarks.questions.base import Case
from benchmarks.results import Sample
from benchmarks.sitting import Sitter

SIZES = (50, 250, 1_000)
ROUNDS = 3
MOST_GROWTH = 1.7
MOST_BYTES_OF_MEMORY_A_JOB = 14_000


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[list[Sample]]:
    """Return the samples of each size; each round asks all sizes."""
    (many,) = [question for question in QUESTIONS if question.name == "many"]
    engine = Recrate(command_of(None))
    found: list[list[Sample]] = [[] for _ in SIZES]
    for _ in range(ROUNDS):
        sitter = Sitter(tmp_path_factory.mktemp("slope"), 1, 120, lambda text: None)
        for size, taken in zip(SIZES, found, strict=True):
            entry = sitter.case(Case(many, size), [engine]).entries["recrate"]
            assert entry.skipped is None
            taken += entry.samples
    return found


def slopes(samples: list[list[Sample]], figure: Callable[[Sample], float]) -> tuple[float, float]:
    """Return what one more job costs among few, and among many."""
    few, some, many = [min(map(figure, taken)) for taken in samples]
    return (some - few) / (SIZES[1] - SIZES[0]), (many - some) / (SIZES[2] - SIZES[1])


def test_cpu_time_of_a_job_does_not_grow(samples: list[list[Sample]]) -> None:
    among_few, among_many = slopes(samples, lambda sample: sample.controller_cpu)
    assert among_many < MOST_GROWTH * among_few


def test_bytes_on_record_of_a_job_do_not_grow(samples: list[list[Sample]]) -> None:
    among_few, among_many = slopes(samples, lambda sample: float(sample.store_bytes or 0))
    assert among_many < MOST_GROWTH * among_few


def test_memory_of_the_controller_grows_little(samples: list[list[Sample]]) -> None:
    _, among_many = slopes(samples, lambda sample: float(sample.peak_bytes))
    assert among_many < MOST_BYTES_OF_MEMORY_A_JOB
