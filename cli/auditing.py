"""`recrate audit`: who made a result."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from ..core.audit import Audit
from ..core.audit import audit as audited
from .options import JsonOption, StoreOption, reading
from .render import json_text, plain, printable

SHA256 = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})")


class Form(Enum):
    """A form of an audit."""

    TEXT = "text"
    JSON = "json"
    SVG = "svg"
    HTML = "html"


BY_ENDING = {".json": Form.JSON, ".svg": Form.SVG, ".html": Form.HTML, ".htm": Form.HTML}


def audit(
    subject: Annotated[str, typer.Argument(metavar="FILE|TOKEN|SHA256", help="A file, a token's id, or a sha256.")],
    form: Annotated[
        Form | None, typer.Option("--format", help="Default: by the ending of the file to write, else text.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="File to write (default: standard output).")
    ] = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Say who made a result: run, attempt, host, image and inputs, up to the sources and across runs."""
    with reading(store) as database:
        found = audited(database, wanted(subject))
    chosen = form or (Form.JSON if json else BY_ENDING.get(output.suffix.lower() if output else "", Form.TEXT))
    parts = _PARTS[chosen](found)
    if output is None:
        sys.stdout.writelines(parts)
        return
    from ..core.replacing import write_text

    write_text(str(output), parts)
    print(printable(output))


def wanted(subject: str) -> str:
    """Return what to look for: of a file that is there its content, wherever it was made."""
    from ..hashing import digest_file

    match = SHA256.fullmatch(subject)
    if match:
        return match.group(1).lower()
    if os.path.isfile(subject):
        return digest_file(subject).sha256
    return os.path.abspath(subject) if "/" in subject else subject


def _text(found: Audit) -> Iterator[str]:
    from ..views.audit import lines

    for depth, text, said in lines(found):
        yield f"{'  ' * depth}{printable(text)}\n"
        for name, value in said:
            yield f"{'  ' * depth}    {name}: {printable(value)}\n"


def _json(found: Audit) -> Iterator[str]:
    yield json_text(_as_json(found))


def _svg(found: Audit) -> Iterator[str]:
    from ..views.audit import as_svg

    return as_svg(found)


def _html(found: Audit) -> Iterator[str]:
    from ..views.audit import as_html

    return as_html(found)


_PARTS: Mapping[Form, Callable[[Audit], Iterator[str]]] = {
    Form.TEXT: _text,
    Form.JSON: _json,
    Form.SVG: _svg,
    Form.HTML: _html,
}


def _as_json(found: Audit) -> dict[str, Any]:
    from ..views.audit import described, facts

    return {
        "subject": found.subject.token.id,
        "tokens": {
            token: {
                "description": described(found, token),
                "run": row.run_id,
                "port": row.port,
                "made_by": row.job_id,
                "files": [plain(file) for file in found.files.get(token, ())],
                "sources": [{"as": word, "token": source} for word, source in found.sources(token)],
                "transfers": [plain(transfer) for transfer in found.transfers.get(token, ())],
            }
            for token, row in found.lineage.tokens.items()
        },
        "jobs": {job: {**facts(making), "attempt": plain(making.attempt)} for job, making in found.makings.items()},
        "locations": plain(found.locations),
    }
