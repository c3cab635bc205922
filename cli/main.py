"""The entry point: the cheap questions first, then the command line proper.

`--version` loads nothing but this package, and `recrate cwl` has the options of a CWL runner,
which are parsed by argparse since they depend on the tool; all else is Typer's.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from .. import __version__
from ..errors import RecrateError

INTERRUPTED = 130
BROKEN_PIPE = 141
OBJECTS_A_COLLECTION = 50_000
"""Python looks for garbage in cycles after so many new objects. Each look goes over what thousands of jobs
wait for, and almost nothing of it is garbage: with its own number, 700, the looks took 1.5 s of a run of 1,000 jobs on
two busy Slurm clusters (27 s), with this one 0.2 to 0.4 s."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code; errors for users are shown as one line."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    gc.set_threshold(OBJECTS_A_COLLECTION, *gc.get_threshold()[1:])
    _surrogates_allowed()
    try:
        return _dispatch(arguments)
    except RecrateError as error:
        print(f"recrate: {error.render()}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("recrate: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE


def _dispatch(arguments: list[str]) -> int:
    if arguments in (["--version"], ["-V"], ["version"]):
        print(f"recrate {__version__}")
        return 0
    if arguments[:1] == ["cwl"]:
        from .cwl_runner import run_cwl

        return run_cwl(arguments[1:])
    from .app import run_app

    return run_app(arguments)


def _surrogates_allowed() -> None:
    """File names that are not UTF-8 must not break what is printed."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="surrogateescape" if stream is sys.stdout else "backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
