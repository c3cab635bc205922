"""The state of a run's sources: for each git repository that they lie in the commit, and what differed from it.

Only what git tracks counts: a workflow that was unpacked somewhere below a repository is no part of it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence

from ..data_classes import dataclass
from ..provenance.rows import RepositoryRow
from ..redaction import MASK, Redactor
from .values import to_json

MOST_DIFF = 1 << 20
"""Bytes of a diff that are kept."""
MOST_CHANGED = 1000
"""Names of files that are kept."""
MOST_PATHS = 500
"""So many sources of one repository are asked about."""
SECONDS = 10.0
"""How long one question to git may take."""
CUT = "# the rest is left out: the diff has more than {limit} KiB\n"
_SAFE = ("-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "--literal-pathspecs")
"""Git must not start programs that a repository's configuration names, and take paths as they are."""
_ADDRESS = re.compile(r"(://)[^/@\s]*@")
_NAMED = r"[\w.-]*(?:passw(?:or)?d|secret|token|credential|api_?key|access_?key|private_?key)[\w.-]*"
_ASSIGNED = re.compile(rf"""({_NAMED}["']?\s*(?:=|:|=>)\s*)(["'])[^"'\n]{{6,}}\2""", re.IGNORECASE)
_EXPORTED = re.compile(rf"^([-+ ]?\s*(?:export\s+)?{_NAMED}=)(?![\"'])\S+", re.IGNORECASE | re.MULTILINE)
_KEY = re.compile(r"(-----BEGIN [A-Z ]*PRIVATE KEY-----).*?(-----END|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Status:
    """What `git status` says: commit and branch, files that are not as in the commit, and files that it has not."""

    revision: str | None
    branch: str | None
    changed: Sequence[str]
    untracked: Sequence[str]


def repository_rows(run_id: str, paths: Iterable[str], redactor: Redactor) -> list[RepositoryRow]:
    """Return the state of each git repository that has some of these files, whose paths are absolute.

    Where git is not installed, does not answer or refuses, nothing is said.
    """
    found = (_row(run_id, root, inside, redactor) for root, inside in _by_repository(paths).items())
    return [row for row in found if row is not None]


def _by_repository(paths: Iterable[str]) -> Mapping[str, list[str]]:
    known: dict[str, str | None] = {}
    found: dict[str, list[str]] = {}
    for path in paths:
        folder = os.path.dirname(os.path.realpath(path))
        if folder not in known:
            known[folder] = _root(folder)
        root = known[folder]
        if root is not None and len(found.setdefault(root, [])) < MOST_PATHS:
            found[root].append(os.path.realpath(path))
    return found


def _root(folder: str) -> str | None:
    """Return the directory of the repository that a directory is in. In a work tree beside it `.git` is a file."""
    while not os.path.exists(f"{folder}/.git"):
        above = os.path.dirname(folder)
        if above == folder:
            return None
        folder = above
    return folder


def _row(run_id: str, root: str, paths: Sequence[str], redactor: Redactor) -> RepositoryRow | None:
    if not _git(root, "ls-files", "-z", "--", *paths):
        return None
    told = _git(root, "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal")
    if told is None:
        return None
    status = parse_status(told)
    origin = _git(root, "config", "--get", "remote.origin.url")
    changed = [redactor.text(path) for path in (*status.changed, *status.untracked)][:MOST_CHANGED]
    return RepositoryRow(
        run_id=run_id,
        root=root,
        revision=status.revision,
        branch=status.branch,
        origin=redactor.text(_ADDRESS.sub(r"\1", _text(origin).strip())) if origin else None,
        changed=to_json(changed),
        diff=_diff(root, redactor) if status.changed and status.revision is not None else None,
    )


def _diff(root: str, redactor: Redactor) -> str | None:
    told = _git(root, "diff", "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "HEAD", "--")
    if not told:
        return None
    text = without_secrets(_text(told), redactor)
    if len(told) <= MOST_DIFF:
        return text
    whole_lines = text[:MOST_DIFF].rpartition("\n")[0]
    return f"{whole_lines}\n{CUT.format(limit=MOST_DIFF >> 10)}"


def without_secrets(diff: str, redactor: Redactor) -> str:
    """Return a diff without the secrets that are known, and without what looks as if it were one."""
    text = _KEY.sub(rf"\1{MASK}\2", redactor.text(diff))
    text = _ADDRESS.sub(rf"\1{MASK}@", text)
    return _EXPORTED.sub(rf"\1{MASK}", _ASSIGNED.sub(rf"\1\2{MASK}\2", text))


def parse_status(told: bytes) -> Status:
    """Return what `git status --porcelain=v2 --branch -z` says (git-status(1), "Porcelain Format Version 2")."""
    headers: dict[str, str] = {}
    changed, untracked = [], []
    entries = iter(_text(told).split("\0"))
    for entry in entries:
        kind, _, rest = entry.partition(" ")
        if kind == "#":
            name, _, value = rest.partition(" ")
            headers[name] = value
        elif kind == "?":
            untracked.append(rest)
        elif kind in _FIELDS:
            changed.append(rest.split(" ", _FIELDS[kind])[-1])
            if kind == "2":
                next(entries, None)  # what it was called before
    return Status(
        _unless(headers.get("branch.oid"), "(initial)"),
        _unless(headers.get("branch.head"), "(detached)"),
        changed,
        untracked,
    )


_FIELDS = {"1": 7, "2": 8, "u": 9}
"""By kind of an entry: how many fields come before the path."""


def _unless(value: str | None, nothing: str) -> str | None:
    return None if value == nothing else value


def _text(told: bytes) -> str:
    return told.decode("utf-8", "replace")


def _git(root: str, *words: str) -> bytes | None:
    """Return what git prints; None when it fails."""
    environment = {**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        environment.pop(name, None)
    try:
        done = subprocess.run(
            ["git", *_SAFE, "-C", root, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
            env=environment,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def repository_text(row: RepositoryRow) -> str:
    """Return the state of a repository in one line."""
    changed = changed_in(row)
    said = [f"commit {row.revision[:12]}" if row.revision else "no commit yet"]
    if row.branch:
        said.append(f"on {row.branch}")
    said.append(f"of {row.origin or row.root}")
    if changed:
        said.append(f"and {len(changed)} changed files" if len(changed) > 1 else f"and changed {changed[0]}")
    return " ".join(said)


def changed_in(row: RepositoryRow) -> list[str]:
    """Return the names of the files that were not as in the commit."""
    return list(json.loads(row.changed))
