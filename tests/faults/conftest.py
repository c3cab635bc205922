"""One server of controllers for each process that runs tests, and beds to kill them in."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .driver import Bed, Server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture
def make_bed(server: Server, tmp_path: Path) -> Callable[..., Bed]:
    """Return what makes a bed for a document, given the file in which its jobs leave their effects."""

    def make(document: Callable[[Path], dict[str, Any]], inputs: Any = None, name: str = "bed", **options: Any) -> Bed:
        folder = tmp_path / name
        folder.mkdir()
        path = folder / "document.cwl"
        path.write_text(json.dumps(document(folder / "effects")))
        return Bed(server, folder, path, inputs, options)

    return make
