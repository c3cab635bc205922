"""Contents that are gone or damaged when they are needed are had back, by running as little as can be."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from recrate.provenance import queries
from recrate.provenance.rows import AttemptRow, EventRow, JobRow
from recrate.provenance.store import open_store

from ..core.engine.bench import shell, workflow
from .documents import effect
from .driver import Bed, contents

MakeBed = Callable[..., Bed]


def joined(log: Path, name: str, inputs: Iterable[str], extra: str = "") -> dict[str, Any]:
    """Return a tool that makes a file of its name and its input files, and leaves a line."""
    ports = {port: {"type": "File", "inputBinding": {"position": 1}} for port in inputs}
    script = f'printf "%s\\n" {name} >>{log}; {extra} printf "{name}(" >out; cat "$@" /dev/null >>out; printf ")" >>out'
    return shell(ports, {"o": {"type": "File", "outputBinding": {"glob": "out"}}}, script)


def gated(log: Path, graph: dict[str, list[str]]) -> dict[str, Any]:
    """Return a workflow of a step for each name, which uses the files of others, and a last one that uses those that
    nobody uses, and fails until there is a file `go` beside the log."""
    used = {source for sources in graph.values() for source in sources}
    last = [name for name in graph if name not in used]
    gate = f"test -e {log.parent / 'go'} || exit 3;"
    steps: dict[str, Any] = {
        name: {
            "run": joined(log, name, [f"i{n}" for n in range(len(sources))]),
            "in": {f"i{n}": f"{source}/o" for n, source in enumerate(sources)},
            "out": ["o"],
        }
        for name, sources in graph.items()
    }
    steps["gate"] = {
        "run": joined(log, "gate", [f"i{n}" for n in range(len(last))], gate),
        "in": {f"i{n}": f"{name}/o" for n, name in enumerate(last)},
        "out": ["o"],
    }
    return workflow({}, {"o": {"type": "File", "outputSource": "gate/o"}}, steps)


def blocked(bed: Bed) -> None:
    """Run up to the gate, which is closed; then open it."""
    assert bed.run().get("state") == "failed"
    bed.effects.unlink()
    (bed.directory / "go").touch()


def made_by(bed: Bed, step: str) -> Path:
    """Return the file that a step made."""
    with open_store(bed.store) as store:
        run = store.database.rows(JobRow, "WHERE path = ?", (f"/{step}",))[0]
        (token,) = queries.outputs(store.database, run).values()
        (file,) = queries.files_of(store.database, token.id)
    assert file.location is not None
    return Path(file.location.removeprefix("file://"))


def smallest(graph: dict[str, list[str]], lost: set[str], wanted: list[str]) -> set[str]:
    """Return the smallest set of jobs that brings back what is wanted, found by trying all sets."""

    def suffices(redone: tuple[str, ...]) -> bool:
        there = (set(graph) - lost) | set(redone)
        return set(wanted) <= there and all(set(graph[name]) <= there for name in redone)

    for size in range(len(graph) + 1):
        for redone in itertools.combinations(graph, size):
            if suffices(redone):
                return set(redone)
    raise AssertionError("nothing suffices")


CHAIN = {"a": [], "b": ["a"], "c": ["b"]}


DAMAGES: list[Callable[[Path], object]] = [
    os.unlink,
    lambda path: path.write_text("x"),
    lambda path: shutil.rmtree(path.parents[1]),
]


@pytest.mark.parametrize("damage", DAMAGES, ids=["deleted", "overwritten", "with its directory"])
def test_what_is_deleted_or_damaged_is_made_again(make_bed: MakeBed, damage: Callable[[Path], object]) -> None:
    bed = make_bed(lambda log: gated(log, CHAIN))
    blocked(bed)
    damage(made_by(bed, "c"))
    answer = bed.resume()
    assert answer["state"] == "completed", answer
    assert Path(answer["outputs"]["o"]["path"]).read_text() == "gate(c(b(a())))"
    assert dict(bed.lines()) == {"c": 1, "gate": 1}
    with open_store(bed.store) as store:
        (again,) = store.database.rows(AttemptRow, "WHERE reason = 'what it had made was needed and gone'")
        assert again.number == 2
        (event,) = store.database.rows(EventRow, "WHERE kind = 'RecoveryStarted'")
        assert json.loads(event.body) == {"jobs": ["/c"]}
    bed.check_closed()


def test_a_loss_that_nobody_needs_costs_nothing(make_bed: MakeBed) -> None:
    bed = make_bed(lambda log: gated(log, CHAIN))
    blocked(bed)
    made_by(bed, "a").unlink()
    made_by(bed, "b").unlink()
    assert bed.resume()["state"] == "completed"
    assert dict(bed.lines()) == {"gate": 1}


@pytest.mark.parametrize("seed", range(12))
def test_of_random_graphs_the_smallest_set_of_jobs_is_done_again(make_bed: MakeBed, seed: int) -> None:
    chance = random.Random(seed)
    names = [f"s{n}" for n in range(8)]
    graph = {
        name: chance.sample(names[:position], min(position, chance.choice([0, 1, 1, 2, 3])))
        for position, name in enumerate(names)
    }
    bed = make_bed(lambda log: gated(log, graph))
    blocked(bed)
    lost = set(chance.sample(names, chance.randint(1, 6)))
    for name in lost:
        made_by(bed, name).unlink()
    assert bed.resume()["state"] == "completed"
    used = {source for sources in graph.values() for source in sources}
    expected = smallest(graph, lost, [name for name in names if name not in used])
    assert dict(bed.lines()) == dict.fromkeys((*expected, "gate"), 1)
    bed.check_closed()


def test_a_kill_during_a_recovery_does_nothing_twice(make_bed: MakeBed) -> None:
    commits = None
    for kill in range(1, 40):
        bed = make_bed(lambda log: gated(log, CHAIN), name=f"bed-{kill}")
        blocked(bed)
        for name in CHAIN:
            made_by(bed, name).unlink()
        killed = bed.resume(commit=kill, after=bool(kill % 2))
        if killed["status"] == 0:
            commits = kill
            break
        assert bed.resume()["state"] == "completed"
        assert dict(bed.lines()) == {"a": 1, "b": 1, "c": 1, "gate": 1}, kill
        bed.check_closed()
    assert commits is not None and commits > 6


def test_a_loss_during_a_recovery_is_made_good_too(make_bed: MakeBed) -> None:
    """When `c` is done again, what it needs is removed; it fails for want of it, and both are done again."""

    def document(log: Path) -> dict[str, Any]:
        made = gated(log, CHAIN)
        marker, victim = log.parent / "robbed", log.parent / "victim"
        rob = f'if test -e {log.parent / "go"} && ! test -e {marker}; then touch {marker}; rm "$(cat {victim})"; fi;'
        made["steps"]["c"]["run"] = joined(log, "c", ["i0"], rob)
        return made

    bed = make_bed(document)
    blocked(bed)
    (bed.directory / "victim").write_text(str(made_by(bed, "b")))
    made_by(bed, "c").unlink()
    assert bed.resume()["state"] == "completed"
    assert dict(bed.lines()) == {"c": 2, "b": 1, "gate": 1}
    bed.check_closed()


def test_an_input_that_gets_lost_while_its_job_runs_is_had_back(make_bed: MakeBed) -> None:
    def document(log: Path) -> dict[str, Any]:
        made = gated(log, {"a": [], "b": ["a"]})
        marker = log.parent / "robbed"
        rob = f'test -e {marker} || {{ touch {marker}; rm "$(readlink -f "$1")"; }};'
        made["steps"]["b"]["run"] = joined(log, "b", ["i0"], f'{rob} cat "$1" || exit 9;')
        return made

    bed = make_bed(document)
    (bed.directory / "go").touch()
    assert bed.run()["state"] == "completed"
    assert dict(bed.lines()) == {"a": 2, "b": 2, "gate": 1}
    bed.check_closed()


def test_a_copy_elsewhere_spares_the_job(make_bed: MakeBed) -> None:
    """Two jobs that made the same content: what one lost is taken from the other."""

    def document(log: Path) -> dict[str, Any]:
        made = gated(log, {"a": [], "b": []})
        made["steps"]["b"]["run"] = made["steps"]["a"]["run"]
        return made

    bed = make_bed(document)
    blocked(bed)
    made_by(bed, "b").unlink()
    assert bed.resume()["state"] == "completed"
    assert dict(bed.lines()) == {"gate": 1}
    assert made_by(bed, "b").read_text() == "a()"


def test_a_job_that_makes_something_else_is_named(make_bed: MakeBed) -> None:
    def document(log: Path) -> dict[str, Any]:
        made = gated(log, {"a": [], "b": []})
        made["steps"]["b"]["run"] = joined(log, "b", [], "date +%s%N >out;") | {
            "baseCommand": ["sh", "-c", f"echo b >>{log}; date +%s%N >out", "script"]
        }
        return made

    bed = make_bed(document)
    blocked(bed)
    made_by(bed, "b").unlink()
    answer = bed.resume()
    assert answer["state"] == "failed"
    with open_store(bed.store) as store:
        (job,) = store.database.rows(JobRow, "WHERE path = '/gate'")
    assert job.error is not None and "job /b is not deterministic" in job.error


def test_an_input_of_the_user_that_is_gone_is_named(make_bed: MakeBed) -> None:
    def document(log: Path) -> dict[str, Any]:
        made = gated(log, {"a": []})
        made["inputs"] = {"given": "File"}
        made["steps"]["a"]["run"] = joined(log, "a", ["i0"])
        made["steps"]["a"]["in"] = {"i0": "given"}
        return made

    bed = make_bed(document)
    given = bed.directory / "given.txt"
    given.write_text("given")
    bed.inputs = {"given": {"class": "File", "path": str(given)}}
    blocked(bed)
    made_by(bed, "a").unlink()
    given.unlink()
    assert bed.resume()["state"] == "failed"
    with open_store(bed.store) as store:
        (job,) = store.database.rows(JobRow, "WHERE path = '/gate'")
        assert job.error is not None and str(given) in job.error
    given.write_text("given")
    assert bed.resume()["state"] == "completed"


def everywhere(log: Path) -> dict[str, Any]:
    """Return a workflow whose last step needs files of a scatter, a nested workflow, a loop and a conditional."""
    plain = {"run": effect(log, "inner"), "in": {"x": "x"}, "out": ["r", "f"]}
    inner = workflow({"x": "string"}, {"f": {"type": "File", "outputSource": "deep/f"}}, {"deep": plain})
    turning = effect(log, "turn")
    turning["outputs"]["r"]["outputBinding"]["outputEval"] = "$(self[0].contents + '.')"
    gate = f"test -e {log.parent / 'go'} || exit 3;"
    last = joined(log, "gate", [], gate) | {
        "inputs": {"files": {"type": {"type": "array", "items": ["null", "File"]}, "inputBinding": {"position": 1}}}
    }
    loop = {"cwltool:Loop": {"loopWhen": "$(inputs.x.length < 14)", "loop": {"x": "r"}, "outputMethod": "last"}}
    return workflow(
        {"items": "string[]", "start": "string"},
        {"o": {"type": "File", "outputSource": "gate/o"}},
        {
            "spread": {"run": effect(log, "spread"), "scatter": "x", "in": {"x": "items"}, "out": ["r", "f"]},
            "nest": {"run": inner, "scatter": "x", "in": {"x": "items"}, "out": ["f"]},
            "turn": {"run": turning, "in": {"x": "start"}, "out": ["r", "f"], "requirements": loop},
            "yes": {"run": effect(log, "yes"), "when": "$(true)", "in": {"x": "start"}, "out": ["f"]},
            "gate": {
                "run": last,
                "in": {"files": {"source": ["spread/f", "nest/f", "turn/f", "yes/f"], "linkMerge": "merge_flattened"}},
                "out": ["o"],
            },
        },
    ) | {"$namespaces": {"cwltool": "http://commonwl.org/cwltool#"}}


def test_losses_in_scatters_loops_conditionals_and_nested_workflows_at_once(make_bed: MakeBed) -> None:
    inputs = {"items": ["a", "b"], "start": "s"}
    intact = make_bed(everywhere, inputs, "intact")
    (intact.directory / "go").touch()
    expected = intact.run()
    assert expected["state"] == "completed", expected
    bed = make_bed(everywhere, inputs)
    blocked(bed)
    before = intact.lines()
    for made in (bed.directory / "work").glob("*/*/out"):
        shutil.rmtree(made)
    answer = bed.resume()
    assert answer["state"] == "completed", answer
    assert contents(answer["outputs"]) == contents(expected["outputs"])
    turns = [line for line in before if line.startswith("turn")]
    last = max(turns, key=len)
    assert dict(bed.lines()) == {line: 1 for line in before if line not in turns or line == last}
    bed.check_closed()
