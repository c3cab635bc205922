"""The questions asked of crates that others made, as far as these say something."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cratebed import foreign

from recrate.crates.query.asking import answer, read_query
from recrate.crates.query.graphs import crate_source
from recrate.crates.query.questions import questions

MAKERS: tuple[Callable[..., Path], ...] = (
    foreign.runcrate, foreign.wfexs, foreign.sapporo, foreign.galaxy, foreign.nextflow, foreign.compss,
    foreign.snakemake, foreign.autosubmit, foreign.process_run, foreign.line_06,
)  # fmt: skip
SAID: dict[Callable[..., Path], set[str]] = {
    foreign.runcrate: {"cq5", "cq6", "cq7", "cq8", "cq11"},
    foreign.line_06: {"cq5", "cq6", "cq7", "cq8", "cq11"},
}
"""Questions that a crate surely answers."""


@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_every_question_can_be_asked_of_it(make: Callable[..., Path], tmp_path: Path) -> None:
    source = crate_source(str(make(tmp_path / "crate")))
    answered = set()
    for question in questions():
        settings = {one.name: "out.txt" for one in question.parameters if one.required}
        if list(answer(source, read_query(question.name), settings).rows()):
            answered.add(question.alias or question.name)
    assert SAID.get(make, {"cq7"}) <= answered
