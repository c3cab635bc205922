"""A part of the transfers is damaged, and of the jobs killed: the result is the same, and all of it is on record.

RECRATE_CHAOS_RUNS=20 makes so many runs of each kind; CI makes a few.
"""

from __future__ import annotations

import json
import os
from collections import Counter

import pytest

from recrate.core import transport
from recrate.provenance import queries
from recrate.provenance.rows import EventRow
from recrate.provenance.states import AttemptState, TransferState

from ..core.engine.bench import Ran, shell, text, workflow
from ..core.hybrid.conftest import fields as _fields
from ..core.hybrid.fields import Fields, transfers

fields = _fields
RUNS = int(os.environ.get("RECRATE_CHAOS_RUNS", "3"))
NUMBER = {"type": "int", "inputBinding": {"position": 1}}
FILE = {"type": "File", "inputBinding": {"position": 2}}
MAKE = shell(
    {"n": NUMBER, "s": FILE}, {"o": "stdout"}, 'cat "$2"; seq "$1" "$(($1 * 9))"; sleep 0.25', stdout="a b.txt"
)
SHOUT = shell({"f": FILE}, {"o": "stdout"}, 'sed "s/^/line /" "$1"; sleep 0.25', stdout="it's loud.txt")
LARGE = shell({"f": FILE}, {"o": "stdout"}, 'cat "$1"; yes large | head -n 400000', stdout="large.txt")
JOIN = shell({"f": {"type": "File[]", "inputBinding": {}}}, {"o": "stdout"}, 'cat "$@"', stdout="all.txt")
COUNT = shell({"f": FILE}, {"o": "stdout"}, 'sort "$1" | uniq -c', stdout="count.txt")
WORKFLOW = workflow(
    {"n": "int[]", "seed": "File"},
    {"count": {"type": "File", "outputSource": "count/o"}, "large": {"type": "File", "outputSource": "large/o"}},
    {
        "make": {"run": MAKE, "scatter": "n", "in": {"n": "n", "s": "seed"}, "out": ["o"]},
        "shout": {"run": SHOUT, "scatter": "f", "in": {"f": "make/o"}, "out": ["o"]},
        "join": {"run": JOIN, "in": {"f": "shout/o"}, "out": ["o"]},
        "large": {"run": LARGE, "in": {"f": "join/o"}, "out": ["o"]},
        "count": {"run": COUNT, "in": {"f": "large/o"}, "out": ["o"]},
    },
)
STEPS = {"/make": "east", "/shout": "west", "/join": "local", "/large": "east", "/count": "west"}
KILLED = "killed by signal 9"


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nothing, and send some of the small files alone."""
    monkeypatch.setattr(transport, "WAIT_SECONDS", 0.01)
    monkeypatch.setattr(transport, "SMALL_BYTES", 200)


def run(fields: Fields, chaos: str | None, word: str = "plain", *, here: bool = False) -> Ran:
    """Run the workflow on its places, or here; with another word each content is new, so that it must be sent."""
    seed = fields.bench.write("seed.txt", f"{word}\n")
    inputs = {"n": list(range(1, 17)), "seed": {"class": "File", "path": str(seed)}}
    roomy = {name: fields.deployment(name, config={"cores": 8}) for name in ("east", "west")}
    binding = fields.binding(dict.fromkeys(STEPS, "local") if here else STEPS, deployments=roomy)
    return fields.run(WORKFLOW, inputs, binding, chaos=chaos, retry=["8,delay=0.01"])


def strikes(ran: Ran) -> Counter[str]:
    """Return how often each fault was brought about, as the events say."""
    rows = ran.database.rows(EventRow, "WHERE run_id = ? AND kind = 'ChaosStruck'", (ran.id,))
    return Counter(json.loads(row.body)["act"] for row in rows)


def all_on_record(ran: Ran) -> None:
    """Each fault is an event, and what came of it is told by a transfer or an attempt."""
    struck = strikes(ran)
    moved = Counter(row.state for row in transfers(ran))
    assert set(moved) <= {TransferState.COMPLETED, TransferState.FAILED}
    assert bool(moved[TransferState.FAILED]) == bool(struck["corrupt"] + struck["cut"])
    assert all(row.error for row in transfers(ran) if row.state is TransferState.FAILED)
    attempts = ran.all_attempts()
    killed = [row for row in attempts if row.state is AttemptState.FAILED and KILLED in (row.error or "")]
    assert len(killed) == struck["kill"]
    good = Counter(row.job_id for row in attempts if row.state is AttemptState.COMPLETED and row.reason is None)
    assert all(number == 1 for number in good.values()), "a job was carried out twice"


def outputs(ran: Ran, word: str = "plain") -> dict[str, str]:
    return {port: text(value).replace(word, "plain") for port, value in ran.outputs.items()}


def test_damaged_transfers_and_killed_jobs_change_nothing(fields: Fields) -> None:
    expected = outputs(run(fields, None, here=True))
    total: Counter[str] = Counter()
    for seed in range(RUNS):
        ran = run(fields, f"corrupt=5%,kill=5%,seed={seed}", f"w{seed:03}n")
        assert outputs(ran, f"w{seed:03}n") == expected
        all_on_record(ran)
        total += strikes(ran)
    assert total["corrupt"] and total["kill"], total


def test_nor_do_lost_connections_and_copies_that_break_off(fields: Fields) -> None:
    expected = outputs(run(fields, None, here=True))
    for seed in range(max(1, RUNS // 3)):
        ran = run(fields, f"corrupt=10%,cut=10%,kill=10%,drop=3%,delay=5ms,seed={seed}", f"d{seed:03}n")
        assert outputs(ran, f"d{seed:03}n") == expected
        assert {"drop", "kill"} <= set(strikes(ran))


def test_without_chaos_nothing_of_it_is_loaded_or_on_record(fields: Fields) -> None:
    ran = run(fields, None)
    assert strikes(ran) == Counter()
    assert "chaos" not in json.loads(queries.get_run(ran.database, ran.id).options)
    assert type(fields.connectors["east"]).__name__ == "Elsewhere"
