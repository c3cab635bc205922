"""`recrate pack`: what a re-run needs beyond the crate itself, put into it or beside it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core.amounts import bytes_text
from ..errors import UsageError
from .options import JsonOption, StoreOption, store_at
from .render import print_json, print_table

if TYPE_CHECKING:
    from ..crates.images import Packed


def pack(
    subject: Annotated[
        str, typer.Argument(metavar="CRATE|RUN", help="A crate (folder or zip archive), or a run of the store.")
    ],
    images: Annotated[bool, typer.Option("--images", help="Pack the container images.")] = False,
    to: Annotated[
        str | None, typer.Option("--to", "-o", metavar="FOLDER", help="Write to this folder, not into the crate.")
    ] = None,
    pull: Annotated[bool, typer.Option("--pull", help="Get images that are not here from their registry.")] = False,
    engine: Annotated[
        str | None, typer.Option("--engine", metavar="ENGINE", help="docker, podman, or the path of one.")
    ] = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Pack the container images of a run as OCI archives, by digest, so that a re-run needs no registry."""
    from ..crates.images import pack_crate, pack_run
    from ..crates.images.packing import PackOptions

    if not images:
        raise UsageError("there is nothing to pack", hint="--images packs the container images")
    options = PackOptions(engine=engine, pull=pull)
    if os.path.exists(subject):
        packed = pack_crate(subject, to, options)
    elif to is None:
        raise UsageError(
            f"there is no crate {subject!r}", hint="to pack the images of a run, say where to: --to FOLDER"
        )
    else:
        with store_at(store) as opened:
            packed = pack_run(opened, subject, to, options)
    _print(packed, json)


def _print(packed: Packed, json: bool) -> None:
    if json:
        print_json({"images": [_as_json(one) for one in packed.images], "unknown": packed.unknown, "kept": packed.kept})
        return
    if packed.images:
        print_table(
            ["image", "digest", "platform", "archive", "size"],
            [
                (one.image.called, one.image.digest, one.archive.platform, one.path, bytes_text(one.size))
                for one in packed.images
            ],
        )
    for name in packed.kept:
        print(f"{name} is in it already")
    for name in packed.unknown:
        print(f"{name} has no digest on record: nobody can tell which image it was, and it is not packed")
    if not (packed.images or packed.kept or packed.unknown):
        print("no container image was used")


def _as_json(one: Any) -> dict[str, Any]:
    return {
        "image": one.image.called,
        "digest": one.image.digest,
        "id": one.archive.image_id,
        "platform": one.archive.platform,
        "path": one.path,
        "size": one.size,
        "sha256": one.sha256,
        "new": one.is_new,
    }
