"""Whichever container engine works on a place: docker, podman, apptainer or singularity."""

from __future__ import annotations

from typing import Protocol

from ..errors import PlaceFailed, Unsupported
from . import apptainer
from .carrying import Carrier
from .container import Found, detect
from .images import Image, ImageFacts, Run
from .oci import DEFAULT_OPTIONS, ContainerJob, EngineOptions


class Engine(Protocol):
    """What is asked of a container engine on a place (see `container.ContainerEngine`)."""

    async def ensure_image(self, image: Image, *, offline: bool = False) -> ImageFacts:
        """Return an image that is there, after it was got when needed. Raises PlaceFailed."""
        ...

    async def find_image(self, image: Image) -> ImageFacts | None:
        """Return an image that is there already, or None."""
        ...

    def argv(self, job: ContainerJob) -> list[str]:
        """Return the command line that runs a job. Raises Unsupported, InputInvalid."""
        ...

    def client_environment(self, job: ContainerJob) -> dict[str, str]:
        """Return the variables that must be set where this command line is executed."""
        ...

    async def find(self, token: str) -> Found | None:
        """Return the container of the attempt with this token, or None when there is none."""
        ...

    async def remove(self, token: str) -> bool:
        """End and remove the container of an attempt; tell whether there was one."""
        ...

    def explain(self, exit_code: int, stderr: bytes) -> str | None:
        """Return the engine's own words when it was the engine that failed, not the job; else None."""
        ...


async def detect_engine(
    run: Run, carrier: Carrier, *, wanted: str = "auto", here: bool = True, options: EngineOptions = DEFAULT_OPTIONS
) -> Engine:
    """Return a container engine that works on a place.

    Args:
        run: runs a short command there.
        carrier: brings there what the place cannot get itself.
        wanted: `auto`, the name of an engine, or its path.
        here: the place is the controller's own machine, so that nothing need be carried.
        options: what the user chose for the engine.

    Raises:
        Unsupported: with one line that says why none works.
    """
    if wanted != "auto" and apptainer.is_apptainer(wanted):
        return await _apptainer(run, carrier, [wanted], options)
    fetch, carry = (None, None) if here else (carrier.fetch, carrier.archive)
    try:
        return await detect(run, None if wanted == "auto" else wanted, options, fetch, carry)
    except Unsupported as failure:
        if wanted != "auto":
            raise
        try:
            return await _apptainer(run, carrier, apptainer.PROGRAMS, options)
        except Unsupported:
            raise failure from None


async def _apptainer(
    run: Run, carrier: Carrier, programs: tuple[str, ...] | list[str], options: EngineOptions
) -> Engine:
    reasons = []
    for program in programs:
        try:
            return apptainer.ApptainerEngine(await apptainer.probe(run, program), run, carrier, options)
        except PlaceFailed as failure:
            reasons.append(failure.problem)
    raise Unsupported("no container engine works here: " + "; ".join(reasons), hint="install apptainer")
