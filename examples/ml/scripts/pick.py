"""Pick the best model: the greatest F1, and of equal ones the smallest network.

    pick.py MODEL... SCORE...

Writes `best.npz`, and `leaderboard.csv` with a line for each variant, the best first.
"""

from __future__ import annotations

import csv
import json
import shutil
import sys


def main(*paths: str) -> None:
    """Rank the variants."""
    models, files = paths[: len(paths) // 2], paths[len(paths) // 2 :]
    scores = []
    for file in files:
        with open(file, encoding="utf-8") as stream:
            scores.append(json.load(stream))
    order = sorted(range(len(scores)), key=lambda at: (-scores[at]["f1"], scores[at]["hidden"], at))
    shutil.copyfile(models[order[0]], "best.npz")
    with open("leaderboard.csv", "w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(scores[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(scores[at] for at in order)


if __name__ == "__main__":
    main(*sys.argv[1:])
