"""How states look: each has a word and a shape beside its colour, so that nothing is said by colour alone."""

from __future__ import annotations

from collections.abc import Mapping

from ..data_classes import dataclass
from ..provenance.states import AttemptState, JobState, RunState, TransferState


@dataclass(frozen=True, slots=True)
class Look:
    """The name of a state's colour and shape in the style sheet and the symbols, and its word."""

    key: str
    word: str


NOT_STARTED = Look("waiting", "not started")
UNDER_WAY = (JobState.RUNNING, JobState.WAITING)

_SHARED = {"intended": "waiting", "lost": "failed"}
"""States that look as another one does; their word is their own."""

_ORDER = (
    JobState.FAILED,
    JobState.CANCELLED,
    JobState.RUNNING,
    JobState.WAITING,
    JobState.COMPLETED,
    JobState.CACHED,
    JobState.SKIPPED,
)
"""Of jobs that are shown as one the first of these is shown."""


def look(state: RunState | JobState | AttemptState | TransferState) -> Look:
    """Return how a state looks."""
    return Look(_SHARED.get(state.value, state.value), state.value)


def most_telling(counts: Mapping[JobState, int]) -> Look:
    """Return how jobs in several states look together."""
    return next((look(state) for state in _ORDER if counts.get(state)), NOT_STARTED)


def words_of(counts: Mapping[JobState, int]) -> str:
    """Return numbers of jobs by state in words: `38 completed, 2 failed`."""
    return ", ".join(f"{counts[state]:,} {state.value}" for state in _ORDER if counts.get(state))
