"""cwltool, the reference runner, without and with its record of provenance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..questions.base import Ask, Prepared
from .base import Call, Room, Venv, printed_outputs, size_of

REQUIREMENT = "cwltool"


@dataclass(frozen=True, slots=True)
class Cwltool:
    """Runs `cwltool --parallel`, which takes as many jobs at a time as there are cores."""

    venv: Venv
    provenance: bool = False
    most_jobs: int | None = 2_000
    because: str = "takes 5 to 13 ms a job, and more the more there are"

    @property
    def name(self) -> str:
        """The name that `--engines` knows."""
        return "cwltool-provenance" if self.provenance else "cwltool"

    @property
    def title(self) -> str:
        """What the table calls it."""
        return "cwltool --provenance" if self.provenance else "cwltool"

    def make_ready(self) -> str:
        """Install it unless it is there, and return the version."""
        return self.venv.make_ready()

    def call(self, ask: Ask, prepared: Prepared, room: Room) -> Call | None:
        """Return the command for what is asked; only runs differ with provenance."""
        program = self.venv.program("cwltool")
        match ask:
            case Ask.RUN:
                record = ["--provenance", str(room.store)] if self.provenance else []
                options = ["--parallel", *record, "--outdir", str(room.out)]
                argv = [program, *options, str(prepared.document), str(prepared.order)]
            case _ if self.provenance:
                return None
            case Ask.VERSION:
                argv = [program, "--version"]
            case Ask.VALIDATE:
                argv = [program, "--validate", str(prepared.document)]
        return Call(argv, self.venv.environment())

    def outputs(self, room: Room) -> Iterator[str]:
        """Yield what a run gave."""
        yield from printed_outputs(room)

    def store_bytes(self, room: Room) -> int | None:
        """Return the size of the research object, which has copies of the files too."""
        return size_of(room.store) if self.provenance else None
