"""What is said of a crate: by options, settings, citation and git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recrate.core.amounts import parse_bytes
from recrate.crates.export import said
from recrate.crates.export.agents import Organisation, Person
from recrate.crates.export.said import Said, options_from
from recrate.errors import UsageError
from recrate.provenance.store import open_store

from .conftest import SAY, Runner

ORCID = "https://orcid.org/0000-0002-1825-0097"


@pytest.mark.parametrize(
    "text, person",
    [
        ("Ada", Person("Ada")),
        ("Ada Lovelace <ada@example.org>", Person("Ada Lovelace", email="ada@example.org")),
        ("Ada; 0000-0002-1825-0097", Person("Ada", ORCID)),
        (f"Ada; {ORCID}; CRS4", Person("Ada", ORCID, Organisation("CRS4"))),
        (
            "Ada; CRS4; https://ror.org/04kz1v939",
            Person("Ada", None, Organisation("CRS4", "https://ror.org/04kz1v939")),
        ),
        ("Ada; https://ror.org/0", Person("Ada", None, Organisation("https://ror.org/0", "https://ror.org/0"))),
    ],
)
def test_a_person_is_understood(text: str, person: Person) -> None:
    assert said.person_from(text) == person


@pytest.mark.parametrize("text, problem", [("; CRS4", "has no name"), ("Ada; 0000-0002-1825-0098", "is no ORCID")])
def test_a_person_that_is_not_understood_is_refused(text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        said.person_from(text)


@pytest.mark.parametrize(
    "digits, right",
    [("0000-0002-1825-0097", True), ("0000-0001-5109-3700", True), ("0000-0002-1694-233X", True),
     ("0000-0002-1694-2339", False)],
)  # fmt: skip
def test_the_check_digit_of_an_orcid(digits: str, right: bool) -> None:
    assert said.is_orcid(digits) is right


@pytest.mark.parametrize(
    "remote, address",
    [
        ("https://github.com/a/b.git", "https://github.com/a/b"),
        ("https://user:token@github.com/a/b", "https://github.com/a/b"),
        ("git@github.com:a/b.git", "https://github.com/a/b"),
        ("ssh://git@gitlab.com:2222/a/b.git", "https://gitlab.com/a/b"),
        ("/srv/git/b.git", None),
        ("../b", None),
    ],
)
def test_a_repository_has_an_address_on_the_web(remote: str, address: str | None) -> None:
    assert said.web_address(remote) == address


@pytest.mark.parametrize(
    "text, size", [("0", 0), ("1000", 1000), ("500M", 500_000_000), ("1.5 GiB", 1610612736), ("2k", 2000)]
)
def test_sizes_are_understood(text: str, size: int) -> None:
    assert parse_bytes(text) == size


@given(st.text())
def test_no_text_of_a_size_breaks_anything(text: str) -> None:
    try:
        assert parse_bytes(text) >= 0
    except UsageError:
        pass


def settings(folder: Path, text: str) -> None:
    (folder / "recrate.toml").write_text(text)


def options(tmp_path: Path, given: Said | None = None) -> said.ExportOptions:
    with open_store(str(tmp_path / "store.db")) as store:
        return options_from(store, "last", given or Said(), profile="0.5")


def test_options_win_over_settings_and_these_over_the_citation(run: Runner, tmp_path: Path) -> None:
    run(SAY, {"text": "x"})
    settings(tmp_path, '[crate]\nlicense = "MIT"\nname = "from settings"\n')
    (tmp_path / "CITATION.cff").write_text(
        "title: t\nlicense: GPL-3.0-only\nkeywords: [one, two]\nversion: 2\nrepository-code: https://example.org/r\n"
        f"authors:\n- {{given-names: Ada, family-names: Lovelace, orcid: '{ORCID}', affiliation: CRS4}}\n- name: Team\n"
    )
    found = options(tmp_path, Said(name="from options"))
    assert (found.name, found.license, found.version, found.url) == (
        "from options",
        "MIT",
        "2",
        "https://example.org/r",
    )
    assert found.keywords == ("one", "two")
    assert found.authors == (Person("Ada Lovelace", ORCID, Organisation("CRS4")), Person("Team"))


def test_git_says_what_nothing_else_does(run: Runner, tmp_path: Path) -> None:
    run(SAY, {"text": "x"})
    git = ["git", "-C", str(tmp_path), "-c", "init.defaultBranch=main"]
    for arguments in (
        ["init", "-q"], ["config", "user.name", "Ada"], ["config", "user.email", "ada@example.org"],
        ["remote", "add", "origin", "git@example.org:a/b.git"], ["add", "workflow.cwl"], ["commit", "-qm", "x"],
        ["tag", "v7"],
    ):  # fmt: skip
        subprocess.run([*git, *arguments], check=True)
    found = options(tmp_path)
    assert (found.url, found.version) == ("https://example.org/a/b", "v7")
    assert found.authors == (Person("Ada", email="ada@example.org"),)


def test_what_lies_where_the_run_was_made_is_of_something_else(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "CITATION.cff").write_text("license: MIT\n")
    settings(elsewhere, '[crate]\nname = "mine"\n')
    monkeypatch.chdir(elsewhere)
    run(SAY, {"text": "x"})
    assert (options(tmp_path).license, options(tmp_path).name) == (None, "mine")


def test_without_any_source_the_user_is_the_author(run: Runner, tmp_path: Path) -> None:
    run(SAY, {"text": "x"})
    assert len(options(tmp_path).authors) == 1 and options(tmp_path).license is None


@pytest.mark.parametrize(
    "text, problem",
    [
        ("[crate", "cannot be read"),
        ("[crate]\ncolour = 'red'\n", "no setting 'colour'"),
        ("[crate]\nauthors = 'Ada'\n", "must be a list of texts"),
        ("[crate]\nname = 3\n", "must be a text"),
    ],
)
def test_settings_that_are_not_understood_are_refused(run: Runner, tmp_path: Path, text: str, problem: str) -> None:
    run(SAY, {"text": "x"})
    settings(tmp_path, text)
    with pytest.raises(UsageError, match=problem):
        options(tmp_path)


@pytest.mark.parametrize("text", ["[unclosed", "- a list\n", "authors: nobody\nkeywords: 3\n", "a: b: c\n"])
def test_a_citation_that_is_not_understood_says_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "CITATION.cff").write_text(text)
    assert said.citation_in(tmp_path).authors == [] or said.citation_in(tmp_path) == Said()
