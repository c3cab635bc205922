"""How the tests of this folder run commands on this machine, short ones and attempts."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from recrate.command import Command
from recrate.connectors.base import Completed, Launch
from recrate.connectors.wrapper import Script, encode, script_text
from recrate.errors import PlaceFailed


async def run(
    argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None, env: Mapping[str, str] | None = None
) -> Completed:
    """Run a command in the environment of the test and `env`. Raises PlaceFailed for a missing program."""
    try:
        command = await Command.begun(argv, env={**os.environ, **(env or {})})
    except OSError as error:
        raise PlaceFailed(f"cannot run {argv[0]}: {error.strerror}") from error
    try:
        async with asyncio.timeout(timeout):
            stdout, stderr = await command.communicate(stdin)
    finally:
        await command.end()
    return Completed(command.returncode or 0, stdout, stderr)


def launch_of(folder: Path, *argv: str, time_limit: float | None = None) -> Launch:
    """Make the directory and the script of an attempt."""
    (folder / "out").mkdir(parents=True)
    script = Script(token="t0ken", name="job", directory=str(folder), workdir=str(folder / "out"), argv=argv)
    (folder / "script").write_bytes(encode(script_text(script)))
    return Launch("t0ken", "job", str(folder), str(folder / "script"), time_limit, task=script)
