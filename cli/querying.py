"""`recrate query`: questions to a crate, a run or the store, in SPARQL or SQL."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from .options import JsonOption, StoreOption
from .render import print_json, print_table

if TYPE_CHECKING:
    from ..crates.query.results import Answer, Format

SECONDS = 60.0


def query(
    query: Annotated[
        str | None,
        typer.Argument(metavar="QUERY", help="A name (see --list), a file, `-` or SPARQL itself."),
    ] = None,
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="The run that is asked; without it the whole store.")
    ] = None,
    crate: Annotated[
        str | None, typer.Option("--crate", "-c", metavar="CRATE", help="Ask a crate instead: a folder or an archive.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Give a variable a value: a text, or an <IRI>."),
    ] = None,
    list_all: Annotated[bool, typer.Option("--list", help="List the queries that have a name.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    json: JsonOption = False,
    timeout: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="How long it may take.")] = SECONDS,
    store: StoreOption = None,
) -> None:
    """Ask a crate, a run or the store: what ran, when, with what, what came of it, and what failed."""
    from ..crates.query.results import Format

    if list_all:
        _list(json)
        return
    if query is None:
        raise UsageError("there is no query", hint="name one: `recrate query --list` lists them")
    form = Format.JSON if json else Format.CSV if csv else Format.TABLE
    if crate is None:
        raise UsageError("there is no crate", hint="name one with --crate")
    _print(_of_crate(query, crate, _values(settings), timeout), form)


def _of_crate(query: str, crate: str, settings: Mapping[str, str], seconds: float) -> Answer:
    from ..crates.query.asking import answer, read_query
    from ..crates.query.graphs import crate_source

    asked = read_query(query)
    return answer(crate_source(crate), asked, settings, seconds=seconds)


def _values(settings: list[str] | None) -> dict[str, str]:
    values = {}
    for setting in settings or ():
        name, equals, value = setting.partition("=")
        if not name or not equals:
            raise UsageError(f"--set {setting!r} has no value", hint="write it as NAME=VALUE")
        values[name.removeprefix("?")] = value
    return values


def _print(answer: Answer, form: Format) -> None:
    if form.value == "table":
        print_table(answer.columns, answer.rows())
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(answer.serialized(form))


def _list(json: bool) -> None:
    from ..crates.query.questions import questions

    if json:
        print_json(list(questions()))
        return
    rows = [(one.name, one.alias, one.title, ", ".join(p.name for p in one.parameters)) for one in questions()]
    print_table(["query", "also", "question", "--set"], rows)
