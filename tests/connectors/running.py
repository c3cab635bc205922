"""How the tests of this folder run commands: as `Connector.run` does, on this machine."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence

from recrate.connectors.base import Completed
from recrate.errors import PlaceFailed


async def run(
    argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None, env: Mapping[str, str] | None = None
) -> Completed:
    """Run a command in the environment of the test and `env`. Raises PlaceFailed for a missing program."""
    pipe = asyncio.subprocess.PIPE
    environment = {**os.environ, **(env or {})}
    try:
        process = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe, stderr=pipe, env=environment)
    except OSError as error:
        raise PlaceFailed(f"cannot run {argv[0]}: {error.strerror}") from error
    try:
        stdout, stderr = await asyncio.wait_for(process.communicate(stdin), timeout)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Completed(process.returncode or 0, stdout, stderr)
