"""`recrate publish`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cratebed.building import archive, folder, head
from cratebed.run_crates import CONTENT, run_crate
from cratebed.servers import TOKEN, Hub, Repository, serving

from .conftest import Commands

VARIABLE = "RECRATE_PUBLISH_TOKEN"


@pytest.fixture
def crate(tmp_path: Path) -> str:
    return archive(tmp_path / "hello.crate.zip", run_crate().values(), CONTENT).name


def test_a_crate_is_sent_with_the_token_of_the_environment(recrate: Commands, crate: str) -> None:
    with serving(Hub()) as hub:
        ended = recrate("publish", crate, "--to", hub.url, "--project", Hub.TEAM, **{VARIABLE: TOKEN})
        assert f"{hub.url}/workflows/1" in ended.stdout
        assert TOKEN not in ended.stdout + ended.stderr
        assert isinstance(hub, Hub) and len(hub.entries) == 1
        again = recrate("publish", crate, "--to", hub.url, "--version-of", "1", "--json", **{VARIABLE: TOKEN})
        assert json.loads(again.stdout)["version"] == "2"


def test_a_draft_at_zenodo_is_said_to_be_one(recrate: Commands, crate: str) -> None:
    with serving(Repository()) as zenodo:
        ended = recrate("publish", crate, "--to", f"zenodo:{zenodo.url}", **{VARIABLE: TOKEN})
    assert "draft: look at it there, and publish it" in ended.stdout
    assert "10.5072/zenodo.1000" in ended.stdout


def test_without_a_token_nothing_is_sent(recrate: Commands, crate: str) -> None:
    with serving(Hub()) as hub:
        ended = recrate("publish", crate, "--to", hub.url, "--project", Hub.TEAM, code=2, **{VARIABLE: ""})
        assert VARIABLE in ended.stderr
        assert hub.requests == []


def test_a_token_is_never_taken_from_the_command_line(recrate: Commands, crate: str) -> None:
    assert "No such option" in recrate("publish", crate, "--to", "zenodo", "--token", "x", code=2).stderr


def test_check_says_what_is_refused_and_needs_no_token(recrate: Commands, tmp_path: Path, crate: str) -> None:
    folder(tmp_path / "bare", head(["gone.txt"]))
    shown = recrate("publish", "bare", "--to", "workflowhub", "--check", "--project", "1", code=1).stdout
    assert "hasPart names gone.txt" in shown and "there is no mainEntity" in shown
    assert "would refuse it" in shown
    assert "no reason" in recrate("publish", crate, "--to", "workflowhub", "--check", "--project", "1").stdout


def test_dry_run_shows_what_would_be_sent(recrate: Commands, crate: str) -> None:
    shown = recrate("publish", crate, "--to", "sandbox.zenodo", "--dry-run", "--final").stdout
    assert "POST https://sandbox.zenodo.org/api/deposit/depositions\n" in shown
    assert '"title": "hello"' in shown and "actions/publish" in shown
    planned = json.loads(recrate("publish", crate, "--to", "zenodo", "--check", "--json").stdout)
    assert (planned["refused"], planned["target"]["url"]) == (False, "https://zenodo.org")
