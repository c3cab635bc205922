"""The claim of an attempt: who may carry it out, settled once by the file system.

The name `claim` in an attempt's directory can be made once. The wrapper makes it a file before
it does anything else, and a wrapper that finds it taken ends at once. Whoever wants to be sure
that an attempt never starts makes it a directory instead, which is just as exclusive. Both need
one system call, so there is no moment in between, and what it is says who was quicker.

The file holds, a line each, the process id of the shell that made the claim and, when the
script goes on in a process of its own, the id of that one. The claim of an attempt that is started
without a script begins with a line that says by which process; its third number is when
the attempt's own process started.
"""

from __future__ import annotations

import contextlib
import os
import time

from ..data_classes import dataclass
from ..errors import PlaceFailed
from .wrapper import CLAIM


@dataclass(frozen=True, slots=True)
class Supervisor:
    """The process that started an attempt without a script, waits for it and writes its result record."""

    process: int
    start: str
    """When it started, in clock ticks since boot."""
    boot: str
    """What tells that boot of the machine from others."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What an attempt's claim says; a number is None until it is written."""

    given_up: bool = False
    """Taken so that the attempt never starts."""
    leader: int | None = None
    """The shell that made the claim; the session of the attempt has its number."""
    process: int | None = None
    """The process that carries the attempt out, when that is not the leader."""
    start: str | None = None
    """When that process started, in clock ticks since boot, where there is a supervisor."""
    supervisor: Supervisor | None = None


def read_claim(directory: str) -> Claim | None:
    """Return the claim of the attempt in a directory, or None where there is none."""
    path = f"{directory}/{CLAIM}"
    try:
        with open(path, encoding="ascii", errors="replace") as stream:
            return _parsed(stream.read())
    except IsADirectoryError:
        return Claim(given_up=True)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PlaceFailed(f"cannot read {path!r}: {error.strerror}") from error


def give_up(directory: str) -> bool:
    """Make sure that the attempt in a directory never starts; False when somebody claimed it before.

    The directory is made where there is none, since who starts the attempt may be about to make it.
    """
    path = f"{directory}/{CLAIM}"
    try:
        with contextlib.suppress(OSError):
            os.makedirs(directory)
        os.mkdir(path)
    except FileExistsError:
        return False
    except FileNotFoundError:
        return True  # Nobody can make the directory.
    except OSError as error:
        raise PlaceFailed(f"cannot make {path!r}: {error.strerror}") from error
    return True


def claim_age(directory: str) -> float:
    """Return how many seconds ago the attempt in a directory was claimed; 0 where it was not."""
    try:
        return max(0.0, time.time() - os.stat(f"{directory}/{CLAIM}").st_mtime)
    except OSError:
        return 0.0


def _parsed(text: str) -> Claim:
    lines = text.split("\n")[:-1]
    numbers = [line for line in lines if line.isdigit()]
    return Claim(
        leader=int(numbers[0]) if numbers else None,
        process=int(numbers[1]) if len(numbers) > 1 else None,
        start=numbers[2] if len(numbers) > 2 else None,
        supervisor=_supervisor(lines[0].split()) if lines else None,
    )


def _supervisor(words: list[str]) -> Supervisor | None:
    match words:
        case ["supervisor", process, start, boot] if process.isdigit():
            return Supervisor(int(process), start, boot)
        case _:
            return None
