"""Places for tests: directories of this machine that share nothing, not even by mistake.

What a place is asked to do with a path outside of its own directory it refuses, and so it does with
a script in which the directory of another place stands.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from recrate.connectors import files
from recrate.connectors.base import Completed, Ended, FileAction, Handle, Launch, Location
from recrate.connectors.data import FileState, Space
from recrate.connectors.local import LocalConnector
from recrate.errors import PlaceFailed
from recrate.hashing import Digest

ROOTS: set[str] = set()
"""The directories of all places that were made, and what else no place may touch."""


class Elsewhere(LocalConnector):
    """Locations below `root`, one for each of `nodes`. A file `root/down` makes it unreachable.

    Options: `root`; `nodes`; `cores` and `slots` of each; `share`: the name of the storage that all see.
    """

    starts_tasks: Any = False
    SUPPORTED = frozenset({"root", "nodes", "cores", "slots", "share", "inner"})

    def __init__(self, name: str, options: Mapping[str, Any], **stack: Any) -> None:
        super().__init__(name, options)
        self.root = os.path.realpath(options["root"])
        self.nodes = list(options.get("nodes", [name]))
        self.cores, self.slots, self.share = options.get("cores"), options.get("slots"), options.get("share")
        self.stack = stack
        self.deployed = 0
        self.calls: list[str] = []
        os.makedirs(self.root, exist_ok=True)
        ROOTS.add(self.root)

    # -- what may be touched -------------------------------------------------------------------

    def _require_up(self) -> None:
        if os.path.exists(f"{self.root}/down"):
            raise PlaceFailed(f"{self.name} cannot be reached: its link is cut")

    def _mine(self, *paths: str) -> None:
        self._require_up()
        for path in paths:
            if not f"{path}/".startswith(f"{self.root}/"):
                raise PlaceFailed(f"{self.name} has no {path!r}")

    def _require_no_foreign(self, text: bytes) -> None:
        for root in ROOTS - {self.root}:
            if root.encode() in text:
                raise PlaceFailed(f"a script for {self.name} names {root!r}, which is not there")

    # -- Connector -----------------------------------------------------------------------------

    async def deploy(self) -> None:
        self._require_up()
        self.deployed += 1

    async def undeploy(self) -> None:
        self.deployed = 0
        await super().undeploy()

    async def locations(self) -> Sequence[Location]:
        [here] = await super().locations()
        facts = replace(here.facts, hostname=self.name, cores=self.cores or here.facts.cores)
        return [Location(node, self.name, slots=self.slots, facts=facts, storage=self.share) for node in self.nodes]

    async def run(
        self, location: str, argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None
    ) -> Completed:
        self._require_up()
        self._require_no_foreign(b"\0".join(map(os.fsencode, argv)))
        words = [os.fsencode(word).decode("utf-8", "surrogateescape") for word in argv]
        return await super().run(location, ["env", f"HOME={self.root}/home", *words], stdin=stdin, timeout=timeout)

    async def launch(self, location: str, launch: Launch) -> Handle:
        self._mine(launch.directory)
        self._require_no_foreign(Path(launch.script).read_bytes())
        return await super().launch(location, launch)

    async def wait(self, location: str, handle: Handle) -> Ended:
        waiting = asyncio.ensure_future(super().wait(location, handle))
        while not waiting.done():
            await asyncio.wait([waiting], timeout=0.05)
            if os.path.exists(f"{self.root}/down"):
                waiting.cancel()
                raise PlaceFailed(f"{self.name} cannot be reached: its link is cut")
        return waiting.result()

    async def find(self, location: str, launch: Launch) -> Handle | Ended | None:
        self._mine(launch.directory)
        return await super().find(location, launch)

    def tree(self, location: str, root: str) -> files.LocalTree:
        self._mine(root)
        return files.LocalTree(root)

    async def prepare(self, location: str, actions: Iterable[FileAction]) -> None:
        actions = list(actions)
        for action in actions:
            self._mine(action.path, *([action.source] if action.source is not None else []))
        await super().prepare(location, actions)

    async def remove(self, location: str, directory: str) -> None:
        self._mine(directory)
        await super().remove(location, directory)

    # -- Data ----------------------------------------------------------------------------------

    async def read(self, location: str, path: str, *, offset: int = 0) -> AsyncGenerator[bytes, None]:
        self._mine(path)
        self.calls.append(f"read {os.path.basename(path)} from {offset}")
        async for chunk in super().read(location, path, offset=offset):
            self._require_up()
            yield chunk

    async def write(
        self,
        location: str,
        path: str,
        chunks: AsyncIterable[bytes],
        *,
        offset: int = 0,
        mode: int = 0o644,
        size: int | None = None,
    ) -> None:
        self._mine(path)
        self.calls.append(f"write {os.path.basename(path)} from {offset}")
        await super().write(location, path, chunks, offset=offset, mode=mode, size=size)

    async def pack(self, location: str, directory: str, names: Sequence[str]) -> AsyncGenerator[bytes, None]:
        self._mine(directory)
        self.calls.append(f"pack {len(names)}")
        async for chunk in super().pack(location, directory, names):
            yield chunk

    async def unpack(self, location: str, directory: str, chunks: AsyncIterable[bytes]) -> None:
        self._mine(directory)
        self.calls.append("unpack")
        await super().unpack(location, directory, chunks)

    async def digests(self, location: str, paths: Sequence[str]) -> Sequence[Digest | None]:
        self._mine(*paths)
        return await super().digests(location, paths)

    async def states(self, location: str, paths: Sequence[str]) -> Sequence[FileState | None]:
        self._mine(*paths)
        return await super().states(location, paths)

    async def rename(self, location: str, names: Sequence[tuple[str, str]]) -> None:
        self._mine(*(path for pair in names for path in pair))
        await super().rename(location, names)

    async def space(self, location: str, path: str) -> Space:
        self._mine(path)
        return await super().space(location, path)
