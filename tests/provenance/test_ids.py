"""Ids that are computed stay what they are, whatever later releases add."""

from __future__ import annotations

from dataclasses import astuple, replace

from recrate.provenance import ids
from recrate.provenance.rows import LocationRow

ROW = LocationRow(id="", deployment_id="d", name="a", hostname="host", cores=2)


def test_a_location_of_which_no_more_is_known_keeps_its_id() -> None:
    row = astuple(ROW)
    assert len(row) > ids.FIRST_FACTS
    assert ids.location_id(row) == ids.location_id(row[: ids.FIRST_FACTS])
    assert ids.location_id(row) == "d28938a034e89ed56623"


def test_whatever_is_known_of_a_location_is_part_of_its_id() -> None:
    rows = [
        ROW,
        replace(ROW, umask="022"),
        replace(ROW, time_zone="UTC"),
        replace(ROW, queue="q"),
        replace(ROW, cores=3),
    ]
    assert len({ids.location_id(astuple(row)) for row in rows}) == len(rows)
