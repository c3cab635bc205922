"""Charts of metrics: what is drawn, and that any numbers can be."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import recrate
from recrate.core.measurements import measurements
from recrate.provenance.store import open_store
from recrate.views.charts import GREATEST, _Axis, chart, round_numbers, thinned

SVG = "{http://www.w3.org/2000/svg}"
FINITE = st.floats(-GREATEST, GREATEST)


def drawn(folder: Path, lines: list[dict[str, object]], names: list[str] | None = None) -> ElementTree.Element:
    """Return the chart of a job that recorded these lines."""
    (folder / "lines.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    command = ["sh", "-c", 'cp "$1" "$RECRATE_METRICS"', "sh"]
    tool = {
        "cwlVersion": "v1.2", "class": "CommandLineTool", "baseCommand": command,
        "inputs": {"lines": {"type": "File", "inputBinding": {}}}, "outputs": {},
    }  # fmt: skip
    (folder / "tool.cwl").write_text(json.dumps(tool))
    place = str(folder / "store.db")
    result = recrate.run(folder / "tool.cwl", {"lines": folder / "lines.jsonl"}, store=place, work=folder / "work")
    with open_store(place) as store:
        return ElementTree.fromstring(chart(store.database, measurements(store.database, [result.id]), names or ()))


def texts(svg: ElementTree.Element) -> list[str]:
    return [item.text or "" for item in svg.iter(f"{SVG}text")]


def test_numbers_of_one_name_are_a_line_and_a_single_one_is_a_bar(tmp_path: Path) -> None:
    svg = drawn(tmp_path, [{"loss": 4, "step": 1}, {"loss": 1, "step": 2}, {"loss": None, "step": 3}, {"F1 <x>": 0.5}])
    (line,) = svg.iter(f"{SVG}polyline")
    assert len(line.attrib["points"].split()) == 2
    assert {"loss", "F1 <x>", "0.5", "1 number not finite"} <= set(texts(svg))
    assert len([bar for bar in svg.iter(f"{SVG}rect") if "c0" in bar.attrib["class"]]) == 1


def test_only_what_is_asked_for_is_drawn(tmp_path: Path) -> None:
    svg = drawn(tmp_path, [{"a": 1, "b": 2}], ["b"])
    assert "b" in texts(svg) and "a" not in texts(svg)


def test_numbers_that_are_too_large_to_be_told_apart_are_drawn(tmp_path: Path) -> None:
    svg = drawn(tmp_path, [{"a": 1e308}, {"a": -1e308}, {"a": 1e308}, {"b": -1.7e308}])
    (line,) = svg.iter(f"{SVG}polyline")
    assert "nan" not in line.attrib["points"] and "inf" not in line.attrib["points"]


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    svg = drawn(tmp_path, [{f"m{number}": 1 for number in range(30)}])
    assert "6 more names: choose with --metric" in texts(svg)


@pytest.mark.parametrize(
    ("low", "high"), [(0.0, 1.0), (-3.0, 1e6), (1.0, 1.0001), (-GREATEST, GREATEST), (0.0, 5e-324)]
)
def test_marks_are_within_the_axis(low: float, high: float) -> None:
    marks = round_numbers(low, high, 5)
    assert len(marks) <= 6 and all(low <= mark <= high for mark in marks)


@settings(max_examples=300)
@given(st.lists(FINITE, min_size=1), FINITE)
def test_an_axis_holds_all_its_numbers(values: list[float], more: float) -> None:
    axis = _Axis.over([*values, more], 0.0, 100.0)
    assert all(-0.1 <= axis.at(value) <= 100.1 for value in (*values, more))
    assert all(tick.text for tick in axis.ticks())


@given(st.lists(FINITE, min_size=1, max_size=300), st.integers(10, 100))
def test_a_line_that_is_thinned_out_keeps_its_extremes_and_its_order(values: list[float], most: int) -> None:
    points = [(float(x), y) for x, y in enumerate(values)]
    kept = thinned(points, most)
    assert len(kept) <= most and kept == sorted(kept, key=lambda point: point[0])
    assert {min(values), max(values)} <= {y for _, y in kept}
