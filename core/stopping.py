"""How a run is ended from outside: by signals, or by a wish that somebody wrote into the store."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from threading import Timer
from types import FrameType
from typing import Any, NoReturn

from ..connectors.base import Abrupt
from ..errors import StoreFailed
from ..provenance.leases import Wish
from ..provenance.rows import LeaseRow
from ..provenance.statements import Update
from .observer import Notice, Progress, Silent
from .session import Session

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What ends a run. A signal that is ignored (`nohup`) stays ignored."""

INTERRUPTED = 130
"""Exit code of a run that Ctrl-C ended, as shells count: 128 and the number of the signal."""

CANCELLED = 143
"""Exit code of a run that was ended in another way."""

SAME_WISH_SECONDS = 0.3
"""Signals that come closer together than this say the same thing: a program that ends a whole group
of processes, such as timeout(1) or a shell whose terminal is closed, may reach one process twice."""

PATIENCE_SECONDS = 1.0
"""How long a second signal waits for an event loop that is busy."""

_POLL_SECONDS = 0.02

ENDING = "ending the run: its jobs have a few seconds to end by themselves (once more ends them at once)"


class Stopping:
    """While a run goes on: the first signal or wish ends it cleanly, a second signal at once.

    Ended at once means: all jobs are killed and the process leaves. The record stays as it is after
    any crash, so that the run can be resumed.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._loop = asyncio.get_running_loop()
        self._begun: float | None = None
        self._number = signal.SIGTERM
        self._task: asyncio.Task[None] | None = None
        self._restore: list[Callable[[], Any]] = []
        self._terminals: list[int] = []

    @property
    def exit_code(self) -> int:
        """What a run that was cancelled exits with: as shells count, 130 after Ctrl-C, else 143."""
        return INTERRUPTED if self._number == signal.SIGINT else CANCELLED

    def __enter__(self) -> Stopping:
        self._session.asked = self._asked
        self._terminals = [descriptor for descriptor in range(3) if os.isatty(descriptor)]
        for number in SIGNALS:
            before = signal.getsignal(number)
            if before is signal.SIG_IGN:
                continue
            try:
                # Not `loop.add_signal_handler`: a second signal must count while the loop is busy.
                signal.signal(number, self._signalled)
            except ValueError:  # not the main thread of the program: signals are not ours
                return self
            self._restore.append(partial(signal.signal, number, before or signal.SIG_DFL))
        return self

    def __exit__(self, *_: object) -> None:
        if self._begun is not None:
            # What comes late of the same wish must not meet the handlers of before, which end the process.
            time.sleep(max(0.0, self._begun + SAME_WISH_SECONDS - time.monotonic()))
        for restore in self._restore:
            restore()
        if self._task is not None:
            self._task.cancel()

    def _asked(self, wish: Wish) -> None:
        if wish is Wish.CANCEL and self._begun is None:
            self._begun = time.monotonic()
            self._cancel()

    def _signalled(self, number: int, _: FrameType | None) -> None:
        """Take a signal, between any two instructions of the main thread."""
        if number == signal.SIGHUP:
            self._leave_terminals()
        now = time.monotonic()
        if self._begun is None:
            self._begun, self._number = now, signal.Signals(number)
            self._loop.call_soon_threadsafe(self._cancel)
        elif now - self._begun > SAME_WISH_SECONDS:
            self._number = signal.Signals(number)
            # In the event loop no launch is half done, so that no job is missed.
            self._loop.call_soon_threadsafe(self._leave)
            late = Timer(PATIENCE_SECONDS, self._leave_now)
            late.daemon = True
            late.start()

    def _cancel(self) -> None:
        self._tell(Notice.STOPPING, ENDING)
        self._task = self._loop.create_task(self._cancelled())

    async def _cancelled(self) -> None:
        """Cancel the run as soon as it has begun, and say so in the store: nobody need ask again."""
        while (engine := self._session.engine) is None or not engine.is_under_way:
            await asyncio.sleep(_POLL_SECONDS)
        engine.ask_to_cancel()
        wish = Update(LeaseRow, (self._session.run_id,), {"asked": Wish.CANCEL.value})
        try:
            engine.ledger.recorder.put(wish)
        except StoreFailed:  # the event of the cancellation fails as well, and that ends the run
            return

    def _leave(self) -> NoReturn:
        """Kill all jobs, say so, and end this process."""
        self._kill_jobs()
        name = self._session.name
        text = f"run {name} was ended at once; go on with: recrate resume {name}"
        if isinstance(self._session.observer, Silent):
            # This is no progress but an error, which those who want quiet want to see as well.
            print(f"recrate: {text}", file=sys.stderr)
        self._tell(Notice.RUN_ENDED, text)
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError):  # nobody reads it any more
                continue
        os._exit(self.exit_code)

    def _leave_now(self) -> NoReturn:
        """Kill all jobs and end this process; nothing is printed, since that may be what takes so long."""
        self._kill_jobs()
        os._exit(self.exit_code)

    def _kill_jobs(self) -> None:
        engine = self._session.engine
        for place in engine.attempts.seats.places if engine is not None else ():
            if isinstance(place.connector, Abrupt):
                place.connector.end_all()

    def _tell(self, notice: Notice, text: str) -> None:
        self._session.observer.notify(Progress(notice, self._session.run_id, text=text))

    def _leave_terminals(self) -> None:
        """Let what is still printed go nowhere: a terminal that was closed takes nothing but errors."""
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in self._terminals:
            os.dup2(nowhere, descriptor)
        os.close(nowhere)
