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


def begin(module: str, told: Any, answers: IO[bytes], keep_open: Sequence[int] = ()) -> subprocess.Popen[bytes] | None:
    """Start a module as a program; None when that cannot be.

    Args:
        module: its name.
        told: what it is to do, which it is given as JSON by its standard input: others can read its arguments.
        answers: a file for what it prints.
        keep_open: descriptors that stay open in it.
    """
    if not sys.executable:
        return None
    try:
        # With -P nothing is imported from the directory in which the command was given.
        argv = [sys.executable, "-P", "-m", module]
        process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=answers, stderr=subprocess.DEVNULL, pass_fds=keep_open
        )
    except OSError:
        return None
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError), process.stdin as stream:
        stream.write(json.dumps(told).encode("ascii"))
    return process
