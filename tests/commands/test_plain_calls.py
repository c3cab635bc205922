"""Plain calls of commands: they mean exactly what Typer says, and what is not plain is left to Typer."""

from __future__ import annotations

import functools
from typing import Any

import pytest
import typer

from recrate.cli.app import PANELS, function_of
from recrate.cli.plain_calls import plain_call

PLAIN = [
    "run w.cwl",
    "run w.cwl job.yml --set a=1 --set b=2 --outdir out --keep outputs --jobs 3 --retries 0 -q",
    "run --outdir=out=put w.cwl#main --on-error=continue --offline --no-cache --name x --name y --json",
    "run w.cwl --work w --containers none --enable-net --resume -d --store postgresql://a:b@c/d",
    "run b.yml --on c.yml#main",
    "run w.cwl --audit --audit-ignore /opt",
    "plan b.yml j.yml --on c.yml --json",
    "doctor",
    "doctor b.yml --format json",
    "run w.cwl --chaos kill=5%,seed=1",
    "schema",
    "resume last --jobs 2 --store s.db --quiet",
    "attach last --json",
    "cancel calm-otter-42 --wait 5",
    "validate w.cwl",
    "validate --json --enable-net w.cwl#main",
    "graph w.cwl -o w.svg --format svg",
    "runs -n 3 --json",
    "show last",
    "log last --store s.db",
    "why step",
    "report last -o page.html",
    "ui --port 0 --require-token --store s.db",
    "export last -o crate.zip --license MIT --metadata-only",
    "import crate.zip --in-place",
    "pack crate --images",
    "sign crate.zip",
    "verify crate.zip --json",
    "rerun crate.zip --outdir again --rtol 1",
    "compare a b --html page.html",
    "publish crate.zip --to zenodo --dry-run",
    "model-card model.bin -o card.md",
    "audit model.bin --json",
    "audit model.bin --format svg -o model.svg",
    "check w.cwl --skip image-by-tag --skip web-input --format json --severity note",
    "diff first second --skip time --json",
    "schema",
    "query --list",
    "bug-report",
    "bug-report last -o x.tar.gz",
]
TYPERS = [
    "metrics first second",
    "run", "run -h", "run w.cwl --help", "run w.cwl a b", "run w.cwl --jobs 0", "run w.cwl --jobs x",
    "run w.cwl --jobs", "run w.cwl --job=3", "run w.cwl --keep some", "run w.cwl --no-offline", "run w.cwl -qd",
    "run -- w.cwl", "run w.cwl --set -x=1", "run w.cwl --quiet=1", "run w.cwl --name=", "validate", "validate -x w.cwl",
    "validate w.cwl -", "rm a b", "runs -n3", "cancel x --wait 1.5",
]  # fmt: skip


def with_typer(name: str, words: list[str]) -> dict[str, Any]:
    """Return the arguments that a command gets from Typer."""
    function, got = function_of(name), {}

    @functools.wraps(function)
    def caught(**arguments: Any) -> None:
        got.update(arguments)

    app = typer.Typer(add_completion=False)
    app.command(name)(caught)
    typer.main.get_command(app).main(args=words, standalone_mode=False)
    return got


@pytest.mark.parametrize("line", PLAIN)
def test_a_plain_call_means_what_typer_says(line: str) -> None:
    name, *words = line.split()
    given = plain_call(function_of(name), words)
    assert given is not None
    expected = with_typer(name, words)
    assert given == expected
    assert {key: type(value) for key, value in given.items()} == {key: type(value) for key, value in expected.items()}


@pytest.mark.parametrize("line", TYPERS)
def test_what_is_not_plain_is_left_to_typer(line: str) -> None:
    name, *words = line.split()
    assert plain_call(function_of(name), words) is None


def test_each_command_without_questions_has_a_plain_call() -> None:
    tried = {line.split()[0] for line in (*PLAIN, "metrics takes any number of runs")}
    assert tried == {name for panel, names in PANELS.items() for name in names if panel != "Tidy"}
