"""Which files a command of this machine opens, by strace; and which of them nobody declared as its input.

A command is started by `strace`, which leaves one file for each of its processes in the attempt's
directory, a line for each file that the process opened. Whatever it read that is there, that no input
says, and that is in none of the system's own directories, is undeclared: on another machine it may be
another one, or missing.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ..connectors.wrapper import Script
from ..data_classes import dataclass
from ..errors import Unsupported
from .plan import Stage
from .uris import is_file_uri, to_path

IGNORED = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/sys", "/dev", "/run",
    "/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives",
    "/etc/locale.alias", "/etc/localtime", "/etc/timezone", "/etc/nsswitch.conf", "/etc/passwd", "/etc/group",
    "/etc/host.conf", "/etc/hosts", "/etc/resolv.conf", "/etc/gai.conf", "/etc/ssl", "/etc/mime.types",
    "/etc/inputrc", "/etc/terminfo", "/etc/fonts", "/var/cache/fontconfig", "/var/lib/dpkg",
)  # fmt: skip
"""Files and directories of the system, which belong to no job."""
CALLS = "open,openat,openat2,creat,execve"
OPENED = "opened"
"""What the names of the files begin with that strace leaves."""
MOST_PATHS = 20
"""So many paths are told of an attempt; of more, directories are told that stand for them."""
_OPENED = re.compile(r"(?:open|openat|openat2|creat)\((.*)\)\s+= \d+<(/.*)>")
_STARTED = re.compile(r'execve\("(/(?:[^"\\]|\\.)*)".*\)\s+= 0')
_ESCAPE = re.compile(r"\\([0-7]{1,3}|.)")
_LETTERS = {"n": "\n", "t": "\t", "v": "\v", "f": "\f", "r": "\r"}


@dataclass(frozen=True, slots=True)
class Undeclared:
    """Files that a job read and nobody declared.

    Attributes:
        count: how many there are.
        paths: which; where these are many, directories (which end with `/`) that stand for those in them.
    """

    count: int
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tracer:
    """Starts commands so that what they open is known, and says what of it was not declared."""

    command: tuple[str, ...]
    """strace, with the options that this machine allows."""
    ignored: tuple[str, ...] = IGNORED

    def traced(self, task: Script) -> Script:
        """Return what carries out a task and notes what it opens. How it ends is the same.

        The shell between says of a command that is not there what it says without strace.
        """
        kept = ("-o", f"{task.directory}/{OPENED}", "--", "/bin/sh", "-c", 'exec "$0" "$@"')
        return replace(task, argv=(*self.command, *kept, *task.command), shell=None)

    def undeclared(self, directory: str, stages: Iterable[Stage]) -> Undeclared | None:
        """Return what the command of an attempt read beside its inputs; None when that is nothing.

        What strace has left is removed.
        """
        notes = [path for path in glob.glob(f"{glob.escape(directory)}/{OPENED}.*") if _is_plain(path)]
        read = read_by(map(_lines, notes))
        for path in notes:
            os.unlink(path)
        declared = {directory, *(os.path.realpath(path) for path in _sources(stages))}
        paths = [path for path in read if not _is_below(path, (*self.ignored, *declared))]
        there = sorted(path for path in paths if os.path.isfile(path))
        return Undeclared(len(there), told(there)) if there else None


def find_tracer(ignored: Sequence[str] = ()) -> Tracer:
    """Return what traces the commands of this machine; `ignored` are paths beside those of the system.

    Raises Unsupported when there is no strace, or it may not trace.
    """
    program = shutil.which("strace")
    if program is None:
        raise Unsupported("--audit needs strace, which is not here", hint="install it: apt-get install strace")
    command = (program, "-ff", "-qq", "-y", "-s", "0", "-e", f"trace={CALLS}")
    quick = (*command, "--seccomp-bpf")
    chosen = next((one for one in (quick, command) if _works(one)), None)
    if chosen is None:
        raise Unsupported("--audit needs strace to trace processes, which is not allowed here")
    return Tracer(chosen, (*IGNORED, *(os.path.abspath(path) for path in ignored)))


def _works(command: Sequence[str]) -> bool:
    done = subprocess.run([*command, "-o", "/dev/null", "--", "true"], capture_output=True, check=False)
    return done.returncode == 0


def _is_plain(path: str) -> bool:
    """Tell whether a path is a file, and nothing that a job may have put in its place."""
    return os.path.isfile(path) and not os.path.islink(path)


def _lines(path: str) -> Iterator[str]:
    with open(path, encoding="utf-8", errors="surrogateescape") as stream:
        yield from stream


def read_by(processes: Iterable[Iterable[str]]) -> set[str]:
    """Return the absolute paths that processes read or executed, by the lines that strace noted of each of them.

    What one of them made first is not among them.
    """
    read: set[str] = set()
    made: set[str] = set()
    for lines in processes:
        for line in lines:
            started, opened = _STARTED.match(line), _OPENED.match(line)
            if started is not None:
                read.add(_decoded(started[1]))
            elif opened is not None:
                _note(line, opened[1], _decoded(opened[2]), read, made)
    return read - made


def _note(line: str, flags: str, path: str, read: set[str], made: set[str]) -> None:
    """Note a path that was opened as read, or as made anew; one that was only written to is neither."""
    if "O_DIRECTORY" in flags:
        return
    if line.startswith("creat(") or ("O_CREAT" in flags and "O_RDONLY" not in flags):
        made.add(path)
    elif "O_WRONLY" not in flags:
        read.add(path)


def _decoded(text: str) -> str:
    """Return a path that strace wrote with the escapes of C."""
    if "\\" not in text:
        return text
    raw = _ESCAPE.sub(lambda found: _LETTERS.get(found[1]) or _byte(found[1]), text)
    return os.fsdecode(raw.encode("latin-1", "surrogateescape"))


def _byte(escape: str) -> str:
    return chr(int(escape, 8)) if escape.isdigit() else escape


def _sources(stages: Iterable[Stage]) -> Iterator[str]:
    for stage in stages:
        if stage.location is not None and is_file_uri(stage.location):
            yield to_path(stage.location)


def _is_below(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(f"{folder.rstrip('/')}/") for folder in folders)


def told(paths: Sequence[str], most: int = MOST_PATHS) -> tuple[str, ...]:
    """Return so many paths at most; of more, those in one directory are told by that, which ends with `/`."""
    shown = list(paths)
    depth = max((path.count("/") for path in paths), default=0)
    while len(shown) > most and depth > 1:
        counts = Counter(_upto(path, depth) for path in paths)
        shown = sorted({_upto(path, depth) if counts[_upto(path, depth)] > 1 else path for path in paths})
        depth -= 1
    return tuple(shown[:most])


def _upto(path: str, depth: int) -> str:
    """Return the directory that the first `depth` parts of a path name, or the path where it has no more."""
    parts = path.split("/")
    return "/".join(parts[:depth]) + "/" if len(parts) > depth else path
