"""Train one network, and record its loss after each epoch.

    fit.py TRAIN_TABLE VARIANT SEED

VARIANT is a file of JSON with `hidden` (units), `rate` (of learning) and `epochs`. Writes `model.npz`: weights and
biases of each layer, and the species in the order of the outputs. Such a file can be read without running code.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import time

import numpy as np
from sklearn.neural_network import MLPClassifier


def read(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the species and the measurements of a table."""
    with open(path, encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))[1:]
    return np.array([row[0] for row in rows]), np.array([row[1:] for row in rows], dtype=float)


def record(**numbers: float) -> None:
    """Record some numbers, where somebody wants them."""
    path = os.environ.get("RECRATE_METRICS")
    if path is not None:
        with open(path, "a", encoding="utf-8") as stream:
            print(json.dumps({**numbers, "time": time.time()}), file=stream)


def main(table: str, variant: str, seed: str) -> None:
    """Train, and write the model."""
    species, measured = read(table)
    with open(variant, encoding="utf-8") as stream:
        chosen = json.load(stream)
    network = MLPClassifier((chosen["hidden"],), learning_rate_init=chosen["rate"], random_state=int(seed))
    names = np.unique(species)
    for epoch in range(1, chosen["epochs"] + 1):
        network.partial_fit(measured, species, classes=names)
        record(step=epoch, loss=float(network.loss_), accuracy=float(network.score(measured, species)))
    layers = zip(network.coefs_, network.intercepts_, strict=True)
    arrays = {f"{name}{at}": array for at, pair in enumerate(layers) for name, array in zip("wb", pair, strict=True)}
    np.savez("model.npz", species=names, **arrays)


if __name__ == "__main__":
    main(*sys.argv[1:])
