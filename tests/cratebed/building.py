"""Crates made by hand, for tests."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

Raw = dict[str, Any]
V11 = "https://w3id.org/ro/crate/1.1/context"
RUN_TERMS = "https://w3id.org/ro/terms/workflow-run/context"


def ref(identity: str) -> Raw:
    """Return a reference to an entity."""
    return {"@id": identity}


def head(parts: Iterable[str] = (), **root: Any) -> list[Raw]:
    """Return the descriptor and the root of a crate of the 1.1 line."""
    return [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "about": ref("./"),
            "conformsTo": ref("https://w3id.org/ro/crate/1.1"),
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": "sample",
            "description": "made by hand",
            "datePublished": "2026-01-02",
            "license": "https://spdx.org/licenses/CC0-1.0",
            "hasPart": [ref(part) for part in parts],
            **root,
        },
    ]


def metadata(graph: Iterable[Raw], context: Any = None) -> bytes:
    """Return the document with a graph."""
    return json.dumps({"@context": context or [V11, RUN_TERMS], "@graph": list(graph)}).encode()


def folder(path: Path, graph: Iterable[Raw], files: Mapping[str, bytes | str] | None = None, **more: Any) -> Path:
    """Make a crate that is a folder."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "ro-crate-metadata.json").write_bytes(metadata(graph, **more))
    for name, content in (files or {}).items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def archive(path: Path, graph: Iterable[Raw], files: Mapping[str, bytes | str] | None = None, **more: Any) -> Path:
    """Make a crate that is a zip archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("ro-crate-metadata.json", metadata(graph, **more))
        for name, content in (files or {}).items():
            made.writestr(name, content)
    return path


def zipped(path: Path, target: Path) -> Path:
    """Make a zip archive of a crate that is a folder."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for base, _, names in os.walk(path):
            for name in sorted(names):
                full = Path(base, name)
                made.write(full, str(full.relative_to(path)))
    return target
