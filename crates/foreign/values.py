"""Values that flowed, as crates describe them: files, folders, collections, and the rest as text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from typing import Any
from urllib.parse import unquote

from ...core.uris import to_uri
from ...data_classes import dataclass
from ..graph import Entity, Ref
from ..keeping import Kept
from ..read import Crate
from ..safety import decoded_path, is_web
from .layout import name_of

_DEEPEST = 32
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_MOST_LISTED = 100_000
_NOT_FETCHED = ("file:",)


@dataclass(frozen=True, slots=True)
class Slot:
    """What an action had on one port: the entities, and the parameter that they fill, when they do."""

    port: str
    parameter: Entity | None
    refs: list[Ref]


@dataclass(slots=True)
class Values:
    """Makes values of entities. `place` says where a file of the crate is kept."""

    crate: Crate
    kept: Mapping[str, Kept]
    place: Callable[[str], str]
    _folders: dict[str, list[str]] = field(default_factory=dict)

    def uri(self, path: str) -> str:
        """Return the URI of a file of the crate where it is kept."""
        return to_uri(self.place(path))

    def slots(self, refs: Iterable[str], owner: Entity | None, side: str) -> list[Slot]:
        """Return what an action used or made, by parameter of what it carried out (`owner`): of its `input` or
        `output`. What fills no parameter is called by its own name."""
        own = frozenset(owner.refs(side)) if owner is not None else frozenset()
        found: dict[str, Slot] = {}
        for text in refs:
            parameter = self._parameter(text, own)
            port = (parameter.text("name") or name_of(parameter)) if parameter is not None else self._name(text)
            found.setdefault(port, Slot(port, parameter, [])).refs.append(Ref(text))
        return list(found.values())

    def _parameter(self, identifier: str, own: frozenset[str]) -> Entity | None:
        """Return the FormalParameter that a value fills: it may stand for one of the workflow and one of a tool."""
        entity = self.crate.entity(identifier)
        filled = self.crate.related(entity, "exampleOfWork") if entity is not None else []
        chosen = [item for item in filled if item.is_a("FormalParameter")]
        return next((item for item in chosen if item.id in own), next(iter(chosen), None))

    def _name(self, identifier: str) -> str:
        entity = self.crate.entity(identifier)
        if entity is None:
            return name_of(Entity(identifier, (), {}))
        return entity.text("name", "alternateName") or name_of(entity)

    def of(self, slot: Slot) -> Any:
        """Return the value of a slot: of several entities a list, unless they say the same."""
        values = [self._of(text, ()) for text in slot.refs]
        many = slot.parameter is not None and (slot.parameter.text("multipleValues") or "").lower() == "true"
        if not many and all(value == values[0] for value in values):
            return values[0]
        return values[0] if len(values) == 1 and isinstance(values[0], list) else values

    def _of(self, identifier: str, outer: tuple[str, ...]) -> Any:
        entity = self.crate.entity(identifier)
        if entity is None:
            return self._web_file(identifier)
        if identifier in outer or len(outer) >= _DEEPEST:
            return None
        inner = (*outer, identifier)
        if entity.is_a("File", "MediaObject"):
            return self._file(entity)
        if entity.is_a("Dataset", "Directory", "RepositoryCollection") and not entity.is_a("Collection"):
            return self._directory(entity, inner)
        if entity.is_a("Collection"):
            return self._collection(entity, inner)
        if "value" in entity.properties:
            return self._property(entity, inner)
        return entity.text("name", "description") or entity.id

    def _web_file(self, identifier: str) -> Any:
        if not is_web(identifier):
            return identifier
        entity = Entity(identifier, ("File",), {})
        return {"class": "File", "basename": name_of(entity), **_elsewhere(entity)}

    def _file(self, entity: Entity) -> dict[str, Any]:
        path = self.crate.path_of(entity.id)
        kept = None if path is None else self.kept.get(path)
        said = {name: (entity.text(name) or "").lower() for name in ("sha256", "sha1")}
        value: dict[str, Any] = {"class": "File", "basename": _basename(entity, path)}
        if kept is not None:
            value |= {"location": self.uri(kept.path), "sha256": kept.sha256.hex(), "size": kept.size}
        else:
            value |= _elsewhere(entity)
            if re.fullmatch("[0-9a-f]{64}", said["sha256"]):
                value["sha256"] = said["sha256"]
            if (size := entity.text("contentSize") or "").isdecimal() and len(size) < 19:
                value["size"] = int(size)
        if re.fullmatch("[0-9a-f]{40}", said["sha1"]):
            value["checksum"] = f"sha1${said['sha1']}"
        return value

    def _directory(self, entity: Entity, inner: tuple[str, ...]) -> dict[str, Any]:
        folder = next((name for name in self._names(entity) if name in self._below()), None)
        value: dict[str, Any] = {"class": "Directory", "basename": _basename(entity, folder)}
        if folder is not None:
            value["location"] = self.uri(folder)
            value["listing"] = self._listing(folder)
            return value
        value |= _elsewhere(entity)
        parts = [self._of(part, inner) for part in entity.refs("hasPart")]
        value["listing"] = [part for part in parts if isinstance(part, dict)]
        return value

    def _names(self, entity: Entity) -> Iterator[str]:
        if not is_web(entity.id):
            for text in (entity.id, decoded_path(entity.id)):
                yield "/".join(part for part in text.split("/") if part not in ("", "."))

    def _below(self) -> dict[str, list[str]]:
        """Return the files in each folder of the crate, those in folders below it too."""
        if not self._folders:
            for path in self.kept:
                above = path
                while "/" in above:
                    above = above.rpartition("/")[0]
                    self._folders.setdefault(above, []).append(path)
        return self._folders

    def _listing(self, folder: str) -> list[dict[str, Any]]:
        files: list[dict[str, Any]] = []
        inner: dict[str, None] = {}
        for path in self._below()[folder][:_MOST_LISTED]:
            first, slash, _ = path[len(folder) + 1 :].partition("/")
            if slash:
                inner.setdefault(f"{folder}/{first}")
            else:
                entity = self.crate.entity(path) or Entity(path, ("File",), {})
                files.append({**self._file(entity), "basename": first})
        folders = [
            {
                "class": "Directory",
                "basename": each.rpartition("/")[2],
                "location": self.uri(each),
                "listing": self._listing(each),
            }
            for each in inner
        ]
        return [*files, *folders]

    def _collection(self, entity: Entity, inner: tuple[str, ...]) -> Any:
        main = next(iter(entity.refs("mainEntity")), None)
        parts = [part for part in entity.refs("hasPart") if part != main]
        values = [self._of(part, inner) for part in parts]
        if main is None:
            return values
        value = self._of(main, inner)
        if isinstance(value, dict) and values:
            return {**value, "secondaryFiles": [item for item in values if isinstance(item, dict)]}
        return value

    def _property(self, entity: Entity, inner: tuple[str, ...]) -> Any:
        raw = entity.all("value")
        kind = self._kind(entity)
        nested = [self.crate.entity(item) for item in raw if isinstance(item, Ref)]
        if nested and all(item is not None and item.is_a("PropertyValue") for item in nested):
            fields = [item for item in nested if item is not None]
            return {_field(item): self._of(item.id, inner) for item in fields}
        values = [self._of(item, inner) if isinstance(item, Ref) else typed(item, kind) for item in raw]
        return values if len(values) != 1 or isinstance(entity.properties["value"], list) else values[0]

    def _kind(self, entity: Entity) -> str:
        parameter = next(iter(self.crate.related(entity, "exampleOfWork")), None)
        return (parameter.text("additionalType") or "") if parameter is not None else ""


def typed(value: Any, kind: str) -> Any:
    """Return a value, which crates write as a text, as the type of its parameter says."""
    kind = kind.rpartition("/")[2]
    if not isinstance(value, str):
        return value
    if kind == "Integer" and _INTEGER.fullmatch(value):
        return int(value)
    if kind in ("Float", "Number"):
        try:
            number = float(value)
        except ValueError:
            return value
        return number if abs(number) < float("inf") else value
    if kind == "Boolean" and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return value


def _field(entity: Entity) -> str:
    return (entity.text("name") or entity.id).rpartition("/")[2]


def _basename(entity: Entity, path: str | None) -> str:
    text = entity.text("alternateName") or path or unquote(entity.id.rstrip("/#")) or entity.text("name") or "file"
    return text.rstrip("/").rpartition("/")[2].replace("\0", "") or "file"


def _elsewhere(entity: Entity) -> dict[str, Any]:
    """Return where a file is that the crate does not hold. What is on some machine has no location here."""
    for text in (entity.id, entity.text("contentUrl") or "", entity.text("url") or ""):
        if is_web(text) and not text.lower().startswith(_NOT_FETCHED):
            return {"location": text}
    return {}
