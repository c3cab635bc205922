"""`recrate cache`: what can be taken, and how to have it forgotten."""

from __future__ import annotations

import pytest

from .conftest import Commands


@pytest.fixture
def ran(recrate: Commands) -> Commands:
    recrate("run", "-q", "workflow.cwl", "job.json", "--name", "first", "--jobs", "1")
    recrate("run", "-q", "workflow.cwl", "job.json", "--name", "second")
    return recrate


def states(recrate: Commands, run: str) -> list[str]:
    return [recrate.json("show", f"{run}/count[{index}]")["row"]["state"] for index in (0, 1)]


def test_the_cache_is_listed_with_its_hits(ran: Commands) -> None:
    listed = ran.json("cache")
    assert [(item["tool"], item["path"], item["run"], item["hits"], item["size"]) for item in listed] == [
        ("Count words", "/count[0]", "first", 1, 2),
        ("Count words", "/count[1]", "first", 1, 2),
    ]
    header, _, *rows = ran("cache").stdout.splitlines()
    assert header.split() == ["tool", "job", "run", "made", "hits", "size"]
    assert [row.split()[-3:] for row in rows] == [["1", "2", "B"]] * 2


def test_what_lies_on_disk_is_looked_at_when_asked(ran: Commands) -> None:
    assert all("intact" not in item for item in ran.json("cache"))
    (path,) = (path for path in (ran.folder / "data").rglob("count.txt") if path.read_text().strip() == "3")
    path.write_text("4\n")
    assert {item["path"]: item["intact"] for item in ran.json("cache", "--check")} == {
        "/count[0]": False,
        "/count[1]": True,
    }
    assert [row.split()[-1] for row in ran("cache", "--check").stdout.splitlines()[2:]] == ["no", "yes"]


def test_what_was_cleared_runs_again_and_stays_on_record(ran: Commands) -> None:
    before = ran.json("show", "first")
    assert "2 results of all runs will not be taken again" in ran("cache", "clear", "--all", "--yes").stdout
    assert ran.json("cache") == []
    assert ran.json("show", "first") == before
    ran("run", "-q", "workflow.cwl", "job.json", "--name", "third")
    assert states(ran, "third") == ["completed", "completed"]


def test_the_results_of_one_run_are_cleared(ran: Commands) -> None:
    ran("run", "-q", "tool.cwl", "--set", "text=b.txt", "--name", "alone", "--no-cache")
    assert "run first" in ran("cache", "clear", "first", "--yes").stdout
    assert [item["run"] for item in ran.json("cache")] == ["alone"]


def test_nothing_is_cleared_by_accident(ran: Commands) -> None:
    said = ran("cache", "clear", code=2).stderr
    assert "--all" in said
    ran("cache", "clear", "first", "--all", code=2)
    ran("cache", "clear", "--all", code=1)  # nobody answers
    assert len(ran.json("cache")) == 2


def test_the_store_of_the_cache_may_be_named_before_and_after_clear(ran: Commands) -> None:
    elsewhere = str(ran.folder / "other.db")
    assert "0 results" in ran("cache", "--store", elsewhere, "clear", "--all", "--yes").stdout
    assert "0 results" in ran("cache", "clear", "--all", "--yes", "--store", elsewhere).stdout
    assert len(ran.json("cache")) == 2
