"""What does it cost to write the crate of a run, and does it stay so? A scatter of trivial jobs with their files."""

from __future__ import annotations

from .base import Ask, Question
from .scatter import one_step

QUESTIONS = [Question("export", "crate of {size:,} jobs", (1_000, 100_000), 20, one_step, int, Ask.EXPORT)]
