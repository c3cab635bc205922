"""What links and scatter do with values: merge, pick, split, gather. Pure functions of opaque values.

A scattered step has a shape: the lengths along which its jobs are counted. A job's index is flat
and row-major, so that the last scattered port changes fastest. What the words mean is in the CWL
v1.2 Workflow Description, sections "WorkflowStepInput" (merging, picking) and "WorkflowStep"
(scatter); nothing here depends on CWL otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from ..errors import InputInvalid, Where
from .model import Link, LinkMerge, LoopOutput, PickValue, ScatterMethod
from .tokens import Token
from .values import Value

T = TypeVar("T")


def merge(link: Link, values: Sequence[Value]) -> Value:
    """Return the value that a link makes of the values of its sources, before its default.

    Several sources, and one that is merged by name, give a list; one source otherwise gives its
    own value. Then `pick` chooses. Raises InputInvalid when there is nothing right to pick.
    """
    return pick(link, _merged(link, values))


def _merged(link: Link, values: Sequence[Value]) -> Value:
    if len(link.sources) <= 1 and not (link.merge and link.as_list):
        return values[0] if values else None
    if link.merge is LinkMerge.FLATTENED:
        return [item for value in values for item in (value if isinstance(value, list) else [value])]
    return list(values)


def pick(link: Link, value: Value) -> Value:
    """Return what the link's `pick` takes of a merged value; one that is no list stays as it is.

    A single source written as a list counts as a list of its value, unless that is one.
    """
    if link.pick is None:
        return value
    if not isinstance(value, list):
        if not link.as_list:
            return value
        value = [value]
    present = [item for item in value if item is not None]
    if link.pick is PickValue.ALL_NON_NULL:
        return present
    if not present:
        raise InputInvalid(f"all values of {_names(link)} are null, {link.pick.value} needs one", where=link.where)
    if link.pick is PickValue.THE_ONLY_NON_NULL and len(present) > 1:
        raise InputInvalid(
            f"{len(present)} values of {_names(link)} are not null, {link.pick.value} allows one", where=link.where
        )
    return present[0]


def _names(link: Link) -> str:
    shown = [f"{port.step}/{port.name}" if port.step else port.name for port in link.sources[:4]]
    return ", ".join(shown) + (", ..." if len(link.sources) > 4 else "")


def shape(
    method: ScatterMethod, lengths: Sequence[int], names: Sequence[str] = (), where: Where | None = None
) -> tuple[int, ...]:
    """Return the shape of a step that scatters over lists of these lengths.

    Raises InputInvalid when the method is dotproduct and the lengths differ.
    """
    if method is not ScatterMethod.DOTPRODUCT:
        return tuple(lengths)
    if len(set(lengths)) > 1:
        named = ", ".join(f"{name}: {length}" for name, length in zip(names, lengths, strict=False)) or str(lengths)
        raise InputInvalid(f"dotproduct needs lists of one length, these differ ({named})", where=where)
    return tuple(lengths[:1])


def count(shape: Iterable[int]) -> int:
    """Return the number of jobs of a shape."""
    total = 1
    for length in shape:
        total *= length
    return total


def element_indices(method: ScatterMethod, shape: Sequence[int], names: Sequence[str], index: int) -> dict[str, int]:
    """Return which element of each scattered port the job with a flat index gets."""
    if method is ScatterMethod.DOTPRODUCT:
        return dict.fromkeys(names, index)
    chosen: dict[str, int] = {}
    for name, length in zip(reversed(names), reversed(shape), strict=True):
        index, chosen[name] = divmod(index, length)
    return chosen


def gather(method: ScatterMethod, shape: Sequence[int], results: Sequence[T]) -> list[Value]:
    """Return the list that an output port gets of the results of all jobs, in the order of their index.

    Nested as deep as there are scattered ports for nested_crossproduct, flat otherwise. A length
    of 0 gives an empty list in its place: (2, 0) gives `[[], []]`, and (0, 2) gives `[]`.
    """
    nested: list[Value] = list(results)
    if method is not ScatterMethod.NESTED_CROSSPRODUCT:
        return nested
    for level in range(len(shape) - 1, 0, -1):
        length, rows = shape[level], count(shape[:level])
        nested = [nested[row * length : (row + 1) * length] for row in range(rows)]
    return nested


def loop_output(output: LoopOutput, tokens: Sequence[Token]) -> tuple[Value, Sequence[Token] | None]:
    """Return what a loop gives on an output port, and the tokens that it is made of.

    Args:
        output: which iterations count.
        tokens: the port's token of each iteration that ran, in order; none when the condition
            never held, which gives null for the last iteration and `[]` for all of them.
    """
    if output is LoopOutput.ALL:
        return [token.value for token in tokens], tokens
    return (tokens[-1].value, tokens[-1:]) if tokens else (None, None)
