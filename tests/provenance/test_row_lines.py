"""The rows of a run are the same lines, whichever database they are in, and go from one kind to the other."""

from __future__ import annotations

import io
from pathlib import Path

from storebed.samples import Sample

from recrate.crates.rows import read_rows, row_lines
from recrate.provenance.rows import PortRow, SoftwareRow
from recrate.provenance.states import Direction
from recrate.provenance.store import Store, open_store
from recrate.redaction import Redactor

NAMES = ("b", "A", "a", "_", "ä", "Z", "é", "e\u0301", "z z", "\udcff", "\U0001f600", "\uffff")


def lines_of(store: Store, run_id: str) -> bytes:
    return b"".join(row_lines(store.database, run_id, Redactor()))


def test_order_and_content_do_not_depend_on_the_database(store: Store, sample: Sample, tmp_path: Path) -> None:
    step = sample.step("/count")
    store.write(
        *(PortRow(step_id=step, direction=Direction.OUTPUT, name=name) for name in NAMES),
        *(SoftwareRow(run_id=sample.run, role="dependency", name=name, version="1") for name in NAMES),
    )
    lines = lines_of(store, sample.run)
    with open_store(str(tmp_path / "other.db")) as other:
        other.write(*read_rows(io.BytesIO(lines)).rows)
        assert lines_of(other, sample.run) == lines
