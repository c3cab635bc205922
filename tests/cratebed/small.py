"""Small crates made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CONTEXT = ["https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context"]
RUN = [
    {
        "@id": "#run",
        "@type": "CreateAction",
        "name": "Run of it",
        "actionStatus": "http://schema.org/FailedActionStatus",
        "error": "no space left",
        "containerImage": {"@id": "#image"},
        "result": [{"@id": "a b.txt"}],
    },
    {"@id": "#image", "@type": "ContainerImage", "name": "debian", "tag": "12", "sha256": "ab" * 32},
    {"@id": "a b.txt", "@type": "File", "name": "É.txt"},
]


def write_crate(folder: Path, *entities: dict[str, Any], context: Any = CONTEXT) -> Path:
    """Write a crate of the 0.5 line with some entities; without any those of a run that failed."""
    folder.mkdir(parents=True, exist_ok=True)
    graph = [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "about": {"@id": "./"},
            "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
        },
        {"@id": "./", "@type": "Dataset", "name": "By hand"},
        *(entities or RUN),
    ]
    (folder / "a b.txt").write_text("content")
    (folder / "ro-crate-metadata.json").write_text(json.dumps({"@context": context, "@graph": graph}))
    return folder
