"""How much a page shows at most."""

from __future__ import annotations

from ..data_classes import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a page.

    Attributes:
        steps: steps that are listed.
        drawn: steps in a graph; of a workflow with more there is none.
        jobs: jobs of a step that are listed.
        details: jobs that are shown with all that is known of them.
        failures: failed jobs that are explained.
        bars: attempts of a location that are drawn one by one; more are drawn as a course of numbers.
        files: files of one value that are listed.
        figures: bytes of all figures that are put into a page.
        figure: bytes of a file that is looked into, for a figure or a text.
        preview: bytes of a text file that are shown.
        tail: lines of a log that are shown.
        value: characters of a value that are shown.
    """

    steps: int = 400
    drawn: int = 2_000
    jobs: int = 20
    details: int = 200
    failures: int = 12
    bars: int = 400
    files: int = 24
    figures: int = 8_000_000
    figure: int = 2_000_000
    preview: int = 4_000
    tail: int = 12
    value: int = 2_000
