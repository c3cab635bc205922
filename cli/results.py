"""How a run ended, as `recrate run` and `recrate attach` print it: its outputs, or why it has none."""

from __future__ import annotations

import os
import sys
from typing import Any

from ..api import RunResult
from ..core.amounts import bytes_text
from ..core.values import Value, walk_references
from . import failures
from .options import reading, store_at
from .render import print_json, printable

MOST_OUTPUTS = 12


def report(result: RunResult, store: str | None, *, quiet: bool, json: bool, audit: bool = False) -> int:
    """Print the outputs of a run that is over, or why it has none; return its exit code.

    `audit` asks for what its jobs read that nobody had declared, too.
    """
    if json:
        print_json(
            {
                "id": result.id,
                "name": result.name,
                "state": result.state,
                "outputs": result.outputs,
                "outdir": result.outdir,
                "seconds": round(result.seconds, 3),
            }
        )
    if result.exit_code:
        with store_at(store) as opened:
            failures.explain(opened, result.id, sys.stderr)
    elif not quiet and not json:
        _print_outputs(result)
    if audit:
        _print_undeclared(result, store)
    return result.exit_code


def _print_undeclared(result: RunResult, store: str | None) -> None:
    from ..core.story import undeclared_lines, undeclared_reads

    with reading(store) as database:
        for line in undeclared_lines(undeclared_reads(database, result.id)):
            print(f"recrate: {printable(line)}", file=sys.stderr)


def _print_outputs(result: RunResult) -> None:
    shown = list(result.outputs.items())
    width = max((len(name) for name, _ in shown[:MOST_OUTPUTS]), default=0)
    print("\noutputs:")
    for name, value in shown[:MOST_OUTPUTS]:
        print(f"  {printable(name).ljust(width)}  {describe(value)}")
    if len(shown) > MOST_OUTPUTS:
        print(f"  ... and {len(shown) - MOST_OUTPUTS} more")
    print(f"\nrun {result.name} ({result.id}) took {result.seconds:.1f} s")
    print(f"next: recrate show {result.name}    recrate log {result.name}    recrate runs")


def describe(value: Value) -> str:
    """Return an output in a few words: where it is and how large, or the value."""
    found = [item for item in walk_references(value) if item.get("path")]
    if isinstance(value, dict) and value.get("class") == "File" and found:
        return f"{_short(str(value['path']))}  {bytes_text(value.get('size'))}"
    if isinstance(value, dict) and value.get("class") == "Directory" and found:
        return f"{_short(str(value['path']))}/"
    if isinstance(value, list) and found:
        return f"{len(value)} files in {_short(os.path.dirname(str(found[0]['path'])))}/"
    text = printable(_text(value))
    return text if len(text) < 100 else text[:100] + "..."


def _text(value: Any) -> str:
    import json

    return value if isinstance(value, str) else json.dumps(value)


def _short(path: str) -> str:
    relative = os.path.relpath(path)
    return printable(path if relative.startswith("..") else relative)
