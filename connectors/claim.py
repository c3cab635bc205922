"""The claim of an attempt: who may carry it out, settled once by the file system.

The name `claim` in an attempt's directory can be made once. The wrapper makes it a file before
it does anything else, and a wrapper that finds it taken ends at once. Whoever wants to be sure
that an attempt never starts makes it a directory instead, which is just as exclusive. Both need
one system call, so there is no moment in between, and what it is says who was quicker.

The file holds, a line each, the process id of the shell that made the claim and, when the
script goes on in a process of its own, the id of that one.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from ..errors import PlaceFailed
from .wrapper import CLAIM


@dataclass(frozen=True, slots=True)
class Claim:
    """What an attempt's claim says; a number is None until it is written."""

    given_up: bool = False
    """Taken so that the attempt never starts."""
    leader: int | None = None
    """The shell that made the claim; the session of the attempt has its number."""
    process: int | None = None
    """The process that carries the attempt out, when that is not the leader."""


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

    Where there is no directory there is no script, and nothing to be started.
    """
    path = f"{directory}/{CLAIM}"
    try:
        os.mkdir(path)
    except FileExistsError:
        return False
    except FileNotFoundError:
        return True
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
    lines = [int(line) for line in text.split("\n")[:-1] if line.isdigit()]
    return Claim(leader=lines[0] if lines else None, process=lines[1] if len(lines) > 1 else None)
