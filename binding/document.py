"""A binding file that is being read: its tree, its data, and what was found wrong with it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from ..core.cwl.tree import Node
from ..data_classes import dataclass
from .shape import Report, Spot

DOCUMENT = ""
"""Name of the whole file, which messages leave out."""


@dataclass(slots=True)
class Document:
    """A file that is being read. `data` is its tree as plain data, without what is wrong with it."""

    path: str
    tree: Node
    data: Mapping[str, Any]
    report: Report = field(default_factory=Report)

    def spot(self, *path: str | int) -> Spot:
        """Return the spot of a value of the document."""
        spot = Spot(self.tree, None, DOCUMENT)
        for step in path:
            spot = spot.below(spot.holder if spot.key is None else spot.holder[spot.key], step)
        return spot

    def resolved(self, path: str | None) -> str | None:
        """Return a path of the document as an absolute one."""
        folder = os.path.dirname(self.path)
        return None if path is None else os.path.normpath(os.path.join(folder, os.path.expanduser(path)))
