"""The engines: Recrate, the floor and the peers, one adapter each."""

from __future__ import annotations

from pathlib import Path

from . import cwltool, streamflow, toil
from .base import Engine, Venv
from .recrate import Recrate, command_of
from .xargs import Xargs


def all_engines(peers: Path, recrate: Path | None = None) -> list[Engine]:
    """Return all engines in the order of the table; the peers' environments are below a directory."""
    reference = Venv(peers / "cwltool", cwltool.REQUIREMENT)
    return [
        Recrate(command_of(recrate)),
        Xargs(),
        cwltool.Cwltool(reference),
        cwltool.Cwltool(reference, Venv(peers / "runcrate", cwltool.CONVERTER)),
        streamflow.StreamFlow(Venv(peers / "streamflow", streamflow.REQUIREMENT)),
        toil.Toil(Venv(peers / "toil", toil.REQUIREMENT)),
    ]
