"""The course of a run in time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from recrate.provenance.queries import TimedAttempt
from recrate.provenance.rows import LocationRow, TransferRow
from recrate.provenance.states import AttemptState, TransferState
from recrate.views.timeline import COLUMNS, MOST_TRACKS, Timeline, Window, lanes_of, ticks, timeline_of

WINDOW = Window(100.0, 110.0)
PLACES = {
    "n1": LocationRow(id="n1", deployment_id="d", name="node1", cores=2, memory=2048),
    "n2": LocationRow(id="n2", deployment_id="d", name="node2"),
}


def attempt(
    start: float | None,
    end: float | None,
    state: AttemptState = AttemptState.COMPLETED,
    place: str = "n1",
    submitted: float | None = None,
) -> TimedAttempt:
    return TimedAttempt("j", "/step[3]", 1, state, place, submitted, start, end)


def course(attempts: Iterable[TimedAttempt], transfers: Iterable[TransferRow] = (), most: int = 100) -> Timeline:
    def known(names: Iterable[str]) -> Mapping[str, LocationRow]:
        return {name: PLACES[name] for name in names if name in PLACES}

    return timeline_of(WINDOW, attempts, list(transfers), known, most=most, href=lambda job: f"#{job}")


def test_attempts_stand_in_the_track_of_their_location() -> None:
    line = course([attempt(101, 103, submitted=100.5), attempt(105, 110, AttemptState.FAILED, "n2")])
    assert [(track.name, track.said) for track in line.tracks] == [
        ("node1", "1 attempt"),
        ("node2", "1 attempt, 1 failed"),
    ]
    (bar,) = line.tracks[0].bars
    assert (round(bar.start, 3), round(bar.width, 3), round(bar.waited, 3)) == (0.1, 0.2, 0.05)
    assert bar.title == "/step[3]: completed, 2.0 s"
    assert line.tracks[0].about == "2 cores · 2 GiB"


def test_an_attempt_that_runs_goes_on_to_the_end_of_what_is_shown() -> None:
    (bar,) = course([attempt(104, None, AttemptState.RUNNING)]).tracks[0].bars
    assert (bar.start, bar.width) == (0.4, 0.6)


def test_an_attempt_of_which_nothing_is_known_has_no_length() -> None:
    (bar,) = course([attempt(None, None, AttemptState.LOST)]).tracks[0].bars
    assert (bar.start, bar.width) == (0.0, 0.0)


def test_too_many_attempts_become_columns() -> None:
    many = [
        attempt(100 + i / 100, 100.5 + i / 100, AttemptState.FAILED if i == 500 else AttemptState.COMPLETED)
        for i in range(900)
    ]
    (track,) = course(many, most=400).tracks
    assert not track.bars
    assert len(track.columns) <= COLUMNS
    assert 40 <= track.most <= 60
    assert max(column.running for column in track.columns) == 1.0
    assert sum(column.failed > 0 for column in track.columns) == 1
    assert track.said == "900 attempts, 1 failed"


def test_transfers_stand_in_the_track_of_their_target() -> None:
    moved = TransferRow(
        id="t", run_id="r", source_location_id="n1", source_path="/a", target_location_id="n2", target_path="/b",
        method="copy", number=1, state=TransferState.COMPLETED, started=102.0, ended=103.0,
    )  # fmt: skip
    line = course([attempt(101, 102)], [moved])
    (bar,) = line.tracks[1].transfers
    assert bar.title == "/b from node1 by copy: completed, 1.0 s"
    assert line.tracks[1].said == "0 attempts, 1 transfer to here"


SPANS = st.lists(st.tuples(st.floats(0, 100), st.floats(0, 20)), max_size=30)


@given(SPANS)
def test_spans_of_one_lane_do_not_overlap(given_spans: list[tuple[float, float]]) -> None:
    spans = sorted((start, start + length) for start, length in given_spans)
    lanes = lanes_of(spans)
    for (one, lane), (other, other_lane) in combinations(zip(spans, lanes, strict=True), 2):
        if lane == other_lane:
            assert one[1] <= other[0] or other[1] <= one[0]
    most = max((sum(start <= at < end for start, end in spans) for at, _ in spans), default=0)
    assert max(lanes, default=-1) + 1 <= max(most, 1) + sum(start == end for start, end in spans)


@given(st.floats(1e-3, 1e7))
def test_an_axis_has_a_few_round_marks(seconds: float) -> None:
    marks = ticks(seconds)
    assert 1 <= len(marks) <= 10
    assert all(0 <= mark.place <= 1 + 1e-9 for mark in marks)
    assert len({mark.text for mark in marks}) == len(marks)


def test_marks_read_well() -> None:
    assert [mark.text for mark in ticks(0.5)] == ["0", "0.1 s", "0.2 s", "0.3 s", "0.4 s", "0.5 s"]
    assert [mark.text for mark in ticks(100)] == ["0", "20 s", "40 s", "1:00", "1:20", "1:40"]
    assert [mark.text for mark in ticks(7200)][:4] == ["0", "20 min", "40 min", "1 h 00"]


def test_of_many_locations_the_busiest_are_shown_and_the_others_as_one() -> None:
    attempts = [
        attempt(101, 102, place=f"p{place}") for place in range(MOST_TRACKS + 10) for _ in range(1 + (place < 3))
    ]
    line = course(attempts)
    assert len(line.tracks) == MOST_TRACKS + 1
    assert line.tracks[-1].name == "10 more locations"
    assert line.tracks[-1].said == "10 attempts"
    assert line.tracks[-1].columns
    assert sum(track.said == "2 attempts" for track in line.tracks) == 3
