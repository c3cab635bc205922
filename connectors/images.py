"""Container images on a place: found there, or got in one of the ways that CWL knows.

CWL v1.2 Command Line Tool, section 5.2.2: `dockerImageId` is the name under which the image is
looked up, `dockerPull` pulls it, `dockerLoad` and `dockerImport` read an archive or a root file
system from a URI, `dockerFile` builds it from the text of a Dockerfile. A name that an engine
can read in two ways (`debian`) means what docker means by it (`docker.io/library/debian`).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import re
import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from ..data_classes import dataclass
from ..errors import PlaceFailed
from .base import Completed
from .oci import DEFAULT_OPTIONS, EngineFacts, EngineKind, EngineOptions

DOCKERFILE_LABEL = "recrate.dockerfile"
"""Label of an image that was built here: the sha256 of its Dockerfile."""

_IDENTIFIER = re.compile(r"(sha256:)?[0-9a-f]{12,64}\Z")
_LOADED = re.compile(r"Loaded image(?:\(s\)| ID)?: *(\S+)")
_PREFIX = re.compile(
    r"\A(docker: |Error: |ERROR: |Error response from daemon: |\[FATAL tini \(\d+\)\] |ERROR \(catatonit:\d+\): )+"
)
_NOISE = re.compile(r"('|Run '.*' for more information|See '.*--help'\.?|exit status \d+)\s*\Z")


class Run(Protocol):
    """Runs a short command where the engine is: `Connector.run` with its location filled in.

    A program that is not there gives the code 127 or raises PlaceFailed.
    """

    def __call__(
        self, argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None
    ) -> Awaitable[Completed]:
        """Return what the command printed, and its exit code."""
        ...


Fetch = Callable[[str], contextlib.AbstractAsyncContextManager[str]]
"""Gives, for a URI, the path of its content where the engine is, for as long as it is needed."""


@dataclass(frozen=True, slots=True)
class Image:
    """The image that a job names, and at most one way to get it (see `core.plan.ImageSpec`).

    `name` is looked up first; it may be empty where one of the others says enough. `pull` is a
    name, `load` and `import_` are URIs or absolute paths, `file` is the text of a Dockerfile.
    """

    name: str
    pull: str | None = None
    load: str | None = None
    file: str | None = None
    import_: str | None = None


Carry = Callable[[Image], contextlib.AbstractAsyncContextManager[str]]
"""Gives the path, where the engine is, of an archive that holds an image as `carried_name`."""
CARRIED = "localhost/recrate-carried"
"""Name of images that were carried; the tag says which."""


def carried_name(image: Image) -> str:
    """Return the name that an image has in the archive that carries it."""
    said = (image.name, image.pull, image.load, image.file, image.import_)
    return f"{CARRIED}:{_hash(repr(said))[:32]}"


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """An image as an engine has it.

    `id` is `sha256:` and the hash of the image's configuration; `digest` (`sha256:...`) names
    the same content in a registry, and is None for an image that no registry is known for.
    """

    id: str
    name: str
    tag: str | None
    digest: str | None
    platform: str
    """Operating system and architecture, such as `linux/amd64` or `linux/arm/v7`."""
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    engine: str
    """Name and version of the engine, such as `docker 20.10.24`."""
    reference: str
    """What to start the container by: the id, in the form that the engine knows."""


class Images:
    """The images of one engine. What was found or got once is not asked for again."""

    def __init__(
        self,
        facts: EngineFacts,
        run: Run,
        options: EngineOptions = DEFAULT_OPTIONS,
        fetch: Fetch | None = None,
        carry: Carry | None = None,
    ) -> None:
        self._facts = facts
        self._run = run
        self._options = options
        self._fetch = fetch or download
        self._carry = carry
        self._known: dict[Image, asyncio.Task[ImageFacts]] = {}

    async def ensure(self, image: Image, *, offline: bool = False) -> ImageFacts:
        """Return an image that is there, after it was got when needed.

        Callers that ask for the same image at the same time share one effort; an effort that
        failed is made again when asked again. Raises PlaceFailed: one line with what failed,
        the last words of the engine, and a hint.
        """
        task = self._known.get(image)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = asyncio.get_running_loop().create_task(self._find_or_get(image, offline))
            self._known[image] = task
        return await asyncio.shield(task)

    async def find(self, image: Image) -> ImageFacts | None:
        """Return an image that is there already, or None. Raises PlaceFailed when the engine does not answer."""
        for name in self._local_names(image):
            found = await self._inspect(name)
            if found is not None:
                stale = image.file is not None and _stale(found, image.file)
                return None if stale else self._facts_of(found, name, image)
        return None

    async def save(self, facts: ImageFacts, path: str) -> None:
        """Write an image that is there to a file where the engine is: an archive in docker's format.

        It keeps the image's configuration, and with it its id. Raises PlaceFailed.
        """
        form = ["--format=docker-archive"] if self._facts.kind is EngineKind.PODMAN else []
        await self._engine(f"save the image {facts.name}", "save", *form, f"--output={path}", facts.reference)

    def local_name(self, image: Image) -> str:
        """Return the name by which the engine is asked for an image; empty for an archive without a name."""
        if image.name or image.pull:
            return self._engine_name(image.name or image.pull or "")
        if image.file is not None:
            return f"localhost/recrate-built:{_hash(image.file)[:32]}"
        if image.import_ is not None:
            return f"localhost/recrate-imported:{_hash(image.import_)[:32]}"
        return ""

    def _local_names(self, image: Image) -> list[str]:
        """Return where to look, in order: podman keeps what was built here under `localhost/`."""
        first = self.local_name(image)
        name = image.name or image.pull or ""
        carried = [] if self._carry is None else [carried_name(image)]
        if first == name or "/" in name:
            return [first, *carried]
        return [first, f"localhost/{name}", *carried] if name else [first, *carried]

    def _engine_name(self, name: str) -> str:
        return qualified(name) if self._facts.kind is EngineKind.PODMAN else name

    async def _find_or_get(self, image: Image, offline: bool) -> ImageFacts:
        found = await self.find(image)
        if found is not None:
            return found
        if offline and not _is_local(image):
            raise PlaceFailed(
                f"the image {_called(image)} is not on this machine and may not be got offline",
                hint=f"get it while online: {self._facts.kind.value} pull {image.pull or image.name}"
                if image.pull or image.name
                else "run once without --offline",
            )
        name = await self._get(image)
        inspected = await self._inspect(name)
        if inspected is None:
            raise PlaceFailed(
                f"the image {_called(image)} is still not there after it was got",
                hint=f"what was got does not hold the name {name!r}; see `{self._facts.kind.value} image ls`",
            )
        return self._facts_of(inspected, name, image)

    async def _get(self, image: Image) -> str:
        """Get an image in the way that its description says; return what it is called then."""
        name = self.local_name(image)
        if image.load is not None:
            return await self._load(image.load, name)
        if image.import_ is not None:
            async with self._fetch(image.import_) as path:
                await self._engine(f"import {image.import_}", "import", "--", path, name)
            return name
        if image.file is not None:
            await self._build(image.file, name)
            return name
        wanted = self._engine_name(image.pull or image.name)
        try:
            await self._engine(f"pull the image {wanted}", "pull", "--", wanted)
        except PlaceFailed as failure:
            if self._carry is None:
                raise
            return await self._carried(image, self._carry, failure)
        if wanted != name:
            await self._engine(f"name the image {wanted}", "tag", wanted, name)
        return name

    async def _carried(self, image: Image, carry: Carry, why: PlaceFailed) -> str:
        """Load an image that could not be pulled from an archive that is carried here."""
        name = carried_name(image)
        try:
            async with carry(image) as path:
                await self._engine(f"load the image {_called(image)}", "load", "--input", path)
        except PlaceFailed as failure:
            raise PlaceFailed(f"{why.problem}; {failure.problem}", hint=failure.hint or why.hint) from failure
        return name

    async def _load(self, source: str, name: str) -> str:
        async with self._fetch(source) as path:
            printed = await self._engine(f"load {source}", "load", "--input", path)
        loaded: list[str] = _LOADED.findall(printed)
        if name and (name in loaded or await self._inspect(name) is not None):
            return name
        if len(loaded) != 1:
            raise PlaceFailed(
                f"the archive {source} holds {len(loaded)} images, none of them called {name!r}",
                hint="name one of them by dockerImageId: " + ", ".join(loaded),
            )
        if name and not _IDENTIFIER.match(name):
            await self._engine(f"name the image {loaded[0]}", "tag", loaded[0], name)
            return name
        return loaded[0]

    async def _build(self, text: str, name: str) -> None:
        label = f"--label={DOCKERFILE_LABEL}={_hash(text)}"
        network = [] if self._facts.bridge else ["--network=host"]
        await self._engine(
            f"build the image {name}", "build", *network, label, f"--tag={name}", "-", stdin=text.encode()
        )

    async def _inspect(self, name: str) -> dict[str, Any] | None:
        if not name:
            return None
        argv = [self._facts.program, *self._options.global_arguments, "image", "inspect", "--", name]
        done = await self._run(argv)
        if done.code == 0:
            found: list[dict[str, Any]] = json.loads(done.stdout)
            return found[0]
        words = last_words(done.stderr)
        if re.search(r"no such image|image not known|not found|failed to find image|invalid reference", words, re.I):
            return None
        raise PlaceFailed(f"{self._facts.kind.value} cannot tell whether the image {name} is there: {words}")

    async def _engine(self, doing: str, *arguments: str, stdin: bytes = b"") -> str:
        done = await self._run([self._facts.program, *self._options.global_arguments, *arguments], stdin=stdin)
        if done.code != 0:
            words = last_words(done.stderr) or last_words(done.stdout)
            raise PlaceFailed(f"{self._facts.kind.value} could not {doing}: {words}", hint=_hint(words))
        return done.stdout.decode(errors="replace")

    def _facts_of(self, found: dict[str, Any], name: str, image: Image) -> ImageFacts:
        asked = image.name or image.pull or name
        digest = _digest(found.get("RepoDigests") or [], name)
        if name == carried_name(image):  # what it is called here, and has as a digest since, is not for the record
            name, digest = asked, asked.partition("@")[2] or None
        config = found.get("Config") or {}
        bare_id = str(found["Id"]).removeprefix("sha256:")
        platform = [str(found.get(key) or "") for key in ("Os", "Architecture", "Variant")]
        return ImageFacts(
            id=f"sha256:{bare_id}",
            name=name,
            tag=tag_of(name),
            digest=digest,
            platform="/".join(part for part in platform if part),
            entrypoint=tuple(config.get("Entrypoint") or ()),
            command=tuple(config.get("Cmd") or ()),
            engine=self._facts.runtime,
            reference=bare_id if self._facts.kind is EngineKind.PODMAN else f"sha256:{bare_id}",
        )


def qualified(name: str) -> str:
    """Return the full name that docker understands by a name: with registry, and `library` where due.

    Ids, and names that have a registry already, stay as they are.
    """
    first, slash, rest = name.partition("/")
    if not slash:
        return name if _IDENTIFIER.match(name) else f"docker.io/library/{name}"
    if first in ("docker.io", "index.docker.io"):
        return f"docker.io/{rest}" if "/" in rest else f"docker.io/library/{rest}"
    if "." in first or ":" in first or first == "localhost":
        return name
    return f"docker.io/{name}"


def full_name(name: str) -> str:
    """Return the name that says all that docker understands by a name: registry and tag; a digest is left away."""
    bare, at, _ = qualified(name).partition("@")
    tag = None if at else tag_of(bare)
    return bare if tag is None or bare.endswith(f":{tag}") else f"{bare}:{tag}"


def tag_of(name: str) -> str | None:
    """Return the tag of an image's name: `latest` when it has none, None for a digest or an id."""
    if "@" in name or _IDENTIFIER.match(name):
        return None
    last = name.rpartition("/")[2]
    return last.partition(":")[2] or "latest"


def last_words(output: bytes) -> str:
    """Return the last line of an engine's message that says something, without its prefix."""
    lines = [line.strip() for line in output.decode(errors="replace").splitlines()]
    telling = [line for line in lines if line and not _NOISE.match(line)]
    words = telling[-1] if telling else "it gave no reason"
    return _PREFIX.sub("", words)


@contextlib.asynccontextmanager
async def download(uri: str) -> AsyncIterator[str]:
    """Give the path of a local file, or of a download that is removed afterwards.

    For an engine on the controller's own machine. Raises PlaceFailed.
    """
    parts = urlsplit(uri)
    if parts.scheme in ("", "file"):
        yield unquote(parts.path) if parts.scheme else uri
        return
    if parts.scheme not in ("http", "https"):
        raise PlaceFailed(f"no image can be read from {uri}", hint="it takes a path, or a file:, http: or https: URI")
    handle, path = tempfile.mkstemp(prefix="recrate-image-")
    os.close(handle)
    try:
        await asyncio.to_thread(_download_to, uri, path)
        yield path
    finally:
        os.unlink(path)


def _download_to(uri: str, path: str) -> None:
    try:
        with urllib.request.urlopen(uri, timeout=60) as response, open(path, "wb") as file:
            shutil.copyfileobj(response, file, 1 << 20)
    except (urllib.error.URLError, OSError) as error:
        raise PlaceFailed(f"{uri} could not be downloaded: {error}") from error


def _is_local(image: Image) -> bool:
    source = image.load or image.import_
    return source is not None and urlsplit(source).scheme in ("", "file")


def _stale(found: dict[str, Any], text: str) -> bool:
    """Tell whether an image was built here, but from another Dockerfile than this one."""
    labels = (found.get("Config") or {}).get("Labels") or {}
    return bool(labels.get(DOCKERFILE_LABEL, _hash(text)) != _hash(text))


def _digest(digests: Sequence[str], name: str) -> str | None:
    """Return the digest of an image in a registry, preferably in the one that its name says."""
    repository = qualified(name.partition("@")[0]).removesuffix(f":{tag_of(name)}")
    own = [digest for digest in digests if qualified(digest).partition("@")[0] == repository]
    chosen = next(iter([*own, *digests]), "")
    return chosen.partition("@")[2] or None


def _called(image: Image) -> str:
    return image.name or image.pull or image.load or image.import_ or "built from the given Dockerfile"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _hint(words: str) -> str | None:
    """Return what to do about an engine's complaint, where that is known."""
    for pattern, hint in _HINTS:
        if re.search(pattern, words, re.I):
            return hint
    return None


_HINTS = (
    (r"dial tcp|lookup|network is unreachable|timeout|connection refused|no route", "is the registry within reach?"),
    (r"manifest unknown|not found|name unknown", "check the name and the tag of the image"),
    (r"unauthorized|denied|authentication", "log in to the registry first, and check the name of the image"),
    (r"no space left", "make room for the engine's storage"),
    (r"no such file", "check the path"),
)
