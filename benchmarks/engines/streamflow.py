"""StreamFlow: asyncio in one process, with a database below the home directory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..questions.base import Ask, Prepared
from .base import Call, Room, Venv, printed_outputs, size_of

REQUIREMENT = "streamflow==0.2.0rc3"
NAME = "bench"
"""Of the run, by which its crate is asked for."""


@dataclass(frozen=True, slots=True)
class StreamFlow:
    """Runs `cwl-runner` of StreamFlow on the machine itself."""

    venv: Venv
    name: str = "streamflow"
    title: str = "StreamFlow"
    most_jobs: int | None = 2_000
    because: str = "takes 7 ms a job and more, and more the more there are"

    def make_ready(self) -> str:
        """Install it unless it is there, and return the version."""
        return self.venv.make_ready()

    def call(self, ask: Ask, prepared: Prepared, room: Room) -> Call | None:
        """Return the command for what is asked; it reads no crates."""
        document, order = str(prepared.document), str(prepared.order)
        runner = self.venv.program("cwl-runner")
        match ask:
            case Ask.VERSION:
                argv = [self.venv.program("streamflow"), "version"]
            case Ask.VALIDATE:
                argv = [runner, "--validate", document]
            case Ask.RUN:
                argv = [runner, "--name", NAME, "--outdir", str(room.out), document, order]
            case Ask.EXPORT:
                argv = [self.venv.program("streamflow"), "prov", "--outdir", str(room.crate), NAME]
            case Ask.IMPORT:
                return None
        return Call(argv, self.venv.environment())

    def outputs(self, room: Room) -> Iterator[str]:
        """Yield what a run gave."""
        yield from printed_outputs(room)

    def store_bytes(self, room: Room) -> int:
        """Return the size of the database and of its write-ahead log, if that was left."""
        return size_of(room.home / ".streamflow")
