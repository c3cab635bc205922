"""Crates that hold the rows of a sample run, as exports make them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from storebed.samples import Sample

from recrate.crates import rows
from recrate.crates.rows import row_lines
from recrate.hashing import hash_json
from recrate.provenance import ids
from recrate.provenance.ids import workflow_id
from recrate.provenance.store import Store
from recrate.redaction import Redactor

from .building import folder, head

RESULT = b"the result"


def sample_with_result(store: Store) -> Sample:
    """Store a run whose result has the content RESULT, and whose shared rows have ids as the engine makes them."""
    sample = Sample.stored_in(store)
    fit_ids(store)
    sha256 = hashlib.sha256(RESULT).hexdigest()
    store.database.execute("UPDATE file SET sha256 = ? WHERE sha256 = ?", (sha256, sample.sha("/sum")))
    return sample


def fit_ids(store: Store) -> None:
    """Let the ids of the sample's workflow, environment, image and place follow from what they are."""
    database = store.database
    database.execute("PRAGMA foreign_keys = OFF")
    text = "cwlVersion: v1.2\n"
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    (entry,) = database.one("SELECT entry FROM workflow") or ("",)
    workflow = workflow_id(entry, {"file:///wf.cwl": sha256})
    database.execute("UPDATE workflow SET id = ?", (workflow,))
    database.execute("UPDATE document SET workflow_id = ?, sha256 = ?, text = ?", (workflow, sha256, text))
    database.execute("UPDATE run SET workflow_id = ?", (workflow,))
    environment = hash_json({"PATH": "/bin"})[:20]
    database.execute("UPDATE environment SET id = ?", (environment,))
    image = ids.image_id("alpine", None, "sha256:" + "9" * 64, None, "docker")
    database.execute("UPDATE image SET id = ?", (image,))
    deployment = ids.deployment_id("local", "local", "{}")
    database.execute("UPDATE deployment SET id = ?", (deployment,))
    database.execute("UPDATE location SET deployment_id = ?", (deployment,))
    (row,) = database.fetch("SELECT * FROM location")
    location = ids.location_id(["", *row[1:]])
    database.execute("UPDATE location SET id = ?", (location,))
    database.execute(
        "UPDATE attempt SET location_id = ?, image_id = ?, environment_id = ?", (location, image, environment)
    )
    for replica, run, path, content in database.query("SELECT id, run_id, path, sha256 FROM replica"):
        database.execute(
            "UPDATE replica SET id = ?, location_id = ? WHERE id = ?",
            (ids.replica_id(run, location, path, content), location, replica),
        )
    body = '{"job":"/sum","attempt":1}'
    database.execute("UPDATE event SET kind = ?, body = ?", ("AttemptStarted", body))
    database.execute("PRAGMA foreign_keys = ON")


def lines_of(store: Store, run_id: str) -> bytes:
    return b"".join(row_lines(store.database, run_id, Redactor()))


def crate_of(store: Store, run_id: str, path: Path, content: bytes = RESULT) -> Path:
    """Make a crate that holds the rows of a run, as exports do."""
    graph = [
        *head(["data/result.txt", rows.PATH]),
        {"@id": "data/result.txt", "@type": "File", "sha256": hashlib.sha256(RESULT).hexdigest()},
        {"@id": rows.PATH, "@type": "File", "name": "rows"},
    ]
    return folder(path, graph, {"data/result.txt": content, rows.PATH: lines_of(store, run_id)})
