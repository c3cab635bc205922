"""cwltool, the reference runner, without and with its record of provenance, of which runcrate makes a crate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..questions.base import Ask, Prepared
from .base import Call, Room, Venv, printed_outputs, size_of

REQUIREMENT = "cwltool"
CONVERTER = "runcrate==0.6.2"


@dataclass(frozen=True, slots=True)
class Cwltool:
    """Runs `cwltool --parallel`, which takes as many jobs at a time as there are cores."""

    venv: Venv
    converter: Venv | None = None
    """What makes a crate of a record of provenance; None: no such record is made."""
    most_jobs: int | None = 2_000
    because: str = "takes 5 to 13 ms a job, and more the more there are"

    @property
    def provenance(self) -> bool:
        """Whether it records provenance."""
        return self.converter is not None

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
        version = self.venv.make_ready()
        return version if self.converter is None else f"{version}, runcrate {self.converter.make_ready()}"

    def call(self, ask: Ask, prepared: Prepared, room: Room) -> Call | None:
        """Return the command for what is asked; only runs differ with provenance."""
        program = self.venv.program("cwltool")
        match ask:
            case Ask.RUN:
                record = ["--provenance", str(room.store)] if self.provenance else []
                options = ["--parallel", *record, "--outdir", str(room.out)]
                argv = [program, *options, str(prepared.document), str(prepared.order)]
            case Ask.EXPORT if self.converter is not None:
                argv = [self.converter.program("runcrate"), "convert", "--output", str(room.crate), str(room.store)]
            case Ask.EXPORT | Ask.IMPORT:
                return None
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
