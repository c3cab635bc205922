"""An attempt made ready: all that there is to know of it before its intent is on record."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from ..connectors.wrapper import Script
from ..data_classes import dataclass
from .layout import Layout, Staging, stage
from .metrics import told_metrics
from .model import TaskCode
from .places import Container
from .plan import CommandPlan, Request
from .preparing import runtime_of, task_of, told_hosts, without_path
from .records import Attempt
from .reuse import Reuse
from .seats import Seat
from .surroundings import Surroundings, in_zone
from .values import Values

if TYPE_CHECKING:
    from .tracing import Tracer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ready:
    """An attempt whose intent can be put on record."""

    layout: Layout
    plan: CommandPlan
    staging: Staging
    task: Script
    key: str | None
    """By which its result is found when the same is to be done again; None: it never is."""
    is_traced: bool


@dataclass(frozen=True, slots=True)
class Readying:
    """Makes attempts ready."""

    reuse: Reuse
    surroundings: Surroundings | None
    tracer: Tracer | None

    async def ready(
        self,
        attempt: Attempt,
        code: TaskCode,
        inputs: Values,
        request: Request,
        seat: Seat,
        container: Container | None,
    ) -> Ready:
        """Make an attempt ready whose inputs are as its place sees them. Raises ExpressionFailed, InputInvalid."""
        layout = Layout.of(attempt.directory, request.image if container else None)
        plan = await called(code, code.plan, inputs, request, runtime_of(layout, request, seat.allocation))
        plan = told_hosts(plan, seat)
        key = self.reuse.key(plan, layout, code.signature, container.image_id if container else None)
        plan = told_metrics(plan, layout)
        is_here, around = seat.place.storage.is_here, self.surroundings if container is None else None
        plan = in_zone(plan, around, here=is_here)
        if not is_here:
            plan = without_path(plan, os.environ.get("PATH"))
        staging = stage(layout, plan.stages)
        task = task_of(attempt, plan, layout, staging, container)
        task = task if around is None else replace(task, umask=around.umask_of_jobs(here=is_here))
        is_traced = self.tracer is not None and container is None and seat.place.starts_tasks
        task = self.tracer.traced(task) if self.tracer is not None and is_traced else task
        return Ready(layout, plan, staging, task, key, is_traced)


async def called(code: TaskCode, function: Callable[..., T], *arguments: Any) -> T:
    """Call a function of the language; off the event loop when it may run JavaScript."""
    return await asyncio.to_thread(function, *arguments) if code.uses_javascript else function(*arguments)
