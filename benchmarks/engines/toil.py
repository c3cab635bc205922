"""Toil: a leader that starts a Python process for each job, and keeps its state in files meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..questions.base import Ask, Prepared
from .base import WORKERS, Call, Room, Venv, printed_outputs

REQUIREMENT = "toil[cwl]"


@dataclass(frozen=True, slots=True)
class Toil:
    """Runs `toil-cwl-runner` on the machine itself; its job store is removed when a run has ended well."""

    venv: Venv
    name: str = "toil"
    title: str = "Toil"
    most_jobs: int | None = 100
    because: str = "takes more than half a second a job"

    def make_ready(self) -> str:
        """Install it unless it is there, and return the version."""
        return self.venv.make_ready()

    def call(self, ask: Ask, prepared: Prepared, room: Room) -> Call | None:
        """Return the command for what is asked; it cannot only validate."""
        program = self.venv.program("toil-cwl-runner")
        match ask:
            case Ask.VERSION:
                argv = [program, "--version"]
            case Ask.VALIDATE | Ask.EXPORT | Ask.IMPORT:
                return None
            case Ask.RUN:
                places = ["--jobStore", f"file:{room.store}", "--outdir", str(room.out)]
                argv = [
                    program, *places, "--maxCores", str(WORKERS), "--logWarning",
                    str(prepared.document), str(prepared.order),
                ]  # fmt: skip
        return Call(argv, self.venv.environment())

    def outputs(self, room: Room) -> Iterator[str]:
        """Yield what a run gave."""
        yield from printed_outputs(room)

    def store_bytes(self, room: Room) -> None:
        """Return None: nothing stays on record."""
        return
