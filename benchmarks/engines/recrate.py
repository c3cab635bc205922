"""Recrate itself: the command of some environment, by default of the running Python's."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..questions.base import OUT, Ask, Prepared
from .base import WORKERS, Call, Room, checked, size_of, texts


def command_of(path: Path | None) -> str:
    """Return the `recrate` command: of an environment, at a path, or of the running Python."""
    if path is not None:
        return str(path / "bin" / "recrate" if path.is_dir() else path)
    beside = Path(sys.executable).parent / "recrate"
    return str(beside) if beside.exists() else shutil.which("recrate") or "recrate"


@dataclass(frozen=True, slots=True)
class Recrate:
    """Runs `recrate run` with a store that is new."""

    command: str
    name: str = "recrate"
    title: str = "Recrate"
    most_jobs: int | None = None
    because: str = ""

    def make_ready(self) -> str:
        """Return the version; nothing is installed."""
        return checked([self.command, "--version"]).split()[-1]

    def call(self, ask: Ask, prepared: Prepared, room: Room) -> Call:
        """Return the command for what is asked."""
        environment = {key: os.environ[key] for key in ("PYTHONPATH",) if key in os.environ}
        document, order = str(prepared.document), str(prepared.order)
        match ask:
            case Ask.VERSION:
                arguments = ["--version"]
            case Ask.VALIDATE:
                arguments = ["validate", document]
            case Ask.RUN:
                places = ["--store", str(self.database(room)), "--work", str(room.work), "--outdir", str(room.out)]
                arguments = ["run", document, order, *places, "--jobs", str(WORKERS), "--json"]
            case Ask.EXPORT:
                arguments = ["export", "last", "--store", str(self.database(room)), "--output", str(room.crate)]
            case Ask.IMPORT:
                arguments = ["import", str(room.crate), "--store", str(room.store / "other" / "store.db")]
        return Call([self.command, *arguments], environment)

    def outputs(self, room: Room) -> Iterator[str]:
        """Yield what a run gave."""
        yield from texts(json.loads(room.stdout.read_text(encoding="utf-8"))["outputs"][OUT])

    def database(self, room: Room) -> Path:
        """Return where the store is."""
        return room.store / "store.db"

    def store_bytes(self, room: Room) -> int:
        """Return the size of the database and of its write-ahead log, if that was left."""
        return size_of(room.store)
