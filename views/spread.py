"""Where boxes stand within their layers: near the middle of what they are linked to, never on each other."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

ROUNDS = 8
STIFFNESS = 8


def spread(
    rows: Sequence[Sequence[str]],
    widths: Mapping[str, float],
    edges: Iterable[tuple[str, str]],
    gap: float,
    stiff: Collection[str] = (),
) -> dict[str, float]:
    """Return the middle of each box, in any origin. Links between two that are `stiff` are kept straight.

    Each layer is drawn several times towards the means of its neighbours above and below, which is
    the least sum of squares that keeps its order (isotonic regression, pool adjacent violators).
    """
    linked: dict[str, list[str]] = {name: [] for row in rows for name in row}
    for source, target in edges:
        weight = STIFFNESS if source in stiff and target in stiff else 1
        linked[source] += [target] * weight
        linked[target] += [source] * weight
    middles = {name: place for row in rows for name, place in zip(row, _packed(row, widths, gap), strict=True)}
    for number in range(ROUNDS):
        for row in rows if number % 2 == 0 else reversed(rows):
            wished = [_mean([middles[other] for other in linked[name]], middles[name]) for name in row]
            middles.update(zip(row, apart(wished, [widths[name] for name in row], gap), strict=True))
    return middles


def _packed(row: Sequence[str], widths: Mapping[str, float], gap: float) -> list[float]:
    return apart([0.0] * len(row), [widths[name] for name in row], gap)


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def apart(wished: Sequence[float], widths: Sequence[float], gap: float) -> list[float]:
    """Return middles as near as can be to those that are wished, in this order, with a gap between the boxes."""
    offsets, offset = [], 0.0
    for index, width in enumerate(widths):
        offset += 0.0 if index == 0 else widths[index - 1] / 2 + gap + width / 2
        offsets.append(offset)
    # Without their offsets, middles have only to be in order.
    blocks: list[tuple[float, int]] = []
    for wish, offset in zip(wished, offsets, strict=True):
        mean, count = wish - offset, 1
        while blocks and blocks[-1][0] > mean:
            before, many = blocks.pop()
            mean, count = (mean * count + before * many) / (count + many), count + many
        blocks.append((mean, count))
    levels = [mean for mean, count in blocks for _ in range(count)]
    return [level + offset for level, offset in zip(levels, offsets, strict=True)]
