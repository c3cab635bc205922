"""`dataclass` as in the standard library, but quicker: to make a class, and to make objects of it.

Type checkers see the standard library's. At run time `frozen` forbids nothing, so that fields are set by plain
assignments, and only `__init__` is compiled for each class; decision 0036 has the figures.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, TypeVar

T = TypeVar("T")


def _dataclass(
    cls: type[T] | None = None,
    /,
    *,
    frozen: bool = False,
    slots: bool = False,
    kw_only: bool = False,
    eq: bool = True,
) -> type[T] | Callable[[type[T]], type[T]]:
    """Make a data class. All arguments are as in `dataclasses.dataclass`, but that `frozen` is not enforced."""

    def made(cls: type[T]) -> type[T]:
        own = frozenset(vars(cls))
        cls.__doc__ = cls.__doc__ or cls.__name__  # or else the signature is worked out
        done = dataclasses.dataclass(slots=slots, kw_only=kw_only, eq=False, repr=False)(cls)
        if "__repr__" not in own:
            done.__repr__ = _repr  # type: ignore[method-assign]
        if eq and "__eq__" not in own:
            _compare_by_fields(done, hashed=frozen, own=own)
        return done

    return made if cls is None else made(cls)


@recursive_repr()
def _repr(self: Any) -> str:
    said = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr)
    return f"{type(self).__qualname__}({said})"


def _compare_by_fields(cls: type[Any], hashed: bool, own: frozenset[str]) -> None:
    names = [field.name for field in dataclasses.fields(cls) if field.compare]
    # A getter reads all fields in one call; one of no names cannot be made.
    values: Callable[[Any], Any] = attrgetter(*names) if names else lambda _: ()

    def __eq__(self: Any, other: object) -> bool:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    def __hash__(self: Any) -> int:
        return hash(values(self))

    cls.__eq__ = __eq__  # type: ignore[assignment]
    if "__hash__" not in own:
        cls.__hash__ = __hash__ if hashed else None  # type: ignore[assignment]


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    dataclass = _dataclass
