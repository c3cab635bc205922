"""`recrate import`: the runs of a crate become runs of the store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from ..crates.importing import Imported, import_crate
from .options import JsonOption, SignersOption, StoreOption, store_at
from .origins import origin_fields
from .render import print_fields, print_json


def import_(
    crate: Annotated[str, typer.Argument(metavar="CRATE", help="A folder or a zip archive.")],
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Use the files of a folder where they are, instead of copying them.")
    ] = False,
    signers: SignersOption = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Put the runs that a crate is about into the store: our own without loss, others' as far as they say."""
    from ..crates.signing.verify import read_signers

    with store_at(store) as opened:
        done = import_crate(crate, opened, copy=not in_place, signers=read_signers(signers))
    if json:
        print_json([item.as_json() for item in done])
        return
    for number, item in enumerate(done):
        if number:
            print()
        print_fields(_fields(item))


def _fields(item: Imported) -> Iterator[tuple[str, Any]]:
    yield "run", f"{item.name} ({item.run_id})"
    yield "state", item.state.value
    if not item.is_new:
        yield "note", "it is in the store already: nothing was changed"
    yield from origin_fields(item.crate)
    if item.missing:
        yield "not in the crate", f"{item.missing} files that are on record by their content"
    for note in item.notes:
        yield "note", note
