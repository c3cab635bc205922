"""What one place is asked before anything runs there: each check is one short command, and gives one line.

Nothing but a POSIX shell is needed there, and nothing stays there.
"""

from __future__ import annotations

import asyncio
import posixpath
import time
from collections.abc import Awaitable, Callable, Mapping
from enum import Enum

from ..connectors.base import Forecasting, Launch
from ..connectors.data import Data
from ..data_classes import dataclass
from ..errors import PlaceFailed, RecrateError
from .containers import LazyContainers
from .places import MIB, Place
from .planning import PLAN_TOKEN, answer_of

ANSWER_SECONDS = 30.0
FEWEST_MIB, FEW_MIB = 64, 1024
"""Below the first no job can be expected to run; below the second it is said."""
FEWEST_FILES, FEW_FILES = 500, 20_000
SKEW_SECONDS = 5.0
"""Clocks that differ by more make the instants on record misleading."""
TOOLS = "cat chmod cp date dd df dirname find id ln ls mkdir mv rm tail tar uname wc"
_SHELL = f"""for tool in {TOOLS}; do command -v $tool >/dev/null 2>&1 || printf '%s ' $tool; done
echo
for tool in sha256sum openssl shasum; do command -v $tool >/dev/null 2>&1 && exit 0; done
echo no
"""
"""Prints which programs are missing, and `no` when nothing can hash."""
_WRITE = """mkdir -p -- "$1" && cd -- "$1" && d=$(pwd)/.recrate-doctor-$$ && mkdir "$d" || exit 1
trap 'rm -rf "$d"' EXIT
said=$(dd if=/dev/zero of="$d/file" bs=65536 count=16 2>&1) || { printf '%s\\n' "${said%%
*}" >&2; exit 1; }
ln -s file "$d/link" && mkdir "$d/a b" || exit 1
command -v quota >/dev/null 2>&1 && quota -q 2>/dev/null
exit 0
"""
"""Writes 1 MiB, and prints which quota is exceeded."""
_RENAME = """cd -- "$1" && d=$(pwd)/.recrate-doctor-$$ && mkdir "$d" && cd "$d" || exit 1
trap 'cd /; rm -rf "$d"' EXIT
echo whole >file
( i=0; while [ $i -lt 60 ]; do echo whole >next && mv -f next file || break; i=$((i + 1)); done; : >done ) &
while [ ! -e done ]; do
  read -r word <file && [ "$word" = whole ] || { echo "a reader found no whole file while it was renamed" >&2; exit 1; }
done
wait
[ ! -e next ]
"""
"""Renames a file over another again and again, while somebody reads it."""


class Verdict(Enum):
    """What a check came to."""

    GOOD = "ok"
    ODD = "odd"
    """It can be worked with; the line says what to expect."""
    BAD = "bad"
    """Work would fail there."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found at a place, in one line, and what to do about it."""

    place: str
    check: str
    verdict: Verdict
    text: str
    hint: str | None = None

    @classmethod
    def of(cls, place: str, check: str, error: RecrateError) -> Finding:
        """Return the finding of a check that could not be made, or failed."""
        return cls(place, check, Verdict.BAD, error.problem, error.hint)


@dataclass(frozen=True, slots=True)
class Subject:
    """A place that is looked at."""

    place: Place
    top: str
    """Its directory for work."""
    wanted: str
    """The container engine that its deployment names."""

    @property
    def name(self) -> str:
        """Return how the place is called."""
        return self.place.location.name

    def good(self, check: str, text: str) -> Finding:
        """Return a finding that all is well."""
        return Finding(self.name, check, Verdict.GOOD, text)

    def odd(self, check: str, text: str, hint: str | None = None) -> Finding:
        """Return a finding that can be lived with."""
        return Finding(self.name, check, Verdict.ODD, text, hint)

    def bad(self, check: str, text: str, hint: str | None = None) -> Finding:
        """Return a finding that must be mended."""
        return Finding(self.name, check, Verdict.BAD, text, hint)

    async def said(self, program: str, *words: str) -> str:
        """Return what a short program prints there. Raises PlaceFailed with its last line when it fails."""
        argv = ["sh", "-c", program, "recrate", *words]
        done = await self.place.connector.run(self.name, argv, timeout=ANSWER_SECONDS)
        if done.code != 0:
            lines = done.stderr.decode("utf-8", "replace").split("\n")
            raise PlaceFailed(next((line for line in reversed(lines) if line.strip()), f"exit code {done.code}"))
        return done.stdout.decode("utf-8", "replace")


Check = Callable[[Subject], Awaitable[Finding | None]]


async def _shell(subject: Subject) -> Finding:
    missing, _, hashes = (await subject.said(_SHELL)).partition("\n")
    if missing.strip():
        return subject.bad("shell", f"these programs are missing: {missing.strip()}", "install them, or mend the PATH")
    if hashes.strip() and not subject.place.storage.is_here:
        return subject.bad("shell", "no program there can hash", "install sha256sum (coreutils) or openssl")
    return subject.good("shell", "a POSIX shell, with the programs that are needed")


async def _write(subject: Subject) -> Finding:
    other = "make room, or name another `workdir`"
    try:
        quota = (await subject.said(_WRITE, subject.top)).strip().split("\n")
    except PlaceFailed as error:
        return subject.bad("write", f"cannot write in {subject.top}: {error.problem}", error.hint or other)
    if quota[0]:
        return subject.odd("write", f"a quota is exceeded: {' '.join(quota[-1].split())}", other)
    return subject.good("write", f"files, directories and links can be made in {subject.top}")


async def _space(subject: Subject) -> Finding | None:
    connector = subject.place.connector
    if not isinstance(connector, Data):
        return None
    space = await connector.space(subject.name, subject.top)
    mib = None if space.free_bytes is None else space.free_bytes // MIB
    known = [f"{mib} MiB" if mib is not None else "", f"{space.free_files} inodes" if space.free_files else ""]
    text = f"{' and '.join(item for item in known if item) or 'nobody knows how much is'} free in {subject.top}"
    hint = "make room, or name another `workdir`"
    if (mib is not None and mib < FEWEST_MIB) or (space.free_files is not None and space.free_files < FEWEST_FILES):
        return subject.bad("space", text, hint)
    if (mib is not None and mib < FEW_MIB) or (space.free_files is not None and space.free_files < FEW_FILES):
        return subject.odd("space", text, hint)
    return subject.good("space", text)


async def _rename(subject: Subject) -> Finding:
    try:
        await subject.said(_RENAME, subject.top)
    except PlaceFailed as error:
        hint = "another `workdir`, on a file system whose rename is atomic"
        return subject.bad("rename", f"renaming in {subject.top} does not work: {error.problem}", hint)
    return subject.good("rename", f"a file is replaced at once in {subject.top}")


async def _clock(subject: Subject) -> Finding:
    before = time.time()
    told = (await subject.said("date +%s")).strip()
    after = time.time()
    if not told.isdigit():
        return subject.odd("clock", f"its clock cannot be read: date says {told!r}")
    ahead = int(told) + 0.5 - (before + after) / 2
    if abs(ahead) > SKEW_SECONDS + (after - before) / 2:
        text = f"its clock is {abs(ahead):.0f} s {'ahead' if ahead > 0 else 'behind'}"
        return subject.odd("clock", text, "set it by NTP: what is on record of that place has its instants")
    return subject.good("clock", "its clock is right")


async def _queue(subject: Subject) -> Finding | None:
    place = subject.place
    if not isinstance(place.connector, Forecasting):
        return None
    launch = Launch(PLAN_TOKEN, PLAN_TOKEN, place.workdir, f"{place.workdir}/script")
    can, text = await answer_of(place, launch)
    if not can:
        return subject.bad("queue", f"no job can run: {text}", "mend the keys of this service in the binding file")
    return subject.good("queue", f"of a small job: {text}")


async def _containers(subject: Subject) -> Finding:
    if subject.wanted == "none":
        return subject.good("containers", "none are wanted")
    place = subject.place
    found = LazyContainers(
        place.connector, subject.wanted, True, lambda facts: facts.id, subject.name, place.storage.is_here
    )
    why = await found.why_none()
    if why is None:
        return subject.good("containers", place.location.facts.runtime or "an engine works")
    text = f"{why.problem}: tools that need a container cannot run there"
    return subject.odd("containers", text, why.hint or "install podman, docker or apptainer")


CHECKS: Mapping[str, Check] = {
    "shell": _shell,
    "write": _write,
    "space": _space,
    "rename": _rename,
    "clock": _clock,
    "containers": _containers,
}
"""Of each place whose files no other one has had checked."""
EACH: Mapping[str, Check] = {"queue": _queue}
"""Of each location."""


async def checked(place: Place, wanted: str, *, files: bool) -> list[Finding]:
    """Return what all checks of a place found; with `files` those of its machine and its disk too."""
    subject = Subject(place, posixpath.dirname(place.workdir), wanted)
    found = [await _checked(subject, name, check) for name, check in ({**CHECKS, **EACH} if files else EACH).items()]
    return [finding for finding in found if finding is not None]


async def _checked(subject: Subject, name: str, check: Check) -> Finding | None:
    try:
        async with asyncio.timeout(2 * ANSWER_SECONDS):
            return await check(subject)
    except TimeoutError:
        hint = "is it overloaded, or its disk gone? try it by hand"
        return subject.bad(name, f"gave no answer within {2 * ANSWER_SECONDS:.0f} s", hint)
    except RecrateError as error:
        return Finding.of(subject.name, name, error)
