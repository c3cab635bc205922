"""Make two tables of one: animals to learn from, and animals to judge by.

    prepare.py TABLE SEED SHARE

Writes `train.csv` and `test.csv`: the species, and four measurements in units of their deviation, which is that of
the animals to learn from. Rows that lack something are left out.
"""

from __future__ import annotations

import csv
import random
import statistics
import sys

SPECIES = "species"
MEASURED = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")


def complete_rows(path: str) -> list[dict[str, str]]:
    """Return the rows in which all that is needed is known."""
    with open(path, encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return [row for row in rows if row[SPECIES] and all(row[name] not in ("", "NA") for name in MEASURED)]


def write(path: str, rows: list[dict[str, str]], means: list[float], deviations: list[float]) -> None:
    """Write a table of numbers without a unit."""
    with open(path, "w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([SPECIES, *MEASURED])
        for row in rows:
            numbers = zip(MEASURED, means, deviations, strict=True)
            writer.writerow([row[SPECIES], *(f"{(float(row[name]) - mean) / by:.6f}" for name, mean, by in numbers)])


def main(path: str, seed: str, share: str) -> None:
    """Deal the animals to the two tables."""
    rows = complete_rows(path)
    random.Random(int(seed)).shuffle(rows)
    count = round(len(rows) * float(share))
    test, train = rows[:count], rows[count:]
    columns = [[float(row[name]) for row in train] for name in MEASURED]
    means, deviations = [statistics.fmean(one) for one in columns], [statistics.pstdev(one) for one in columns]
    write("train.csv", train, means, deviations)
    write("test.csv", test, means, deviations)


if __name__ == "__main__":
    main(*sys.argv[1:])
