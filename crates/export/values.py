"""Values as entities: PropertyValue for what is no file, Collection for a file that brings others along.

A file alone is its own entity (`files`). Lists within lists and records are values in a value.
Everything is text (Workflow Run Crate, "Representing parameters").
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...core.values import is_file, is_reference
from ...hashing import digest_bytes
from .jsonld import Entity, clean, entity, escaped, one_or_many, ref, refs
from .names import FileKey, FileNames
from .parameters import scalar_text


def value_id(token_id: str) -> str:
    """Return the `@id` of the value of a token that is no file alone."""
    return f"#value/{token_id}"


def key_of(item: Mapping[str, Any], token_id: str, pointer: str) -> FileKey:
    """Return which file a File or Directory object at a place in a token is; as `Source.files` has it."""
    sha256 = item.get("sha256")
    location = item.get("location")
    if sha256 is None and location is None and is_file(item) and isinstance(item.get("contents"), str):
        sha256 = digest_bytes(item["contents"].encode("utf-8", "surrogateescape")).sha256
    kind = "FILE" if is_file(item) else "DIRECTORY"
    return FileKey(kind, sha256 or location or f"{token_id}{pointer}", str(item.get("basename") or ""))


def is_alone(value: Any) -> bool:
    """Tell whether a value is a File or Directory that brings nothing along."""
    return is_reference(value) and not value.get("secondaryFiles")


class Values:
    """Makes the entities of values. Files go by the names that they were given."""

    def __init__(self, names: FileNames) -> None:
        self._names = names

    def described(self, token_id: str, name: str, value: Any, examples: Sequence[str]) -> Iterator[Entity]:
        """Yield the entity of a token's value, and those of the values in it.

        Args:
            token_id: the token.
            name: that of its port.
            value: JSON; neither None nor a file alone.
            examples: ids of the parameters that it is an example of.
        """
        yield from self._entities(value_id(token_id), token_id, "", name, value, examples)

    def gathered(self, token_id: str, name: str, examples: Sequence[str], *, is_empty: bool) -> Entity:
        """Return the entity of a list that was put together of other tokens; the `value` is for the caller to add."""
        made = self._list(value_id(token_id), name, [], examples)
        if not is_empty:
            del made["value"]
        return made

    def part(self, token_id: str, value: Any) -> Any:
        """Return what stands for a token's value in a list: a text or a reference."""
        if is_alone(value):
            return ref(self._names.id(key_of(value, token_id, "")))
        return ref(value_id(token_id)) if isinstance(value, (list, Mapping)) else scalar_text(value)

    def _list(self, identity: str, name: str, parts: Sequence[Any], examples: Sequence[str]) -> Entity:
        # A list without items would say nothing at all.
        value = one_or_many(parts) if parts else "[]"
        return entity(identity, "PropertyValue", name=clean(name), value=value, exampleOfWork=refs(examples))

    def _entities(
        self, identity: str, token_id: str, pointer: str, name: str, value: Any, examples: Sequence[str] = ()
    ) -> Iterator[Entity]:
        if is_reference(value):
            yield self._collection(identity, token_id, pointer, value, examples)
            return
        items: Mapping[Any, Any]
        items = value if isinstance(value, Mapping) else dict(enumerate(value)) if isinstance(value, list) else {}
        if not isinstance(value, (Mapping, list)):
            yield self._list(identity, name, [scalar_text(value)], examples)
            return
        parts: list[Any] = []
        for key, item in items.items():
            inner = f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"
            within = f"{identity}/{escaped(str(key))}"
            # The fields of a record are values with names, so that each is told from the others.
            in_record = isinstance(value, Mapping)
            if in_record or (isinstance(item, (Mapping, list)) and not is_alone(item)):
                parts.append(ref(within))
                label = str(key) if in_record else name
                if is_alone(item):
                    yield self._list(within, label, [self._file(item, token_id, inner)], ())
                else:
                    yield from self._entities(within, token_id, inner, label, item)
            else:
                parts.append(self._file(item, token_id, inner) if is_alone(item) else scalar_text(item))
        yield self._list(identity, name, parts, examples)

    def _file(self, item: Mapping[str, Any], token_id: str, pointer: str) -> Entity:
        return ref(self._names.id(key_of(item, token_id, pointer)))

    def _collection(
        self, identity: str, token_id: str, pointer: str, value: Mapping[str, Any], examples: Sequence[str]
    ) -> Entity:
        """Return the entity of a file and those that come with it, also of those that these bring along."""
        main = self._names.id(key_of(value, token_id, pointer))
        others = list(self._others(value, token_id, pointer))
        return entity(
            identity,
            "Collection",
            name=clean(str(value.get("basename") or "")),
            mainEntity=ref(main),
            hasPart=refs([main, *others]),
            exampleOfWork=refs(examples),
        )

    def _others(self, value: Mapping[str, Any], token_id: str, pointer: str) -> Iterator[str]:
        for index, item in enumerate(value.get("secondaryFiles") or ()):
            inner = f"{pointer}/secondaryFiles/{index}"
            yield self._names.id(key_of(item, token_id, inner))
            yield from self._others(item, token_id, inner)
