"""What is different between two runs, by their records."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from storebed.samples import Sample

from recrate import api
from recrate.core.differences import Difference, Section, are_alike, differences
from recrate.provenance.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(str(tmp_path / "store.db"))
    yield opened
    opened.close()


def told(found: list[Difference]) -> list[tuple[str, str, str | None, str | None]]:
    return [(one.section.value, one.name, one.first, one.second) for one in found if one.section is not Section.TIME]


def run(folder: Path, name: str, command: str = "cat $0", word: str = "x", **options: Any) -> str:
    tool = {
        "class": "CommandLineTool",
        "baseCommand": ["sh", "-c", command],
        "requirements": {"EnvVarRequirement": {"envDef": {"WORD": word}}},
        "inputs": {"text": {"type": "File", "inputBinding": {}}},
        "outputs": {"made": "stdout"},
        "stdout": "made.txt",
    }
    document = {
        "cwlVersion": "v1.2",
        "class": "Workflow",
        "requirements": {"ScatterFeatureRequirement": {}},
        "inputs": {"texts": "File[]"},
        "outputs": {"made": {"type": "File[]", "outputSource": "read/made"}},
        "steps": {"read": {"run": tool, "scatter": "text", "in": {"text": "texts"}, "out": ["made"]}},
    }
    (folder / name).mkdir()
    (folder / name / "w.cwl").write_text(json.dumps(document))
    for text in ("a", "b"):
        (folder / name / f"{text}.txt").write_text(text)
    files = [{"class": "File", "path": str(folder / name / f"{text}.txt")} for text in ("a", "b")]
    usual: dict[str, Any] = {"store": str(folder / "store.db"), "work": folder / "work", "cache": False, "name": name}
    return api.run(folder / name / "w.cwl", {"texts": files}, **(usual | options)).raise_if_failed().id


def compared(store: Store, first: str, second: str) -> list[tuple[str, str, str | None, str | None]]:
    return told(differences(store.database, first, store.database, second))


def test_the_same_in_another_folder_is_alike_but_for_the_time(store: Store, tmp_path: Path) -> None:
    first, second = run(tmp_path, "first"), run(tmp_path, "second")
    found = differences(store.database, first, store.database, second)
    assert told(found) == [] and are_alike(found)


def test_what_was_changed_is_told_once_for_all_jobs_of_a_step(store: Store, tmp_path: Path) -> None:
    first = run(tmp_path, "first")
    second = run(tmp_path, "second", command="sort $0", word="y")
    found = differences(store.database, first, store.database, second)
    by_section = {one.section: one for one in found}
    assert (by_section[Section.WORKFLOW].name, by_section[Section.OUTPUT].name) == ("w.cwl", "made")
    command, variable = by_section[Section.COMMAND], by_section[Section.ENVIRONMENT]
    assert (command.name, command.jobs) == ("/read", 2)
    assert "cat" in str(command.first) and "sort" in str(command.second)
    assert (variable.name, variable.first, variable.second, variable.jobs) == ("/read WORD", "x", "y", 2)
    assert not are_alike(found)


def test_options_that_change_what_happens_are_told_and_the_cache_is_not(store: Store, tmp_path: Path) -> None:
    first = run(tmp_path, "first")
    assert compared(store, first, run(tmp_path, "second", cache=True, retries=2)) == [
        ("run", "option retries", "0", "2"),
        ("jobs", "/read", "2 completed in 2 attempts", "2 cached in 0 attempts"),
    ]


def test_attempts_hosts_and_states_are_told(store: Store) -> None:
    first = Sample.stored_in(store, "1" * 16)
    second = Sample.stored_in(store, "2" * 16, host="there")
    job = second.job("/sum")
    store.database.execute("UPDATE job SET state = 'FAILED' WHERE id = ?", (job,))
    store.database.execute("DELETE FROM metric WHERE attempt_id = ?", (second.attempt("/sum"),))
    store.database.execute("DELETE FROM attempt WHERE job_id = ?", (job,))
    found = compared(store, first.run, second.run)
    assert ("run", "controller", "here", "there") in found
    assert not [one for one in found if one[0] == "host"]
    assert ("jobs", "/sum", "1 completed in 1 attempt", "1 failed in 0 attempts") in found


def test_runs_of_two_workflows_have_steps_on_one_side_only(store: Store) -> None:
    first, second = Sample.stored_in(store, "1" * 16), Sample.stored_in(store, "2" * 16)
    store.database.execute("DELETE FROM step WHERE id = ?", (second.step("/sum"),))
    assert ("workflow", "step /sum", "command tool", None) in compared(store, first.run, second.run)
    assert ("workflow", "step /sum", None, "command tool") in compared(store, second.run, first.run)


def test_another_commit_of_the_sources_is_told(store: Store) -> None:
    first, second = Sample.stored_in(store, "1" * 16), Sample.stored_in(store, "2" * 16)
    store.database.execute("UPDATE repository SET changed = '[]' WHERE run_id = ?", (second.run,))
    commit = "commit cccccccccccc"
    assert ("workflow", "repository /home/me/project", f"{commit} and 1 changed", commit) in compared(
        store, first.run, second.run
    )
