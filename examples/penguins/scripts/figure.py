"""Draw the accuracies of all configurations:  figure.py SUMMARY

Writes `accuracy.svg`: one line a configuration, the best on top; a small dot for each fold, a
large one for the mean, a bar of one deviation to each side.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from tables import read_json

WIDTH, LEFT, RIGHT, TOP, LINE, BOTTOM = 760, 190, 84, 76, 38, 62
COLOURS = {"neighbours": "#0072b2", "softmax": "#d55e00", "bayes": "#009e73", "tree": "#aa4499"}
WORDS = {
    "neighbours": "nearest neighbours",
    "softmax": "softmax regression",
    "bayes": "naive Bayes",
    "tree": "decision tree",
}
STYLE = (
    "text{font:13px system-ui,'Segoe UI',Helvetica,Arial,sans-serif;fill:#22303c}"
    ".title{font-size:17px;font-weight:600}.small{font-size:12px;fill:#5b6b79}.best{font-weight:600}"
    ".grid{stroke:#e3e8ec}.bar{stroke-width:3;stroke-linecap:round;opacity:.45}.fold{opacity:.38}"
)


def lowest_tick(accuracies: list[float]) -> float:
    """Return the left end of the scale: a multiple of 5 % below all accuracies."""
    return max(0.0, math.floor(min(accuracies) * 20 - 1e-9) / 20)


def ticks(low: float) -> list[float]:
    """Return at most eight round numbers from `low` to 1."""
    step = next(size for size in (0.05, 0.1, 0.2) if (1 - low) / size <= 8 or size == 0.2)
    count = math.floor((1 - low) / step + 1e-9)
    return [1 - step * index for index in range(count, -1, -1)]


def place(accuracy: float, low: float) -> float:
    """Return where an accuracy is drawn, in units of the picture from the left."""
    return round(LEFT + (WIDTH - LEFT - RIGHT) * (accuracy - low) / (1 - low), 1)


def axis(low: float, height: int) -> Iterator[str]:
    """Yield the grid and the numbers below it."""
    for tick in ticks(low):
        x = place(tick, low)
        yield f'<line class="grid" x1="{x}" x2="{x}" y1="{TOP - 12}" y2="{height - BOTTOM + 4}"/>'
        yield f'<text class="small" x="{x}" y="{height - BOTTOM + 22}" text-anchor="middle">{tick:.0%}</text>'


def line(entry: dict[str, Any], index: int, low: float) -> Iterator[str]:
    """Yield what is drawn for one configuration."""
    y = TOP + LINE * index + LINE // 2
    colour = COLOURS[entry["configuration"]["kind"]]
    centre, reach = entry["accuracy"], entry["deviation"]
    left, right = place(max(low, centre - reach), low), place(min(1.0, centre + reach), low)
    best = " best" if index == 0 else ""
    name = escape(entry["configuration"]["name"])
    yield f'<text class="name{best}" x="{LEFT - 16}" y="{y + 4}" text-anchor="end">{name}</text>'
    yield f'<line class="bar" stroke="{colour}" x1="{left}" x2="{right}" y1="{y}" y2="{y}"/>'
    for accuracy in entry["accuracies"]:
        yield f'<circle class="fold" fill="{colour}" cx="{place(accuracy, low)}" cy="{y}" r="3.5"/>'
    yield f'<circle fill="{colour}" stroke="#fff" stroke-width="1.5" cx="{place(centre, low)}" cy="{y}" r="7"/>'
    yield f'<text class="name{best}" x="{WIDTH - 16}" y="{y + 4}" text-anchor="end">{centre:.1%}</text>'


def legend(kinds: list[str], height: int) -> Iterator[str]:
    """Yield the meaning of the colours."""
    x = LEFT - 60
    for kind in kinds:
        yield f'<circle fill="{COLOURS[kind]}" cx="{x}" cy="{height - 18}" r="5"/>'
        yield f'<text class="small" x="{x + 10}" y="{height - 14}">{WORDS[kind]}</text>'
        x += 30 + 7 * len(WORDS[kind])


def draw(entries: list[dict[str, Any]]) -> str:
    """Return the picture of a summary as SVG."""
    height = TOP + LINE * len(entries) + BOTTOM
    folds = len(entries[0]["accuracies"])
    low = lowest_tick([value for entry in entries for value in entry["accuracies"]])
    kinds = [kind for kind in COLOURS if any(entry["configuration"]["kind"] == kind for entry in entries)]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        ' role="img" aria-label="Accuracy of each configuration">',
        f'<style>{STYLE}</style><rect width="{WIDTH}" height="{height}" rx="8" fill="#fff"/>',
        '<text class="title" x="24" y="32">Which model tells the penguins apart?</text>',
        f'<text class="small" x="24" y="52">accuracy on unseen animals: {folds} folds (small), mean (large), '
        "one standard deviation (bar)</text>",
        *axis(low, height),
        *(part for index, entry in enumerate(entries) for part in line(entry, index, low)),
        *legend(kinds, height),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def main(summary: str) -> None:
    """Draw a summary file."""
    Path("accuracy.svg").write_text(draw(read_json(summary)), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
