"""`recrate bug-report`: what a maintainer needs to know, with secrets removed."""

from __future__ import annotations

import json
import os
import platform
import sys
import tarfile
import time
from collections.abc import Iterator
from importlib.metadata import distributions
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import __version__
from ..connectors.probe import this_machine
from ..core.logs import log_of_errors
from ..core.tails import last_bytes
from ..provenance import queries
from ..provenance.database import Database
from ..provenance.queries import Kind
from ..provenance.rows import AttemptRow
from ..provenance.states import AttemptState
from ..redaction import from_environment
from .failures import lines
from .options import StoreOption, reading
from .render import parsed, plain

SECRET_NAMES = (
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "CREDENTIAL",
    "API_KEY",
    "PRIVATE",
    "AUTH",
    "COOKIE",
    "SESSION",
)
LOG_BYTES = 64 * 1024
FAILURES = (AttemptState.FAILED, AttemptState.LOST, AttemptState.CANCELLED)


def bug_report(
    run: Annotated[
        str | None, typer.Argument(metavar="[RUN]", help="The run that went wrong (default: the last one).")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="File to write.")] = Path("recrate-bug-report.tar.gz"),
    store: StoreOption = None,
) -> None:
    """Make a bundle for a bug report: versions, machine, the run's story and logs, without secrets."""
    redactor = from_environment().including(_suspicious())
    members: dict[str, str] = {"versions.json": _json(_versions()), "machine.json": _json(plain(this_machine()))}
    with reading(store) as database:
        runs = queries.list_runs(database, newest=1)
        if run is not None or runs:
            run_id = queries.resolve(database, Kind.RUN, run) if run is not None else runs[-1].id
            members |= dict(_of_run(database, run_id))
    with tarfile.open(output, "w:gz") as bundle:
        for name, text in members.items():
            _add(bundle, name, redactor.text(text))
    print(f"wrote {output} with {len(members)} files; look through it before you send it")


def _suspicious() -> Iterator[str]:
    """Yield the values of variables whose names say that they are secret."""
    for name, text in os.environ.items():
        if any(word in name.upper() for word in SECRET_NAMES) and len(text) >= 6:
            yield text


def _versions() -> dict[str, Any]:
    packages = {item.metadata["Name"]: item.version for item in distributions()}
    return {
        "recrate": __version__,
        "python": sys.version,
        "platform": platform.platform(),
        "packages": dict(sorted(packages.items(), key=lambda pair: str(pair[0]).lower())),
    }


def _of_run(database: Database, run_id: str) -> Iterator[tuple[str, str]]:
    detail = queries.run_detail(database, run_id)
    yield "run.json", _json(plain(detail))
    yield "failure.txt", "\n".join(lines(database, run_id))
    events = [{**plain(event), "body": parsed(event.body)} for event in queries.events(database, run_id)]
    yield "events.json", _json(events)
    for number, (job, attempt) in enumerate(queries.last_attempts(database, run_id, FAILURES)):
        yield f"attempts/{number}.json", _json({"job": plain(job), "attempt": plain(attempt)})
        for name in ("stdout", "stderr"):
            text = _end_of(getattr(attempt, name) if name == "stdout" else _log_of_errors(database, detail, attempt))
            if text:
                yield f"attempts/{number}.{name}.txt", text


def _log_of_errors(database: Database, detail: queries.RunDetail, attempt: AttemptRow) -> str | None:
    where = queries.locations(database, [attempt.location_id]).get(attempt.location_id)
    return log_of_errors(attempt, where, detail.row.work_directory)


def _end_of(path: str | None) -> str:
    return "" if path is None else last_bytes(path, LOG_BYTES).decode("utf-8", "replace")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, default=str)


def _add(bundle: tarfile.TarFile, name: str, text: str) -> None:
    content = text.encode("utf-8", "replace")
    member = tarfile.TarInfo(f"recrate-bug-report/{name}")
    member.size, member.mtime = len(content), int(time.time())
    bundle.addfile(member, BytesIO(content))
