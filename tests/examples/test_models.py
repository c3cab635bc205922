"""The classifiers of the example experiment: each learns what it can, and can be written and read again."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from models import KINDS, Configuration, Scaler, SoftmaxRegression, best_question, fit, from_json, grow, to_json
from tables import Example

TWO_GROUPS = [Example((x / 10, 5.0), "left") for x in range(10)] + [
    Example((3 + x / 10, 5.0), "right") for x in range(10)
]
NOUGHTS_AND_CROSSES = [Example((x, y), "cross" if x * y > 0 else "nought") for x in (-2, -1, 1, 2) for y in (-2, -1, 1)]

CONFIGURATIONS: list[Configuration] = [
    {"name": "n", "kind": "neighbours", "neighbours": 3},
    {"name": "s", "kind": "softmax", "rate": 0.5, "epochs": 50},
    {"name": "b", "kind": "bayes"},
    {"name": "t", "kind": "tree", "depth": 1},
]


def by_kind(configuration: Configuration) -> str:
    return str(configuration["kind"])


def test_every_kind_is_tried_here() -> None:
    assert {configuration["kind"] for configuration in CONFIGURATIONS} == set(KINDS)


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=by_kind)
def test_two_groups_apart_are_told_apart(configuration: Configuration) -> None:
    model = fit(configuration, TWO_GROUPS)
    assert [model.predict(example.features) for example in TWO_GROUPS] == [e.label for e in TWO_GROUPS]
    assert model.predict((-1.0, 5.0)) == "left"
    assert model.predict((9.0, 5.0)) == "right"


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=by_kind)
def test_a_model_read_again_predicts_the_same(configuration: Configuration) -> None:
    model = fit(configuration, NOUGHTS_AND_CROSSES)
    again = from_json(json.loads(json.dumps(to_json(model))))
    assert again == model
    points = [(x / 3, y / 3) for x in range(-6, 7) for y in range(-6, 7)]
    assert [again.predict(point) for point in points] == [model.predict(point) for point in points]


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=by_kind)
def test_the_unit_of_a_measurement_does_not_matter(configuration: Configuration) -> None:
    in_other_units = [Example((1000 * e.features[0] + 7, e.features[1]), e.label) for e in TWO_GROUPS]
    model, other = fit(configuration, TWO_GROUPS), fit(configuration, in_other_units)
    for x in (-1.0, 0.4, 1.1, 2.6, 4.0):
        assert model.predict((x, 5.0)) == other.predict((1000 * x + 7, 5.0))


def test_a_line_cannot_tell_a_cross_but_a_tree_of_two_questions_can() -> None:
    def hits(configuration: dict[str, Any]) -> int:
        model = fit({"name": "", **configuration}, NOUGHTS_AND_CROSSES)
        return sum(model.predict(e.features) == e.label for e in NOUGHTS_AND_CROSSES)

    every = len(NOUGHTS_AND_CROSSES)
    assert hits({"kind": "softmax", "rate": 0.5, "epochs": 200}) < every
    assert hits({"kind": "tree", "depth": 1}) < every
    assert hits({"kind": "tree", "depth": 3}) == every
    assert hits({"kind": "neighbours", "neighbours": 1}) == every


def test_the_gradient_is_the_slope_of_the_cross_entropy() -> None:
    model = SoftmaxRegression(["cross", "nought"], [[0.3, -0.2, 0.1], [0.0, 0.4, -0.1]])

    def loss() -> float:
        shares = [dict(zip(model.labels, model.probabilities(e.features), strict=True)) for e in NOUGHTS_AND_CROSSES]
        terms = [math.log(share[e.label]) for share, e in zip(shares, NOUGHTS_AND_CROSSES, strict=True)]
        return -sum(terms) / len(terms)

    gradient, before, step = model.gradient(NOUGHTS_AND_CROSSES), loss(), 1e-6
    for weights, slopes in zip(model.weights, gradient, strict=True):
        for index, slope in enumerate(slopes):
            weights[index] += step
            assert (loss() - before) / step == pytest.approx(slope, abs=1e-5)
            weights[index] -= step


def test_probabilities_add_up_to_one_also_for_far_points() -> None:
    model = SoftmaxRegression(["a", "b"], [[1.0, 0.0], [-1.0, 0.0]])
    assert sum(model.probabilities([5000.0])) == pytest.approx(1)


def test_a_constant_measurement_is_let_alone() -> None:
    scaler = Scaler.fit([Example((1.0, 4.0), "a"), Example((3.0, 4.0), "b")])
    assert scaler.apply((1.0, 4.0)) == (-1.0, 0.0)


def test_a_tree_stops_where_no_question_parts_the_examples() -> None:
    same = [Example((1.0,), "a"), Example((1.0,), "b"), Example((1.0,), "a")]
    assert best_question(same) is None
    assert grow(same, 5) == {"label": "a"}


def test_a_setting_that_is_missing_is_named() -> None:
    with pytest.raises(KeyError, match="neighbours"):
        fit({"name": "n", "kind": "neighbours"}, TWO_GROUPS)
