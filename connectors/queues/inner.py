"""The files and short commands of a place that is reached through another one, which has them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Sequence

from ...errors import PlaceFailed
from ...hashing import Digest
from ..base import Completed, Connector, FileAction, WorkTree
from ..data import Data, FileState, Space, Streaming


class Inner:
    """Passes on to a location of another connector whatever concerns files and short commands.

    Raises PlaceFailed when that connector moves no data of its own (see `connectors.data`).
    """

    def __init__(self, inner: Connector, inner_location: str) -> None:
        self.inner = inner
        self.inner_location = inner_location

    async def run(
        self, location: str, argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None
    ) -> Completed:
        """Run a short command where the place is reached from."""
        return await self.inner.run(self.inner_location, argv, stdin=stdin, timeout=timeout)

    def tree(self, location: str, root: str) -> WorkTree:
        """Return reading access to what lies below a directory."""
        return self.inner.tree(self.inner_location, root)

    async def prepare(self, location: str, actions: Iterable[FileAction]) -> None:
        """Carry out changes to files in order."""
        await self.inner.prepare(self.inner_location, actions)

    async def remove(self, location: str, directory: str) -> None:
        """Remove a directory and all below it."""
        await self.inner.remove(self.inner_location, directory)

    @property
    def _data(self) -> Data:
        if not isinstance(self.inner, Data):
            raise PlaceFailed(f"{self.inner_location} moves no data")
        return self.inner

    def read(self, location: str, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a file from `offset` on."""
        return self._data.read(self.inner_location, path, offset=offset)

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
        """Write chunks to a file from `offset` on; return the sha256 of what arrived, or None."""
        inner = self.inner_location
        return await self._data.write(inner, path, chunks, offset=offset, mode=mode, size=size)

    def pack(self, location: str, directory: str, names: Sequence[str]) -> AsyncGenerator[bytes, None]:
        """Yield a tar stream of what lies below a directory."""
        return self._data.pack(self.inner_location, directory, names)

    async def unpack(self, location: str, directory: str, chunks: AsyncIterable[bytes]) -> None:
        """Unpack a tar stream below a directory."""
        await self._data.unpack(self.inner_location, directory, chunks)

    async def digests(self, location: str, paths: Sequence[str]) -> Sequence[Digest | None]:
        """Return the hashes and sizes of files, in order."""
        return await self._data.digests(self.inner_location, paths)

    async def states(self, location: str, paths: Sequence[str]) -> Sequence[FileState | None]:
        """Return sizes and modes of files, in order."""
        return await self._data.states(self.inner_location, paths)

    async def rename(self, location: str, names: Sequence[tuple[str, str]]) -> None:
        """Give files or directories other names on the same disk."""
        await self._data.rename(self.inner_location, names)

    async def space(self, location: str, path: str) -> Space:
        """Return what is left where a path is, or will be."""
        return await self._data.space(self.inner_location, path)

    def stream(
        self, location: str, argv: Sequence[str], stdin: AsyncIterable[bytes] | None = None
    ) -> AsyncGenerator[bytes, None]:
        """Run a command whose input and output are streams where the place is reached from."""
        if not isinstance(self.inner, Streaming):
            raise PlaceFailed(f"{self.inner_location} carries no streams of commands")
        return self.inner.stream(self.inner_location, argv, stdin)
