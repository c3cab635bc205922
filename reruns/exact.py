"""The container images of a run, so that it is carried out again in the same: from its crate, or by their digests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from ..api import Prepared, RunOptions
from ..connectors.local import LocalConnector
from ..core.containers import ExactImage, LazyContainers
from ..core.cwl.preflight import images
from ..crates.compare.sides import is_crate
from ..crates.images import archived_images, extracted
from ..crates.images.wanted import is_about_images, of_rows
from ..crates.read import open_crate
from ..provenance import queries
from ..provenance.database import Database


@contextmanager
def exact_images(what: str, database: Database, run_id: str) -> Iterator[Mapping[str, ExactImage]]:
    """Yield what images have to be, by full name; those of a crate lie unpacked on this machine meanwhile.

    A name that stood for several images in the run is left out. Raises CrateInvalid when an archive was changed.
    """
    known = _on_record(database, run_id)
    path = _crate_of(what, database, run_id)
    if path is None:
        yield known
        return
    with TemporaryDirectory(prefix="recrate-images-") as folder, open_crate(str(path), keep=is_about_images) as crate:
        found = dict(known)
        for image in archived_images(crate):
            exact = known.get(image.name, ExactImage(image.digest))
            if exact.digest in (image.digest, image.image_id):
                archive = extracted(crate, image, Path(folder))
                found[image.name] = replace(exact, image_id=image.image_id, archive=str(archive))
        yield found


def _on_record(database: Database, run_id: str) -> dict[str, ExactImage]:
    digests: dict[str, set[str]] = {}
    for _, image in of_rows(queries.images_of_run(database, run_id)):
        if image is not None:
            digests.setdefault(image.called, set()).add(image.digest)
    return {name: ExactImage(*found) for name, found in digests.items() if len(found) == 1}


def _crate_of(what: str, database: Database, run_id: str) -> Path | None:
    """Return the crate that a run came from, if it can be read here."""
    imported = queries.crate_of(database, run_id)
    known = [what, *([] if imported is None else [imported.path])]
    return next((path for path in map(Path, known) if path.exists() and is_crate(path)), None)


async def other_images(prepared: Prepared, options: RunOptions) -> list[str]:
    """Return in a line each what images of this machine are not those that the run had."""
    if not options.images or options.containers == "none":
        return []
    here = LazyContainers(LocalConnector(), options.containers, True, lambda image: image.id, exact=options.images)
    others = await here.stand_ins(images(prepared.process))
    return [
        f"the image {name} here is another one than the run had: {facts.digest or facts.id}"
        for name, facts in others.items()
    ]
