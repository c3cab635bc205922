"""Files of a place as streams of bytes: what copies from place to place are made of.

A copy reads at one place and writes at another; nothing but the bytes of one chunk is in memory. A
file is written under a name of its own beside its final one and renamed when its content was
checked, so that nobody ever sees half of it, and what was written stays when the copy breaks off:
its size says where to go on. Many small files travel together as one tar stream.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence
from types import TracebackType
from typing import Protocol, runtime_checkable

from ..data_classes import dataclass
from ..errors import PlaceFailed
from ..hashing import Digest

CHUNK_BYTES = 4 << 20
"""At most so many bytes are handed on at a time."""
STALL_SECONDS = 120.0
"""A stream that brings nothing for so long is given up."""


@dataclass(frozen=True, slots=True)
class FileState:
    """What a place says about a file without reading it."""

    size: int
    """Bytes."""
    mode: int
    """Permission bits, such as 0o644."""


@dataclass(frozen=True, slots=True)
class Space:
    """What is left on the disk that a path is on; None is 'not known'."""

    free_bytes: int | None = None
    """That an ordinary user can still write."""
    free_files: int | None = None
    """Inodes."""


class CountedChunks(AsyncGenerator[bytes, None]):
    """A stream that counts what is taken of it, since its bytes can be had in more ways than by iterating over it."""

    tell: Callable[[int], object] | None = None
    """Is told of bytes that were taken, in the event loop of whoever takes them."""
    count: int = 0
    """How many bytes were taken."""

    async def asend(self, value: None) -> bytes:
        """Return the next bytes. Raises PlaceFailed when none come for long, and what `next_chunk` raises."""
        try:
            async with asyncio.timeout(STALL_SECONDS):
                chunk = await self.next_chunk()
        except TimeoutError as error:
            raise stalled(self.count) from error
        if chunk is None:
            await self.aclose()
            raise StopAsyncIteration
        return chunk

    @abstractmethod
    async def next_chunk(self) -> bytes | None:
        """Return the next bytes, and tell of them; None at the end."""

    def passed(self, count: int) -> None:
        """Count bytes, and tell of them."""
        self.count += count
        if self.tell is not None:
            self.tell(count)

    async def athrow(
        self,
        typ: type[BaseException] | BaseException,
        val: BaseException | object = None,
        tb: TracebackType | None = None,
    ) -> bytes:
        """Close the stream, and raise."""
        await self.aclose()
        raise typ if val is None else val  # type: ignore[misc]


def stalled(count: int) -> PlaceFailed:
    """Return what is wrong with a stream that brings nothing after so many bytes."""
    return PlaceFailed(f"nothing came for {STALL_SECONDS:g} s after {count} bytes")


Take = Callable[[memoryview], None]
"""Takes a piece of a stream, which is good until this returns, in whatever thread it comes. It may raise OSError."""


@runtime_checkable
class Pouring(Protocol):
    """What a stream may be able to do beside: hand its bytes on in the thread that reads them, without a copy."""

    async def pour(self, take: Take) -> None:
        """Give all to `take`; nothing was taken before. Raises what that raises, and PlaceFailed."""
        ...


@runtime_checkable
class Data(Protocol):
    """The part of a connector that moves data. All methods raise PlaceFailed, which names the path.

    Paths are absolute, as the location sees them; names below a directory are relative to it. Any
    bytes but NUL may be in them (those that are not UTF-8 as surrogates). A link to a file is
    followed, except by `pack`, which keeps it.
    """

    def read(self, location: str, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a file from `offset` on. One that ends early raises and does not just stop."""
        ...

    async def write(
        self,
        location: str,
        path: str,
        chunks: AsyncIterable[bytes],
        *,
        offset: int = 0,
        mode: int = 0o644,
        size: int | None = None,
    ) -> str | None:
        """Write chunks to a file from `offset` on, which has at least that many bytes; its end is cut off there.

        `size` is how many bytes the chunks have in all, where that is known; a way may be chosen by it.
        With offset 0 the file is made anew, and the directories above it. When this is cancelled or
        fails, what was written stays. Returns the sha256 of the file as the place has it then, when that
        costs less than to ask for it; None when `digests` has to tell.
        """
        ...

    def pack(self, location: str, directory: str, names: Sequence[str]) -> AsyncGenerator[bytes, None]:
        """Yield a tar stream of files, links and whole directories below a directory, with their modes."""
        ...

    async def unpack(self, location: str, directory: str, chunks: AsyncIterable[bytes]) -> None:
        """Unpack a tar stream below a directory, which is made when it is not there."""
        ...

    async def digests(self, location: str, paths: Sequence[str]) -> Sequence[Digest | None]:
        """Return the hashes and sizes of files, in order; None for what is no file or is not there."""
        ...

    async def states(self, location: str, paths: Sequence[str]) -> Sequence[FileState | None]:
        """Return sizes and modes of files, in order; None for what is no file or is not there."""
        ...

    async def rename(self, location: str, names: Sequence[tuple[str, str]]) -> None:
        """Give files or directories other names on the same disk, each at once, in order.

        A file in the way is replaced; a directory in the way is an error.
        """
        ...

    async def space(self, location: str, path: str) -> Space:
        """Return what is left where a path is, or will be."""
        ...


@runtime_checkable
class Streaming(Protocol):
    """The part of a connector that runs a command whose input and output are streams."""

    def stream(
        self, location: str, argv: Sequence[str], stdin: AsyncIterable[bytes] | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Run a command, feed it, and yield what it prints as it comes.

        Raises PlaceFailed with the last line of its standard error when its exit code is not 0.
        The command is ended when the iterator is closed early.
        """
        ...


@runtime_checkable
class Sending(Protocol):
    """What a connector may be able to do beside: let one place fetch data from another without the controller."""

    async def can_send(self, location: str, to: str) -> bool:
        """Tell whether a location can reach an address (`user@host`, `user@host:port`) and log in there."""
        ...

    async def send(self, location: str, path: str, to: str, target: str) -> None:
        """Copy a file or a whole directory from a location to a path at an address, by the location's own means."""
        ...


@runtime_checkable
class Addressed(Protocol):
    """What a connector may be able to do beside: say how other places reach a location."""

    def address(self, location: str) -> str | None:
        """Return an address as `Sending` takes it, `user@host` or `user@host:port`; None when there is none."""
        ...
