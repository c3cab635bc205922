"""A crate that is being written: its files, and the entities that describe them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from types import TracebackType
from typing import Any

from ...data_classes import dataclass
from ...hashing import digest_bytes
from ..read import METADATA_FILE
from .files import added_entity
from .graph import Spool, document, encoded, with_lists
from .jsonld import Entity, path_id
from .target import Target


@dataclass(slots=True)
class Draft:
    """What has been written so far. To be used in a `with`.

    Attributes:
        target: takes the files.
        head: entities that come first, few.
        body: takes all other entities.
        parts: takes references to what the root has as parts.
        mentions: takes references to what the root mentions.
        sizes: bytes of the files that were added, by `@id`.
    """

    target: Target
    head: list[Entity] = field(default_factory=list)
    body: Spool = field(default_factory=Spool)
    parts: Spool = field(default_factory=Spool)
    mentions: Spool = field(default_factory=Spool)
    sizes: dict[str, int] = field(default_factory=dict)

    def add_file(self, path: str, content: bytes, name: str | None, **more: Any) -> None:
        """Add a file that is small, with its entity; without `name` another entity describes it."""
        self.target.write(path, [content])
        identity = path_id(path)
        self.parts.add_ref(identity)
        self.sizes[identity] = len(content)
        if name is not None:
            digest = digest_bytes(content)
            self.head.append(added_entity(path, name, digest.size, sha256=digest.sha256, **more))

    def add_stream(self, path: str, chunks: Iterable[bytes], name: str, **more: Any) -> None:
        """Add a file bit by bit, with its entity. Raises OSError of where the bits come from."""
        size, hashed = 0, hashlib.sha256()

        def counted() -> Iterator[bytes]:
            nonlocal size
            for chunk in chunks:
                size += len(chunk)
                hashed.update(chunk)
                yield chunk

        self.target.write(path, counted())
        self.parts.add_ref(path_id(path))
        self.body.add(added_entity(path, name, size, sha256=hashed.hexdigest(), **more))

    def finish(self, context: Any, descriptor: Entity, root: Entity, others: Sequence[Entity]) -> None:
        """Write the metadata file: the descriptor, the root, others that come first, and all that was added."""
        lists: Mapping[str, Spool] = {"hasPart": self.parts, "mentions": self.mentions}
        first = [[encoded(descriptor)], with_lists(root, lists)]
        rest = ([encoded(one)] for one in (*others, *self.head))
        self.target.write(METADATA_FILE, document(context, [*first, *rest], [self.body]))

    def __enter__(self) -> Draft:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for spool in (self.body, self.parts, self.mentions):
            spool.close()
