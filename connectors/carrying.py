"""What a place cannot get itself, carried there by the controller: image archives, and files named by a URI.

An image that a place may not pull (a compute cluster without a way out, a registry that only the
controller can log in to) is got at the controller, by its own container engine or by skopeo, saved
as an archive, and sent to the place, where it is loaded. There it stays, so it is sent once.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from ..errors import PlaceFailed, RecrateError, Unsupported
from .base import Completed, Connector
from .data import Data
from .images import Image, carried_name, download, last_words
from .local import LocalConnector

_DIRECTORY = """
d=${XDG_CACHE_HOME:-$HOME/.cache}/recrate/images
mkdir -p "$d" && cd "$d" && pwd -P
"""


class Carrier:
    """Carries to one location of a connector. Raises PlaceFailed when that moves no data."""

    def __init__(self, connector: Connector, location: str) -> None:
        self.connector = connector
        self.location = location
        self._here = LocalConnector()
        self._directory: str | None = None

    async def run(self, argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> Completed:
        """Run a short command at the place."""
        return await self.connector.run(self.location, argv, stdin=stdin, timeout=timeout)

    async def directory(self) -> str:
        """Return the directory at the place that images are kept in."""
        if self._directory is None:
            done = await self.run(["sh", "-c", _DIRECTORY])
            path = done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")
            if done.code != 0 or not path.startswith("/"):
                raise PlaceFailed(f"{self.location} has no directory for images: {last_words(done.stderr)}")
            self._directory = path
        return self._directory

    @contextlib.asynccontextmanager
    async def fetch(self, uri: str) -> AsyncIterator[str]:
        """Give the path at the place of what a URI names, for as long as it is needed (see `images.Fetch`)."""
        async with download(uri) as here, self._sent(here) as there:
            yield there

    @contextlib.asynccontextmanager
    async def archive(self, image: Image) -> AsyncIterator[str]:
        """Give the path at the place of an archive that holds an image as `carried_name`. Raises PlaceFailed."""
        folder = tempfile.mkdtemp(prefix="recrate-image-")
        try:
            path = f"{folder}/image.tar"
            await self._save(image, path)
            async with self._sent(path) as there:
                yield there
        finally:
            await asyncio.to_thread(shutil.rmtree, folder)

    # -- at the controller -----------------------------------------------------------------------

    async def _save(self, image: Image, path: str) -> None:
        """Save an image to an archive here, by whatever can."""
        reasons = []
        for save in (self._save_by_engine, self._save_by_skopeo):
            try:
                await save(image, path)
                return
            except RecrateError as failure:
                reasons.append(failure.problem)
        raise PlaceFailed(
            f"the image {image.name or image.pull or 'of this job'} can be got neither by {self.location} nor here: "
            + "; ".join(reasons),
            hint="is its name right, and is its registry within reach of this machine?",
        )

    async def _save_by_engine(self, image: Image, path: str) -> None:
        from .container import detect

        engine = await detect(self._run_here)
        facts = await engine.ensure_image(image)
        name = carried_name(image)
        for arguments in (("tag", facts.reference, name), ("save", "--output", path, name)):
            await self._well([engine.facts.program, *engine.options.global_arguments, *arguments], "save the image")

    async def _save_by_skopeo(self, image: Image, path: str) -> None:
        name = image.pull or image.name
        if shutil.which("skopeo") is None or not name:
            raise Unsupported("skopeo is not installed" if name else "skopeo gets images by name alone")
        source, target = f"docker://{name}", f"docker-archive:{path}:{carried_name(image)}"
        await self._well(["skopeo", "copy", "--quiet", source, target], f"get the image {name}")

    async def _well(self, argv: Sequence[str], doing: str) -> None:
        done = await self._run_here(argv)
        if done.code != 0:
            raise PlaceFailed(f"{os.path.basename(argv[0])} could not {doing}: {last_words(done.stderr)}")

    async def _run_here(self, argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> Completed:
        return await self._here.run("local", argv, stdin=stdin, timeout=timeout)

    # -- on the way ------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def _sent(self, path: str) -> AsyncIterator[str]:
        """Send a file of this machine to the place, checked there, and remove it at the end."""
        if not isinstance(self.connector, Data):
            raise PlaceFailed(f"{self.location} cannot be sent an image: its connector moves no data")
        there = f"{await self.directory()}/arriving-{os.urandom(8).hex()}.tar"
        sent = hashlib.sha256()
        try:
            size = os.path.getsize(path)
            arrived = await self.connector.write(self.location, there, self._hashed(path, sent), size=size)
            if arrived is None:
                [digest] = await self.connector.digests(self.location, [there])
                arrived = digest.sha256 if digest is not None else None
            if arrived != sent.hexdigest():
                raise PlaceFailed(f"an image arrived at {self.location} with other bytes than it was sent with")
            yield there
        finally:
            await self.connector.remove(self.location, there)

    async def _hashed(self, path: str, sent: hashlib._Hash) -> AsyncGenerator[bytes, None]:
        async for chunk in self._here.read("local", path):
            await asyncio.to_thread(sent.update, chunk)
            yield chunk
