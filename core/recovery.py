"""What must run again so that contents which are gone are there once more: a pure function.

A content that is lost can only be made by the job that made it; that job needs its inputs, and
those of them that are lost too need the jobs that made these. What comes of it is the smallest
set of jobs, since each content has one job that makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

C = TypeVar("C", bound=Hashable)
J = TypeVar("J", bound=Hashable)


class NobodyMadeIt(Exception):
    """A lost content was made by no job: it was given to the run, or is of a kind that has no maker."""

    def __init__(self, content: Hashable) -> None:
        super().__init__(content)
        self.content = content


def jobs_to_redo(
    wanted: Iterable[C],
    is_there: Callable[[C], bool],
    maker: Callable[[C], J | None],
    needs: Callable[[J], Iterable[C]],
) -> list[J]:
    """Return the jobs to be done again so that all wanted contents are there, each after those that it needs.

    Args:
        wanted: contents that are needed.
        is_there: tells whether a content is there, or can be had without running anything.
        maker: returns the job that made a content; None when there is none.
        needs: returns the contents that a job needs.

    Raises NobodyMadeIt. Takes time in proportion to the jobs and contents that it looks at, each once.
    """
    done: dict[J, bool] = {}
    order: list[J] = []
    pending: list[tuple[J, bool]] = [(job, False) for job in _makers(wanted, is_there, maker)]
    while pending:
        job, inputs_done = pending.pop()
        if inputs_done:
            order.append(job)
        elif job not in done:
            done[job] = True
            pending.append((job, True))
            pending += [(earlier, False) for earlier in _makers(needs(job), is_there, maker) if earlier not in done]
    return order


def _makers(contents: Iterable[C], is_there: Callable[[C], bool], maker: Callable[[C], J | None]) -> list[J]:
    """Return the jobs that made those contents that are lost."""
    found: dict[J, None] = {}
    for content in contents:
        if is_there(content):
            continue
        job = maker(content)
        if job is None:
            raise NobodyMadeIt(content)
        found[job] = None
    return list(found)
