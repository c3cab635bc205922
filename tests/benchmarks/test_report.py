"""The tables and the page: right ratios, reasons for what is missing, and a page that is current."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import places
from benchmarks.report import PAGE, page
from benchmarks.results import LATEST, CaseResult, EngineInfo, Entry, Sample, Sitting, load, save
from benchmarks.table import Notes, markdown, number, ratio, ratios


def entry(*seconds: float, store: int | None = 4_000) -> Entry:
    return Entry([Sample(time, 50_000_000, 0.2, 0.1, store) for time in seconds])


@pytest.fixture
def sample() -> Sitting:
    engines = {
        "recrate": EngineInfo("Recrate", "0.1.0"),
        "peer": EngineInfo("Peer", "3.1"),
        "lost": EngineInfo("Lost", None, "cannot be used here: no such package"),
    }
    small = CaseResult("a", "scatter of 100", 100, {"recrate": entry(2.0, 1.0, 1.5), "peer": entry(6.0, store=None)})
    large = CaseResult("b", "scatter of 1,000", 1000, {"recrate": entry(9.0), "peer": Entry(skipped="takes too long")})
    return Sitting("2026-01-02", False, 3, 600, {"cores": "2"}, engines, [small, large])


def cells(table: str, title: str) -> list[str]:
    (line,) = [line for line in table.splitlines() if line.startswith(f"| {title} ")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_ratio_is_of_medians(sample: Sitting) -> None:
    first = sample.cases[0].entries
    assert ratio(first["peer"], first["recrate"]) == 4.0
    assert ratio(first["recrate"], first["recrate"]) == 1.0
    assert ratio(first["peer"], Entry(skipped="failed")) is None
    assert ratio(first["peer"], None) is None
    assert ratio(Entry(skipped="failed"), first["recrate"]) is None


def test_the_row_of_a_case(sample: Sitting) -> None:
    assert cells(ratios(sample), "scatter of 100") == [
        "scatter of 100", "100", "1.50 (1.00 to 2.00)", "15.0", "4.00x", "(1)", "50.0", "2.00", "1.00", "40.0",
    ]  # fmt: skip


def test_what_is_missing_has_its_reason_below(sample: Sitting) -> None:
    table = ratios(sample)
    assert cells(table, "scatter of 1,000")[4:6] == ["(2)", "(1)"]
    assert "(1) Lost: cannot be used here: no such package" in table
    assert "(2) Peer: takes too long" in table


def test_without_recrate_times_are_shown(sample: Sitting) -> None:
    del sample.cases[0].entries["recrate"]
    assert cells(ratios(sample), "scatter of 100")[2:5] == ["(1)", "–", "6.00 s"]


def test_a_sitting_read_again_is_the_same(sample: Sitting, tmp_path: Path) -> None:
    save(sample, tmp_path / "new" / "results.json")
    assert load(tmp_path / "new" / "results.json") == sample


def test_the_page_has_all_and_warns_of_quick_figures(sample: Sitting) -> None:
    text = page(sample)
    for part in (ratios(sample), "- cores: 2", "- Peer: 3.1", "Taken on 2026-01-02", "## How they were taken"):
        assert part in text
    assert "Do not quote" not in text
    sample.quick = True
    assert "Do not quote" in page(sample)


def test_the_page_in_the_docs_is_that_of_the_latest_results() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(load(LATEST), places.kept()), "run: python -m benchmarks.report"


@pytest.mark.parametrize(
    "value, unit, text",
    [(None, 1, "–"), (1234.5, 1, "1,234"), (12.34, 1, "12.3"), (0.005, 1e-3, "5.00"), (0.0, 1, "0.00")],
)
def test_numbers_have_the_digits_that_count(value: float | None, unit: float, text: str) -> None:
    assert number(value, unit) == text


def test_columns_line_up() -> None:
    assert markdown(["a", "bb"], [["long", "1"]]).splitlines() == ["| a    | bb |", "|------|---:|", "| long |  1 |"]


def test_a_reason_that_is_given_twice_is_one_note() -> None:
    notes = Notes()
    assert [notes.mark("x"), notes.mark("y"), notes.mark("x")] == ["(1)", "(2)", "(1)"]
    assert len(notes.lines()) == 2
