"""Which umask and time zone the jobs of a run have when it is carried out again."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

from recrate.core.surroundings import Surroundings
from recrate.provenance.queries import StepPlace
from recrate.reruns.foretold import several_surroundings, surroundings_of

HERE = Surroundings("022", "UTC")


def row(known: Surroundings | None = HERE) -> Any:
    return SimpleNamespace(options=json.dumps({"surroundings": None if known is None else known.as_json()}))


def ran(location: str, umask: str | None = None, zone: str | None = None, kind: str = "ssh") -> StepPlace:
    return StepPlace("/a", location, kind, None, location, umask, zone, 1, 256, 0)


LOCAL = ran("local", kind="local")


def test_jobs_that_ran_here_take_those_of_the_run_along() -> None:
    assert surroundings_of(row(), [LOCAL], elsewhere=True) == Surroundings("022", "UTC", everywhere=True)
    assert surroundings_of(row(), [LOCAL], elsewhere=False) == HERE


def test_jobs_that_ran_on_one_cluster_take_those_of_the_cluster_along() -> None:
    places = [ran("a", "027", "Asia/Tokyo"), ran("b", "027", "Asia/Tokyo")]
    assert surroundings_of(row(), places, elsewhere=True) == Surroundings("027", "Asia/Tokyo", everywhere=True)
    assert surroundings_of(row(), places, elsewhere=False) == Surroundings("027", "Asia/Tokyo")
    assert list(several_surroundings(row(), places)) == []


def test_different_ones_stay_with_their_places_and_that_is_said() -> None:
    places = [LOCAL, ran("a", "027", "Asia/Tokyo"), ran("b", "027", "Asia/Tokyo")]
    assert surroundings_of(row(), places, elsewhere=True) == HERE
    (line,) = several_surroundings(row(), places)
    assert "022 and UTC on local; 027 and Asia/Tokyo on a, b" in line


def test_where_they_are_not_on_record_nothing_is_taken_along_and_nothing_said() -> None:
    for places in ([ran("old")], [LOCAL, ran("old")]):
        assert surroundings_of(row(), places, elsewhere=True) == HERE
        assert list(several_surroundings(row(), places)) == []


def test_a_run_that_was_carried_out_again_had_what_its_jobs_were_told_everywhere() -> None:
    told = Surroundings("027", "Asia/Tokyo", everywhere=True)
    assert surroundings_of(row(told), [LOCAL, ran("b", "022", "UTC")], elsewhere=True) == told


def test_what_a_crate_of_others_tells_is_taken_only_when_it_can_be() -> None:
    assert surroundings_of(row(), [ran("a", "9; rm", "../../etc/passwd")], elsewhere=True) == HERE


def test_a_run_of_others_has_none() -> None:
    assert surroundings_of(row(None), [LOCAL], elsewhere=True) is None
    assert list(several_surroundings(row(None), [LOCAL])) == []


def test_a_run_without_a_job_that_completed_had_those_of_its_controller() -> None:
    assert surroundings_of(row(), [], elsewhere=True) == Surroundings("022", "UTC", everywhere=True)
