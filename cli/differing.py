"""`recrate diff`: what is different between two runs, by their records."""

from __future__ import annotations

from contextlib import ExitStack
from enum import Enum
from typing import Annotated

import typer

from ..core.differences import Difference, Section, are_alike, differences
from .options import JsonOption, StoreOption, store_at
from .render import print_json, print_table


class Form(Enum):
    """A form of the differences."""

    TABLE = "table"
    JSON = "json"


def diff(
    first: Annotated[str, typer.Argument(metavar="RUN", help="A run of the store, or a crate (folder or zip).")],
    second: Annotated[str, typer.Argument(metavar="RUN", help="What it is compared with.")],
    form: Annotated[Form, typer.Option("--format", help="How the differences are printed.")] = Form.TABLE,
    skip: Annotated[
        list[Section] | None, typer.Option("--skip", help="Leave out what is about this; repeatable.")
    ] = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Say what is different between two runs, by their records: exit code 0 nothing but the time it took, else 1.

    Whether their results are the same says `recrate compare`.
    """
    from ..crates.compare.sides import opened

    with store_at(store) as opened_store, ExitStack() as stack:
        one, two = (stack.enter_context(opened(text, opened_store)) for text in (first, second))
        found = differences(one.database, one.run_id, two.database, two.run_id)
    shown = [each for each in found if each.section not in (skip or ())]
    if json or form is Form.JSON:
        print_json(shown)
    else:
        _show(first, second, shown)
    raise typer.Exit(0 if are_alike(shown) else 1)


def _show(first: str, second: str, found: list[Difference]) -> None:
    if are_alike(found):
        print(f"{first} and {second} have the same on record, but for the time that it took")
    rows = [(one.section.value, _name(one), _text(one.first), _text(one.second)) for one in found]
    if rows:
        print_table(("about", "of", first, second), rows)


def _name(one: Difference) -> str:
    return f"{one.name} ({one.jobs} jobs)" if one.jobs > 1 else one.name


def _text(text: str | None) -> str:
    return "-" if text is None else text
