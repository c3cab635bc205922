"""Which container images a run had: by what its crate says, or by its rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from ...data_classes import dataclass
from ...provenance.rows import ImageRow
from ..graph import Entity

IMAGES = "images/"
"""The folder of a crate that holds archives of images."""
_SHA256 = re.compile("[0-9a-f]{64}")
_DEFAULT_REGISTRY = "docker.io"


@dataclass(frozen=True, slots=True)
class WantedImage:
    """An image that a run had.

    Attributes:
        name: with the registry, without tag: `docker.io/library/debian`.
        digest: `sha256:...`, of its manifest in a registry, else of its configuration.
        platform: such as `linux/amd64`; None when that is not known.
        entities: ids of the entities of a crate that stand for it.
    """

    name: str
    tag: str | None
    digest: str
    platform: str | None = None
    entities: tuple[str, ...] = ()

    @property
    def called(self) -> str:
        """Its name with its tag."""
        return f"{self.name}:{self.tag}" if self.tag else self.name

    @property
    def path(self) -> str:
        """Path of its archive in a crate."""
        return f"{IMAGES}{self.digest.replace(':', '-')}.tar"

    @property
    def references(self) -> Sequence[str]:
        """What it may be called by an engine that has it, the most certain first."""
        return (f"{self.name}@{self.digest}", self.digest, self.called)


def is_about_images(entity: Entity) -> bool:
    """Tell whether an entity is needed for `archived_images`; to be given to `open_crate`."""
    return entity.is_a("ContainerImage") or (entity.is_data and entity.id.removeprefix("./").startswith(IMAGES))


def of_entities(entities: Iterable[Entity]) -> Iterator[tuple[str, WantedImage | None]]:
    """Yield the name of each ContainerImage, and what it is; None when the crate names no digest."""
    for entity in entities:
        if entity.is_a("ContainerImage"):
            registry = entity.text("registry") or _DEFAULT_REGISTRY
            name = f"{registry}/{entity.text('name') or ''}"
            platform = "/".join(filter(None, (entity.text("operatingSystem"), entity.text("processorRequirements"))))
            sha256 = (entity.text("sha256") or "").lower()
            yield name, _wanted(name, entity.text("tag"), f"sha256:{sha256}", platform or None, entity.id)


def of_rows(rows: Iterable[ImageRow]) -> Iterator[tuple[str, WantedImage | None]]:
    """As `of_entities`, of images in the store."""
    for row in rows:
        first, slash, _ = row.name.partition("/")
        has_registry = bool(slash) and (first == "localhost" or "." in first or ":" in first)
        name = row.name if has_registry else f"{_DEFAULT_REGISTRY}/{row.name}"
        yield row.name, _wanted(name, row.tag, row.digest or "", row.platform)


def _wanted(
    name: str, tag: str | None, digest: str, platform: str | None, entity: str | None = None
) -> WantedImage | None:
    if not _SHA256.fullmatch(digest.removeprefix("sha256:")):
        return None
    bare = name.partition("@")[0]
    head, slash, last = bare.rpartition("/")
    bare = f"{head}{slash}{last.partition(':')[0]}"
    return WantedImage(bare, tag, digest, platform, (entity,) if entity else ())


def each_once(found: Iterable[WantedImage]) -> list[WantedImage]:
    """Return images by digest, each with all entities that stand for it."""
    known: dict[str, WantedImage] = {}
    for one in found:
        other = known.get(one.digest)
        entities = (*(other.entities if other else ()), *one.entities)
        first = other or one
        known[one.digest] = WantedImage(first.name, first.tag, first.digest, first.platform, entities)
    return list(known.values())
