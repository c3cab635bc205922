"""What an engine must tell: how it is installed, how it is asked, and where its results and its store are."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlparse

from ..questions.base import OUT, Ask, Prepared

WORKERS = 2
"""Jobs at a time, for every engine that can be told."""

INSTALL_SECONDS = 900


class Missing(Exception):
    """An engine cannot be used here, and why."""


@dataclass(frozen=True, slots=True)
class Room:
    """The directories of one run: nothing of an earlier run is in them."""

    root: Path

    @property
    def home(self) -> Path:
        """The home directory: caches and stores that go there by default."""
        return self.root / "home"

    @property
    def out(self) -> Path:
        """Where outputs go."""
        return self.root / "out"

    @property
    def work(self) -> Path:
        """The current directory, and that for temporary files."""
        return self.root / "work"

    @property
    def store(self) -> Path:
        """Where the store is, when the engine can be told."""
        return self.root / "store"

    @property
    def crate(self) -> Path:
        """Where the crate of a run goes: a folder."""
        return self.root / "crate"

    @property
    def stdout(self) -> Path:
        """What the engine printed."""
        return self.root / "stdout"

    @property
    def stderr(self) -> Path:
        """What the engine said beside it."""
        return self.root / "stderr"

    def make(self) -> None:
        """Make the directories; the store is for the engine to make."""
        for path in (self.home, self.out, self.work):
            path.mkdir(parents=True, exist_ok=True)


@dataclass(frozen=True, slots=True)
class Call:
    """A command that does what was asked."""

    argv: list[str]
    environment: Mapping[str, str] = field(default_factory=dict)


class Engine(Protocol):
    """One adapter: how an engine is made ready, asked, and looked at afterwards."""

    @property
    def name(self) -> str:
        """The name that `--engines` knows."""

    @property
    def title(self) -> str:
        """What the table calls it."""

    @property
    def most_jobs(self) -> int | None:
        """Above so many jobs it is not asked."""

    @property
    def because(self) -> str:
        """Why not."""

    def make_ready(self) -> str:
        """Install what is missing and return the version; raise `Missing` when that cannot be."""

    def call(self, ask: Ask, prepared: Prepared, room: Room) -> Call | None:
        """Return the command for what is asked, or None when the engine has no such thing."""

    def outputs(self, room: Room) -> Iterator[str]:
        """Yield what a run gave: the texts of files and the JSON of other values, in their order."""

    def store_bytes(self, room: Room) -> int | None:
        """Return the size of what stays on record of a run, or None when nothing does."""


def texts(value: Any) -> Iterator[str]:
    """Yield what is in an output object's value, from the outside to the inside."""
    if isinstance(value, list):
        for item in value:
            yield from texts(item)
    elif isinstance(value, dict) and value.get("class") == "File":
        yield file_path(value).read_text(encoding="utf-8")
    else:
        yield json.dumps(value)


def file_path(value: Mapping[str, Any]) -> Path:
    """Return where a File object lies."""
    location = str(value.get("path") or value["location"])
    return Path(unquote(urlparse(location).path)) if location.startswith("file:") else Path(location)


def printed_outputs(room: Room) -> Iterator[str]:
    """Yield the outputs of an engine that prints the output object, as CWL runners do."""
    yield from texts(json.loads(room.stdout.read_text(encoding="utf-8"))[OUT])


def size_of(*paths: Path) -> int:
    """Return the bytes of files and of all files below directories; what is not there has none."""
    files = [file for path in paths for file in (path.rglob("*") if path.is_dir() else [path])]
    return sum(file.lstat().st_size for file in files if file.is_file() and not file.is_symlink())


@dataclass(frozen=True, slots=True)
class Venv:
    """A virtual environment of its own for a peer, made from PyPI when it is not there."""

    path: Path
    requirement: str

    @property
    def distribution(self) -> str:
        """The name of what is installed, without extras and version."""
        return re.split(r"[\[=<>]", self.requirement)[0]

    def program(self, name: str) -> str:
        """Return the path of a program in it."""
        return str(self.path / "bin" / name)

    def environment(self) -> dict[str, str]:
        """Return what must be set so that its programs find one another."""
        return {"PATH": f"{self.path / 'bin'}:{os.environ['PATH']}"}

    def make_ready(self) -> str:
        """Install what is missing and return the version."""
        python = self.program("python")
        ask = [python, "-c", f"from importlib.metadata import version; print(version({self.distribution!r}))"]
        if not Path(python).exists() or subprocess.run(ask, capture_output=True, check=False).returncode:
            checked([sys.executable, "-m", "venv", str(self.path)])
            checked([python, "-m", "pip", "install", "--quiet", self.requirement])
        return checked(ask).strip()


def checked(command: list[str]) -> str:
    """Run a command and return what it printed; raise `Missing` with its last words when it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(str(error)) from error
    if done.returncode:
        raise Missing((done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1])
    return done.stdout
