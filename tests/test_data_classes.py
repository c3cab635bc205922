"""Our data classes are those of the standard library, as far as anybody can see who does not change one."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from dataclasses import field
from typing import Any

import pytest

from recrate.data_classes import _dataclass as ours  # type checkers take `dataclass` for the standard library's

Maker = Callable[..., Any]


def point(maker: Maker, **options: bool) -> Any:
    """Return a class of points."""

    class Point:
        """A point."""

        x: int
        y: int = 0
        label: str = field(default="", compare=False)
        secret: str = field(default="hidden", repr=False, kw_only=True)

    Point.__annotations__ = {"x": "int", "y": "int", "label": "str", "secret": "str"}
    Point.__qualname__ = "Point"
    return maker(**options)(Point)


FORMS = [{"frozen": True, "slots": True}, {"slots": True}, {"frozen": True}, {}]


@pytest.fixture(params=FORMS, ids=lambda form: " ".join(form) or "plain")
def pair(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    """Return two equal classes: ours, and the standard library's."""
    return point(ours, **request.param), point(dataclasses.dataclass, **request.param)


def test_objects_are_made_and_shown_alike(pair: tuple[Any, Any]) -> None:
    one, other = [each(1, label="a", secret="s") for each in pair]
    assert repr(one) == repr(other) and "secret" not in repr(one)
    assert dataclasses.astuple(one) == dataclasses.astuple(other) == (1, 0, "a", "s")
    assert dataclasses.asdict(dataclasses.replace(one, y=2)) == dataclasses.asdict(dataclasses.replace(other, y=2))
    for each in pair:
        with pytest.raises(TypeError):
            each(1, 2, "a", "s")


def test_they_are_equal_by_the_same_fields(pair: tuple[Any, Any]) -> None:
    for each in pair:
        assert each(1, label="a") == each(1, label="b") != each(2) and each(1) != (1, 0, "", "hidden")
    assert pair[0](1) != pair[1](1)


def test_they_are_hashed_alike(pair: tuple[Any, Any]) -> None:
    one, other = [each(1, label="a") for each in pair]
    if other.__hash__ is None:
        assert one.__hash__ is None
    else:
        assert hash(one) == hash(other) and len({one, pair[0](1, label="b")}) == 1


def test_they_are_matched_and_copied_alike(pair: tuple[Any, Any]) -> None:
    one = pair[0](1, 2)
    assert pair[0].__match_args__ == pair[1].__match_args__
    assert hasattr(one, "__dict__") is hasattr(pair[1](1), "__dict__")
    assert copy.deepcopy(one) == one and pair[0].__doc__ == "A point."


@ours(frozen=True, slots=True)
class Alone:
    one: int


@ours(frozen=True, slots=True)
class Nothing:
    pass


@ours(slots=True, eq=False)
class Itself:
    one: int


@ours(frozen=True, slots=True)
class Own:
    one: int

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 7

    def __repr__(self) -> str:
        return "own"


def test_few_fields_are_enough() -> None:
    assert Alone(1) == Alone(1) != Alone(2) and len({Alone(1), Alone(1)}) == 1  # type: ignore[call-arg]
    assert Nothing() == Nothing() and repr(Nothing()) == "Nothing()" and hash(Nothing()) == hash(Nothing())
    assert pickle.loads(pickle.dumps(Alone(3))) == Alone(3)  # type: ignore[call-arg]


def test_what_a_class_has_of_its_own_stays() -> None:
    assert Itself(1) != Itself(1)  # type: ignore[call-arg]
    assert (Own(1) == 5, hash(Own(1)), repr(Own(1))) == (True, 7, "own")  # type: ignore[call-arg]


def test_an_object_that_holds_itself_can_be_shown() -> None:
    held: list[Any] = []
    one = Alone(held)  # type: ignore[call-arg]
    held.append(one)
    assert repr(one) == "Alone(one=[...])"
