"""What else is known of a run: who made it, how, with which software, and where."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence

from ..core.sources import repository_text
from ..data_classes import dataclass
from ..provenance import queries
from ..provenance.database import Database
from ..provenance.queries import RunDetail
from .jobs import Fact, image_text
from .timeline import about_location
from .words import bytes_text, clean, counted, instant, shortened

MOST_PACKAGES = 200
MOST_DOCUMENTS = 20
MOST_PLACES = 50
LONGEST_DOCUMENT = 20_000
LONGEST_VALUE = 2_000


@dataclass(frozen=True, slots=True)
class Group:
    """Facts that belong together; what is folded is seldom looked for."""

    title: str
    facts: Sequence[Fact]
    is_folded: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """A file of the workflow in its original text, or the beginning of it."""

    name: str
    text: str
    sha256: str
    is_cut: bool


def groups_of(database: Database, detail: RunDetail) -> list[Group]:
    """Return what is known of a run beside its steps and values."""
    found = [
        Group("Run", list(_run(detail))),
        Group("Compared with other runs", list(_comparisons(database, detail.row.id))),
        Group("Places", list(_places(database, detail.row.id))),
        Group("Container images", list(_images(database, detail.row.id))),
        Group("Transfers", list(_transfers(database, detail.row.id))),
        Group("Software of the tools", list(_software(detail, of_tools=True))),
        Group("Engine and its libraries", list(_software(detail, of_tools=False)), is_folded=True),
        Group("Options", list(_options(detail)), is_folded=True),
    ]
    return [group for group in found if group.facts]


def _run(detail: RunDetail) -> Iterator[Fact]:
    row, agent = detail.row, detail.agent
    yield Fact("id", row.id, is_code=True)
    if agent is not None:
        who = " · ".join(text for text in (agent.name, agent.orcid, agent.affiliation) if text)
        yield Fact("on behalf of", clean(who))
    yield Fact("started", f"{instant(row.started)} UTC")
    if row.ended is not None:
        yield Fact("ended", f"{instant(row.ended)} UTC")
    yield Fact("command", shortened(clean(_command(row.command_line)), LONGEST_VALUE), is_code=True)
    yield Fact("in directory", clean(row.cwd), is_code=True)
    yield Fact("on host", clean(row.host))
    if row.outdir:
        yield Fact("outputs in", clean(row.outdir), is_code=True)
    yield Fact("engine", clean(f"Recrate {row.engine_version}, Python {row.python_version}"))
    for repository in detail.repositories:
        yield Fact("sources", shortened(clean(repository_text(repository)), LONGEST_VALUE))
    if detail.workflow is not None:
        yield Fact("workflow", clean(detail.workflow.entry), is_code=True)
        yield Fact("language", clean(detail.workflow.language))
    if row.parent_id:
        yield Fact("derived from run", clean(row.parent_id), is_code=True)


def _comparisons(database: Database, run_id: str) -> Iterator[Fact]:
    for row in queries.comparisons(database, run_id)[-MOST_PLACES:]:
        because = f": {row.cause}" if row.cause else ""
        yield Fact(clean(row.other), clean(f"{row.verdict}{because}, {instant(row.instant)} UTC"))


def _command(text: str) -> str:
    try:
        words = json.loads(text)
    except ValueError:
        return text
    return shlex.join(map(str, words)) if isinstance(words, list) else str(words)


def _places(database: Database, run_id: str) -> Iterator[Fact]:
    for row in queries.locations_of_run(database, run_id)[:MOST_PLACES]:
        system = " · ".join(text for text in (row.os, row.kernel, row.runtime) if text)
        said = " · ".join(text for text in (about_location(row), system) if text)
        yield Fact(clean(row.name), clean(said) or "nothing more is known of it")


def _images(database: Database, run_id: str) -> Iterator[Fact]:
    for row in queries.images_of_run(database, run_id):
        yield Fact(clean(row.engine), image_text(row), is_code=True)


def _transfers(database: Database, run_id: str) -> Iterator[Fact]:
    sums = queries.transfer_sums(database, run_id)
    ends = [end for item in sums for end in (item.source_location_id, item.target_location_id)]
    names = {identity: clean(row.name) for identity, row in queries.locations(database, ends).items()}
    for item in sums:
        way = f"{names.get(item.source_location_id, '?')} → {names.get(item.target_location_id, '?')}"
        said = f"{counted(item.count, 'transfer')} by {item.method}, {bytes_text(item.bytes)}: {item.state.value}"
        yield Fact(way, clean(said))


def _software(detail: RunDetail, *, of_tools: bool) -> Iterator[Fact]:
    for row in [row for row in detail.software if row.role.startswith("/") is of_tools][:MOST_PACKAGES]:
        where = f" (for {row.role})" if of_tools else ""
        yield Fact(clean(row.name), clean(f"{row.version}{where}") or "any version")


def _options(detail: RunDetail) -> Iterator[Fact]:
    try:
        options = json.loads(detail.row.options)
    except ValueError:
        return
    for name, value in sorted(options.items()) if isinstance(options, dict) else ():
        yield Fact(clean(name), shortened(clean(json.dumps(value, ensure_ascii=False)), LONGEST_VALUE), is_code=True)


def documents_of(database: Database, detail: RunDetail) -> list[Document]:
    """Return the documents of a run's workflow."""
    if detail.workflow is None:
        return []
    return [
        Document(
            clean(row.uri.rpartition("/")[2]),
            clean(row.text[:LONGEST_DOCUMENT]),
            row.sha256,
            len(row.text) > LONGEST_DOCUMENT,
        )
        for row in queries.documents(database, detail.workflow.id)[:MOST_DOCUMENTS]
    ]
