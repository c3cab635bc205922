"""A process that goes on in the background, while the one that was started tells how it began.

It is forked, not executed anew: what was checked in the foreground, such as a document that may
change, or inputs that came by a pipe, is then exactly what runs. A fork copies one thread alone, so
it has to come before any other thread and before any event loop, and with no database open; loading
documents and hashing inputs leave none behind, and `detach` makes sure of it.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading

from ..data_classes import dataclass
from ..errors import RecrateError, UsageError
from .observer import Notice, Observer, Progress


@dataclass(frozen=True, slots=True)
class StartFailure:
    """Why a process in the background ended before its run was on record, and its exit code."""

    text: str
    exit_code: int


@dataclass(slots=True)
class Background:
    """The side of the process in the background: says once how the start went."""

    pipe: int

    def started(self) -> None:
        """Say that the run is on record."""
        self._say({})

    def failed(self, error: RecrateError) -> bool:
        """Say why it never was; False when it is too late to say so, since the foreground is gone."""
        return self._say({"text": error.render(), "exit_code": error.exit_code})

    def _say(self, message: dict[str, object]) -> bool:
        if self.pipe < 0:
            return False
        pipe, self.pipe = self.pipe, -1
        with open(pipe, "w", encoding="utf-8") as stream:
            json.dump(message, stream)
        return True


@dataclass(slots=True)
class Foreground:
    """The side of the process that was started: waits until it is known how the start went."""

    pipe: int
    pid: int
    log: str

    def wait(self) -> StartFailure | None:
        """Return None when the run is on record, or why it never will be."""
        try:
            with open(self.pipe, encoding="utf-8") as stream:
                text = stream.read()
        except KeyboardInterrupt:
            os.kill(self.pid, signal.SIGTERM)
            raise
        if not text:
            return StartFailure(f"the run ended before it was on record: see {self.log}", 1)
        message = json.loads(text)
        if not message:
            return None
        if not os.path.getsize(self.log):
            os.unlink(self.log)
        return StartFailure(message["text"], message["exit_code"])


@dataclass(frozen=True, slots=True)
class TellsStart:
    """An observer that also tells the foreground when the run is on record."""

    background: Background
    observer: Observer

    def notify(self, progress: Progress) -> None:
        """Pass a notice on."""
        if progress.notice is Notice.RUN_STARTED:
            self.background.started()
        self.observer.notify(progress)


def detach(log: str) -> Foreground | Background:
    """Fork. In the new process, standard streams go to a new file `log`, and no terminal can end it.

    Raises UsageError when the log cannot be made.
    """
    if threading.active_count() > 1:
        raise RuntimeError("a process with several threads cannot be continued in the background")
    try:
        os.makedirs(os.path.dirname(log), exist_ok=True)
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
    except OSError as error:
        raise UsageError(f"cannot write the log {log}: {error.strerror}") from error
    sys.stdout.flush()
    sys.stderr.flush()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        os.close(file)
        return Foreground(reading, pid, log)
    os.close(reading)
    _leave_terminal(file)
    return Background(writing)


def _leave_terminal(log: int) -> None:
    """Give this process a session of its own, without a terminal, and other standard streams."""
    os.setsid()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nowhere, 0), (log, 1), (log, 2)):
        os.dup2(source, target)
    for descriptor in (nowhere, log):
        if descriptor > 2:
            os.close(descriptor)
