"""Judge a network by animals that it has not seen.

    judge.py MODEL TEST_TABLE VARIANT

Writes `score.json`: the variant with its accuracy and macro F1, which it records, too.
"""

from __future__ import annotations

import json
import sys

import numpy as np
from fit import read, record
from sklearn.metrics import accuracy_score, f1_score


def predicted(path: str, measured: np.ndarray) -> np.ndarray:
    """Return the species that a network takes animals for."""
    with np.load(path, allow_pickle=False) as model:
        hidden = np.maximum(measured @ model["w0"] + model["b0"], 0.0)
        return np.asarray(model["species"][np.argmax(hidden @ model["w1"] + model["b1"], axis=1)])


def main(model: str, table: str, variant: str) -> None:
    """Judge, and write the score."""
    species, measured = read(table)
    taken_for = predicted(model, measured)
    scores = {
        "accuracy": float(accuracy_score(species, taken_for)),
        "f1": float(f1_score(species, taken_for, average="macro")),
    }
    record(**scores)
    with open(variant, encoding="utf-8") as stream:
        chosen = json.load(stream)
    with open("score.json", "w", encoding="utf-8") as stream:
        json.dump({**chosen, **{name: round(value, 6) for name, value in scores.items()}}, stream, indent=2)


if __name__ == "__main__":
    main(*sys.argv[1:])
