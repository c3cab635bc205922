"""Crates opened: what they say, and the files that they hold.

A crate is read as something that an enemy wrote: see `safety`. Nothing is fetched, and nothing of
it is unpacked or executed here.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field, replace
from hashlib import blake2b
from secrets import token_bytes
from types import TracebackType
from typing import Any, BinaryIO

from ..data_classes import dataclass
from ..errors import CrateInvalid, Where
from ..hashing import Digest, digest_stream
from . import contexts, rows
from .graph import Entity, Ref, aliases_of, check_entity, entity_of, top_level
from .holders import Holder, open_holder
from .safety import Limits, decoded_path, is_web, leads_out, shown

METADATA_FILE = "ro-crate-metadata.json"
METADATA = (METADATA_FILE, "ro-crate-metadata.jsonld")
"""Names of the file with the metadata; the second is that of RO-Crate 1.0."""
PREVIEW = "ro-crate-preview.html"
LIMITS = Limits()
_HEAPS = 64
Keep = Callable[[Entity], bool]
Listed = Callable[[Holder, str], None]


@dataclass(frozen=True, slots=True)
class Crate:
    """An open crate. To be closed, or used in a `with`.

    Attributes:
        path: where it is, as given.
        metadata: path of its metadata in it.
        contexts: URLs of the contexts that it names.
        entities: what it describes, by `@id`; only what was to be kept.
        descriptor: id of the entity that describes the metadata.
        root: the entity that stands for the whole crate.
    """

    path: str
    metadata: str
    contexts: tuple[str, ...]
    entities: Mapping[str, Entity]
    descriptor: str
    root: Entity
    holder: Holder
    prefix: str = ""
    """What the paths of the holder have before those of the crate."""
    limits: Limits = field(default=LIMITS)

    @property
    def files(self) -> Mapping[str, int]:
        """Sizes in bytes of all files, by path in the holder."""
        return self.holder.files

    @property
    def has_rows(self) -> bool:
        """Whether it holds the rows of a run of ours."""
        return f"{self.prefix}{rows.PATH}" in self.files

    def paths(self) -> Iterator[str]:
        """Yield the paths of all files in the crate."""
        for path in self.files:
            if path.startswith(self.prefix):
                yield path[len(self.prefix) :]

    def folders(self) -> set[str]:
        """Return the paths of all folders in the crate, without `/` at their ends."""
        found = {path[len(self.prefix) :] for path in self.holder.folders if path.startswith(self.prefix)}
        for path in self.paths():
            above = path.rpartition("/")[0]
            while above and above not in found:
                found.add(above)
                above = above.rpartition("/")[0]
        return found

    def folder_in(self, identifier: str, folders: Container[str]) -> str | None:
        """Return which of some folders an `@id` names; None when it names none of them."""
        return next((path for path in _spellings(identifier) if path in folders), None)

    def size(self, path: str) -> int:
        """Return the bytes of a file, by its path in the crate."""
        return self.files[f"{self.prefix}{path}"]

    def open(self, path: str) -> BinaryIO:
        """Open a file by its path in the crate. Raises CrateInvalid."""
        name = f"{self.prefix}{path}"
        if name not in self.files:
            raise CrateInvalid(f"there is no file {shown(path)} in the crate", where=Where(self.path))
        return self.holder.open(name)

    def digest(self, path: str) -> Digest:
        """Return the hashes of a file, by its path in the crate. Raises CrateInvalid."""
        with self.open(path) as stream:
            return digest_stream(stream)

    def path_of(self, identifier: str) -> str | None:
        """Return the path of the file that an `@id` names; None when the crate does not hold one."""
        return next((path for path in _spellings(identifier) if f"{self.prefix}{path}" in self.files), None)

    def entity(self, identifier: str) -> Entity | None:
        """Return the entity with an `@id`; `x` and `./x` are one."""
        return self.entities.get(identifier) or self.entities.get(identifier.removeprefix("./"))

    def related(self, entity: Entity, *names: str) -> list[Entity]:
        """Return the entities that properties of one refer to, each once; those not described are left out."""
        found = (self.entity(ref) for name in names for ref in entity.refs(name))
        return list({other.id: other for other in found if other is not None}.values())

    @property
    def profiles(self) -> tuple[str, ...]:
        """The URLs of the profiles that it claims to follow."""
        described = self.entities.get(self.descriptor)
        claimed = [*self.root.refs("conformsTo"), *(described.refs("conformsTo") if described else ())]
        return tuple(dict.fromkeys(claimed))

    def close(self) -> None:
        """Let go of its files."""
        self.holder.close()

    def __enter__(self) -> Crate:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _spellings(identifier: str) -> Iterator[str]:
    """Yield the paths that an `@id` may mean: as it is, decoded, and without its fragment."""
    if is_web(identifier) or identifier.startswith("#"):
        return
    plain = identifier.partition("#")[0]
    for text in (identifier, decoded_path(identifier), plain, decoded_path(plain)):
        path = "/".join(part for part in text.split("/") if part not in ("", "."))
        if path and leads_out(path) is None:
            yield path


def open_crate(path: str, *, keep: Keep | None = None, limits: Limits = LIMITS, listed: Listed | None = None) -> Crate:
    """Open a folder or a zip archive as a crate, and check all that it says.

    Args:
        path: the folder or the archive.
        keep: which entities of a crate that holds rows of ours are kept in memory beside the root and the
            descriptor; None: all. Of other crates all are.
        limits: how large it may be.
        listed: is called before the metadata are read, with the files and with what stands before their paths.

    Raises:
        CrateInvalid: it is none, or not safe; the message says why in one line.
    """
    holder = open_holder(path, limits)
    if not any(name == rows.PATH or name.endswith(f"/{rows.PATH}") for name in holder.files):
        keep = None
    if keep is None:
        limits = replace(limits, metadata_bytes=min(limits.metadata_bytes, limits.graph_bytes))
    try:
        prefix, metadata = _find_metadata(holder, path)
        if listed is not None:
            listed(holder, prefix)
        with _as_ours(path), holder.open(f"{prefix}{metadata}") as stream:
            graph = _read_graph(stream, keep, limits, Where(f"{path}/{metadata}"))
        return Crate(path, metadata, graph.urls, graph.entities, graph.descriptor, graph.root, holder, prefix, limits)
    except BaseException:
        holder.close()
        raise


@contextmanager
def _as_ours(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CrateInvalid(f"the crate cannot be read: {error.strerror}", where=Where(path)) from None


def _find_metadata(holder: Holder, path: str) -> tuple[str, str]:
    """Return what stands before all paths, and the name of the metadata: archives may hold one folder."""
    for name in METADATA:
        if name in holder.files:
            return "", name
    tops = {name.partition("/")[0] for name in holder.files}
    if len(tops) == 1:
        (top,) = tops
        for name in METADATA:
            if f"{top}/{name}" in holder.files:
                return f"{top}/", name
    raise CrateInvalid(f"there is no {METADATA_FILE}, so this is no crate", where=Where(path))


@dataclass(frozen=True, slots=True)
class _Graph:
    """What the metadata say."""

    urls: tuple[str, ...]
    entities: Mapping[str, Entity]
    descriptor: str
    root: Entity


def _read_graph(stream: BinaryIO, keep: Keep | None, limits: Limits, where: Where) -> _Graph:
    aliases: dict[str, str] = {}
    urls: list[str] = []
    kept: list[Entity] = []
    seen = _Seen()
    for name, value in top_level(stream, limits, where):
        if name == "@context":
            aliases, urls = aliases_of(value)
            _check_contexts(urls, where)
            if aliases and seen.any:
                raise CrateInvalid("the @context stands behind what it is for", where=where)
        elif name == "@graph":
            entity = _checked(value, aliases, where)
            seen.add(entity.id)
            if keep is None or _is_central(entity) or keep(entity):
                kept.append(entity if keep is None else _without_lists(entity))
    seen.check(kept, where)
    by_id = {_normal(entity.id): entity for entity in kept}
    descriptor, root = _central(by_id, where)
    _check_cycles(by_id, where)
    return _Graph(tuple(urls), by_id, descriptor, root)


def _checked(value: Any, aliases: Mapping[str, str], where: Where) -> Entity:
    if isinstance(value, Ref):
        value = {"@id": str(value)}
    if not isinstance(value, dict):
        raise CrateInvalid("the @graph holds something that is no entity", where=where)
    entity = entity_of(value, aliases, where)
    check_entity(entity, where)
    return entity


def _without_lists(entity: Entity) -> Entity:
    """Return an entity without the properties that name all files and actions of a crate."""
    kept = {name: value for name, value in entity.properties.items() if name not in ("hasPart", "mentions")}
    return replace(entity, properties=kept)


def _check_contexts(urls: Iterable[str], where: Where) -> None:
    for url in urls:
        if not contexts.is_known(url):
            raise CrateInvalid(
                f"the context {shown(url)} is not known, and contexts are never fetched",
                where=where,
                hint="what its terms mean is only said there",
            )


def _normal(identifier: str) -> str:
    return identifier[2:] if identifier.startswith("./") and len(identifier) > 2 else identifier


def _is_central(entity: Entity) -> bool:
    return entity.id in ("./", ".") or entity.id.rpartition("/")[2] in METADATA


def _central(entities: Mapping[str, Entity], where: Where) -> tuple[str, Entity]:
    """Return the id of the descriptor, and the root that it is about."""
    described = [name for name in entities if name.rpartition("/")[2] in METADATA and not entities[name].is_a("File")]
    for name in sorted(described, key=len):
        for about in entities[name].refs("about"):
            root = entities.get(_normal(about))
            if root is not None:
                return name, root
    if "./" in entities and described:
        return described[0], entities["./"]
    raise CrateInvalid("no entity stands for the whole crate", where=where)


class _Seen:
    """The ids of all entities, as hashes with a key that nobody else knows: eight bytes each."""

    def __init__(self) -> None:
        self._key = token_bytes(16)
        self._hashes = [array("Q") for _ in range(_HEAPS)]

    @property
    def any(self) -> bool:
        return any(self._hashes)

    def add(self, identifier: str) -> None:
        text = _normal(identifier).encode("utf-8", "surrogatepass")
        digest = blake2b(text, digest_size=8, key=self._key).digest()
        self._hashes[digest[0] % _HEAPS].frombytes(digest)

    def check(self, kept: Iterable[Entity], where: Where) -> None:
        """Raise CrateInvalid when an id was there twice; it is named when it was kept."""
        if all(len(set(heap)) == len(heap) for heap in self._hashes):
            return
        names: set[str] = set()
        for entity in kept:
            if _normal(entity.id) in names:
                raise CrateInvalid(f"two entities have the @id {shown(entity.id)!r}", where=where)
            names.add(_normal(entity.id))
        raise CrateInvalid("two entities have the same @id", where=where)


def _check_cycles(entities: Mapping[str, Entity], where: Where) -> None:
    """Refuse folders and collections that are parts of themselves."""
    done: set[str] = set()
    for start in entities:
        path: dict[str, Iterator[str]] = {}
        current: str | None = start
        while current is not None:
            if current not in path and current not in done and current in entities:
                path[current] = iter([_normal(part) for part in entities[current].refs("hasPart")])
            following = next(path[current], None) if current in path else None
            if following is None:
                done.add(current)
                path.pop(current, None)
                current = next(reversed(path), None)
            elif following in path:
                raise CrateInvalid(f"{shown(following)!r} is a part of itself", where=where)
            else:
                current = following
