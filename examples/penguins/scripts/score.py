"""Score one model on animals that it has not seen:  score.py MODEL TABLE FOLD

Writes `score.json`: accuracy, macro-averaged F1 and the confusion matrix.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from models import Model, from_json
from tables import Example, mean, read_examples, read_json, write_json


def confusion(truth: Sequence[str], predicted: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return how often a species (first key) was taken for another (second key)."""
    labels = sorted({*truth, *predicted})
    table = {label: dict.fromkeys(labels, 0) for label in labels}
    for expected, got in zip(truth, predicted, strict=True):
        table[expected][got] += 1
    return table


def f1(table: dict[str, dict[str, int]], label: str) -> float:
    """Return the harmonic mean of precision and recall of one species; 0 when it was never found."""
    hits = table[label][label]
    asked = sum(table[label].values()) + sum(row[label] for row in table.values())
    return 2 * hits / asked if asked else 0.0


def score(model: Model, examples: Sequence[Example], fold: str) -> dict[str, Any]:
    """Return the figures of a model on a test set."""
    truth = [example.label for example in examples]
    table = confusion(truth, [model.predict(example.features) for example in examples])
    return {
        "configuration": model.configuration,
        "fold": fold,
        "examples": len(examples),
        "accuracy": sum(table[label][label] for label in table) / len(examples),
        "f1": mean(f1(table, label) for label in table),
        "confusion": table,
    }


def main(model: str, table: str, fold: str) -> None:
    """Write the score of a model file on a table."""
    write_json("score.json", score(from_json(read_json(model)), read_examples(table), fold))


if __name__ == "__main__":
    main(*sys.argv[1:4])
