"""The metadata of a crate: entities, read one by one from JSON-LD in its flattened form.

Terms are known by their compact names, whichever context a crate names, since one name means one
thing to all versions, though not the same IRI.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, BinaryIO

from ..data_classes import dataclass
from ..errors import CrateInvalid, Where
from .safety import Limits, check_identifier, check_name, is_local_file, is_web, shown

DATA_TYPES = frozenset({"File", "MediaObject", "Dataset", "Directory", "ImageObject"})
"""Types of entities that are files or folders."""
_NAMES = ("alternateName", "localPath", "contentUrl")
_CHUNK = 1 << 16
_SPACE = " \t\n\r"


class Ref(str):
    """A reference to an entity: the text is its `@id`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Entity:
    """One thing that a crate describes; its properties by compact name."""

    id: str
    types: tuple[str, ...]
    properties: Mapping[str, Any]

    def all(self, name: str) -> tuple[Any, ...]:
        """Return the values of a property: none, one or many; null is none."""
        return _listed(self.properties.get(name))

    def refs(self, name: str) -> tuple[str, ...]:
        """Return the ids of the entities that a property refers to."""
        return tuple(value for value in self.all(name) if isinstance(value, Ref))

    def text(self, *names: str) -> str | None:
        """Return the first value that is there as a text, of the first property that has one."""
        for name in names:
            for value in self.all(name):
                if isinstance(value, (str, int, float)):
                    return str(value)
        return None

    def is_a(self, *types: str) -> bool:
        """Tell whether it has one of the types."""
        return not set(types).isdisjoint(self.types)

    @property
    def is_data(self) -> bool:
        """Whether it is a file or a folder."""
        return self.is_a(*DATA_TYPES)


def _listed(value: Any) -> tuple[Any, ...]:
    if value is None:
        return ()
    if isinstance(value, list):
        return tuple(item for each in value for item in _listed(each))
    if isinstance(value, dict):
        for name in ("@value", "@list", "@set"):
            if name in value:
                return _listed(value[name])
        identity = value.get("@id")
        return (Ref(identity),) if isinstance(identity, str) else (value,)
    return (value,)


@lru_cache(4096)
def compact(term: str) -> str:
    """Return the compact name of a term that is given as an IRI, or with a prefix."""
    if ":" not in term:
        return term
    return term.rstrip("/#").replace("#", "/").replace(":", "/").rpartition("/")[2] or term


def entity_of(raw: Mapping[str, Any], aliases: Mapping[str, str], where: Where) -> Entity:
    """Return an entity as it was parsed. Raises CrateInvalid when it has no `@id`."""
    identity = raw.get("@id")
    if not isinstance(identity, str) or not identity:
        raise CrateInvalid("an entity has no @id", where=where)
    types = tuple(compact(aliases.get(kind, kind)) for kind in _listed(raw.get("@type")) if isinstance(kind, str))
    properties = {compact(aliases.get(name, name)): value for name, value in raw.items() if name[:1] != "@"}
    return Entity(identity, types, properties)


def check_entity(entity: Entity, where: Where) -> None:
    """Refuse an entity that could name a file outside of the crate. Raises CrateInvalid."""
    check_identifier(entity.id, where, is_data=entity.is_data)
    for prop in _NAMES if entity.is_data else ():
        for value in entity.all(prop):
            is_url = prop == "contentUrl" and isinstance(value, str) and is_web(value) and not is_local_file(value)
            if isinstance(value, str) and not is_url:
                check_name(value, prop, where)


def aliases_of(context: Any) -> tuple[dict[str, str], list[str]]:
    """Return the terms that a crate's own context defines, with their IRIs, and the URLs of its other contexts."""
    terms: dict[str, str] = {}
    urls: list[str] = []
    for part in context if isinstance(context, list) else [context]:
        if isinstance(part, Ref):
            urls.append(str(part))
        elif isinstance(part, str):
            urls.append(part)
        elif isinstance(part, dict):
            for name, value in part.items():
                iri = value.get("@id") if isinstance(value, dict) else value
                if isinstance(iri, str) and name[:1] != "@":
                    terms[name] = iri
    return terms, urls


# -- reading the JSON ------------------------------------------------------------------------------


def top_level(stream: BinaryIO, limits: Limits, where: Where) -> Iterator[tuple[str, Any]]:
    """Yield the members of the outermost object, and those of its `@graph` one by one.

    Memory is bounded by the largest of them. Raises CrateInvalid for what is no JSON, too deep, too
    large, or says one thing twice.
    """
    reader = _Reader(stream, limits, where)
    reader.expect("{")
    names: set[str] = set()
    while not reader.take("}"):
        if names:
            reader.expect(",")
        name = reader.value()
        if not isinstance(name, str) or name in names:
            raise reader.wrong(f"the name {shown(str(name))!r} stands twice, or is no text")
        names.add(name)
        reader.expect(":")
        if name == "@graph":
            for item in reader.items():
                yield name, item
        else:
            yield name, reader.value()
    reader.end()


class _Reader:
    """Takes values one after the other out of a stream of JSON."""

    def __init__(self, stream: BinaryIO, limits: Limits, where: Where) -> None:
        self._stream = stream
        self._limits = limits
        self._where = where
        self._text = ""
        self._at = 0
        self._total = 0
        self._over = False
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._decoder = json.JSONDecoder(object_pairs_hook=self._object, parse_constant=str)
        self._more(_CHUNK)
        if self._text.startswith("\ufeff"):
            self._at = 1

    def wrong(self, problem: str) -> CrateInvalid:
        """Return what to raise."""
        return CrateInvalid(problem, where=self._where)

    def expect(self, char: str) -> None:
        """Take a character, which must be next."""
        if not self.take(char):
            raise self.wrong(f"this is no JSON object as RO-Crate wants it: {char!r} is missing")

    def take(self, char: str) -> bool:
        """Take a character if it is next, after any space."""
        self._skip_space()
        if self._text[self._at : self._at + 1] != char:
            return False
        self._at += 1
        return True

    def _skip_space(self) -> None:
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text) or not self._more(_CHUNK):
                return

    def items(self) -> Iterator[Any]:
        """Yield the items of a list."""
        self.expect("[")
        first = True
        while not self.take("]"):
            if not first:
                self.expect(",")
            first = False
            yield self.value()

    def value(self) -> Any:
        """Take the next value, with all that is in it."""
        self._skip_space()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
                complete = end < len(self._text)
            except RecursionError:
                raise self.wrong("the JSON is nested too deeply") from None
            except json.JSONDecodeError:
                complete = False
            except ValueError as error:
                raise self.wrong(f"the JSON holds a number that nobody can mean: {error}") from None
            # At the end of what was read a number may be cut, and so may be anything else.
            if not complete and self._more(max(_CHUNK, len(self._text) - self._at)):
                continue
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except ValueError:
                raise self.wrong("this is no JSON") from None
            # What has few brackets is not looked through.
            begun, self._at = self._at, end
            if sum(self._text.count(bracket, begun, end) for bracket in "[{") > self._limits.json_depth:
                self._check_depth(value)
            return value

    def end(self) -> None:
        """Make sure that nothing follows."""
        self._skip_space()
        if self._at < len(self._text):
            raise self.wrong("something follows after the end of the JSON")

    def _more(self, size: int) -> bool:
        """Read on; tell whether there was anything."""
        if self._over:
            return False
        if len(self._text) - self._at > self._limits.entity_bytes:
            raise self.wrong(f"one entity is larger than {self._limits.entity_bytes >> 20} MiB")
        content = self._stream.read(size)
        self._total += len(content)
        if self._total > self._limits.metadata_bytes:
            raise self.wrong(f"the metadata are larger than {self._limits.metadata_bytes >> 20} MiB")
        self._over = not content
        try:
            text = self._utf8.decode(content, final=self._over)
        except UnicodeDecodeError:
            raise self.wrong("the metadata are not in UTF-8") from None
        self._text, self._at = self._text[self._at :] + text, 0
        return not self._over

    def _object(self, pairs: Sequence[tuple[str, Any]]) -> Any:
        if len(pairs) == 1 and pairs[0][0] == "@id" and isinstance(pairs[0][1], str):
            return Ref(pairs[0][1])
        made = dict(pairs)
        if len(made) < len(pairs):
            raise self.wrong("an object has a name twice")
        return made

    def _check_depth(self, value: Any) -> None:
        level, depth = [value], 0
        while level:
            depth += 1
            if depth > self._limits.json_depth:
                raise self.wrong(f"the JSON is nested deeper than {self._limits.json_depth} levels")
            inner: list[Any] = []
            for item in level:
                if isinstance(item, dict):
                    inner += item.values()
                elif isinstance(item, list):
                    inner += item
            level = [item for item in inner if isinstance(item, (dict, list))]
