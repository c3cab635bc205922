"""Links and scatter: merging, picking, shapes, elements and gathered results."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recrate.core import links
from recrate.core.model import Link, LinkMerge, LoopOutput, PickValue, Port, ScatterMethod
from recrate.core.tokens import Token
from recrate.errors import InputInvalid, Where

ONE = (Port("a", "x"),)
TWO = (Port("a", "x"), Port("b", "y"))
DOT, NESTED, FLAT = ScatterMethod.DOTPRODUCT, ScatterMethod.NESTED_CROSSPRODUCT, ScatterMethod.FLAT_CROSSPRODUCT
LENGTHS = st.lists(st.integers(0, 4), min_size=1, max_size=3)

MERGED = [
    (Link(), [], None),
    (Link(ONE), [7], 7),
    (Link(ONE), [[7]], [7]),
    (Link(ONE, as_list=True), [7], 7),
    (Link(ONE, as_list=True, merge=LinkMerge.NESTED), [7], [7]),
    (Link(ONE, as_list=True, merge=LinkMerge.NESTED), [[7]], [[7]]),
    (Link(ONE, as_list=True, merge=LinkMerge.FLATTENED), [[7, 8]], [7, 8]),
    (Link(ONE, as_list=True, merge=LinkMerge.FLATTENED), [7], [7]),
    (Link(TWO, as_list=True, merge=LinkMerge.NESTED), [[1, 2], [3]], [[1, 2], [3]]),
    (Link(TWO, as_list=True, merge=LinkMerge.FLATTENED), [[1, 2], 3], [1, 2, 3]),
    (Link(TWO, as_list=True, merge=LinkMerge.FLATTENED), [[[1], 2], None], [[1], 2, None]),
]


@pytest.mark.parametrize("link, values, expected", MERGED)
def test_sources_are_merged_as_the_link_says(link: Link, values: list[Any], expected: Any) -> None:
    assert links.merge(link, values) == expected


def test_a_single_source_keeps_the_identity_of_its_value() -> None:
    value = {"class": "File"}
    assert links.merge(Link(ONE, as_list=True), [value]) is value


PICKED = [
    (PickValue.FIRST_NON_NULL, [None, 2, 3], 2),
    (PickValue.FIRST_NON_NULL, [0, 2], 0),
    (PickValue.FIRST_NON_NULL, [False, None], False),
    (PickValue.THE_ONLY_NON_NULL, [None, 2], 2),
    (PickValue.ALL_NON_NULL, [None, 2], [2]),
    (PickValue.ALL_NON_NULL, [None, None], []),
]


@pytest.mark.parametrize("pick, values, expected", PICKED)
def test_a_pick_takes_of_all_sources(pick: PickValue, values: list[Any], expected: Any) -> None:
    assert links.merge(Link(TWO, as_list=True, pick=pick), values) == expected


@pytest.mark.parametrize("pick", [PickValue.FIRST_NON_NULL, PickValue.THE_ONLY_NON_NULL])
def test_a_pick_of_nothing_but_null_is_an_error_that_names_the_sources(pick: PickValue) -> None:
    link = Link(TWO, as_list=True, pick=pick, where=Where("wf.cwl", 3, 4))
    with pytest.raises(InputInvalid, match=r"^wf\.cwl:3:4: all values of a/x, b/y are null"):
        links.merge(link, [None, None])


def test_the_only_non_null_refuses_two() -> None:
    with pytest.raises(InputInvalid, match="2 values of a/x, b/y are not null"):
        links.merge(Link(TWO, as_list=True, pick=PickValue.THE_ONLY_NON_NULL), [1, 2])


def test_a_pick_applies_to_the_list_of_a_single_source() -> None:
    link = Link(ONE, pick=PickValue.ALL_NON_NULL)
    assert links.merge(link, [[None, 1, None]]) == [1]
    assert links.merge(link, [5]) == 5


def test_dotproduct_refuses_lists_of_different_lengths_and_names_them() -> None:
    with pytest.raises(InputInvalid, match="a: 2, b: 3"):
        links.shape(DOT, [2, 3], ["a", "b"])


@given(LENGTHS)
def test_each_job_of_a_crossproduct_gets_the_elements_of_its_place(lengths: list[int]) -> None:
    names = ["p", "q", "r"][: len(lengths)]
    shape = links.shape(NESTED, lengths, names)
    expected = [dict(zip(names, place, strict=True)) for place in product(*map(range, lengths))]
    assert [links.element_indices(NESTED, shape, names, i) for i in range(links.count(shape))] == expected


@given(st.integers(0, 5), st.integers(1, 3))
def test_each_job_of_a_dotproduct_gets_elements_of_one_index(length: int, ports: int) -> None:
    names = ["p", "q", "r"][:ports]
    shape = links.shape(DOT, [length] * ports, names)
    assert links.count(shape) == length
    assert [links.element_indices(DOT, shape, names, i) for i in range(length)] == [
        dict.fromkeys(names, i) for i in range(length)
    ]


def element(nested: Any, place: tuple[int, ...]) -> Any:
    for index in place:
        nested = nested[index]
    return nested


@given(LENGTHS)
def test_nested_results_stand_where_their_elements_stood(lengths: list[int]) -> None:
    shape = links.shape(NESTED, lengths)
    gathered = links.gather(NESTED, shape, list(range(links.count(shape))))
    places = list(product(*map(range, lengths)))
    assert [element(gathered, place) for place in places] == list(range(len(places)))
    assert len(gathered) == lengths[0]


@pytest.mark.parametrize(
    "method, shape, expected",
    [
        (NESTED, (2, 0), [[], []]),
        (NESTED, (0, 2), []),
        (FLAT, (2, 0), []),
        (DOT, (0,), []),
        (NESTED, (1, 2, 0), [[[], []]]),
    ],
)
def test_empty_lists_give_empty_lists(method: ScatterMethod, shape: tuple[int, ...], expected: list[Any]) -> None:
    assert links.gather(method, shape, []) == expected


@given(LENGTHS)
def test_flat_results_are_in_the_order_of_nested_ones(lengths: list[int]) -> None:
    shape = links.shape(FLAT, lengths)
    results = list(range(links.count(shape)))
    assert links.gather(FLAT, shape, results) == results


def test_a_loop_gives_its_last_or_all_iterations() -> None:
    tokens = [Token("t0", 1), Token("t1", None), Token("t2", 3)]
    assert links.loop_output(LoopOutput.LAST, tokens) == (3, tokens[-1:])
    assert links.loop_output(LoopOutput.ALL, tokens) == ([1, None, 3], tokens)


def test_a_loop_that_never_ran_gives_null_or_an_empty_list() -> None:
    assert links.loop_output(LoopOutput.LAST, []) == (None, None)
    assert links.loop_output(LoopOutput.ALL, []) == ([], [])
