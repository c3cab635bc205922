"""The other scripts of the example experiment: splitting, scoring, summing up, drawing."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from figure import draw, lowest_tick, ticks
from hypothesis import given
from hypothesis import strategies as st
from models import fit
from score import confusion, f1, score
from split import deal, part
from summarise import summarise
from tables import Example, read_rows, rounded, write_rows

LABELS = st.lists(st.sampled_from("abc"), min_size=12, max_size=80)
SVG = "{http://www.w3.org/2000/svg}"


@given(LABELS, st.integers(2, 6), st.integers(0, 99))
def test_each_row_is_tested_once_and_folds_have_equal_sizes(labels: list[str], folds: int, seed: int) -> None:
    fold_of = deal(labels, folds, seed)
    sizes = Counter(fold_of)
    assert max(sizes.values()) - min(sizes.get(fold, 0) for fold in range(folds)) <= 1
    rows = list(enumerate(labels))
    tested = [row for fold in range(folds) for row in part(rows, fold_of, fold)[1]]
    assert sorted(tested) == rows
    assert all(sorted([*train, *test]) == rows for train, test in (part(rows, fold_of, f) for f in range(folds)))


@given(LABELS, st.integers(2, 6), st.integers(0, 99))
def test_each_fold_has_its_share_of_each_species(labels: list[str], folds: int, seed: int) -> None:
    fold_of = deal(labels, folds, seed)
    for label in set(labels):
        shares = Counter(fold for fold, other in zip(fold_of, labels, strict=True) if other == label)
        assert max(shares.values()) - min(shares.get(fold, 0) for fold in range(folds)) <= 1


def test_the_seed_decides_the_folds() -> None:
    labels = ["a"] * 20 + ["b"] * 20
    assert deal(labels, 4, 1) == deal(labels, 4, 1)
    assert deal(labels, 4, 1) != deal(labels, 4, 2)


def test_f1_of_a_confusion_matrix() -> None:
    table = confusion(["a", "a", "a", "b"], ["a", "a", "b", "b"])
    assert table == {"a": {"a": 2, "b": 1}, "b": {"a": 0, "b": 1}}
    assert f1(table, "a") == pytest.approx(0.8)
    assert f1(table, "b") == pytest.approx(2 / 3)


def test_f1_of_a_species_that_never_occurs_is_nought() -> None:
    assert f1({"a": {"a": 0, "b": 0}, "b": {"a": 0, "b": 3}}, "a") == 0


def test_a_score_counts_unseen_animals_only() -> None:
    known = [Example((0.0,), "a"), Example((1.0,), "b")]
    model = fit({"name": "one", "kind": "neighbours", "neighbours": 1}, known)
    figures = score(model, [Example((0.1,), "a"), Example((0.2,), "b"), Example((0.9,), "b")], "fold-1")
    assert figures["accuracy"] == pytest.approx(2 / 3)
    assert figures["examples"] == 3
    assert figures["confusion"]["b"] == {"a": 1, "b": 1}


def scored(name: str, accuracy: float, f1: float = 0.5) -> dict[str, Any]:
    configuration = {"name": name, "kind": "tree"}
    return {"configuration": configuration, "fold": "fold-1", "examples": 9, "accuracy": accuracy, "f1": f1}


def test_the_summary_has_the_best_first_and_the_first_of_equals() -> None:
    scores = [scored("low", 0.2), scored("one", 0.7), scored("two", 0.7), scored("f1", 0.7, 0.9), scored("low", 0.4)]
    entries = summarise(scores)
    assert [entry["configuration"]["name"] for entry in entries] == ["f1", "one", "two", "low"]
    assert entries[-1]["accuracies"] == [0.2, 0.4]
    assert entries[-1]["accuracy"] == pytest.approx(0.3)
    assert entries[-1]["deviation"] == pytest.approx(0.1)


@given(st.floats(0, 0.999))
def test_the_scale_of_the_figure_holds_all_accuracies(accuracy: float) -> None:
    low = lowest_tick([accuracy, 1.0])
    assert low <= accuracy
    assert 2 <= len(ticks(low)) <= 9
    assert ticks(low)[-1] == 1


def test_the_figure_shows_each_configuration_and_fold_within_its_frame() -> None:
    entries = summarise([scored("a < b", 0.61), scored("a < b", 0.93), scored("other", 1.0), scored("other", 1.0)])
    picture = ElementTree.fromstring(draw(entries))
    names = [text.text for text in picture.iter(f"{SVG}text") if text.get("class", "").startswith("name")]
    assert names == ["other", "100.0%", "a < b", "77.0%"]
    assert len([dot for dot in picture.iter(f"{SVG}circle") if dot.get("class") == "fold"]) == 4
    for dot in picture.iter(f"{SVG}circle"):
        assert 0 < float(dot.get("cx", "-1")) < float(picture.get("width", "0"))


def test_numbers_are_rounded_at_any_depth() -> None:
    assert rounded({"a": [0.1234567, (1, None)], "b": "x"}) == {"a": [0.123457, [1, None]], "b": "x"}


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    rows = [{"a": "1", "b": 'with "quotes", and comma'}, {"a": "", "b": "line\nbreak"}]
    write_rows(tmp_path / "t.csv", rows)
    assert read_rows(tmp_path / "t.csv") == rows


# --- the scripts that are not Python --------------------------------------------------


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("columns", ["species,body_mass_g", "body_mass_g,species"])
def test_cleaning_drops_missing_values_and_keeps_the_order_asked_for(
    penguins: Path, tmp_path: Path, columns: str
) -> None:
    table = tmp_path / "t.csv"
    table.write_text(
        "species,island,body_mass_g\nAdelie,NA,3750\nGentoo,Biscoe,NA\nGentoo,Biscoe,\nGentoo,Biscoe,5000\n"
    )
    ended = run("awk", "-F,", "-v", f"wanted={columns}", "-f", penguins / "scripts/clean.awk", table)
    swap = columns.startswith("body")
    assert ended.stdout.split() == [
        columns,
        *(["3750,Adelie", "5000,Gentoo"] if swap else ["Adelie,3750", "Gentoo,5000"]),
    ]


def test_cleaning_names_a_column_that_is_not_there(penguins: Path) -> None:
    data = penguins / "data/penguins.csv"
    ended = run("awk", "-F,", "-v", "wanted=species,colour", "-f", penguins / "scripts/clean.awk", data)
    assert ended.returncode != 0
    assert "no column colour" in ended.stderr
    assert ended.stdout == ""


def test_the_report_has_means_and_the_best_first(penguins: Path, tmp_path: Path) -> None:
    results = tmp_path / "results.csv"
    results.write_text(
        "configuration,kind,fold,examples,accuracy,f1\n"
        "two words,tree,fold-1,9,0.5000,0.4\ntwo words,tree,fold-2,9,0.7000,0.6\nbest,bayes,fold-1,9,0.9000,0.8\n"
    )
    lines = run("sh", penguins / "scripts/report.sh", results).stdout.splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["best", "0.9000", "0.8000", "1"],
        ["two", "words", "0.6000", "0.5000", "2"],
    ]
    assert len({len(line) for line in lines}) == 1


def test_words_are_counted_without_case_and_merged(examples: Path, tmp_path: Path) -> None:
    for name, text in (("a", "The cat, the DOG.\n"), ("b", "dog\n\n the\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / f"{name}.counts").write_text(run("sh", examples / "words/count.sh", tmp_path / name).stdout)
    assert (tmp_path / "a.counts").read_text().split("\n") == ["cat 1", "dog 1", "the 2", ""]
    merged = run("sh", examples / "words/merge.sh", "2", tmp_path / "a.counts", tmp_path / "b.counts")
    assert merged.stdout.split("\n") == ["3 the", "2 dog", ""]


def test_the_data_are_those_of_the_readme(penguins: Path) -> None:
    import hashlib

    digest = hashlib.sha256((penguins / "data/penguins.csv").read_bytes()).hexdigest()
    assert digest in (penguins / "README.md").read_text(encoding="utf-8")
