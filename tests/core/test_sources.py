"""The state of the git repositories that a run's sources lie in."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recrate.core import sources
from recrate.core.sources import parse_status, repository_rows, repository_text, without_secrets
from recrate.provenance.rows import RepositoryRow
from recrate.redaction import Redactor

Git = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path) -> Git:
    """A repository with one commit of `main.cwl`, whose branch is `trunk`."""

    def call(*words: str) -> str:
        options = ["-c", "user.name=N", "-c", "user.email=n@example.org", "-c", "commit.gpgsign=false"]
        return subprocess.run(
            ["git", "-C", str(tmp_path), *options, *words], capture_output=True, text=True, check=True
        ).stdout.strip()

    call("init", "-q", "-b", "trunk")
    (tmp_path / "main.cwl").write_text("one\n")
    call("add", ".")
    call("commit", "-q", "-m", "first")
    return call


def rows(folder: Path, *names: str, **secrets: Any) -> list[RepositoryRow]:
    paths = [str(folder / name) for name in names or ("main.cwl",)]
    return repository_rows("run", paths, Redactor(frozenset(secrets.values())))


def test_a_clean_tree_is_its_commit(git: Git, tmp_path: Path) -> None:
    (row,) = rows(tmp_path)
    assert (row.root, row.revision, row.branch) == (str(tmp_path), git("rev-parse", "HEAD"), "trunk")
    assert (row.changed, row.diff, row.origin) == ("[]", None, None)
    assert repository_text(row) == f"commit {git('rev-parse', '--short=12', 'HEAD')} on trunk of {tmp_path}"


def test_what_was_changed_is_kept_as_a_diff_that_git_can_apply(git: Git, tmp_path: Path) -> None:
    (tmp_path / "main.cwl").write_text("two\n")
    (tmp_path / "new.txt").write_text("new\n")
    (row,) = rows(tmp_path)
    assert json.loads(row.changed) == ["main.cwl", "new.txt"]
    assert row.diff is not None
    git("checkout", "-q", "--", "main.cwl")
    (tmp_path / "saved.diff").write_text(row.diff)
    git("apply", "saved.diff")
    assert (tmp_path / "main.cwl").read_text() == "two\n"
    assert "and 2 changed files" in repository_text(row)


def test_what_was_added_to_the_index_or_renamed_is_changed_too(git: Git, tmp_path: Path) -> None:
    git("mv", "main.cwl", "it has spaces.cwl")
    (row,) = rows(tmp_path, "it has spaces.cwl")
    assert json.loads(row.changed) == ["it has spaces.cwl"]
    assert row.diff is not None and "rename" not in row.diff


def test_secrets_do_not_reach_the_record(git: Git, tmp_path: Path) -> None:
    git("remote", "add", "origin", "https://me:t0ken@example.org/a/b.git")
    (tmp_path / "main.cwl").write_text("use hunter2\n")
    (row,) = rows(tmp_path, mine="hunter2")
    assert row.origin == "https://example.org/a/b.git"
    assert row.diff is not None and "+use ***\n" in row.diff and "hunter2" not in row.diff


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("+DB_PASSWORD=s3cr3t", "+DB_PASSWORD=***"),
        ('+api_key = "abcdefgh"', '+api_key = "***"'),
        ("+  'client-secret': 'abcdefgh',", "+  'client-secret': '***',"),
        ("+see https://me:pw@example.org/x", "+see https://***@example.org/x"),
        ("+token = tokens.next()", "+token = tokens.next()"),
        ("+if token == 'end':", "+if token == 'end':"),
        ("+-----BEGIN RSA PRIVATE KEY-----\n+abc\n+-----END", "+-----BEGIN RSA PRIVATE KEY-----***-----END"),
    ],
)
def test_what_looks_like_a_secret_is_masked(line: str, kept: str) -> None:
    assert without_secrets(line, Redactor()) == kept


def test_a_long_diff_is_cut_and_says_so(git: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MOST_DIFF", 2048)
    (tmp_path / "main.cwl").write_text("line\n" * 10_000)
    (row,) = rows(tmp_path)
    assert row.diff is not None and len(row.diff) < 2200
    assert row.diff.endswith("\n# the rest is left out: the diff has more than 2 KiB\n")


def test_no_program_that_the_repository_names_is_started(git: Git, tmp_path: Path) -> None:
    for name in ("diff.external", "core.fsmonitor", "diff.x.textconv"):
        git("config", name, f"touch {tmp_path}/started; false")
    (tmp_path / ".gitattributes").write_text("*.cwl diff=x\n")
    (tmp_path / "main.cwl").write_text("two\n")
    (row,) = rows(tmp_path)
    assert row.diff is not None and "+two" in row.diff
    assert not (tmp_path / "started").exists()


def test_files_that_git_does_not_track_are_of_no_repository(git: Git, tmp_path: Path) -> None:
    (tmp_path / "unpacked").mkdir()
    (tmp_path / "unpacked" / "main.cwl").write_text("other\n")
    assert rows(tmp_path, "unpacked/main.cwl") == []
    assert len(rows(tmp_path, "unpacked/main.cwl", "main.cwl")) == 1


def test_before_the_first_commit_there_is_no_revision(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", "-b", "trunk", str(tmp_path)], check=True)
    (tmp_path / "main.cwl").write_text("one\n")
    subprocess.run(["git", "-C", str(tmp_path), "add", "."], check=True)
    (row,) = rows(tmp_path)
    assert (row.revision, row.branch, json.loads(row.changed), row.diff) == (None, "trunk", ["main.cwl"], None)


def test_without_git_or_without_a_repository_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "main.cwl").write_text("one\n")
    assert rows(tmp_path) == []
    (tmp_path / ".git").mkdir()
    assert rows(tmp_path) == []
    monkeypatch.setenv("PATH", str(tmp_path))
    assert rows(tmp_path) == []


def test_the_porcelain_of_git_is_read() -> None:
    told = (
        b"# branch.oid abc\0# branch.head (detached)\0"
        b"1 .M N... 100644 100644 100644 a b x y\0"
        b"2 R. N... 100644 100644 100644 a b R100 new\0old\0"
        b"u UU N... 1 2 3 4 a b c both\0? fresh\0"
    )
    status = parse_status(told)
    assert (status.revision, status.branch) == ("abc", None)
    assert (list(status.changed), list(status.untracked)) == (["x y", "new", "both"], ["fresh"])
