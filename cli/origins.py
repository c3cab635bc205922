"""Where an imported run came from, as commands show it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..provenance.rows import CrateRow
from .render import parsed


def origin_fields(crate: CrateRow | None) -> Iterator[tuple[str, Any]]:
    """Yield where an imported run came from, as names and values to be shown."""
    if crate is None:
        return
    yield "made by", crate.producer or "a program that the crate does not name"
    yield "imported from", crate.path
    yield "crate sha256", crate.sha256
    yield "profiles", ", ".join(parsed(crate.profiles))
    if crate.imported is None:
        yield "incomplete", "the import broke off; import the crate again"
    yield "signed by", crate.signer
