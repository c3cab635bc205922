"""What jobs recorded of themselves, and the state of the sources, in crates; and how both come back."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from cratebed.checking import checked, shown

from recrate.crates.export.lines import LINES
from recrate.crates.importing import import_crate
from recrate.provenance.rows import MetricRow, RepositoryRow
from recrate.provenance.store import open_store

from .conftest import Exporter, Runner, tool

LEARN = tool("""printf '{"loss": %s, "step": %s}\\n' 0.5 1 0.25 2 NaN 3 >"$RECRATE_METRICS"
echo '{"F1 / macro": 0.125}' >>"$RECRATE_METRICS" """)


def tracked(folder: Path) -> None:
    """Make a folder a git repository whose workflow differs from the last commit."""
    (folder / "workflow.cwl").write_text("# at first\n")
    git = ["git", "-C", str(folder), "-c", "user.name=N", "-c", "user.email=n@example.org"]
    remote = ["remote", "add", "origin", "git@example.org:group/project.git"]
    for words in (["init", "-q", "-b", "main"], remote, ["add", "workflow.cwl"], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *words], check=True)


def test_an_action_has_the_last_number_of_each_name_and_the_extremes(run: Runner, export: Exporter) -> None:
    run(LEARN)
    crate = export()
    (action,) = [one for one in crate.graph.values() if "metric" in one]
    loss, score = crate.at(action["metric"])
    assert (loss["name"], loss["value"], loss["minValue"], loss["maxValue"]) == ("loss", "NaN", 0.25, 0.5)
    assert loss["description"] == "the last of 3 numbers at step 3"
    assert (score["name"], score["value"], score["description"]) == ("F1 / macro", "0.125", "recorded once")
    assert "minValue" not in score


def test_the_workflow_is_part_of_its_repository(run: Runner, export: Exporter, tmp_path: Path) -> None:
    tracked(tmp_path)
    run(LEARN)
    crate = export()
    (repository,) = crate.at(crate.at(crate.root["mainEntity"])[0]["isPartOf"])
    assert (repository["name"], repository["url"]) == ("git repository project", "https://example.org/group/project")
    assert len(repository["version"]) == 40
    (diff,) = crate.at(repository["hasPart"])
    assert "-# at first" in (crate.path / diff["@id"]).read_text()


@pytest.mark.parametrize("line", LINES)
def test_such_a_crate_is_valid(run: Runner, export: Exporter, tmp_path: Path, line: str) -> None:
    tracked(tmp_path)
    run(LEARN)
    report = checked(export(license="CC0-1.0", line=LINES[line]).path)
    assert report.valid, shown([report])


def test_all_numbers_come_back_from_a_crate(run: Runner, export: Exporter, tmp_path: Path) -> None:
    tracked(tmp_path)
    result = run(LEARN)
    crate = export()
    (tmp_path / "other").mkdir()
    with open_store(str(tmp_path / "store.db")) as store, open_store(str(tmp_path / "other" / "store.db")) as other:
        (imported,) = import_crate(str(crate.path), other)
        assert imported.run_id == result.id
        for table in (MetricRow, RepositoryRow):
            rows = store.database.rows(table, "", ())
            assert rows and other.database.rows(table, "", ()) == rows


def test_metrics_of_another_run_are_refused(run: Runner, export: Exporter, tmp_path: Path) -> None:
    from recrate.errors import CrateInvalid

    run(LEARN)
    crate = export()
    path = crate.path / "recrate" / "rows.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    first = next(line for line in lines if line[0] == "metric")
    first[1] = "0" * len(first[1])
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with open_store(str(tmp_path / "other.db")) as other, pytest.raises(CrateInvalid):
        import_crate(str(crate.path), other)
