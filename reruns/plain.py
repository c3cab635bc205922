"""Crates that hold a workflow and no run of it: it is run for the first time, from the files of the crate."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ..core.cwl.job_order import JobOrder
from ..core.cwl.link_types import allows_null
from ..core.cwl.load import load_document
from ..core.cwl.process import LoadedDocument, Process
from ..core.values import Values
from ..crates.foreign.things import language_of
from ..crates.read import Crate, open_crate
from ..crates.tampering import claims_of, measured
from ..errors import CrateInvalid, Unsupported, Where

CWL = "cwl"


@contextmanager
def main_workflow(path: str) -> Iterator[LoadedDocument]:
    """Yield the main workflow of a crate, whose files lie unpacked on this machine meanwhile.

    Raises CrateInvalid when it has none or was changed, Unsupported for one in another language.
    """
    with open_crate(path) as crate, TemporaryDirectory(prefix="recrate-workflow-") as folder:
        _require_intact(crate)
        main = _main(crate)
        _unpack(crate, Path(folder))
        yield load_document(f"{folder}/{main}")


def _require_intact(crate: Crate) -> None:
    claims = claims_of(crate)
    for path in claims.paths():
        for difference in claims.differences(path, measured(crate, path, claims.algorithms(path))):
            raise CrateInvalid(str(difference), where=Where(crate.path))


def _main(crate: Crate) -> str:
    """Return the path of the main workflow."""
    for entity in crate.related(crate.root, "mainEntity"):
        path = crate.path_of(entity.id)
        if path is not None:
            language = language_of(crate, entity)
            if language != CWL and not path.endswith(".cwl"):
                raise Unsupported(f"the workflow of {crate.path} is written in {language}: its own engine is needed")
            return path
    raise CrateInvalid("it holds neither a run nor a workflow", where=Where(crate.path))


def _unpack(crate: Crate, folder: Path) -> None:
    for path in crate.paths():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with crate.open(path) as source, target.open("xb") as copy:
            shutil.copyfileobj(source, copy, 1 << 20)


def require_inputs(process: Process, values: Values, what: str) -> JobOrder:
    """Return the inputs of a process as a job order. Raises CrateInvalid with the names of all that are missing."""
    missing = [
        port.name
        for port in process.inputs
        if values.get(port.name) is None and not port.has_default and not allows_null(port.type)
    ]
    if missing:
        raise CrateInvalid(
            f"{what} cannot be run, since it does not say what these inputs are: {', '.join(missing)}",
            hint="give them with --set",
        )
    return JobOrder(values)
