"""Split a table into folds:  split.py TABLE FOLDS SEED

Writes `fold-N.train.csv` and `fold-N.test.csv` for each fold N. Each animal is in the test
set of exactly one fold, and each fold has about the same share of each species.
"""

from __future__ import annotations

import random
import sys
from typing import TypeVar

from tables import LABEL, read_rows, write_rows

Row = TypeVar("Row")


def deal(labels: list[str], folds: int, seed: int) -> list[int]:
    """Return the fold of each label: shuffled within a label, then dealt like cards."""
    chance = random.Random(seed)
    fold_of = [0] * len(labels)
    dealt = 0
    for label in sorted(set(labels)):
        members = [index for index, other in enumerate(labels) if other == label]
        chance.shuffle(members)
        for index in members:
            fold_of[index] = dealt % folds
            dealt += 1
    return fold_of


def part(rows: list[Row], fold_of: list[int], fold: int) -> tuple[list[Row], list[Row]]:
    """Return the training and the test rows of a fold, in the order of the table."""
    train = [row for row, other in zip(rows, fold_of, strict=True) if other != fold]
    test = [row for row, other in zip(rows, fold_of, strict=True) if other == fold]
    return train, test


def main(table: str, folds: int, seed: int) -> None:
    """Write the files of all folds."""
    rows = read_rows(table)
    fold_of = deal([row[LABEL] for row in rows], folds, seed)
    for fold in range(folds):
        train, test = part(rows, fold_of, fold)
        write_rows(f"fold-{fold + 1}.train.csv", train)
        write_rows(f"fold-{fold + 1}.test.csv", test)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
