"""What commands load: the cheap questions nothing heavy, and the hot commands only what they use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from structure.source_tree import Import

HEAVY = frozenset({
    "asyncio", "asyncssh", "cwl_utils", "jinja2", "pydantic", "quickjs", "rdflib", "requests", "rich", "rocrate",
    "ruamel", "schema_salad", "sqlalchemy", "sqlmodel", "typer",
})  # fmt: skip
NEVER_HOT = HEAVY - {"asyncio", "typer"} | {
    "http.client", "importlib.metadata", "platformdirs", "recrate.cli.support", "recrate.cli.viewing",
    "recrate.connectors.chaos", "recrate.connectors.container", "recrate.core.disturbing", "urllib.request",
}  # fmt: skip
"""What neither `validate` nor `run` needs, as long as there is no JavaScript and nothing is drawn."""

TOOL = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "baseCommand": "echo",
    "inputs": {"text": {"type": "string", "inputBinding": {}}},
    "outputs": {"out": "stdout"},
}
WORKFLOW = {
    "cwlVersion": "v1.2",
    "class": "Workflow",
    "inputs": {"text": "string"},
    "outputs": {"out": {"type": "File", "outputSource": "say/out"}},
    "steps": {"say": {"run": "tool.cwl", "in": {"text": "text"}, "out": ["out"]}},
}


def loaded_by(*arguments: str, folder: Path | None = None) -> set[str]:
    """Return the modules that a call of the command line has loaded when it ends."""
    program = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "from recrate.cli.main import main\n"
        f"code = main({list(arguments)!r})\n"
        "print('loaded:', *sorted(set(sys.modules) - before))\n"
        "sys.exit(code)\n"
    )
    environment = {**os.environ, **({"RECRATE_DOCUMENT_CACHE": str(folder / "cache")} if folder else {})}
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=folder, env=environment, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return set(ended.stdout.splitlines()[-1].split()[1:])


def workflow_in(folder: Path) -> Path:
    """Write a workflow that needs no JavaScript and no container."""
    (folder / "tool.cwl").write_text(json.dumps(TOOL))
    (folder / "workflow.cwl").write_text(json.dumps(WORKFLOW))
    return folder


def test_version_loads_no_heavy_library() -> None:
    assert not loaded_by("--version") & HEAVY


def test_the_package_itself_loads_no_heavy_library() -> None:
    program = f"import sys, recrate; print(*sorted(set({sorted(HEAVY)!r}) & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == []


def test_validate_loads_nothing_that_only_runs_need(tmp_path: Path) -> None:
    found = loaded_by("validate", "workflow.cwl", folder=workflow_in(tmp_path))
    assert not found & (
        NEVER_HOT | {"asyncio", "sqlite3", "recrate.api", "recrate.cli.running", "recrate.core.session"}
    )


def test_validate_of_what_was_valid_before_parses_nothing(tmp_path: Path) -> None:
    folder = workflow_in(tmp_path)
    assert "yaml" in loaded_by("validate", "workflow.cwl", folder=folder)
    assert "yaml" not in loaded_by("validate", "workflow.cwl", folder=folder)


def test_run_loads_only_what_this_run_needs(tmp_path: Path) -> None:
    arguments = ("run", "workflow.cwl", "--set", "text=hi", "--store", "store.db", "--work", "work")
    for _ in range(2):
        assert not loaded_by(*arguments, folder=workflow_in(tmp_path)) & NEVER_HOT


def test_help_of_one_command_loads_no_other(tmp_path: Path) -> None:
    assert not loaded_by("validate", "--help") & {"asyncio", "sqlite3", "recrate.cli.running", "recrate.cli.viewing"}


def test_data_classes_are_those_that_are_made_quickly(imports: dict[str, list[Import]]) -> None:
    stands_alone = "recrate.connectors.spawner"
    others = [
        f"{name}:{item.line}"
        for name, found in imports.items()
        for item in found
        if item.target == "dataclasses.dataclass" and not item.typing_only and name != stands_alone
    ]
    assert not others, "import `dataclass` of `data_classes` (decision 0036)"
