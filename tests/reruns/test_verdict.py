"""What a comparison came to is on record, with its tolerances, and goes into the crate of the run that was derived."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from cratebed.checking import checked, shown, unavoidable
from cratebed.commands import Recrate

from recrate.crates.read import open_crate
from recrate.crates.validation.report import Severity

TOOL = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "baseCommand": ["echo"],
    "inputs": {"word": {"type": "string", "default": "same", "inputBinding": {}}},
    "outputs": {"out": "stdout"},
    "stdout": "out.txt",
}


AUTHOR = "A. Tester <a@example.org>; 0000-0002-1825-0097; CRS4; https://ror.org/04kz1v939"


@pytest.fixture
def derived(recrate: Recrate, tmp_path: Path) -> str:
    """Return the name of a run that was carried out again from a crate, in store two."""
    (tmp_path / "tool.cwl").write_text(json.dumps(TOOL))
    recrate("run", "-q", "--name", "first", "tool.cwl")
    recrate("export", "first", "-o", "crate.zip")
    recrate(
        "rerun", "crate.zip", "-q", "--name", "second", "--rtol", "0.25", "--tolerance", "accuracy=0.5", store="two"
    )
    return "second"


def verdicts(recrate: Recrate, run: str, store: str) -> Any:
    return json.loads(recrate("compare", run, "--json", store=store).stdout)


def test_the_verdict_is_shown_again_with_its_tolerances(recrate: Recrate, derived: str) -> None:
    (found,) = verdicts(recrate, derived, "two")
    assert found["verdict"] == "identical" and found["first"] == "crate.zip"
    assert found["tolerances"] == {"relative": 0.25, "absolute": 1e-09, "named": {"accuracy": 0.5}}
    assert "relative 0.25, absolute 1e-09, accuracy 0.5" in recrate("compare", derived, store="two").stdout
    assert "identical, with crate.zip" in recrate("show", derived, store="two").stdout
    (on_record,) = json.loads(recrate("show", derived, "--json", store="two").stdout)["comparisons"]
    assert on_record["report"]["outputs"]["out"]["grade"] == "identical"


def test_comparing_again_adds_a_verdict_or_replaces_the_one_of_the_same_tolerances(
    recrate: Recrate, derived: str
) -> None:
    for _ in range(2):
        recrate("compare", "first", derived, store="two")
    assert [one["tolerances"]["relative"] for one in verdicts(recrate, derived, "two")] == [0.25, 1e-06]
    said = recrate("compare", "first", code=2, store="two").stderr
    assert "was compared with nothing yet" in said


@pytest.mark.parametrize("profile", ["0.5", "0.6"])
def test_the_crate_of_the_derived_run_says_so_and_is_valid(
    recrate: Recrate, derived: str, tmp_path: Path, profile: str
) -> None:
    words = ("--profile", profile, "--license", "CC0-1.0", "--author", AUTHOR)
    recrate("export", derived, "-o", "derived", *words, store="two")
    found = checked(tmp_path / "derived", Severity.RECOMMENDED)
    assert all(map(unavoidable, found.issues)), shown([found])
    with open_crate(str(tmp_path / "derived")) as crate:
        (review,) = [one for one in crate.entities.values() if one.is_a("Review")]
        (rating,) = crate.related(review, "reviewRating")
        (before,) = crate.related(crate.root, "isBasedOn")
        (main,) = crate.related(review, "itemReviewed")
        assert rating.text("ratingValue") == "identical" and "relative 0.25" in (review.text("reviewBody") or "")
        assert {*review.refs("isBasedOn"), *main.refs("wasDerivedFrom")} == {before.id}
        assert before.text("name") == "run first"


def test_an_imported_run_has_its_verdicts(recrate: Recrate, derived: str, tmp_path: Path) -> None:
    recrate("export", derived, "-o", "derived", store="two")
    recrate("import", "derived", store="three")
    assert verdicts(recrate, derived, "three") == verdicts(recrate, derived, "two")
    recrate("compare", "derived", derived, store="three")
    recrate("import", "derived", store="three")
    recrate("rm", "--yes", derived, store="three")


def test_a_verdict_that_was_changed_is_not_imported(recrate: Recrate, derived: str, tmp_path: Path) -> None:
    recrate("export", derived, "-o", "derived", store="two")
    rows = tmp_path / "derived" / "recrate" / "rows.jsonl"
    rows.write_text(rows.read_text().replace('"identical"', '"different"', 1))
    assert "derived" in recrate("import", "derived", code=1, store="three").stderr
    metadata = tmp_path / "derived" / "ro-crate-metadata.json"
    graph = json.loads(metadata.read_text())
    for one in graph["@graph"]:
        if one["@id"] == "recrate/rows.jsonl":
            one.pop("sha256", None), one.pop("contentSize", None)
    metadata.write_text(json.dumps(graph))
    assert "comparison" in recrate("import", "derived", code=1, store="three").stderr
    shutil.rmtree(tmp_path / "derived")
