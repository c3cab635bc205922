"""Where a value came from and what became of it: one step at a time, and as a graph of steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..core.drawing import Graph, Node
from ..core.machine.state import plain_path
from ..errors import UsageError
from ..provenance import queries
from ..provenance.database import Database
from ..provenance.queries import FoundFile, Lineage, Placed, TokenHead
from ..provenance.rows import JobRow
from ..provenance.states import JobState
from .files import FileViewer
from .flow import CHARACTER, PORT_HEIGHT, STEP_HEIGHT, STEP_WIDTH
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
    folded = _Folded(head, before, behind, workflows)
    graph = folded.graph()
    if not 1 < len(graph.nodes) <= MOST_BOXES:
        return None
    return flow_of_graph(graph, lambda node: folded.box(node, href))


class _Folded:
    """A lineage with the jobs of each step as one."""

    def __init__(self, head: TokenHead, before: Lineage, behind: Lineage, workflows: set[str]) -> None:
        self.this = head
        self.tokens = before.tokens | behind.tokens
        jobs = before.jobs | behind.jobs
        self.jobs: dict[str, JobRow] = {job.id: job for job in jobs.values() if job.step_id not in workflows}
        self.used = [row for row in (*before.used, *behind.used) if row.job_id in self.jobs]
        self.sources: dict[str, list[str]] = {}
        for token, source in (*before.derived, *behind.derived):
            self.sources.setdefault(token, []).append(source)
        self.steps: dict[str, list[JobRow]] = {}
        for job in self.jobs.values():
            self.steps.setdefault(f"step:{plain_path(job.path)}", []).append(job)
        self._known: dict[str, frozenset[str]] = {}

    def graph(self) -> Graph:
        """Return steps, the values given to the run, and the one that is asked about, as boxes."""
        graph = Graph()
        edges = [(source, self._step(row.job_id)) for row in self.used for source in self.behind(row.token_id)]
        edges += [(source, "this") for source in self.behind(self.this.id, of_this=True)]
        for name in dict.fromkeys(name for edge in edges for name in edge):
            graph.add(Node(name, name.partition(":")[2], "input" if name.startswith("in:") else "step"))
        graph.add(Node("this", f"{self.this.port}", "step"))
        for source, target in edges:
            if source != target:
                graph.connect(source, target)
        return graph

    def _step(self, job_id: str) -> str:
        return f"step:{plain_path(self.jobs[job_id].path)}"

    def behind(self, token: str, *, of_this: bool = False) -> frozenset[str]:
        """Return the boxes that a token comes out of: the one asked about is a box of its own."""
        if token == self.this.id and not of_this:
            return frozenset(["this"])
        if token not in self._known:
            self._known[token] = frozenset()  # what is its own source, as only a damaged store has it, has none
            self._known[token] = self._made_by(token)
        return self._known[token]

    def _made_by(self, token: str) -> frozenset[str]:
        row = self.tokens.get(token)
        if row is not None and row.job_id in self.jobs:
            return frozenset([self._step(str(row.job_id))])
        sources = self.sources.get(token)
        if sources:
            return frozenset().union(*(self.behind(source) for source in sources))
        return frozenset() if row is None else frozenset([f"in:{row.port}"])

    def box(self, node: Node, href: Callable[[str], str]) -> Box:
        """Return how a box looks."""
        label = shortened(clean(node.label), 25)
        if node.id == "this":
            return Box("this", "value", label, 0, 0, STEP_WIDTH, PORT_HEIGHT, title=f"this value: {clean(node.label)}")
        if node.kind == "input":
            width = max(64.0, len(label) * CHARACTER + 30)
            return Box(node.id, "input", label, 0, 0, width, PORT_HEIGHT, title=f"input {clean(node.label)}")
        jobs = self.steps[node.id]
        many = counted(len(jobs), "job")
        states: Counter[JobState] = Counter(job.state for job in jobs)
        return Box(
            node.id, "step", label, 0, 0, STEP_WIDTH, STEP_HEIGHT, most_telling(states), many,
            f"{clean(node.label)}: {many}", href(jobs[0].id), scattered=len(jobs) > 1,
        )  # fmt: skip
