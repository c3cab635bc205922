"""`recrate doctor`: what to mend at which place, before anything runs there."""

from __future__ import annotations

import asyncio
from enum import Enum
from typing import Annotated

import typer

from ..api import RunOptions, examine
from ..binding.file import load_binding_file
from ..binding.sniffing import is_binding_file
from ..core.health import Finding, Verdict
from ..errors import UsageError
from .options import StoreOption
from .render import plain, print_json, printable


class Format(Enum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"


def doctor(
    binding: Annotated[
        str | None, typer.Argument(help="Binding file; without one, this machine alone is looked at.")
    ] = None,
    format: Annotated[Format, typer.Option("--format", help="How findings are printed.")] = Format.TEXT,
    store: StoreOption = None,
) -> None:
    """Check each place beforehand, and say in a line what to mend; exit code 1 when something must be."""
    found = asyncio.run(examine(_options(binding, store)))
    bad = any(item.verdict is Verdict.BAD for item in found)
    if format is Format.JSON:
        print_json({"ok": not bad, "findings": [plain(item) for item in found]})
    else:
        for item in found:
            print(_line(item))
        print(_summary(found))
    raise typer.Exit(1 if bad else 0)


def _options(path: str | None, store: str | None) -> RunOptions:
    if path is None:
        return RunOptions(store=store)
    if not is_binding_file(path):
        raise UsageError(f"{path!r} is no binding file", hint="recrate doctor binding.yml, or without a file")
    return RunOptions(store=store, binding=load_binding_file(path).binding)


def _line(item: Finding) -> str:
    hint = f" ({item.hint})" if item.hint else ""
    return printable(f"{item.verdict.value:4} {item.place}: {item.check}: {item.text}{hint}")


def _summary(found: list[Finding]) -> str:
    bad = sum(item.verdict is Verdict.BAD for item in found)
    odd = sum(item.verdict is Verdict.ODD for item in found)
    return f"{bad} to mend, {odd} odd, {len(found) - bad - odd} as it should be"
