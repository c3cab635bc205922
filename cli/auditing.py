"""`recrate audit`: who made a result."""

from __future__ import annotations

import os
import re
from typing import Annotated, Any

import typer

from ..core.audit import Audit, described, facts, lines
from ..core.audit import audit as audited
from .options import JsonOption, StoreOption, reading
from .render import plain, print_json, printable

SHA256 = re.compile(r"(?:sha256:)?([0-9a-fA-F]{64})")


def audit(
    subject: Annotated[str, typer.Argument(metavar="FILE|TOKEN|SHA256", help="A file, a token's id, or a sha256.")],
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Say who made a result: run, attempt, host, image and inputs, up to the sources and across runs."""
    with reading(store) as database:
        found = audited(database, wanted(subject))
    if json:
        print_json(_as_json(found))
        return
    for depth, text, said in lines(found):
        print(f"{'  ' * depth}{printable(text)}")
        for name, value in said:
            print(f"{'  ' * depth}    {name}: {printable(value)}")


def wanted(subject: str) -> str:
    """Return what to look for: of a file that is there its content, wherever it was made."""
    from ..hashing import digest_file

    match = SHA256.fullmatch(subject)
    if match:
        return match.group(1).lower()
    if os.path.isfile(subject):
        return digest_file(subject).sha256
    return os.path.abspath(subject) if "/" in subject else subject


def _as_json(found: Audit) -> dict[str, Any]:
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
    }
