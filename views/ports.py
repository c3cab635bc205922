"""What lay on the ports of a run or a job, as far as it can be shown in a few lines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import field

from ..data_classes import dataclass
from ..provenance import queries
from ..provenance.database import Database
from ..provenance.queries import TokenHead
from ..provenance.states import Direction
from .files import FileView, FileViewer
from .limits import Limits
from .words import clean, counted


@dataclass(frozen=True, slots=True)
class PortView:
    """A port with its value.

    Attributes:
        text: the value when there are no files in it.
        files: the first files in it.
        more: what else there is, in words.
        token: id of the token.
    """

    name: str
    token: str
    text: str = ""
    files: Sequence[FileView] = field(default_factory=tuple)
    more: str = ""


def inputs_of_job(database: Database, job_id: str, viewer: FileViewer) -> list[PortView]:
    """Return what a job had on its input ports."""
    heads = queries.ports_of_job(database, job_id, Direction.INPUT, most=viewer.limits.value)
    return [port_view(database, head, viewer) for head in heads]


def outputs_of_job(database: Database, run_id: str, job_id: str, viewer: FileViewer) -> list[PortView]:
    """Return what a job had on its output ports."""
    made = {head.port: head for head in queries.made_by_job(database, run_id, job_id, most=viewer.limits.value)}
    noted = queries.ports_of_job(database, job_id, Direction.OUTPUT, most=viewer.limits.value)
    heads = made | {head.port: head for head in noted}
    return [port_view(database, heads[name], viewer) for name in sorted(heads)]


def port_view(database: Database, head: TokenHead, viewer: FileViewer) -> PortView:
    """Return a port with the beginning of its value."""
    limits = viewer.limits
    files = queries.first_files(database, head.id, limit=limits.files)
    if files:
        more = _more_files(database, head, len(files)) if len(files) == limits.files else ""
        return PortView(clean(head.port), head.id, files=viewer.views(files), more=more)
    if head.text is None:
        return _gathered(database, head, limits)
    return PortView(clean(head.port), head.id, text=value_text(head.text, head.length, limits.value))


def _more_files(database: Database, head: TokenHead, shown: int) -> str:
    parts = queries.count_parts(database, head.id) if head.text is None else 0
    rest = parts - shown if parts else queries.count_files(database, head.id) - shown
    return f"and {counted(rest, 'more file')}" if rest > 0 else ""


def _gathered(database: Database, head: TokenHead, limits: Limits) -> PortView:
    parts = queries.first_parts(database, head.id, limit=limits.files)
    count = queries.count_parts(database, head.id)
    heads = [queries.token_head(database, part, most=limits.value // 8) for part in parts]
    texts = ["[…]" if one is None or one.text is None else one.text for one in heads]
    more = f"and {counted(count - len(parts), 'more value')}" if count > len(parts) else ""
    text = "\n".join(clean(item) for item in texts) if parts else "[]"
    return PortView(clean(head.port), head.id, text=text, more=more)


def value_text(text: str, length: int, most: int) -> str:
    """Return a value to be read, of the beginning of its JSON and how long that is in all."""
    if length > len(text):
        return clean(text) + " …"
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return clean(text)
    if isinstance(value, str):
        return clean(value)
    compact = json.dumps(value, ensure_ascii=False)
    return clean(compact if len(compact) <= 100 else json.dumps(value, ensure_ascii=False, indent=2))[: 2 * most]
