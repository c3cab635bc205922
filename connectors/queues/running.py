"""Short programs for a shell, run on the host from which a queue is reached."""

from __future__ import annotations

from collections.abc import Sequence

from ...data_classes import dataclass
from ...errors import PlaceFailed
from ..base import Completed, Connector

ANSWER_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Shell:
    """A POSIX shell on a location of another connector."""

    connector: Connector
    location: str

    async def run(self, program: bytes) -> Completed:
        """Run a program given as text; it reads no input of its own."""
        return await self.connector.run(self.location, ["sh", "-s"], stdin=program, timeout=ANSWER_SECONDS)

    async def printed(self, program: bytes) -> str:
        """Return what a program printed; bytes that are not UTF-8 are replaced. Raises PlaceFailed when it fails."""
        done = await self.run(program)
        if done.code != 0:
            raise PlaceFailed(f"{self.location}: {done.stderr.decode('utf-8', 'replace').strip()}")
        return done.stdout.decode("utf-8", "replace")

    async def command(self, argv: Sequence[str], stdin: bytes, timeout: float) -> Completed:
        """Run a command with an input."""
        return await self.connector.run(self.location, argv, stdin=stdin, timeout=timeout)
