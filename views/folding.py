"""What values come from as a graph of steps: the jobs of a step are one box, and so are the values of an input."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..core.drawing import Graph, Node
from ..core.machine.paths import plain_path
from ..provenance.rows import JobRow, TokenRow, UsageRow

THIS = "this"
"""The box of the value that is asked about."""


class Folded:
    """Tokens and jobs that hang together, of one or several runs, with the jobs of each step as one."""

    def __init__(
        self,
        this: str,
        tokens: dict[str, TokenRow],
        jobs: dict[str, JobRow],
        used: Iterable[UsageRow],
        derived: Iterable[tuple[str, str]],
    ) -> None:
        """Fold what is around the token `this`; the rest is as `queries.Lineage` has it."""
        self.this = this
        self.tokens = tokens
        self.jobs = jobs
        self.used = [row for row in used if row.job_id in jobs]
        self.sources: dict[str, list[str]] = {}
        for token, source in derived:
            self.sources.setdefault(token, []).append(source)
        self.steps: dict[str, list[JobRow]] = {}
        for job in jobs.values():
            self.steps.setdefault(_step(job), []).append(job)
        self._known: dict[str, frozenset[str]] = {}

    def graph(self) -> Graph:
        """Return steps, the values given to a run, and the one that is asked about, as boxes."""
        graph = Graph()
        edges = [(source, _step(self.jobs[row.job_id])) for row in self.used for source in self._behind(row.token_id)]
        edges += [(source, THIS) for source in self._behind(self.this, of_this=True)]
        for name in dict.fromkeys(name for edge in edges for name in edge if name != THIS):
            kind, _, label = name.split(":", 2)
            graph.add(Node(name, label, "input" if kind == "in" else "step"))
        graph.add(Node(THIS, self.tokens[self.this].port, "step"))
        for source, target in edges:
            if source != target:
                graph.connect(source, target)
        return graph

    def jobs_of(self, box: str) -> Sequence[JobRow]:
        """Return the jobs that a box stands for."""
        return self.steps[box]

    def _behind(self, token: str, *, of_this: bool = False) -> frozenset[str]:
        """Return the boxes that a token comes out of: the one asked about is a box of its own."""
        if token == self.this and not of_this:
            return frozenset([THIS])
        if token not in self._known:
            self._known[token] = frozenset()  # what is its own source, as only a damaged store has it, has none
            self._known[token] = self._made_by(token)
        return self._known[token]

    def _made_by(self, token: str) -> frozenset[str]:
        row = self.tokens.get(token)
        if row is not None and row.job_id in self.jobs:
            return frozenset([_step(self.jobs[str(row.job_id)])])
        sources = self.sources.get(token)
        if sources:
            return frozenset().union(*(self._behind(source) for source in sources))
        return frozenset() if row is None else frozenset([f"in:{row.run_id}:{row.port}"])


def _step(job: JobRow) -> str:
    return f"step:{job.run_id}:{plain_path(job.path)}"
