"""Boxes within their layers."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from recrate.views.spread import apart, spread

BOXES = st.lists(st.tuples(st.floats(-1e4, 1e4), st.floats(1, 300)), min_size=1, max_size=12)


@given(BOXES, st.floats(0, 50))
def test_boxes_are_never_on_each_other(boxes: list[tuple[float, float]], gap: float) -> None:
    wished, widths = [wish for wish, _ in boxes], [width for _, width in boxes]
    placed = list(zip(apart(wished, widths, gap), widths, strict=True))
    for (left, left_width), (right, right_width) in pairwise(placed):
        assert right - right_width / 2 - (left + left_width / 2) >= gap - 1e-6


def test_boxes_with_room_stand_where_they_wish() -> None:
    assert apart([0.0, 100.0, 300.0], [40, 40, 40], 10) == [0.0, 100.0, 300.0]


def test_boxes_that_wish_the_same_share_what_that_costs() -> None:
    assert apart([0.0, 0.0], [40, 40], 10) == [-25.0, 25.0]


def test_one_box_stands_in_the_middle_of_those_it_is_linked_to() -> None:
    middles = spread([["a", "b"], ["c"]], {"a": 40, "b": 40, "c": 40}, [("a", "c"), ("b", "c")], 10)
    assert abs(middles["c"] - (middles["a"] + middles["b"]) / 2) < 1e-6


def test_a_long_arrow_is_straight() -> None:
    rows = [["a"], ["x", "1"], ["y", "2"], ["b"]]
    edges = [("a", "x"), ("x", "y"), ("y", "b"), ("a", "1"), ("1", "2"), ("2", "b")]
    middles = spread(rows, dict.fromkeys("abxy", 100.0) | {"1": 10.0, "2": 10.0}, edges, 10, stiff="12")
    assert abs(middles["1"] - middles["2"]) < 10
