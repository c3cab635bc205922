"""The single writer of a run.

Callers hand rows over in the event loop; a thread with a connection of its own writes them. While
one batch goes to disk the next one gathers, so that the rows of many callers share a transaction.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from queue import Empty, SimpleQueue
from threading import Thread

from ..data_classes import dataclass
from ..errors import StoreFailed
from .database import Database
from .leases import HEARTBEAT_SECONDS, Lease, Wish
from .rows import Row
from .statements import Update, statements
from .store import HeldLease, Store

Change = Row | Update
"""What can be recorded: a new row, or a change of one that is there."""

PUT_SECONDS = 0.25
"""How long rows given to `put` wait for a `record` to take them along."""

CLOSE_SECONDS = 60.0
"""How long the end of the writer's thread is waited for, which has nothing left to do but to write its log back."""

SIBLINGS = 4
GATHER_SECONDS = 0.001
"""When so many came for the last transaction, more are about to come for this one: it waits for them so long."""
_MOST_ROWS = 20_000
"""Rows in one transaction at most, so that memory and the wait of others stay bounded."""


@dataclass(frozen=True, slots=True)
class _Handed:
    """Rows on their way to the writer, and who waits for them."""

    changes: Sequence[Change]
    waiter: asyncio.Future[None] | None = None
    last: bool = False


class Recorder:
    """Writes rows to a store, in the order in which they were given.

    All methods but `close` raise StoreFailed for ever once a write has failed, or once another
    controller has taken the run over.

    `asked` is called in the event loop with what somebody asks of the holder of the lease, within
    `leases.HEARTBEAT_SECONDS`, and again with each sign of life.
    """

    def __init__(
        self, store: Store, lease: HeldLease | None = None, asked: Callable[[Wish], None] | None = None
    ) -> None:
        self._store = store
        self._tell = None if asked is None else _in_this_loop(asked)
        self._lease = None if lease is None else lease.lease
        self._queue: SimpleQueue[_Handed] = SimpleQueue()
        self._pending: list[Change] = []
        self._timer: asyncio.TimerHandle | None = None
        self._failure: StoreFailed | None = None
        self._told = False
        self._closed = False
        self._batch: list[_Handed] = []
        self._thread = Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    async def record(self, *changes: Change) -> None:
        """Return once the rows, and all that were given before, are on disk; never before."""
        self._check()
        waiter = asyncio.get_running_loop().create_future()
        self._hand(changes, waiter)
        await waiter

    def put(self, *changes: Change) -> None:
        """Take rows and return at once: they are committed with the next `record` at the latest.

        To be called in the event loop. They do not wait for longer than `PUT_SECONDS`.
        """
        self._check()
        self._pending += changes
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PUT_SECONDS, self._hand, (), None)

    async def flush(self) -> None:
        """Return once all that was given is on disk."""
        await self.record()

    async def close(self) -> None:
        """Write what was given and end. Doing it again changes nothing.

        Raises StoreFailed when rows were lost and no `record` has said so yet.
        """
        if self._closed:
            return
        self._closed = True
        waiter = asyncio.get_running_loop().create_future()
        self._hand((), waiter, last=True)
        try:
            await waiter
        except StoreFailed:
            if not self._told:
                raise
        finally:
            # Its connection must be closed by now: whoever closes the last one writes SQLite's log back.
            self._thread.join(CLOSE_SECONDS)

    def _check(self) -> None:
        if self._failure is not None:
            self._told = True
            raise StoreFailed(self._failure.problem, hint=self._failure.hint)
        if self._closed:
            raise StoreFailed("the recorder is closed")

    def _hand(self, changes: Sequence[Change], waiter: asyncio.Future[None] | None, last: bool = False) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._pending:
            changes = [*self._pending, *changes]
            self._pending = []
        self._queue.put(_Handed(changes, waiter, last))

    # -- in the writer's thread ------------------------------------------------------------------

    def _run(self) -> None:
        """Write batches until the last one; when that breaks off, let nobody wait for ever."""
        over = False
        try:
            over = self._write_batches()
        except StoreFailed as error:
            self._failure = error
        finally:
            if not over:
                self._failure = self._failure or StoreFailed("the recorder broke off, which is a bug of ours")
                self._refuse()

    def _write_batches(self) -> bool:
        database = self._store.connect()
        try:
            writer = _Writer(database, self._lease, self._tell)
            while True:
                self._batch = self._next_batch(writer)
                writer.write([change for handed in self._batch for change in handed.changes])
                _settle(self._batch, None)
                if self._batch[-1].last:
                    return True
        finally:
            database.close()

    def _next_batch(self, writer: _Writer) -> list[_Handed]:
        """Wait for rows; return them with all others that are there."""
        while True:
            try:
                batch = [self._queue.get(timeout=writer.seconds_to_heartbeat())]
                break
            except Empty:
                writer.beat()
        if len(self._batch) >= SIBLINGS and not batch[0].last:
            time.sleep(GATHER_SECONDS)
        count = len(batch[0].changes)
        while count < _MOST_ROWS and not batch[-1].last:
            try:
                batch.append(self._queue.get_nowait())
            except Empty:
                break
            count += len(batch[-1].changes)
        return batch

    def _refuse(self) -> None:
        """Tell all who wait, and all who come until the recorder is closed, that rows were lost."""
        batch = self._batch
        while True:
            self._told |= _settle(batch, self._failure)
            if batch and batch[-1].last:
                return
            batch = [self._queue.get()]


class _Writer:
    """Carries out transactions on one connection, and keeps the lease alive."""

    def __init__(self, database: Database, lease: Lease | None, tell: Callable[[Wish], None] | None) -> None:
        self._database = database
        self._lease = lease
        self._tell = tell
        self._next_beat = time.monotonic() + HEARTBEAT_SECONDS

    def seconds_to_heartbeat(self) -> float | None:
        """Return how long to wait for rows at most; None is for ever."""
        return None if self._lease is None else max(0.0, self._next_beat - time.monotonic())

    def beat(self) -> None:
        """Give a sign of life."""
        self.write(())

    def write(self, changes: Iterable[Change]) -> None:
        """Carry out a transaction, after making sure that the run is still ours. Raises StoreFailed."""
        batch = statements(changes)
        is_due = self._lease is not None and time.monotonic() >= self._next_beat
        if not batch and not is_due:
            return
        wish = None
        with self._database.transaction():
            if self._lease is not None:
                self._lease.check(self._database)
                if is_due:
                    self._lease.beat(self._database)
                    wish = self._lease.asked(self._database)
                    self._next_beat = time.monotonic() + HEARTBEAT_SECONDS
            self._database.write(batch)
        if wish is not None and self._tell is not None:
            self._tell(wish)


def _in_this_loop(asked: Callable[[Wish], None]) -> Callable[[Wish], None]:
    """Return what calls a function in the event loop that runs now, from any thread."""
    loop = asyncio.get_running_loop()

    def tell(wish: Wish) -> None:
        try:
            loop.call_soon_threadsafe(asked, wish)
        except RuntimeError:  # the loop is closed: the run is over, and nobody is left to be asked
            return

    return tell


def _settle(batch: Sequence[_Handed], failure: StoreFailed | None) -> bool:
    """Let those who wait for a batch go on, in their event loop; tell whether there were any but the closer."""
    waiters = [handed.waiter for handed in batch if handed.waiter is not None]
    if waiters:
        try:
            waiters[0].get_loop().call_soon_threadsafe(_release, waiters, failure)
        except RuntimeError:  # the loop is closed: nobody waits any more
            return False
    return any(handed.waiter is not None and not handed.last for handed in batch)


def _release(waiters: Sequence[asyncio.Future[None]], failure: StoreFailed | None) -> None:
    for waiter in waiters:
        if waiter.done():  # its caller was cancelled meanwhile
            continue
        if failure is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(StoreFailed(failure.problem, hint=failure.hint))
