"""Where a value came from and what became of it: one step at a time, and as a graph of steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from ..core.drawing import Node
from ..data_classes import dataclass
from ..errors import UsageError
from ..provenance import queries
from ..provenance.database import Database
from ..provenance.queries import FoundFile, Placed, TokenHead
from ..provenance.states import JobState
from .files import FileViewer
from .flow import CHARACTER, LONGEST_LABEL, PORT_HEIGHT, STEP_HEIGHT, STEP_WIDTH
from .folding import THIS, Folded
from .jobs import JobLine, job_line
from .looks import most_telling
from .placing import Box, Flow, flow_of_graph
from .ports import PortView, port_view
from .words import bytes_text, clean, counted, shortened

MOST_TOKENS = 3000
"""A lineage with more is shown one step at a time alone."""
MOST_BOXES = 120
MOST_NEIGHBOURS = 40
MOST_PLACES = 40


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A token that another one was made of, or that was made of it."""

    id: str
    label: str
    origin: str


@dataclass(frozen=True, slots=True)
class Use:
    """A job that had a token on a port."""

    job: JobLine
    port: str


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token with what is before and behind it; `flow` is None when that is too much for a graph."""

    id: str
    run_id: str
    run: str
    label: str
    origin: str
    value: PortView
    maker: JobLine | None
    sources: Sequence[Neighbour]
    uses: Sequence[Use]
    derived: Sequence[Neighbour]
    flow: Flow | None


@dataclass(frozen=True, slots=True)
class PlaceView:
    """Where a content lies or lay."""

    location: str
    path: str
    kind: str
    is_valid: bool


@dataclass(frozen=True, slots=True)
class ContentView:
    """A content: the values in which it stands, those that made it first, and where it lies."""

    sha256: str
    names: Sequence[str]
    size: str
    found: Sequence[FoundFile]
    places: Sequence[PlaceView]


def content_view(database: Database, sha256: str) -> ContentView:
    """Return what is known of a content. Raises UsageError when it is not on record."""
    found = queries.files_of_content(database, sha256, limit=MOST_NEIGHBOURS)
    if not found:
        raise UsageError(f"no content with the hash {clean(sha256)} is on record")
    placed = queries.replicas_of(database, sha256, valid=None, limit=MOST_PLACES)
    places = [_place(one) for one in placed]
    names = sorted({clean(one.basename) for one in found})
    return ContentView(sha256, names, bytes_text(found[0].size), found, places)


def _place(placed: Placed) -> PlaceView:
    row = placed.replica
    return PlaceView(
        clean(placed.location.name) if placed.location else "?", clean(row.path), row.kind.value, row.valid
    )


def token_view(database: Database, token_id: str, viewer: FileViewer, href: Callable[[str], str]) -> TokenView:
    """Return what is known of a token. Raises UsageError when there is none.

    Args:
        database: a connection that may only read.
        token_id: its id.
        viewer: shows the files in it.
        href: from the id of a job to where it is shown.
    """
    head = queries.token_head(database, token_id, most=viewer.limits.value)
    if head is None:
        raise UsageError(f"there is no token {token_id}")
    row = queries.get_token(database, token_id)
    maker = None if head.job_id is None else queries.find_job(database, head.job_id)
    parts = queries.first_parts(database, token_id, limit=MOST_NEIGHBOURS)
    sources = [head.source_id, *parts] if head.source_id else parts
    users = queries.users_of(database, token_id, limit=MOST_NEIGHBOURS)
    return TokenView(
        id=token_id, run_id=row.run_id, run=clean(queries.get_run(database, row.run_id).name),
        label=clean(f"{head.path} {head.port}"), origin=head.origin.value, value=port_view(database, head, viewer),
        maker=None if maker is None else job_line(maker), sources=_neighbours(database, sources),
        uses=[Use(job_line(job), clean(port)) for job, port in users],
        derived=_neighbours(database, queries.derived_from(database, token_id, limit=MOST_NEIGHBOURS)),
        flow=lineage_flow(database, head, href),
    )  # fmt: skip


def _neighbours(database: Database, token_ids: Iterable[str]) -> list[Neighbour]:
    heads = [head for token in token_ids if (head := queries.token_head(database, token, most=1)) is not None]
    return [Neighbour(head.id, clean(f"{head.path} {head.port}"), head.origin.value) for head in heads]


def lineage_flow(database: Database, head: TokenHead, href: Callable[[str], str]) -> Flow | None:
    """Return the steps before and behind a token as a graph, None when that is too much to be looked at."""
    try:
        before = queries.upstream(database, [head.id], most=MOST_TOKENS)
        behind = queries.downstream(database, [head.id], most=MOST_TOKENS)
    except UsageError:
        return None
    run = queries.get_token(database, head.id).run_id
    workflows = {step.id for step in queries.steps_of_kind(database, run, "workflow")}
    jobs = {job.id: job for job in (before.jobs | behind.jobs).values() if job.step_id not in workflows}
    used, derived = [*before.used, *behind.used], [*before.derived, *behind.derived]
    folded = Folded(head.id, before.tokens | behind.tokens, jobs, used, derived)
    graph = folded.graph()
    if not 1 < len(graph.nodes) <= MOST_BOXES:
        return None
    return flow_of_graph(graph, lambda node: _box(folded, node, href))


def _box(folded: Folded, node: Node, href: Callable[[str], str]) -> Box:
    if node.id == THIS or node.kind == "input":
        return value_box(node)
    jobs = folded.jobs_of(node.id)
    many = counted(len(jobs), "job")
    states: Counter[JobState] = Counter(job.state for job in jobs)
    label = clean(node.label)
    return Box(
        node.id, "step", shortened(label, LONGEST_LABEL), 0, 0, STEP_WIDTH, STEP_HEIGHT, most_telling(states), many,
        f"{label}: {many}", href(jobs[0].id), scattered=len(jobs) > 1,
    )  # fmt: skip


def value_box(node: Node) -> Box:
    """Return the box of the value that is asked about, or of one that was given."""
    label = shortened(clean(node.label), LONGEST_LABEL)
    if node.id == THIS:
        return Box(node.id, "value", label, 0, 0, STEP_WIDTH, PORT_HEIGHT, title=f"this value: {clean(node.label)}")
    width = max(64.0, len(label) * CHARACTER + 30)
    return Box(node.id, "input", label, 0, 0, width, PORT_HEIGHT, title=f"input {clean(node.label)}")
