"""The reference of the command line, made from the program: `python -m recrate.cli.reference > docs/cli.md`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from .app import app

HEADER = """# Command line

Made from the program by `python -m recrate.cli.reference`; a test fails when it is stale.
"""


def reference() -> str:
    """Return the reference as Markdown: each command with its arguments and options."""
    root: Any = typer.main.get_command(app)
    sections = [HEADER.rstrip()]
    for name, command in sorted(root.commands.items()):
        sections.append("\n".join(_section(name, command)))
        for below, part in sorted(getattr(command, "commands", {}).items()):
            sections.append("\n".join(_section(f"{name} {below}", part)))
    sections.append("\n".join(_cwl_options()))
    return "\n\n".join(sections) + "\n"


def _section(name: str, command: Any) -> Iterator[str]:
    yield f"## recrate {name}"
    yield ""
    yield (command.help or "").strip()
    rows = [row for parameter in command.params for row in _rows(parameter)]
    if rows:
        yield ""
        yield "| argument or option | meaning |"
        yield "| --- | --- |"
        yield from rows


def _rows(parameter: Any) -> Iterator[str]:
    text = str(getattr(parameter, "help", "") or "").replace("|", "\\|")
    if parameter.param_type_name == "option":
        if parameter.hidden:
            return
        names = ", ".join(f"`{option}`" for option in (*parameter.opts, *parameter.secondary_opts))
        yield f"| {names} | {text} |"
    else:
        shown = str(parameter.metavar or parameter.name.upper()).replace("|", "\\|")
        yield f"| `{shown}` | {text} |"


def _cwl_options() -> Iterator[str]:
    from .cwl_options import parser

    yield "### Options of recrate cwl"
    yield ""
    yield "```text"
    yield parser().format_help().rstrip()
    yield "```"


if __name__ == "__main__":
    print(reference(), end="")
