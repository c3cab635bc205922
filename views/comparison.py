"""Two runs side by side: what is the same, and what is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum

from ..data_classes import dataclass
from ..provenance import ids, queries
from ..provenance.database import Database
from ..provenance.queries import RunDetail, StepSummary, TokenHead
from ..provenance.states import Direction
from .looks import Look, look, most_telling, words_of
from .ports import value_text
from .words import bytes_text, clean, counted, instant, shortened, took

MOST_FILES = 1000
MOST_CHARACTERS = 100_000
SHOWN = 160


class Verdict(Enum):
    """How two things compare. The value is the word for it."""

    EQUAL = "equal"
    DIFFERENT = "different"
    ONLY_FIRST = "only in the first"
    ONLY_SECOND = "only in the second"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that two runs have, or one of them."""

    name: str
    first: str
    second: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two runs."""

    id: str
    name: str
    workflow: str
    look: Look


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs compared. Values are equal when their JSON is, files when their hashes are."""

    first: Side
    second: Side
    outputs: Sequence[Line]
    inputs: Sequence[Line]
    steps: Sequence[Line]
    facts: Sequence[Line]

    @property
    def summary(self) -> str:
        """What is most of interest, in one sentence."""
        if not self.outputs:
            return "Neither run has outputs."
        equal = sum(line.verdict is Verdict.EQUAL for line in self.outputs)
        if equal == len(self.outputs):
            return f"All {counted(equal, 'output')} are equal."
        return f"{len(self.outputs) - equal} of {counted(len(self.outputs), 'output')} differ."


@dataclass(frozen=True, slots=True)
class _Said:
    """What is compared, and what of it is shown."""

    identity: object
    text: str


def compare(database: Database, first: str, second: str) -> Comparison:
    """Compare two runs. Raises UsageError when one of them is not there."""
    left, right = (queries.run_detail(database, run) for run in (first, second))
    return Comparison(
        first=_side(left),
        second=_side(right),
        outputs=list(_lines(_ports(database, left, Direction.OUTPUT), _ports(database, right, Direction.OUTPUT))),
        inputs=list(_lines(_ports(database, left, Direction.INPUT), _ports(database, right, Direction.INPUT))),
        steps=list(_lines(_steps(left), _steps(right))),
        facts=list(_lines(_facts(left), _facts(right))),
    )


def _side(detail: RunDetail) -> Side:
    workflow = clean(detail.workflow.name) if detail.workflow else ""
    return Side(detail.row.id, clean(detail.row.name), workflow, look(detail.state))


def _lines(first: Mapping[str, _Said], second: Mapping[str, _Said]) -> Iterator[Line]:
    for name in dict.fromkeys((*first, *second)):
        one, other = first.get(name), second.get(name)
        yield Line(name, one.text if one else "", other.text if other else "", _verdict(one, other))


def _verdict(one: _Said | None, other: _Said | None) -> Verdict:
    if one is None:
        return Verdict.ONLY_SECOND
    if other is None:
        return Verdict.ONLY_FIRST
    return Verdict.EQUAL if one.identity == other.identity else Verdict.DIFFERENT


def _ports(database: Database, detail: RunDetail, direction: Direction) -> dict[str, _Said]:
    root = ids.job_id(detail.row.id, "/")
    heads = queries.ports_of_job(database, root, direction, most=MOST_CHARACTERS)
    if direction is Direction.OUTPUT:
        made = queries.made_by_job(database, detail.row.id, root, most=MOST_CHARACTERS)
        heads = [*({head.port: head for head in made} | {head.port: head for head in heads}).values()]
    return {clean(head.port): _said(database, head) for head in sorted(heads, key=lambda head: head.port)}


def _said(database: Database, head: TokenHead) -> _Said:
    files = queries.first_files(database, head.id, limit=MOST_FILES)
    if files:
        contents = [(row.basename, row.sha256) for row in files]
        if len(files) > 1:
            size = sum(row.size or 0 for row in files)
            at_least = "at least " if len(files) == MOST_FILES else ""
            return _Said(contents, f"{at_least}{counted(len(files), 'file')}, {bytes_text(size)}")
        (row,) = files
        return _Said(row.sha256, f"{clean(row.basename)} {bytes_text(row.size)} {(row.sha256 or '')[:12]}".strip())
    if head.text is None:
        parts = queries.first_parts(database, head.id, limit=MOST_FILES)
        found = [queries.token_head(database, part, most=1000) for part in parts]
        texts = [one.text if one is not None else None for one in found]
        return _Said((texts, queries.count_parts(database, head.id)), shortened(clean(str(texts)), SHOWN))
    return _Said((head.text, head.length), shortened(value_text(head.text, head.length, SHOWN), SHOWN))


def _steps(detail: RunDetail) -> dict[str, _Said]:
    return {
        clean(step.row.path): _step(step) for step in detail.steps if step.row.path != "/" or len(detail.steps) == 1
    }


def _step(step: StepSummary) -> _Said:
    said = words_of(step.counts) or "not started"
    span = took(step.started, step.ended)
    state = most_telling(step.counts).key, sum(step.counts.values())
    return _Said((state, step.row.kind, step.row.tool), f"{said}{f' in {span}' if span else ''}")


def _facts(detail: RunDetail) -> dict[str, _Said]:
    row, workflow = detail.row, detail.workflow
    found: list[tuple[str, Callable[[], object]]] = [
        ("state", lambda: detail.state.value),
        ("workflow", lambda: workflow.name if workflow else ""),
        ("documents of the workflow", lambda: (row.workflow_id or "")[:12]),
        ("engine", lambda: f"Recrate {row.engine_version}"),
        ("Python", lambda: row.python_version),
        ("host", lambda: row.host),
        ("libraries of the engine", lambda: _libraries(detail)),
        ("started", lambda: f"{instant(row.started)} UTC"),
        ("took", lambda: took(row.started, row.ended)),
    ]
    return {name: _Said(text, clean(str(text))) for name, make in found for text in [make()]}


def _libraries(detail: RunDetail) -> str:
    rows: Iterable[str] = (f"{one.name} {one.version}" for one in detail.software if one.role == "dependency")
    return ", ".join(rows)
