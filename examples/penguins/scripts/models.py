"""Four classifiers, small enough to read: nearest neighbours, softmax regression, naive Bayes, decision tree.

A trained model is plain data, so that it can be written as JSON and read again. All of them
see measurements that were standardised with the means and deviations of the training set.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Protocol, TypeAlias

from tables import Example, mean

Vector: TypeAlias = Sequence[float]
Configuration: TypeAlias = dict[str, Any]
"""`name`, `kind` (a key of `KINDS`) and the settings of that kind, others null or absent."""


class Classifier(Protocol):
    """What all trained models can do."""

    def predict(self, features: Vector) -> str:
        """Return the label for standardised measurements."""
        ...


@dataclass(frozen=True, slots=True)
class Scaler:
    """What brings each measurement to mean 0 and deviation 1."""

    means: list[float]
    deviations: list[float]

    @classmethod
    def fit(cls, examples: Sequence[Example]) -> Scaler:
        """Return the scaler of a training set; a constant column keeps its scale."""
        columns = list(zip(*(example.features for example in examples), strict=True))
        means = [mean(column) for column in columns]
        spread = [math.sqrt(mean((x - m) ** 2 for x in column)) for column, m in zip(columns, means, strict=True)]
        return cls(means, [deviation or 1.0 for deviation in spread])

    def apply(self, features: Vector) -> tuple[float, ...]:
        """Return standardised measurements."""
        return tuple((x - m) / d for x, m, d in zip(features, self.means, self.deviations, strict=True))


@dataclass(frozen=True, slots=True)
class NearestNeighbours:
    """The label that most of the nearest training examples have; of a tie, that of the nearest one."""

    neighbours: int
    points: list[list[float]]
    labels: list[str]

    @classmethod
    def fit(cls, examples: Sequence[Example], configuration: Configuration) -> NearestNeighbours:
        """Remember the training set."""
        points = [list(example.features) for example in examples]
        return cls(configuration["neighbours"], points, [example.label for example in examples])

    def predict(self, features: Vector) -> str:
        """Return the label for standardised measurements."""
        order = sorted(range(len(self.points)), key=lambda index: math.dist(self.points[index], features))
        votes = Counter(self.labels[index] for index in order[: self.neighbours])
        return votes.most_common(1)[0][0]


@dataclass(frozen=True, slots=True)
class SoftmaxRegression:
    """Linear scores turned into probabilities, trained by gradient descent on the cross entropy."""

    labels: list[str]
    weights: list[list[float]]
    """For each label: one weight a measurement, and the bias last."""

    @classmethod
    def fit(cls, examples: Sequence[Example], configuration: Configuration) -> SoftmaxRegression:
        """Go `epochs` steps of size `rate` downhill, over the whole training set each time."""
        labels = sorted({example.label for example in examples})
        size = len(examples[0].features) + 1
        model = cls(labels, [[0.0] * size for _ in labels])
        for _ in range(configuration["epochs"]):
            gradient = model.gradient(examples)
            for weights, slopes in zip(model.weights, gradient, strict=True):
                weights[:] = [w - configuration["rate"] * s for w, s in zip(weights, slopes, strict=True)]
        return model

    def gradient(self, examples: Sequence[Example]) -> list[list[float]]:
        """Return the slope of the mean cross entropy along each weight."""
        total = [[0.0] * len(self.weights[0]) for _ in self.labels]
        for example in examples:
            for slopes, label, share in zip(total, self.labels, self.probabilities(example.features), strict=True):
                error = share - (label == example.label)
                for index, value in enumerate((*example.features, 1.0)):
                    slopes[index] += error * value / len(examples)
        return total

    def probabilities(self, features: Vector) -> list[float]:
        """Return the probability of each label."""
        scores = [sum(map(float.__mul__, weights, (*features, 1.0))) for weights in self.weights]
        highest = max(scores)
        shares = [math.exp(score - highest) for score in scores]
        return [share / sum(shares) for share in shares]

    def predict(self, features: Vector) -> str:
        """Return the label for standardised measurements."""
        shares = self.probabilities(features)
        return self.labels[shares.index(max(shares))]


@dataclass(frozen=True, slots=True)
class NaiveBayes:
    """Each measurement normally distributed within a species, independent of the others."""

    priors: dict[str, float]
    means: dict[str, list[float]]
    variances: dict[str, list[float]]

    @classmethod
    def fit(cls, examples: Sequence[Example], configuration: Configuration) -> NaiveBayes:
        """Take frequency, means and variances of each species from the training set."""
        model = cls({}, {}, {})
        for label in sorted({example.label for example in examples}):
            rows = [example.features for example in examples if example.label == label]
            means = [mean(column) for column in zip(*rows, strict=True)]
            model.priors[label] = len(rows) / len(examples)
            model.means[label] = means
            model.variances[label] = [
                max(mean((x - m) ** 2 for x in column), 1e-3)
                for column, m in zip(zip(*rows, strict=True), means, strict=True)
            ]
        return model

    def log_likelihood(self, features: Vector, label: str) -> float:
        """Return the logarithm of prior times density, without the constant that all labels share."""
        terms = zip(features, self.means[label], self.variances[label], strict=True)
        return math.log(self.priors[label]) - sum(((x - m) ** 2 / v + math.log(v)) / 2 for x, m, v in terms)

    def predict(self, features: Vector) -> str:
        """Return the label for standardised measurements."""
        return max(self.priors, key=lambda label: self.log_likelihood(features, label))


@dataclass(frozen=True, slots=True)
class DecisionTree:
    """Questions of the form "is this measurement at most that?", chosen greedily by Gini impurity.

    A node is `{"label"}` or `{"feature", "threshold", "low", "high"}`.
    """

    root: dict[str, Any]

    @classmethod
    def fit(cls, examples: Sequence[Example], configuration: Configuration) -> DecisionTree:
        """Grow a tree of at most `depth` questions one below the other."""
        return cls(grow(list(examples), configuration["depth"]))

    def predict(self, features: Vector) -> str:
        """Return the label for standardised measurements."""
        node = self.root
        while "label" not in node:
            node = node["low"] if features[node["feature"]] <= node["threshold"] else node["high"]
        return str(node["label"])


def grow(examples: list[Example], depth: int) -> dict[str, Any]:
    """Return the node for some training examples, with at most `depth` questions below it."""
    votes = Counter(example.label for example in examples)
    question = best_question(examples) if depth and len(votes) > 1 else None
    if question is None:
        return {"label": votes.most_common(1)[0][0]}
    feature, threshold = question
    low = [example for example in examples if example.features[feature] <= threshold]
    high = [example for example in examples if example.features[feature] > threshold]
    return {
        "feature": feature,
        "threshold": threshold,
        "low": grow(low, depth - 1),
        "high": grow(high, depth - 1),
    }


def best_question(examples: Sequence[Example]) -> tuple[int, float] | None:
    """Return the measurement and threshold that leave the least impurity, None when none parts the examples."""
    found = [
        (impurity, feature, threshold)
        for feature in range(len(examples[0].features))
        for impurity, threshold in thresholds(examples, feature)
    ]
    return min(found)[1:] if found else None


def thresholds(examples: Sequence[Example], feature: int) -> list[tuple[float, float]]:
    """Return each threshold between two values of a measurement, with the impurity that it leaves."""
    ordered = sorted(examples, key=lambda example: example.features[feature])
    low: Counter[str] = Counter()
    high = Counter(example.label for example in ordered)
    found = []
    for this, following in pairwise(ordered):
        low[this.label] += 1
        high[this.label] -= 1
        if this.features[feature] < following.features[feature]:
            threshold = (this.features[feature] + following.features[feature]) / 2
            found.append((weighted_gini(low) + weighted_gini(high), threshold))
    return found


def weighted_gini(votes: Counter[str]) -> float:
    """Return the Gini impurity of a group times its size."""
    size = votes.total()
    return size - sum(count * count for count in votes.values()) / size


KINDS: dict[str, type[NearestNeighbours | SoftmaxRegression | NaiveBayes | DecisionTree]] = {
    "neighbours": NearestNeighbours,
    "softmax": SoftmaxRegression,
    "bayes": NaiveBayes,
    "tree": DecisionTree,
}


@dataclass(frozen=True, slots=True)
class Model:
    """A classifier with the scaler of its training set."""

    configuration: Configuration
    scaler: Scaler
    classifier: Classifier

    def predict(self, features: Vector) -> str:
        """Return the label for measurements as they are in the table."""
        return self.classifier.predict(self.scaler.apply(features))


def fit(configuration: Configuration, examples: Sequence[Example]) -> Model:
    """Train the model that a configuration describes. Raises KeyError for a setting that is not there."""
    scaler = Scaler.fit(examples)
    scaled = [Example(scaler.apply(example.features), example.label) for example in examples]
    return Model(configuration, scaler, KINDS[configuration["kind"]].fit(scaled, configuration))


def to_json(model: Model) -> dict[str, Any]:
    """Return a model as JSON."""
    return asdict(model)


def from_json(value: dict[str, Any]) -> Model:
    """Return the model that `to_json` wrote."""
    kind = KINDS[value["configuration"]["kind"]]
    return Model(value["configuration"], Scaler(**value["scaler"]), kind(**value["classifier"]))
