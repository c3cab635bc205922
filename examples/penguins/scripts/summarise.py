"""Bring the scores of all models on all folds together:  summarise.py SCORE...

Writes `results.csv`, one row a score, and `summary.json`, one entry a configuration, the
best first: by mean accuracy, then mean F1, then in the order in which they were tried.
"""

from __future__ import annotations

import math
import sys
from typing import Any

from tables import mean, read_json, write_json, write_rows


def row_of(score: dict[str, Any]) -> dict[str, Any]:
    """Return the row of a score in the table of results."""
    return {
        "configuration": score["configuration"]["name"],
        "kind": score["configuration"]["kind"],
        "fold": score["fold"],
        "examples": score["examples"],
        "accuracy": f"{score['accuracy']:.4f}",
        "f1": f"{score['f1']:.4f}",
    }


def entry_of(scores: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the scores of one configuration have in common."""
    accuracies = [score["accuracy"] for score in scores]
    average = mean(accuracies)
    return {
        "configuration": scores[0]["configuration"],
        "accuracy": average,
        "deviation": math.sqrt(mean((value - average) ** 2 for value in accuracies)),
        "f1": mean(score["f1"] for score in scores),
        "accuracies": accuracies,
    }


def summarise(scores: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one entry for each configuration, the best first."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for score in scores:
        groups.setdefault(score["configuration"]["name"], []).append(score)
    entries = [entry_of(group) for group in groups.values()]
    return sorted(entries, key=lambda entry: (-entry["accuracy"], -entry["f1"]))


def main(paths: list[str]) -> None:
    """Write both files for some score files."""
    scores = [read_json(path) for path in paths]
    write_rows("results.csv", [row_of(score) for score in scores])
    write_json("summary.json", summarise(scores))


if __name__ == "__main__":
    main(sys.argv[1:])
