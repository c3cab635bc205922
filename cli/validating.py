"""`recrate validate`: a workflow that is not run, or a crate."""

from __future__ import annotations

import os
import sys
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from ..binding.sniffing import is_binding_file
from .options import JsonOption, NetworkOption

if TYPE_CHECKING:
    from ..crates.validation.report import Report

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_METADATA_STEM = "ro-crate-metadata"


class Level(Enum):
    """How binding the rules are that are looked at: these and all that bind more."""

    REQUIRED = "required"
    RECOMMENDED = "recommended"
    OPTIONAL = "optional"


def validate(
    target: Annotated[
        str,
        typer.Argument(
            help="CWL document, with #id for one of several processes; binding file; or crate: a folder or a zip."
        ),
    ],
    enable_net: NetworkOption = False,
    json: JsonOption = False,
    severity: Annotated[
        Level, typer.Option("--severity", help="Of a crate: rules down to this level.")
    ] = Level.REQUIRED,
    own: Annotated[
        bool, typer.Option("--own", help="Of a crate: Recrate's own rules only, without the official validator.")
    ] = False,
    hashes: Annotated[
        bool, typer.Option("--hashes", help="Of a crate: read its files and compare them with their hashes.")
    ] = False,
    skip: Annotated[
        list[str] | None, typer.Option("--skip", metavar="RULE", help="Of a crate: leave out this rule; repeatable.")
    ] = None,
) -> None:
    """Check a workflow, or a binding file with its workflows, without running it or contacting a place; or a crate."""
    crate = _crate_at(target)
    if crate is None and is_binding_file(target):
        from .binding import validate_file

        valid = validate_file(target, network=enable_net, json=json) == 0
    elif crate is None:
        valid = _workflow(target, enable_net, json)
    else:
        from ..crates.validation.check import Checker
        from ..crates.validation.report import Severity

        checker = Checker(Severity[severity.name], official=not own, hashes=hashes, skip=skip or ())
        valid = _shown(checker.check(crate), json)
    raise typer.Exit(0 if valid else 1)


def _crate_at(target: str) -> str | None:
    """Return the path of the crate that is meant, None when it is no crate."""
    if os.path.basename(target).partition(".")[0] == _METADATA_STEM:
        return os.path.dirname(target) or "."
    if os.path.isdir(target):
        return target
    try:
        with open(target, "rb") as stream:
            return target if stream.read(4) in _ZIP else None
    except OSError:
        return None


def _workflow(workflow: str, enable_net: bool, json: bool) -> bool:
    from ..core.cwl.cache import user_cache
    from ..core.cwl.check import check
    from ..core.cwl.load import load_document
    from ..errors import DocumentInvalid

    document = load_document(workflow, allow_network=enable_net, cache=user_cache())
    problems = list(check(document))
    if json:
        from .render import print_json

        print_json([{"problem": item.text, "where": item.where, "hint": item.hint} for item in problems])
        return not problems
    for item in problems:
        print(DocumentInvalid(item.text, where=item.where, hint=item.hint).render(), file=sys.stderr)
    if not problems:
        print(f"{workflow} is valid CWL {document.process.version}")
    return not problems


def _shown(report: Report, json: bool) -> bool:
    """Print what came of checking a crate; tell whether it is valid."""
    from .render import plain, print_json

    if json:
        print_json({**plain(report), "valid": report.valid})
    else:
        _show(report)
    return report.valid


def _show(report: Report) -> None:
    from .render import print_table

    if report.issues:
        print_table(
            ["severity", "entity", "property", "rule", "message"],
            [(one.severity, one.entity, one.property, one.rule, one.message) for one in report.issues],
        )
    if not report.valid:
        count = len(report.issues)
        print(f"{report.crate} breaks {count} {'rule' if count == 1 else 'rules'}")
        return
    level = f"{report.crate} is valid at severity {report.severity.value}"
    if not report.official:
        print(f"{level}, by Recrate's own rules")
        return
    for claim in report.claims:
        if claim.checked_by is None:
            print(f"not checked, since there are no rules for it: {claim.profile}", file=sys.stderr)
    checked = [claim.profile for claim in report.claims if claim.checked_by]
    print(f"{level}: {', '.join(checked) or 'no profile claimed'}")
