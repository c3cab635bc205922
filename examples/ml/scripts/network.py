"""Train one network, or judge it by animals that it has not seen; both record numbers.

    network.py fit TRAIN_TABLE VARIANT SEED      writes model.npz
    network.py judge MODEL TEST_TABLE VARIANT    writes score.json

VARIANT is a file of JSON with `hidden` (units), `rate` (of learning) and `epochs`. A model is the weights and biases of
each layer, and the species in the order of the outputs: arrays, which can be read without running code.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import time
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, f1_score
from sklearn.neural_network import MLPClassifier


def read(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the species and the measurements of a table."""
    with open(path, encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))[1:]
    return np.array([row[0] for row in rows]), np.array([row[1:] for row in rows], dtype=float)


def settings(path: str) -> dict[str, Any]:
    """Return what a variant is."""
    with open(path, encoding="utf-8") as stream:
        chosen: dict[str, Any] = json.load(stream)
    return chosen


def record(**numbers: float) -> None:
    """Record some numbers, where somebody wants them."""
    path = os.environ.get("RECRATE_METRICS")
    if path is not None:
        with open(path, "a", encoding="utf-8") as stream:
            print(json.dumps({**numbers, "time": time.time()}), file=stream)


def fit(table: str, variant: str, seed: str) -> None:
    """Train a network, and write it."""
    (species, measured), chosen = read(table), settings(variant)
    network = MLPClassifier((chosen["hidden"],), learning_rate_init=chosen["rate"], random_state=int(seed))
    names = np.unique(species)
    for epoch in range(1, chosen["epochs"] + 1):
        network.partial_fit(measured, species, classes=names)
        record(step=epoch, loss=float(network.loss_), accuracy=float(network.score(measured, species)))
    layers = zip(network.coefs_, network.intercepts_, strict=True)
    arrays = {f"{name}{at}": array for at, pair in enumerate(layers) for name, array in zip("wb", pair, strict=True)}
    np.savez("model.npz", species=names, **arrays)


def predicted(path: str, measured: np.ndarray) -> np.ndarray:
    """Return the species that a network takes animals for."""
    with np.load(path, allow_pickle=False) as model:
        hidden = np.maximum(measured @ model["w0"] + model["b0"], 0.0)
        return np.asarray(model["species"][np.argmax(hidden @ model["w1"] + model["b1"], axis=1)])


def judge(model: str, table: str, variant: str) -> None:
    """Judge a network, and write its variant with its accuracy and macro F1."""
    species, measured = read(table)
    taken_for = predicted(model, measured)
    scores = {
        "accuracy": float(accuracy_score(species, taken_for)),
        "f1": float(f1_score(species, taken_for, average="macro")),
    }
    record(**scores)
    with open("score.json", "w", encoding="utf-8") as stream:
        json.dump({**settings(variant), **{name: round(value, 6) for name, value in scores.items()}}, stream, indent=2)


if __name__ == "__main__":
    {"fit": fit, "judge": judge}[sys.argv[1]](*sys.argv[2:])
