"""An audit as people see it: a tree of lines, and a graph as SVG or on a page of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..core.audit import Audit, Making
from ..core.drawing import Node
from ..core.sources import repository_text
from ..data_classes import dataclass
from ..errors import UsageError
from ..provenance.queries import AttemptDetail
from ..provenance.rows import TransferRow
from .flow import LONGEST_LABEL, STEP_HEIGHT, STEP_WIDTH
from .folding import THIS, Folded
from .jobs import Fact, is_queue
from .lineage import value_box
from .looks import most_telling
from .placing import Box, Flow, flow_of_graph
from .rendering import inline, render
from .words import bytes_text, clean, counted, shortened, took

MOST_BOXES = 400
LONGEST_VALUE = 60


def described(found: Audit, token_id: str) -> str:
    """Return a token in words: its files, or its value."""
    files = found.files.get(token_id, [])
    if files:
        first = files[0]
        count = found.counts.get(token_id, len(files))
        more = f" and {count - 1} more" if count > 1 else ""
        return f"{first.basename}{more}" + (f"  sha256 {first.sha256[:16]}" if first.sha256 else "")
    head = found.values.get(token_id)
    if head is None or head.text is None:
        return f"{sum(made == token_id for made, _ in found.lineage.derived)} parts"
    return _value_text(head.text, head.length)


def _value_text(text: str, length: int) -> str:
    """Return the beginning of the JSON of a value, with letters in place of their escapes where it is whole."""
    shown = json.dumps(json.loads(text), ensure_ascii=False) if length <= len(text) else text
    return shown if len(shown) <= LONGEST_VALUE and length <= len(text) else shown[:LONGEST_VALUE] + "..."


def facts(making: Making) -> Mapping[str, str]:
    """Return what is known of a making, for people: names of facts and their texts."""
    run, crate = making.run, making.crate
    said: dict[str, str | None] = {
        "run": f"{run.name} ({run.id[:8]})",
        "crate": None if crate is None else crate.path,
        "signed by": None if crate is None else crate.signer,
        "engine": f"recrate {run.engine_version}" if crate is None or crate.is_own else crate.producer,
        "code": "; ".join(map(repository_text, making.repositories)),
        "step": making.job.path,
        "software": ", ".join(f"{row.name} {row.version}" for row in making.software),
    }
    if making.attempt is not None:
        said |= _attempt_facts(making, making.attempt)
    return {name: text for name, text in said.items() if text}


def _attempt_facts(making: Making, attempt: AttemptDetail) -> Mapping[str, str | None]:
    image, location, deployment = attempt.image, attempt.location, attempt.deployment
    return {
        "attempt": str(attempt.row.number),
        "host": making.host,
        "cluster": f"{deployment.name} ({deployment.kind})" if deployment and deployment.kind != "local" else None,
        "queue": None if location is None else location.queue,
        "queue job" if is_queue(attempt) else "process": attempt.row.native_id,
        "image": None if image is None else f"{image.name} {image.digest or image.tag or 'latest'}",
        "command": making.command,
    }


def moved(found: Audit, row: TransferRow) -> str:
    """Return a transfer in words: from where to where, how, how much, how long."""
    ends = [(row.source_location_id, row.source_path), (row.target_location_id, row.target_path)]
    way = " -> ".join(f"{found.locations[end].name if end in found.locations else '?'}:{path}" for end, path in ends)
    figures = [row.method, bytes_text(row.bytes), took(row.started, row.ended)]
    return f"{way} ({', '.join(text for text in figures if text)})"


def lines(found: Audit) -> Iterator[tuple[int, str, Sequence[tuple[str, str]]]]:
    """Yield the tree of a result: depth, text, and facts of it; each token is opened once."""
    stack: list[tuple[int, str, str]] = [(0, "", found.subject.token.id)]
    opened: set[str] = set()
    while stack:
        depth, word, token_id = stack.pop()
        text = f"{word}: {described(found, token_id)}" if word else described(found, token_id)
        if token_id in opened:
            yield depth, f"{text}  (see above)", ()
            continue
        opened.add(token_id)
        making, sources = found.maker(token_id), found.sources(token_id)
        given = " (given to the run)" if making is None and not sources else ""
        ways = [("moved", moved(found, row)) for row in found.transfers.get(token_id, ())]
        yield depth, text + given, (*(facts(making).items() if making else ()), *ways)
        stack += [(depth + 1, name, source) for name, source in reversed(sources)]


def graph(found: Audit, href: Callable[[str], str]) -> Flow:
    """Return the steps that a result comes from as a graph, across runs. Raises UsageError when they are too many.

    `href` gives where a job is shown by its id.
    """
    lineage = found.lineage
    derived = [pair for pair in lineage.derived if pair[0] not in found.same] + list(found.same.items())
    folded = Folded(found.subject.token.id, lineage.tokens, lineage.jobs, lineage.used, derived)
    drawn = folded.graph()
    if len(drawn.nodes) > MOST_BOXES:
        raise UsageError(
            f"the graph would have {len(drawn.nodes)} boxes, more than {MOST_BOXES}",
            hint="without --format it is a tree of lines, with --json it is data",
        )
    return flow_of_graph(drawn, lambda node: _box(found, folded, node, href))


def _box(found: Audit, folded: Folded, node: Node, href: Callable[[str], str]) -> Box:
    if node.id == THIS:
        return value_box(Node(THIS, described(found, found.subject.token.id).split("  ")[0], node.kind))
    if node.kind == "input":
        return value_box(node)
    jobs = folded.jobs_of(node.id)
    making = found.makings[jobs[0].id]
    many = f"{counted(len(jobs), 'job')} of " if len(jobs) > 1 else ""
    detail = " on ".join(text for text in (making.run.name, making.host) if text)
    title = "\n".join(f"{name}: {text}" for name, text in facts(making).items())
    return Box(
        node.id, "step", shortened(clean(node.label), LONGEST_LABEL), 0, 0, STEP_WIDTH, STEP_HEIGHT,
        most_telling({job.state: 1 for job in jobs}), shortened(clean(many + detail), LONGEST_LABEL + 4),
        clean(title), href(jobs[0].id), scattered=len(jobs) > 1,
    )  # fmt: skip


def as_svg(found: Audit) -> Iterator[str]:
    """Yield the graph as an SVG that stands alone. Raises UsageError when it is too large."""
    return render("audit.svg", {**_values(found), "flow": graph(found, lambda job: "")})


@dataclass(frozen=True, slots=True)
class MakingView:
    """A job on the page: where it is linked to, what it is called, what is known of it."""

    id: str
    title: str
    facts: Sequence[Fact]


def _making_view(job: str, making: Making) -> MakingView:
    said = [Fact(name, clean(text)) for name, text in facts(making).items()]
    return MakingView(job, clean(f"{making.run.name} {making.job.path}"), said)


def as_html(found: Audit) -> Iterator[str]:
    """Yield a page with the graph, and all that is known of each job. Raises UsageError when it is too large."""
    views = [_making_view(job, making) for job, making in found.makings.items()]
    ways = [clean(moved(found, row)) for rows in found.transfers.values() for row in rows]
    flow = graph(found, lambda job: f"#job-{job}")
    return render("audit.html", {**_values(found), "flow": flow, "makings": views, "transfers": ways})


def _values(found: Audit) -> Mapping[str, Any]:
    title = clean(described(found, found.subject.token.id).split("  ")[0])
    files = found.files.get(found.subject.token.id, [])
    return {
        "title": title,
        "files": [(clean(file.basename), file.sha256 or "", bytes_text(file.size)) for file in files],
        "style": inline("recrate.css"),
        "lineage_href": None,
    }
