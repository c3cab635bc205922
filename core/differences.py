"""What is different between two runs, by their records: a summary. Whether contents are alike is not asked here."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Any

from ..data_classes import dataclass
from ..provenance import ids, queries
from ..provenance.database import Database
from ..provenance.queries import Aspect, Change, RunDetail, StepSummary
from ..provenance.rows import RepositoryRow
from ..provenance.states import JobState
from .sources import changed_in

WORKFLOW = "workflow"
"""Kind of the steps whose jobs only hold other jobs."""
OF_THE_STORE = ("cache", "audit")
"""Options that are about what a store has already, or what is noted: whatever they are, the results are the same."""


class Section(Enum):
    """What a difference is about."""

    RUN = "run"
    """State, options, host of the controller."""
    SOFTWARE = "software"
    WORKFLOW = "workflow"
    """Documents and steps."""
    INPUT = "input"
    COMMAND = "command"
    ENVIRONMENT = "environment"
    IMAGE = "image"
    HOST = "host"
    """Where the jobs of a step ran."""
    JOBS = "jobs"
    """How many a step had, in which states, with how many attempts."""
    OUTPUT = "output"
    TIME = "time"
    """How long it took: this is never alike, and counts for nothing."""


_OF_ATTEMPTS = {Aspect.COMMAND: Section.COMMAND, Aspect.ENVIRONMENT: Section.ENVIRONMENT, Aspect.IMAGE: Section.IMAGE}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not the same. `first` and `second` are short texts; None is 'not there'.

    Where it is about the jobs of a step, `jobs` says in how many there is one, and the texts are of the first.
    """

    section: Section
    name: str
    first: str | None
    second: str | None
    jobs: int = 0


@dataclass(frozen=True, slots=True)
class _Side:
    """A run with what is asked of it more than once."""

    database: Database
    detail: RunDetail

    @property
    def id(self) -> str:
        return self.detail.row.id

    @property
    def steps(self) -> Mapping[str, StepSummary]:
        return {step.row.path: step for step in self.detail.steps}


def differences(first: Database, run: str, second: Database, other: str) -> list[Difference]:
    """Return what is different between two runs, which may be in two stores, section by section.

    Takes time linear in the number of jobs. Raises UsageError when there is no such run.
    """
    one, two = (
        _Side(first, queries.run_detail(first, run)),
        _Side(second, queries.run_detail(second, other)),
    )
    return [
        *_between(Section.RUN, _about(one), _about(two)),
        *_between(Section.SOFTWARE, _software(one), _software(two)),
        *_between(Section.WORKFLOW, _workflow(one), _workflow(two)),
        *_inputs(one, two),
        *_commands(one, two),
        *_hosts(one, two),
        *_between(Section.JOBS, _jobs(one), _jobs(two)),
        *_between(Section.OUTPUT, _outputs(one), _outputs(two)),
        *_between(Section.TIME, _times(one), _times(two)),
    ]


def _between(section: Section, first: Mapping[str, str], second: Mapping[str, str]) -> Iterator[Difference]:
    for name in dict.fromkeys([*first, *second]):
        if first.get(name) != second.get(name):
            yield Difference(section, name, first.get(name), second.get(name))


def _about(side: _Side) -> dict[str, str]:
    row = side.detail.row
    options = {f"option {name}": json.dumps(value) for name, value in sorted(_flat(json.loads(row.options)))}
    crate = side.detail.crate
    made_by = {} if crate is None or crate.is_own else {"made by": crate.producer or "a program that is not named"}
    return {"state": side.detail.state.value, "controller": row.host, **made_by, **options}


def _flat(options: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield options with those inside of others as `outer.inner`; what is not set is left out."""
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        elif value not in (None, [], "") and name not in OF_THE_STORE:
            yield f"{above}{name}", value


def _software(side: _Side) -> dict[str, str]:
    rows = side.detail.software
    return {row.name if row.role in ("engine", "dependency") else f"{row.role} {row.name}": row.version for row in rows}


def _workflow(side: _Side) -> dict[str, str]:
    """Return documents by their path beside the main one, with the beginnings of their hashes; and steps."""
    workflow = side.detail.workflow
    if workflow is None:
        return {}
    folder = workflow.main_uri.rpartition("/")[0] + "/"
    documents = {
        document.uri.removeprefix(folder): document.sha256[:16]
        for document in queries.documents(side.database, workflow.id)
    }
    steps = {f"step {path}": f"{step.row.kind} {step.row.tool}" for path, step in side.steps.items()}
    code = {f"repository {row.origin or row.root}": _state(row) for row in side.detail.repositories}
    return {"language": workflow.language, **documents, **code, **steps}


def _state(row: RepositoryRow) -> str:
    changed = changed_in(row)
    return f"commit {(row.revision or 'none')[:12]}{f' and {len(changed)} changed' if changed else ''}"


def _inputs(first: _Side, second: _Side) -> Iterator[Difference]:
    roots = [ids.job_id(side.id, "/") for side in (first, second)]
    for change in queries.input_changes(first.database, roots[0], second.database, roots[1]):
        yield Difference(Section.INPUT, change.name, change.before, change.after)


def _commands(first: _Side, second: _Side) -> Iterator[Difference]:
    """Yield what is different between the attempts of the same jobs: of each step by its first job, and of how many."""
    counts: Counter[tuple[Section, str]] = Counter()
    examples: dict[tuple[Section, str], Change] = {}
    paths = {step.row.id: path for path, step in first.steps.items() if step.row.kind != WORKFLOW}
    for job in queries.jobs(first.database, first.id):
        other = queries.find_job(second.database, ids.job_id(second.id, job.path)) if job.step_id in paths else None
        if other is None or JobState.CACHED in (job.state, other.state):
            continue  # A job whose result was taken had no attempt.
        for change in queries.attempt_changes(first.database, job.id, second.database, other.id):
            about = _OF_ATTEMPTS[change.aspect], f"{paths[job.step_id]} {change.name}".strip()
            counts[about] += 1
            examples.setdefault(about, change)
    for section, name in sorted(examples, key=lambda about: tuple(Section).index(about[0])):
        change = examples[section, name]
        yield Difference(section, name, change.before, change.after, counts[section, name])


def _hosts(first: _Side, second: _Side) -> Iterator[Difference]:
    """Yield where the jobs of a step ran, where they had attempts in both runs."""
    found = [_hosts_of(side) for side in (first, second)]
    both = found[0].keys() & found[1].keys()
    yield from _between(Section.HOST, *({path: hosts[path] for path in hosts if path in both} for hosts in found))


def _hosts_of(side: _Side) -> dict[str, str]:
    found: dict[str, set[str]] = {}
    for path, host in side.database.query(
        "SELECT DISTINCT step.path, coalesce(location.hostname, location.name) FROM step "
        "JOIN job ON job.run_id = step.run_id AND job.step_id = step.id JOIN attempt ON attempt.job_id = job.id "
        "JOIN location ON location.id = attempt.location_id WHERE step.run_id = ? ORDER BY 1, 2",
        (side.id,),
    ):
        found.setdefault(str(path), set()).add(str(host))
    return {path: ", ".join(sorted(hosts)) for path, hosts in found.items()}


def _jobs(side: _Side) -> dict[str, str]:
    use = queries.step_use(side.database, side.id)
    told = {}
    for path, step in side.steps.items():
        if step.row.kind != WORKFLOW:
            counts = [
                f"{count} {state.value}" for state, count in sorted(step.counts.items(), key=lambda it: it[0].value)
            ]
            attempts = use[step.row.id].attempts if step.row.id in use else 0
            told[path] = f"{', '.join(counts) or 'none'} in {attempts} {'attempt' if attempts == 1 else 'attempts'}"
    return told


def _outputs(side: _Side) -> dict[str, str]:
    tokens = queries.outputs_of_run(side.database, side.id)
    values = queries.token_values(side.database, (row.id for row in tokens.values()))
    return {port: queries.content_shown(values[row.id]) for port, row in sorted(tokens.items())}


def _times(side: _Side) -> dict[str, str]:
    row = side.detail.row
    whole = {} if row.ended is None else {"run": _seconds(row.ended - row.started)}
    steps = {
        path: _seconds(step.ended - step.started)
        for path, step in side.steps.items()
        if step.started is not None and step.ended is not None and step.row.kind != WORKFLOW
    }
    return {**whole, **steps}


def _seconds(amount: float) -> str:
    return f"{amount:.2f} s"


def are_alike(found: list[Difference]) -> bool:
    """Tell whether nothing is different but for the time that it took."""
    return all(one.section is Section.TIME for one in found)
