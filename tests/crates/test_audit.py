"""An audit says who made a result, up to the sources, and across runs."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from recrate import api
from recrate.core.audit import Audit, audit
from recrate.crates.export import export_run
from recrate.crates.importing import import_crate
from recrate.errors import UsageError
from recrate.provenance.store import open_store
from recrate.views.audit import as_html, as_svg, described, facts, lines

SVG = "{http://www.w3.org/2000/svg}"


def tool(command: str, kind: str = "File") -> dict[str, Any]:
    return {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "baseCommand": ["sh", "-c", command],
        "inputs": {"data": {"type": kind, "inputBinding": {"position": 1}}},
        "outputs": {"made": "stdout"},
        "stdout": "made.txt",
    }


def run(folder: Path, name: str, document: dict[str, Any], inputs: dict[str, Any]) -> api.RunResult:
    (folder / f"{name}.cwl").write_text(json.dumps(document))
    return api.run(
        folder / f"{name}.cwl", inputs, name=name, store=str(folder / "db"), outdir=folder / name, work=folder / "work"
    ).raise_if_failed()


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    """Make a model in one run, and use it in another one."""
    (tmp_path / "raw.csv").write_text("1,2\n")
    run(tmp_path, "train", tool("echo model; cat $0"), {"data": tmp_path / "raw.csv"})
    run(tmp_path, "use", tool("wc -l $0"), {"data": tmp_path / "train" / "made.txt"})
    return tmp_path


def found(folder: Path, wanted: str) -> Audit:
    with open_store(str(folder / "db")) as store:
        return audit(store.database, wanted)


def test_a_result_is_followed_across_runs_to_its_sources(trained: Path) -> None:
    result = found(trained, str(trained / "use" / "made.txt"))
    told = [(depth, text) for depth, text, _ in lines(result)]
    assert [depth for depth, _ in told] == [0, 1, 2, 3]
    assert told[2][1].startswith("the same content: made.txt  sha256 ")
    assert told[3][1].startswith("data: raw.csv") and told[3][1].endswith("(given to the run)")
    made = [facts(making) for making in result.makings.values()]
    assert {one["run"].split()[0] for one in made} == {"train", "use"}
    assert all(one["attempt"] == "1" and "sh -c" in one["command"] and one["host"] for one in made)


def test_content_is_found_wherever_it_lies(trained: Path) -> None:
    content = (trained / "train" / "made.txt").read_bytes()
    result = found(trained, hashlib.sha256(content).hexdigest())
    assert described(result, result.subject.token.id).startswith("made.txt")
    assert [making.run.name for making in result.makings.values()] == ["train"]


def test_what_nobody_made_is_said(trained: Path) -> None:
    with pytest.raises(UsageError, match="nothing on record made"):
        found(trained, "0" * 64)


def test_the_graph_shows_the_steps_of_both_runs(trained: Path) -> None:
    result = found(trained, str(trained / "use" / "made.txt"))
    root = ElementTree.fromstring("".join(as_svg(result)))
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert any("train on " in str(text) for text in texts) and any("use on " in str(text) for text in texts)
    assert "data" in texts and "made.txt" in texts
    assert len([element for element in root.iter(f"{SVG}path") if element.get("marker-end")]) == 3


def test_the_page_tells_each_job_and_fetches_nothing(trained: Path) -> None:
    page = "".join(as_html(found(trained, str(trained / "use" / "made.txt"))))
    assert page.count('<h3 class="path">') == 2 and "wc -l" in page
    assert "default-src 'none'" in page and "http://" not in page and "https://" not in page


def test_the_code_is_told_by_the_commit_of_its_repository(tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    (tmp_path / "raw.csv").write_text("1,2\n")
    (tmp_path / "train.cwl").write_text(json.dumps(tool("cat $0")))
    (tmp_path / ".gitignore").write_text("db*\nwork\ntrain\n")
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    done = run(tmp_path, "train", tool("cat $0"), {"data": tmp_path / "raw.csv"})
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout
    result = found(tmp_path, str(tmp_path / "train" / "made.txt"))
    (making,) = result.makings.values()
    assert making.run.id == done.id and facts(making)["code"].startswith(f"commit {commit[:12]} ")


def test_what_was_taken_from_the_cache_is_told_by_the_attempt_that_made_it(trained: Path) -> None:
    run(trained, "again", tool("echo model; cat $0"), {"data": trained / "raw.csv"})
    with open_store(str(trained / "db")) as store:
        (token,) = store.database.one(
            "SELECT token.id FROM token JOIN run ON run.id = run_id WHERE name = 'again' AND job_id IS NOT NULL"
        ) or ("",)
        (making,) = audit(store.database, token).makings.values()
    assert making.run.name == "again" and making.command is not None and "echo model" in making.command


def test_an_imported_run_is_followed_too(trained: Path) -> None:
    with open_store(str(trained / "db")) as store:
        export_run(store, "train", trained / "crate.zip")
    with open_store(str(trained / "other.db")) as store:
        import_crate(str(trained / "crate.zip"), store)
        result = audit(store.database, hashlib.sha256((trained / "train" / "made.txt").read_bytes()).hexdigest())
    (making,) = result.makings.values()
    assert facts(making)["crate"] == str(trained / "crate.zip")
