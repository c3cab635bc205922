"""What does it cost to write and to read the crate of a run, and does it stay so? A scatter of trivial jobs."""

from __future__ import annotations

from .base import Ask, Question
from .scatter import one_step

QUESTIONS = [
    Question("export", "crate of {size:,} jobs written", (1_000, 100_000), 20, one_step, int, Ask.EXPORT),
    Question("import", "crate of {size:,} jobs read", (1_000, 100_000), 20, one_step, int, Ask.IMPORT),
]
