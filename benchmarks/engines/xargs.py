"""The floor: the same processes, started by `xargs -P2`. Nothing is checked, nothing is remembered."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from ..questions.base import Ask, Prepared
from .base import Call, Missing, Room, checked


@dataclass(frozen=True, slots=True)
class Xargs:
    """Runs the script that a question brings along."""

    name: str = "xargs"
    title: str = "xargs -P2"
    most_jobs: int | None = None
    because: str = ""

    def make_ready(self) -> str:
        """Return the version of xargs."""
        if shutil.which("xargs") is None:
            raise Missing("there is no xargs")
        return checked(["xargs", "--version"]).splitlines()[0].split()[-1]

    def call(self, ask: Ask, prepared: Prepared, room: Room) -> Call | None:
        """Return a shell that runs the script, if the question has one."""
        if ask is not Ask.RUN or prepared.floor is None:
            return None
        places = {"OUT": str(room.out), "DATA": str(prepared.directory)}
        return Call(["sh", "-e", "-c", prepared.floor], places)

    def outputs(self, room: Room) -> Iterator[str]:
        """Yield the files that the script has left, by their numbers."""
        for path in sorted(room.out.iterdir(), key=lambda path: int(path.name)):
            yield path.read_text(encoding="utf-8")

    def store_bytes(self, room: Room) -> None:
        """Return None: nothing is on record."""
        return
