"""`recrate query`: questions to a crate, a run or the store, in SPARQL or SQL."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import UsageError
from .options import JsonOption, StoreOption, store_at
from .render import print_csv, print_json, print_table

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
    sql: Annotated[
        str | None, typer.Option("--sql", metavar="SELECT", help="Ask the store in SQL; it can only be read.")
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
    form = Format.JSON if json else Format.CSV if csv else Format.TABLE
    if sql is not None:
        if query or run or crate or settings:
            raise UsageError("--sql asks the store alone", hint="leave the other query, run, crate and --set out")
        _ask_in_sql(sql, form, timeout, store)
        return
    if query is None:
        raise UsageError("there is no query", hint="name one: `recrate query --list` lists them")
    _print(_answer(query, run, crate, _values(settings), timeout, store), form)


def _ask_in_sql(sql: str, form: Format, seconds: float, store: str | None) -> None:
    from ..provenance.sql import ask_sql

    with store_at(store) as opened:
        answer = ask_sql(opened.url, sql, seconds=seconds)
    if form.value == "table":
        print_table(answer.columns, answer.rows)
    elif form.value == "csv":
        print_csv(answer.columns, answer.rows)
    else:
        print_json([dict(zip(answer.columns, row, strict=True)) for row in answer.rows])


def _answer(
    query: str, run: str | None, crate: str | None, settings: Mapping[str, str], seconds: float, store: str | None
) -> Answer:
    from ..crates.query import graphs
    from ..crates.query.asking import answer, read_query

    asked = read_query(query)
    if crate is not None and run is not None:
        raise UsageError("a run and a crate cannot be asked at once", hint="name one of them")
    if crate is not None:
        return answer(graphs.crate_source(crate), asked, settings, seconds=seconds)
    with store_at(store) as opened:
        source = graphs.store_source(opened) if run is None else graphs.run_source(opened, run)
    return answer(source, asked, settings, seconds=seconds)


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
