"""The options of `recrate cwl`: those that users of CWL runners type, as argparse knows them."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from ..data_classes import dataclass

DESCRIPTION = "Run one CWL process as the standard's runner command does: the outputs object goes to standard output."
EXIT_CODES = (
    "Exit codes: 0 success; 1 failure; 2 wrong options; 33 not supported; 130 and 143 when Ctrl-C or another "
    "signal ended the run."
)


@dataclass(frozen=True, slots=True)
class CwlCall:
    """A parsed command line: the options, the process, and what follows it."""

    options: argparse.Namespace
    process: str | None
    rest: Sequence[str]
    """The job file, or `--name value` pairs for the process's own parameters."""


IGNORED = {
    "--parallel": "accepted: jobs always run in parallel",
    "--leave-tmpdir": "accepted: see --keep of `recrate run`",
    "--rm-tmpdir": "accepted: see --keep of `recrate run`",
    "--leave-container": "accepted: containers are always removed",
    "--rm-container": "accepted: containers are always removed",
    "--enable-ext": "accepted: extensions are always on",
    "--enable-dev": "accepted: development versions are always on",
    "--strict": "accepted: checks are always strict",
    "--timestamps": "accepted: the store has all instants",
    "--relax-path-checks": "accepted: all names are allowed",
    "--no-compute-checksum": "accepted: checksums are always computed",
    "--copy-outputs": "accepted: the default",
    "--default-container-none": "accepted",
}


def parser() -> argparse.ArgumentParser:
    """Return the parser of the options that stand before the process."""
    made = argparse.ArgumentParser(
        prog="recrate cwl",
        description=DESCRIPTION,
        epilog=EXIT_CODES,
        usage="recrate cwl [options] tool.cwl [job.yml | --param value ...]",
        add_help=False,
        allow_abbrev=False,
    )
    _what(made)
    _where(made)
    _how(made)
    group = made.add_argument_group("accepted for compatibility, without effect")
    for name, meaning in IGNORED.items():
        group.add_argument(name, action="store_true", help=meaning)
    return made


def _what(made: argparse.ArgumentParser) -> None:
    group = made.add_argument_group("what to do (default: run)")
    group.add_argument("-h", "--help", action="store_true", help="this help; after a process: its parameters")
    group.add_argument("--version", action="store_true", help="print the version")
    group.add_argument("--validate", action="store_true", help="check the process and stop")
    group.add_argument("--pack", action="store_true", help="print the process with all it refers to as one document")
    group.add_argument("--print-dot", action="store_true", help="print the workflow's graph for Graphviz")
    group.add_argument("--print-deps", action="store_true", help="print the files that the process refers to")
    group.add_argument("--make-template", action="store_true", help="print a job file to fill in")


def _where(made: argparse.ArgumentParser) -> None:
    group = made.add_argument_group("where things go")
    group.add_argument("--outdir", metavar="DIR", help="directory for the outputs (default: the current one)")
    group.add_argument("--basedir", metavar="DIR", help="directory that relative paths on the command line start from")
    group.add_argument("--tmpdir-prefix", metavar="PREFIX", help="where work directories are made")
    group.add_argument("--tmp-outdir-prefix", metavar="PREFIX", help="the same as --tmpdir-prefix")
    group.add_argument(
        "--cachedir", metavar="DIR", help="take results of earlier runs, kept in a store in this directory"
    )
    group.add_argument("--store", metavar="URL", help="provenance store (default: RECRATE_STORE or the user's own)")
    group.add_argument("--move-outputs", action="store_true", help="move the outputs instead of copying them")
    group.add_argument("--leave-outputs", action="store_true", help="leave the outputs in the work directories")


def _how(made: argparse.ArgumentParser) -> None:
    group = made.add_argument_group("how to run")
    group.add_argument("--quiet", action="store_true", help="print errors only")
    group.add_argument("--verbose", action="store_true", help="print each job as it starts and ends")
    group.add_argument("--debug", action="store_true", help="the same as --verbose")
    group.add_argument("--no-container", action="store_true", help="run without containers; required ones exit 33")
    group.add_argument("--docker", dest="engine", action="store_const", const="docker", help="use docker")
    group.add_argument("--podman", dest="engine", action="store_const", const="podman", help="use podman")
    group.add_argument(
        "--singularity", dest="engine", action="store_const", const="singularity", help="not supported yet"
    )
    group.add_argument("--default-container", metavar="IMAGE", help="image for tools that name none")
    group.add_argument("--on-error", choices=["stop", "continue"], default="stop", help="what a failed job stops")
    group.add_argument("--jobs", type=int, metavar="N", help="jobs at a time (default: as the cores allow)")
    group.add_argument("--enable-net", action="store_true", help="let documents and inputs come by http(s)")
    group.add_argument(
        "--eval-timeout", type=float, metavar="SECONDS", help="time limit of one expression (default 20)"
    )


def parse(argv: Sequence[str]) -> CwlCall:
    """Split a command line at the process: what stands before it are our options, and after it
    also those of ours that the process has no parameter for."""
    made = parser()
    process, position = _find_process(made, argv)
    options = made.parse_args(argv[:position])
    return CwlCall(options, process, argv[position + 1 :] if process is not None else ())


def _find_process(made: argparse.ArgumentParser, argv: Sequence[str]) -> tuple[str | None, int]:
    takes_value = {name for action in made._actions if action.nargs is None for name in action.option_strings}
    index = 0
    while index < len(argv):
        word = argv[index]
        if not word.startswith("-") or word == "-":
            return word, index
        index += 2 if word in takes_value else 1
    return None, len(argv)
