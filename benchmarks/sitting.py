"""One sitting: all engines asked the same in turns, each run in a place of its own and checked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .engines.base import Call, Engine, Room
from .questions.base import Ask, Case, Prepared
from .results import NOT_ASKED, CaseResult, Entry, Sample
from .supervise import Measured

SUPERVISE = Path(__file__).with_name("supervise.py")
METADATA = "ro-crate-metadata.json"
LARGE_BYTES = 1 << 20
LONG_SECONDS = 60
RUNS_WHEN_LONG = 3
"""What takes longer than a minute is not run more often: its spread is small, and the day is short."""

Tell = Callable[[str], None]


class Unusable(Exception):
    """A run whose time means nothing: it failed, gave something else, or took too long."""


@dataclass(frozen=True, slots=True)
class Sitter:
    """How runs are made: where, how often, how long at most."""

    scratch: Path
    runs: int
    limit: float
    tell: Tell

    def case(self, case: Case, engines: Sequence[Engine]) -> CaseResult:
        """Ask all engines one case, in turns, so that what else the machine does hits them all alike."""
        data = self.scratch / "data"
        data.mkdir()
        try:
            prepared = case.question.prepare(data, case.size)
            entries = {engine.name: Entry(skipped=unfit(engine, case, prepared)) for engine in engines}
            for number in range(self.runs):
                for engine in turned(engines, number):
                    self.turn(case, prepared, engine, entries[engine.name])
        finally:
            self.leave(data)
        return CaseResult(case.name, case.title, case.jobs, entries)

    def turn(self, case: Case, prepared: Prepared, engine: Engine, entry: Entry) -> None:
        """Add one run to what is known of an engine, unless it failed already or was slow often enough."""
        slow = len(entry.samples) >= RUNS_WHEN_LONG and entry.samples[0].seconds > LONG_SECONDS
        if entry.skipped or slow:
            return
        try:
            sample = self.run(case, prepared, engine)
        except Unusable as error:
            entry.skipped = str(error)
            self.tell(f"{case.title}: {engine.title}: {error}")
            return
        entry.samples.append(sample)
        self.tell(f"{case.title}: {engine.title}: {sample.seconds:.2f} s")

    def run(self, case: Case, prepared: Prepared, engine: Engine) -> Sample:
        """Run a case once in a new place and check what came out; raise `Unusable` when it is wrong."""
        room = Room(self.scratch / "room")
        try:
            if case.question.again:
                self.ask(case, prepared, engine, room)
                for path in room.root.iterdir():  # all but the caches: the next run has a new store
                    if path != room.home:
                        self.leave(path)
            for earlier in BEFORE.get(case.question.ask, ()):
                self.ask(case, prepared, engine, room, earlier)
            measured = self.ask(case, prepared, engine, room)
            return Sample(
                seconds=measured["seconds"],
                peak_bytes=measured["peak_bytes"],
                controller_cpu=measured["controller_cpu"],
                jobs_cpu=measured["jobs_cpu"],
                store_bytes=engine.store_bytes(room) if case.jobs else None,
            )
        finally:
            self.leave(room.root)

    def leave(self, path: Path) -> None:
        """Put aside what a run has left, which goes when the sitting ends; only large files go now.

        ext4 keeps away from inodes that were freed in the last minutes, and looks at each of them whenever a
        file is made: after the files of some runs are removed, a new one costs a millisecond of system time.
        """
        if not path.exists():
            return
        for directory, _, names in os.walk(path):
            for name in names:
                file = Path(directory, name)
                if not file.is_symlink() and file.stat().st_size > LARGE_BYTES:
                    file.unlink()
        done = self.scratch / "done"
        done.mkdir(exist_ok=True)
        path.rename(Path(tempfile.mkdtemp(dir=done)) / path.name)

    def ask(self, case: Case, prepared: Prepared, engine: Engine, room: Room, ask: Ask | None = None) -> Measured:
        """Ask an engine once, the case's question or another one; raise `Unusable` when it does not do it."""
        ask = ask or case.question.ask
        call = engine.call(ask, prepared, room)
        if call is None:
            raise Unusable(NOT_ASKED)
        room.make()
        measured = supervised(call, room, self.limit)
        if measured["timed_out"]:
            raise Unusable(f"not done after {self.limit:.0f} s")
        if measured["code"]:
            raise Unusable(f"failed with exit code {measured['code']}: {last_words(room)}")
        if ask is Ask.RUN:
            check_outputs(engine, prepared, room)
        if ask is Ask.EXPORT:
            check_crate(case, room)
        return measured


BEFORE: Mapping[Ask, Sequence[Ask]] = {Ask.EXPORT: [Ask.RUN], Ask.IMPORT: [Ask.RUN, Ask.EXPORT]}
"""What has to be asked before, in the same place."""


def turned(engines: Sequence[Engine], number: int) -> list[Engine]:
    """Return the engines in an order that begins with another one each time."""
    start = number % len(engines) if engines else 0
    return [*engines[start:], *engines[:start]]


def unfit(engine: Engine, case: Case, prepared: Prepared) -> str | None:
    """Return why an engine is not asked a case, or None when it is."""
    if engine.most_jobs is not None and case.jobs > engine.most_jobs:
        return f"not above {engine.most_jobs:,} jobs: {engine.because}"
    if engine.call(case.question.ask, prepared, Room(Path("nowhere"))) is None:
        return NOT_ASKED
    return None


def supervised(call: Call, room: Room, limit: float) -> Measured:
    """Run a command by `supervise.py` and return what that measured."""
    result = room.root / "measured.json"
    with room.stdout.open("wb") as stdout, room.stderr.open("wb") as stderr:
        subprocess.run(
            [sys.executable, "-I", str(SUPERVISE), str(limit), str(result), *call.argv],
            cwd=room.work,
            env={**environment(room), **call.environment},
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            check=True,
        )
    measured: Measured = json.loads(result.read_text(encoding="utf-8"))
    return measured


def environment(room: Room) -> dict[str, str]:
    """Return what all commands see: nothing of the caller's but the path of programs."""
    return {"PATH": os.environ["PATH"], "HOME": str(room.home), "TMPDIR": str(room.work), "LANG": "C.UTF-8"}


def check_outputs(engine: Engine, prepared: Prepared, room: Room) -> None:
    """Raise `Unusable` unless a run gave exactly what it should."""
    try:
        found = list(engine.outputs(room))
    except (OSError, ValueError, LookupError) as error:
        raise Unusable(f"left no outputs that can be read: {error!r}") from error
    if found != list(prepared.expected):
        raise Unusable(f"gave {len(found)} outputs that are not the {len(prepared.expected)} expected")


def check_crate(case: Case, room: Room) -> None:
    """Raise `Unusable` unless there is a crate, or an archive of one, with at least an action for each job."""
    try:
        found = metadata_of(room.crate).count(b'"CreateAction"')
    except (OSError, LookupError) as error:
        raise Unusable(f"left no crate that can be read: {error!r}") from error
    if found < case.jobs:
        raise Unusable(f"left a crate of {found} actions for {case.jobs} jobs")


def metadata_of(folder: Path) -> bytes:
    """Return the metadata of the crate that a folder is, or that is in an archive in it."""
    archives = list(folder.glob("*.zip"))
    if not archives:
        return (folder / METADATA).read_bytes()
    with zipfile.ZipFile(archives[0]) as archive:
        return archive.read(METADATA)


def last_words(room: Room) -> str:
    """Return the last line that an engine wrote to its standard error, without paths of this run."""
    text = room.stderr.read_text(encoding="utf-8", errors="replace").strip()
    line = (text.splitlines() or ["nothing was said"])[-1].replace(str(room.root), "")
    return line if len(line) < 120 else f"{line[:117]}..."
