"""A module of ours as a program beside this one, so that a second core is put to use."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Sequence
from typing import IO, Any

from ..connectors.probe import usable_cores


def has_second_core() -> bool:
    """Tell whether another process can run beside this one."""
    return usable_cores() > 1


def start(module: str, answers: IO[bytes] | int, keep_open: Sequence[int] = ()) -> subprocess.Popen[bytes] | None:
    """Start a module as a program, which is to be told by its standard input what to do; None when that cannot be.

    Args:
        module: its name.
        answers: a file for what it prints, or `subprocess.PIPE`.
        keep_open: descriptors that stay open in it.
    """
    if not sys.executable:
        return None
    try:
        # With -P nothing is imported from the directory in which the command was given.
        argv = [sys.executable, "-P", "-m", module]
        return subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=answers, stderr=subprocess.DEVNULL, pass_fds=keep_open
        )
    except OSError:
        return None


def begin(module: str, told: Any, answers: IO[bytes], keep_open: Sequence[int] = ()) -> subprocess.Popen[bytes] | None:
    """Start a module as `start` does, and tell it all as JSON: others can read the arguments of a program."""
    process = start(module, answers, keep_open)
    if process is not None:
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError), process.stdin as stream:
            stream.write(json.dumps(told).encode("ascii"))
    return process
