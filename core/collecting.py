"""What an attempt that has ended left at its place: its outputs, and what it recorded of itself."""

from __future__ import annotations

import asyncio

from ..connectors import files
from ..connectors.base import TAKEN_AWAY, Ended, EntryKind, Foreseeing, WorkTree
from ..connectors.wrapper import METRICS
from ..errors import PlaceFailed
from .blocking import while_a_place_answers
from .metrics import MOST_BYTES, Parsed, parse
from .model import TaskCode
from .places import Place
from .plan import CommandPlan
from .records import Attempt
from .values import Values

AT_ONCE = 1 << 16
"""A smaller file of metrics takes so little time that it is read where it is."""


async def collected(code: TaskCode, plan: CommandPlan, tree: WorkTree, exit_code: int, place: Place) -> Values:
    """Collect the outputs of an attempt; off the event loop when that may take its time."""
    small = files.small_tree(tree.root) if place.starts_tasks and not code.uses_javascript else None
    if small is not None:
        return code.collect(plan, small, exit_code)
    if not place.storage.is_here:
        if isinstance(tree, Foreseeing):
            await tree.look_ahead()
        return await while_a_place_answers(code.collect, plan, tree, exit_code)
    return await asyncio.to_thread(code.collect, plan, tree, exit_code)


async def left_metrics(attempt: Attempt, ended: Ended, place: Place) -> Parsed | None:
    """Return what an attempt that has ended recorded of itself, None when it recorded nothing.

    A place elsewhere is asked only when the result record says that there is something, or is missing.
    """
    if not _may_have(ended, here=place.storage.is_here):
        return None
    tree = place.connector.tree(place.location.name, attempt.directory)
    try:
        content = _content(tree) if place.storage.is_here else await asyncio.to_thread(_content, tree)
    except PlaceFailed as error:
        return Parsed((), f"its metrics cannot be read: {error.problem}")
    if content is None:
        return None
    # Many lines take their time, and other jobs go on meanwhile.
    return parse(content) if len(content) < AT_ONCE else await asyncio.to_thread(parse, content)


def _may_have(ended: Ended, *, here: bool) -> bool:
    if here:
        return True
    return ended.has_metrics if ended.has_metrics is not None else ended.ending not in TAKEN_AWAY


def _content(tree: WorkTree) -> bytes | None:
    """Return what an attempt left, None when it left nothing; one byte more than is looked at shows that there is."""
    entry = tree.stat(METRICS)
    if entry is None:
        return None
    # Anything else, a pipe or a link that leads elsewhere, was not made for us.
    if entry.kind is not EntryKind.FILE or entry.target is not None:
        raise PlaceFailed("it is no plain file")
    return tree.read(METRICS, MOST_BYTES + 1)
