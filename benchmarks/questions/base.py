"""What a question is: documents of some size, what an engine is asked to do with them, and what must come out."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

OUT = "out"
"""The output port of every workflow here, so that one check serves all."""


class Ask(StrEnum):
    """What an engine is to do."""

    VERSION = "version"
    VALIDATE = "validate"
    RUN = "run"
    EXPORT = "export"
    """Write the crate of a run that was made just before."""
    IMPORT = "import"
    """Take that crate into another, new store."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A question at one size, written down in a directory."""

    document: Path
    order: Path
    expected: Sequence[str]
    """The texts of the output files, or the output values as JSON, in their order."""
    floor: str | None = None
    """A shell script that starts the same processes with xargs; it leaves numbered files in `$OUT`."""

    @property
    def directory(self) -> Path:
        """Where the documents and the input files lie."""
        return self.document.parent


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that is measured, at one or more sizes."""

    name: str
    title: str
    """May name the size: `scatter of {size:,}`."""
    sizes: Sequence[int]
    quick: int
    """The size that only shows that all works."""
    prepare: Callable[[Path, int], Prepared]
    jobs: Callable[[int], int]
    """How many jobs a size comes to."""
    ask: Ask = Ask.RUN
    again: bool = False
    """Ask twice in the same home directory, and measure the second time: what an engine keeps helps it."""


@dataclass(frozen=True, slots=True)
class Case:
    """A question at one size."""

    question: Question
    size: int

    @property
    def name(self) -> str:
        """The name that `--only` knows; questions of one size need no number."""
        alone = len(self.question.sizes) == 1
        return self.question.name if alone else f"{self.question.name}-{self.size}"

    @property
    def title(self) -> str:
        """What the table calls it."""
        return self.question.title.format(size=self.size)

    @property
    def jobs(self) -> int:
        """How many jobs an engine has to carry out."""
        return self.question.jobs(self.size)


def write_json(path: Path, value: Any) -> Path:
    """Write a value as JSON, which is YAML too, and return the path."""
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def prepared(
    directory: Path, document: dict[str, Any], order: dict[str, Any], expected: Sequence[str], floor: str | None = None
) -> Prepared:
    """Write a document and its inputs into a directory."""
    return Prepared(
        document=write_json(directory / "workflow.cwl", document),
        order=write_json(directory / "order.json", order),
        expected=expected,
        floor=floor,
    )
