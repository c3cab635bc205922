"""`recrate model-card`: a model card made of the record."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from .options import StoreOption, store_at
from .render import printable


def model_card(
    file: Annotated[str, typer.Argument(metavar="FILE|SHA256", help="A file that a job made, or its sha256.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="File to write (default: standard output).")
    ] = None,
    license: Annotated[
        str | None,
        typer.Option(metavar="LICENSE", help="Terms of the model (default: what recrate.toml says of crates)."),
    ] = None,
    store: StoreOption = None,
) -> None:
    """Write a model card in Markdown: what made a file, of which data and code, and how good it is."""
    from ..core.replacing import write_text
    from ..crates.export.said import license_of
    from ..views.model_card import card_of, card_text
    from .auditing import wanted

    with store_at(store) as opened:
        card = card_of(opened.database, wanted(file))
        text = card_text(card, license or license_of(opened, card.run))
    if output is None:
        sys.stdout.write(text)
    else:
        write_text(str(output), [text])
        print(printable(output))
