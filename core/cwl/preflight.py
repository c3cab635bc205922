"""What can be said before anything runs: is there all that a workflow will need?"""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import Unsupported
from ..plan import ImageSpec
from .check import require_valid
from .process import LoadedDocument, Process, Workflow
from .requirements import Demands, image_spec


def require_ready(document: LoadedDocument, containers: str) -> None:
    """Check a document statically, and that containers are allowed where they are required.

    Raises DocumentInvalid, Unsupported.
    """
    require_valid(document)
    if containers == "none":
        for process in required_containers(document.process):
            raise Unsupported(
                f"{process.name!r} requires a container, but containers are switched off",
                where=process.where,
                hint="run it with docker or podman",
            )


def required_containers(process: Process) -> Iterator[Process]:
    """Yield each tool for which a container image is a requirement, not a hint."""
    return (tool for tool, demands in tools(process) if demands.is_required("DockerRequirement"))


def images(process: Process) -> Iterator[ImageSpec]:
    """Yield the container image of each tool that has one."""
    for tool, demands in tools(process):
        image = image_spec(demands, tool.where)
        if image is not None:
            yield image


def tools(process: Process) -> Iterator[tuple[Process, Demands]]:
    """Yield each process that is no workflow, with the requirements and hints that hold for it."""
    pending: list[tuple[Process, Demands]] = [(process, Demands())]
    while pending:
        current, around = pending.pop()
        demands = around.inside(current)
        if isinstance(current, Workflow):
            pending += [(step.run, demands.inside(step)) for step in current.steps]
        else:
            yield current, demands
