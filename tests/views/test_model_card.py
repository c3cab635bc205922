"""Model cards: what the record says of a file, in Markdown that means what it says."""

from __future__ import annotations

import hashlib
import json
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

import recrate
from recrate.errors import UsageError
from recrate.provenance.store import open_store
from recrate.views.model_card import card_of, card_text, code, text

MARKDOWN = MarkdownIt("commonmark").enable("table")
PREPARE = 'grep -v "#" "$1"'
EVALUATE = """echo '{"accuracy": 0.75}' >"$RECRATE_METRICS" """


def tool(script: str, inputs: dict[str, Any], stdout: str | None = None) -> dict[str, Any]:
    bound = {name: {"type": kind, "inputBinding": {"position": at}} for at, (name, kind) in enumerate(inputs.items())}
    outputs = {"o": "stdout"} if stdout else {}
    made: dict[str, Any] = {"class": "CommandLineTool", "baseCommand": ["sh", "-c", script, "sh"], "inputs": bound}
    return {**made, "outputs": outputs, **({"stdout": stdout} if stdout else {})}


WORKFLOW: dict[str, Any] = {
    "cwlVersion": "v1.2",
    "class": "Workflow",
    "label": "Learn",
    "inputs": {"table": "File", "rate": "float", "note": "string"},
    "outputs": {"model": {"type": "File", "outputSource": "train/o"}},
    "steps": {
        "prepare": {"run": tool(PREPARE, {"f": "File"}, "clean.csv"), "in": {"f": "table"}, "out": ["o"]},
        "train": {
            "run": tool(
                'cat "$1"; echo "$2"; printf \'{"loss": %s}\\n\' 0.5 0.25 >"$RECRATE_METRICS"',
                {"data": "File", "rate": "float", "note": "string"},
                "model.txt",
            ),
            "in": {"data": "prepare/o", "rate": "rate", "note": "note"},
            "out": ["o"],
        },
        "evaluate": {"run": tool(EVALUATE, {"model": "File"}), "in": {"model": "train/o"}, "out": []},
    },
}
HOSTILE = "a|b <script>x</script> [c](http://d) `e` *f*"


class Learned:
    """A model that was trained, in a git repository whose workflow had been changed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "table.csv").write_text("# head\n1,2\n")
        (folder / "learn.cwl").write_text("{}")
        git = ["git", "-C", str(folder), "-c", "user.name=N", "-c", "user.email=n@example.org"]
        for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "first"]):
            subprocess.run([*git, *words], check=True)
        (folder / "learn.cwl").write_text(json.dumps(WORKFLOW))
        self.result = recrate.run(
            folder / "learn.cwl",
            {"table": folder / "table.csv", "rate": 0.5, "note": HOSTILE},
            store=str(folder / "store.db"),
            work=folder / "work",
            outdir=folder / "out",
            containers="none",
        )

    def sha256(self, name: str) -> str:
        return hashlib.sha256((self.folder / name).read_bytes()).hexdigest()

    def card(self, name: str = "out/model.txt", license: str | None = None) -> str:
        with open_store(str(self.folder / "store.db")) as store:
            return card_text(card_of(store.database, self.sha256(name)), license)


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Learned:
    return Learned(tmp_path_factory.mktemp("learned"))


def section(card: str, title: str) -> str:
    """Return the text below a heading."""
    return card.partition(f"## {title}\n")[2].partition("\n## ")[0]


def test_it_says_what_the_file_is_and_who_made_it(learned: Learned) -> None:
    card = learned.card(license="CC-BY-4.0")
    assert card.startswith("# Model card: model.txt\n")
    assert f"| sha256 | `{learned.sha256('out/model.txt')}` |" in card
    assert f"| made by | job /train of run {learned.result.name} ({learned.result.id}) |" in card
    assert "| workflow | Learn (cwl v1.2) |" in card and "| license | CC-BY-4.0 |" in card
    assert "| license | not on record |" in learned.card()


def test_it_names_the_commit_and_what_had_changed(learned: Learned) -> None:
    made = section(learned.card(), "How it was made")
    assert "- Code: commit " in made and " on main of " in made and " changed files" in made
    assert '+{"cwlVersion"' in made and "```diff" in made


def test_a_run_that_repeats_another_one_has_the_code_of_that_one(learned: Learned, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("# head\n1,2\n")
    (tmp_path / "learn.cwl").write_text(json.dumps(WORKFLOW))
    again = recrate.run(
        tmp_path / "learn.cwl", {"table": tmp_path / "table.csv", "rate": 0.25, "note": ""},
        store=str(learned.folder / "store.db"), work=tmp_path / "work", outdir=tmp_path / "out", containers="none",
    )  # fmt: skip
    with open_store(str(learned.folder / "store.db")) as store:
        wanted = hashlib.sha256((tmp_path / "out" / "model.txt").read_bytes()).hexdigest()
        assert "in no git repository" in card_text(card_of(store.database, wanted))
        store.database.execute("UPDATE run SET parent_id = ? WHERE id = ?", (learned.result.id, again.id))
        assert "- Code: commit " in card_text(card_of(store.database, wanted))


def test_it_lists_the_data_up_to_what_was_given(learned: Learned) -> None:
    data = section(learned.card(), "Training data and other inputs")
    clean, table = [line for line in data.splitlines() if "`" in line]
    assert clean.startswith("| data | clean.csv | ") and "| made by /prepare |" in clean
    assert table.startswith(f"| f | table.csv | `{learned.sha256('table.csv')}` ") and "given to the run" in table


def test_it_has_the_metrics_of_its_training_and_of_jobs_that_used_it(learned: Learned) -> None:
    metrics = section(learned.card(), "Metrics")
    assert "| loss | 0.25 | 0.25 | 0.5 | 2 |" in metrics
    assert f"| accuracy | 0.75 | /evaluate of run {learned.result.name} |" in metrics
    assert "| rate | `0.5` |" in section(learned.card(), "Parameters")


def test_a_file_that_nobody_made_has_no_card(learned: Learned) -> None:
    with pytest.raises(UsageError, match="no job on record made"):
        learned.card("table.csv")


class Elements(HTMLParser):
    """The names of the elements of a page, and the texts of cells."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.cells: list[str] = []
        self._in_cell = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.names.add(tag)
        if tag == "td":
            self.cells.append("")
        self._in_cell = self._in_cell or tag == "td"

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag != "td"

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.cells[-1] += data


def test_nothing_that_is_put_in_becomes_markup(learned: Learned) -> None:
    found = Elements(MARKDOWN.render(learned.card()))
    assert HOSTILE in found.cells
    assert not found.names & {"script", "a", "em", "img"}


LINES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1).map(str.split)


@given(LINES.filter(bool))
def test_any_text_is_what_a_cell_says(words: list[str]) -> None:
    said = " ".join(words)
    for made in (text(said), code(said)):
        page = MARKDOWN.render(f"| a | b |\n|---|---|\n| {made} | x |\n")
        assert Elements(page).cells == [said, "x"]
