"""Transfers: contents on their way to a storage, each once, on record, within limits, and tried again.

The intent of each try is committed before its first byte moves; so after a crash the store tells
what was under way. What a try has left of a large file the next one goes on with.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import field
from functools import partial
from typing import Any

from ..data_classes import dataclass
from ..errors import InputInvalid, PlaceFailed
from ..provenance import ids
from ..provenance.recorder import Recorder
from ..provenance.rows import ReplicaRow, TransferRow
from ..provenance.statements import Update
from ..provenance.states import ReplicaKind, TransferState
from . import copying
from .copying import ArrivedWrong, Item, SourceChanged
from .journeys import Move, Replica
from .places import Storage
from .replicas import Replicas
from .streams import Meter, Throttle

TRIES = 5
"""How often a content is sent before its transfer has failed."""
WAIT_SECONDS = 1.0
"""Before the second try; doubled before each further one."""
SMALL_BYTES = 1 << 20
"""Files up to this size travel together."""
GATHER_SECONDS = 0.01
"""For so long a small file waits for others that go to the same place."""
MOST_TOGETHER = 1000
WORKERS = 2
"""Streams of small files to one storage at a time; while these are busy, the next ones gather."""
STREAMS = 8
"""Transfers at a time, where nothing else is said."""


@dataclass(slots=True)
class Limits:
    """How much may be under way at a time: on all ways together, or to and from one storage."""

    streams: asyncio.Semaphore
    throttle: Throttle

    @classmethod
    def of(cls, streams: int | None, bandwidth: int | None) -> Limits:
        """Return limits of a number of streams, and of bytes a second."""
        return cls(asyncio.Semaphore(streams or STREAMS), Throttle(bandwidth))


@dataclass(frozen=True, slots=True)
class Moved:
    """Bytes that moved, for progress displays."""

    source: str
    target: str
    bytes: int


@dataclass(slots=True)
class _Queue:
    """Small contents that are about to go to a storage, and how many workers see to them."""

    moves: list[Move] = field(default_factory=list)
    workers: int = 0


@dataclass(slots=True)
class Transport:
    """Carries out moves."""

    run_id: str
    recorder: Recorder
    replicas: Replicas
    reach: Callable[[str], Awaitable[Storage]]
    """Gives the storage of a name. Raises PlaceFailed."""
    suspect: Callable[[str], Awaitable[None]]
    """Finds out whether a storage answers at all."""
    limits: Limits
    limits_of: Callable[[str], Limits | None] = field(default=lambda name: None)
    tell: Callable[[Moved], None] = field(default=lambda moved: None)
    direct: Callable[[Storage, Storage], Awaitable[str | None]] | None = None
    """Gives the address by which one storage reaches another, when it can."""
    bytes_moved: int = 0
    trouble: str | None = None
    """Why the last try failed; None when it went well."""
    _under_way: dict[tuple[str, str], asyncio.Future[None]] = field(default_factory=dict)
    """By storage and hash: the end of what is on its way."""
    _queues: dict[str, _Queue] = field(default_factory=dict)
    """By storage: small contents that are about to go there together."""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def bring(self, moves: Sequence[Move], target: Storage) -> None:
        """Return when all contents are there. Raises PlaceFailed, InputInvalid.

        Whoever asks meanwhile for a content that is on its way waits for the same transfer.
        """
        ends = [self._end_of(move, target) for move in moves]
        for end in dict.fromkeys(ends):
            await asyncio.shield(end)

    def _end_of(self, move: Move, target: Storage) -> asyncio.Future[None]:
        """Return the end of a content's way to a storage; it is sent off when it is not on its way yet."""
        key = (target.name, move.sha256)
        if key not in self._under_way:
            self._under_way[key] = end = asyncio.get_running_loop().create_future()
            end.add_done_callback(partial(self._arrived, key))
            if move.is_directory or move.size is None or move.size > SMALL_BYTES:
                self._spawn(self._one(move, target))
            else:
                self._gather(move, target)
        return self._under_way[key]

    def _arrived(self, key: tuple[str, str], end: asyncio.Future[None]) -> None:
        self._under_way.pop(key, None)
        if not end.cancelled():
            end.exception()  # whoever waits for it has seen it; when nobody does, it is no news

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def under_way(self) -> int:
        """How many contents are being moved."""
        return len(self._under_way)

    async def close(self) -> None:
        """End what is under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for end in list(self._under_way.values()):
            end.cancel()

    # -- small contents, together ----------------------------------------------------------------

    def _gather(self, move: Move, target: Storage) -> None:
        """Let a small content wait for a moment, so that others that go there too join it."""
        queue = self._queues.setdefault(target.name, _Queue())
        queue.moves.append(move)
        if queue.workers < WORKERS:
            queue.workers += 1
            self._spawn(self._work(queue, target))

    async def _work(self, queue: _Queue, target: Storage) -> None:
        try:
            while queue.moves:
                await asyncio.sleep(GATHER_SECONDS)
                batch, queue.moves = queue.moves[:MOST_TOGETHER], queue.moves[MOST_TOGETHER:]
                await self._batch(batch, target)
        finally:
            queue.workers -= 1

    async def _batch(self, moves: Sequence[Move], target: Storage) -> None:
        """Bring small contents, those from one place in one stream, and from all places at the same time."""
        by_source: dict[str, list[Move]] = {}
        for move in moves:
            try:
                by_source.setdefault(self._best_source(move, target).storage, []).append(move)
            except ContentLost as error:
                self._settle(move, target, error)
        await asyncio.gather(*(self._from(name, group, target) for name, group in by_source.items()))

    async def _from(self, name: str, group: Sequence[Move], target: Storage) -> None:
        """Bring small contents from one place; where that fails in one stream, one by one."""
        if len(group) > 1 and await self._together(name, group, target):
            for move in group:
                self._settle(move, target)
        else:
            for move in group:
                await self._one(move, target)

    def _settle(self, move: Move, target: Storage, error: BaseException | None = None) -> None:
        end = self._under_way.get((target.name, move.sha256))
        if end is None or end.done():
            return
        if error is None:
            end.set_result(None)
        else:
            end.set_exception(error)

    async def _one(self, move: Move, target: Storage) -> None:
        """Bring one content, and tell those who wait for it."""
        try:
            await self._alone(move, target)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - whoever waits for the content gets it
            self._settle(move, target, error)
        else:
            self._settle(move, target)

    def _best_source(self, move: Move, target: Storage) -> Replica:
        """Return the replica that is nearest: of those on the controller, a transfer has one step."""
        if not (move.first.storage and target.name) and self.replicas.may_be(move.sha256, move.first):
            return move.first
        found = self.replicas.candidates(move.sha256, (move.first,))
        if not found:
            raise ContentLost(move)
        return min(found, key=lambda replica: (bool(replica.storage) and bool(target.name), replica != move.first))

    # -- one content ---------------------------------------------------------------------------

    async def _alone(self, move: Move, target: Storage) -> None:
        """Bring one content; tried again, perhaps from elsewhere."""
        for number in range(1, TRIES + 1):
            replica = self._best_source(move, target)
            try:
                source = await self.reach(replica.storage)
                await self._tried(move, replica, source, target, number)
                return
            except SourceChanged:
                self._miss(move, replica, source)
            except PlaceFailed as error:
                if number == TRIES:
                    raise
                if not isinstance(error, ArrivedWrong):
                    await self.suspect(replica.storage)
                    await self.suspect(target.name)
                    if self.replicas.is_lost(target.name):
                        raise
                await asyncio.sleep(WAIT_SECONDS * 2 ** (number - 1))
        raise ContentLost(move)

    def _miss(self, move: Move, replica: Replica, source: Storage) -> None:
        """Take note, and put on record, that a content is not where it was."""
        self.replicas.miss(move.sha256, replica)
        known = ids.replica_id(self.run_id, source.row.id, replica.path, move.sha256)
        self.recorder.put(Update(ReplicaRow, (known,), {"valid": False}))

    async def _tried(self, move: Move, replica: Replica, source: Storage, target: Storage, number: int) -> None:
        address = await self._direct_address(source, target) if number == 1 else None
        method = _method(source, target, address, is_directory=move.is_directory)
        row = self._row(move, replica.path, source, target, method, number)
        meter = self._meter(source, target)
        async with self._turn(source, target):
            await self.recorder.record(row)
            item = Item(move.sha256, replica.path, move.path)
            if address is not None:
                work = copying.copy_directly(source, target, item, address, is_directory=move.is_directory)
            elif move.is_directory:
                work = copying.copy_directory(source, target, item, self._incoming(target, row.id), meter)
            else:
                work = copying.copy_file(source, target, item, meter)
            await self._recorded([row], [move], target, meter, work)

    async def _direct_address(self, source: Storage, target: Storage) -> str | None:
        if self.direct is None or source.is_here or target.is_here:
            return None
        return await self.direct(source, target)

    # -- several contents ------------------------------------------------------------------------

    async def _together(self, name: str, moves: Sequence[Move], target: Storage) -> bool:
        """Bring several small files in one stream; tell whether it went well."""
        try:
            source = await self.reach(name)
            await self._tried_together(moves, source, target)
        except PlaceFailed:
            await self.suspect(name)
            await self.suspect(target.name)
            return False
        return True

    async def _tried_together(self, moves: Sequence[Move], source: Storage, target: Storage) -> None:
        paths = {move.sha256: self._path_on(move, source) for move in moves}
        method = f"tar {_method(source, target, None)}"
        rows = [self._row(move, paths[move.sha256], source, target, method, 1) for move in moves]
        items = [Item(move.sha256, paths[move.sha256], move.path) for move in moves]
        meter = self._meter(source, target)
        async with self._turn(source, target):
            await self.recorder.record(*rows)
            work = copying.copy_many(source, target, items, self._incoming(target, rows[0].id), meter)
            await self._recorded(rows, moves, target, meter, work)

    def _path_on(self, move: Move, source: Storage) -> str:
        if move.first.storage == source.name and self.replicas.may_be(move.sha256, move.first):
            return move.first.path
        found = self.replicas.candidates(move.sha256, (move.first,))
        return next(replica.path for replica in found if replica.storage == source.name)

    # -- limits and records ----------------------------------------------------------------------

    def _turn(self, *storages: Storage) -> _Turn:
        return _Turn(self, storages)

    def _meter(self, source: Storage, target: Storage) -> Meter:
        limits = [self.limits, *(self.limits_of(storage.name) for storage in (source, target))]

        def told(count: int) -> None:
            self.bytes_moved += count
            self.tell(Moved(source.row.name, target.row.name, count))

        return Meter(tuple(limit.throttle for limit in limits if limit is not None), told)

    async def _recorded(
        self, rows: Sequence[TransferRow], moves: Sequence[Move], target: Storage, meter: Meter, work: Awaitable[None]
    ) -> None:
        """Put the end of transfers on record. Raises what the work raises."""
        try:
            await work
        except PlaceFailed as error:
            changes = {
                "state": TransferState.FAILED,
                "ended": time.time(),
                "bytes": meter.count,
                "error": error.problem,
            }
            self.recorder.put(*(Update(TransferRow, (row.id,), changes) for row in rows))
            self.trouble = error.render()
            raise
        self.trouble = None
        now = time.time()
        for row, move in zip(rows, moves, strict=True):
            self.replicas.saw(move.sha256, Replica(target.name, move.path))
            done = {
                "state": TransferState.COMPLETED,
                "ended": now,
                "bytes": move.size if move.size is not None else meter.count,
                "sha256": move.sha256,
            }
            self.recorder.put(Update(TransferRow, (row.id,), done), self._replica(move, target))

    def _row(self, move: Move, path: str, source: Storage, target: Storage, method: str, number: int) -> TransferRow:
        return TransferRow(
            id=ids.new_token(),
            run_id=self.run_id,
            source_location_id=source.row.id,
            source_path=path,
            target_location_id=target.row.id,
            target_path=move.path,
            method=method,
            number=number,
            state=TransferState.INTENDED,
            started=time.time(),
        )

    def _replica(self, move: Move, target: Storage) -> ReplicaRow:
        return ReplicaRow(
            id=ids.replica_id(self.run_id, target.row.id, move.path, move.sha256),
            run_id=self.run_id,
            location_id=target.row.id,
            path=move.path,
            path_key=ids.path_key(move.path),
            sha256=move.sha256,
            size=move.size,
            kind=ReplicaKind.COPY,
            valid=True,
        )

    def _incoming(self, target: Storage, token: str) -> str:
        return f"{target.directory}/incoming/{token}"


class ContentLost(InputInvalid):
    """A content is at none of the places where it was."""

    def __init__(self, move: Move) -> None:
        super().__init__(f"{move.first.path!r} (sha256 {move.sha256[:12]}) is at none of the places where it was")
        self.move = move


def _method(source: Storage, target: Storage, address: str | None, *, is_directory: bool = False) -> str:
    """Return the name of a way: `stream` has the controller at one end, `relay` in the middle."""
    if address is not None:
        return "direct"
    way = "stream" if source.is_here or target.is_here else "relay"
    return f"tar {way}" if is_directory else way


@dataclass(slots=True)
class _Turn:
    """Waits until a transfer may start, within all limits that are about it."""

    transport: Transport
    storages: Sequence[Storage]
    _held: list[asyncio.Semaphore] = field(default_factory=list)

    async def __aenter__(self) -> None:
        transport = self.transport
        names = sorted({storage.name for storage in self.storages})
        own = [limit for name in names if (limit := transport.limits_of(name)) is not None]
        try:
            for limit in [*own, transport.limits]:
                await limit.streams.acquire()
                self._held.append(limit.streams)
        except BaseException:
            self._release()  # whoever is cancelled while it waits has some already
            raise

    async def __aexit__(self, *_: object) -> None:
        self._release()

    def _release(self) -> None:
        for held in self._held:
            held.release()
        self._held.clear()
