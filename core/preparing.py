"""How an attempt is made ready: its script, its directory, and what its command is told. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..connectors.base import ActionKind, FileAction, Launch
from ..connectors.wrapper import SCRIPT, Script, encode, script_text
from ..errors import InputInvalid
from .layout import Layout, Mount, Staging
from .places import Container
from .plan import CommandPlan, Request, Runtime
from .records import Attempt
from .scheduling import Allocation, runtime_cores
from .seats import Seat

HOSTS_VARIABLES = ("RECRATE_HOSTS", "STREAMFLOW_HOSTS")
"""Tell a job that has several places which these are, separated by commas."""


def task_of(
    attempt: Attempt, plan: CommandPlan, layout: Layout, staging: Staging, container: Container | None
) -> Script:
    """Return what carries an attempt out. Raises InputInvalid for a command that cannot be executed."""
    argv, shell, environment = plan.argv, plan.shell, plan.environment
    if container is not None:
        argv, environment = container.command(attempt.token, attempt.name, plan, layout, staging.mounts)
        shell = None
    task = Script(
        token=attempt.token,
        name=attempt.name,
        directory=attempt.directory,
        workdir=layout.place_outdir,
        argv=argv,
        shell=shell,
        environment=environment,
        stdin=place_path(layout, staging, plan.stdin),
        stdout=place_path(layout, staging, plan.stdout),
        stderr=place_path(layout, staging, plan.stderr),
    )
    try:
        task.check()
    except ValueError as error:
        raise InputInvalid(f"the command of {attempt.name} cannot be executed: {error}") from error
    return task


def told_hosts(plan: CommandPlan, seat: Seat) -> CommandPlan:
    """Return a plan whose command is told the names of the places that it has for itself, when these are several."""
    if not seat.others:
        return plan
    hosts = ",".join(seat.hosts)
    return replace(plan, environment={**plan.environment, **dict.fromkeys(HOSTS_VARIABLES, hosts)})


def without_path(plan: CommandPlan, path: str | None) -> CommandPlan:
    """Return a plan whose command has the PATH of its place, when what it was to get is this machine's, `path`.

    So what a service's template does counts, such as `module load`.
    """
    if plan.environment.get("PATH") != path:
        return plan
    return replace(plan, environment={name: text for name, text in plan.environment.items() if name != "PATH"})


def launch_of(attempt: Attempt, plan: CommandPlan, task: Script, preparation: Sequence[FileAction]) -> Launch:
    """Return what the connector needs to start an attempt."""
    asked = plan.request.resources
    return Launch(
        token=attempt.token,
        name=attempt.name,
        directory=attempt.directory,
        script=f"{attempt.directory}/{SCRIPT}",
        time_limit=plan.request.time_limit,
        cores=asked.cores if asked.cores_said else None,
        ram=asked.ram if asked.ram_said else None,
        gpus=asked.gpus or None,
        task=task,
        preparation=preparation,
    )


def runtime_of(layout: Layout, request: Request, allocation: Allocation) -> Runtime:
    """Return what a place gives to an attempt."""
    return Runtime(
        outdir=layout.outdir,
        tmpdir=layout.tmpdir,
        inputs=layout.inputs,
        cores=runtime_cores(request.resources, allocation),
        ram=allocation.ram,
        outdir_size=allocation.outdir,
        tmpdir_size=allocation.tmpdir,
        in_container=layout.in_container,
        gpus=allocation.gpus,
    )


def preparation(
    attempt: Attempt, plan: CommandPlan, staging: Staging, task: Script, *, starts_tasks: bool
) -> list[FileAction]:
    """Return how to make the directory of an attempt, with all that its command needs.

    A connector that `starts_tasks` needs no script.
    """
    make = ActionKind.MAKE_DIRECTORY
    folders = [FileAction(make, attempt.directory + name) for name in ("", "/out", "/tmp")]
    streams = [_parent(attempt, plan, path) for path in (plan.stdout, plan.stderr)]
    actions = [*folders, *staging.actions, *[action for action in streams if action is not None]]
    if not starts_tasks:
        content = encode(script_text(task))
        actions.append(FileAction(ActionKind.WRITE, f"{attempt.directory}/{SCRIPT}", content=content, mode=0o700))
    return actions


def _parent(attempt: Attempt, plan: CommandPlan, path: str | None) -> FileAction | None:
    """Return how to make the directory of a stream that goes to a subdirectory of the output directory."""
    if path is None or "/" not in path[len(plan.runtime.outdir) :].lstrip("/"):
        return None
    below = path[len(plan.runtime.outdir) :].lstrip("/").rpartition("/")[0]
    return FileAction(ActionKind.MAKE_DIRECTORY, f"{attempt.directory}/out/{below}")


def blank(script: str) -> FileAction:
    """Return how to take the text of a script away, which held a secret."""
    return FileAction(ActionKind.WRITE, script, content=b"# removed: the command held a secret\n", mode=0o600)


def place_path(layout: Layout, staging: Staging, path: str | None) -> str | None:
    """Return where a stream's path of the job's view lies on the place."""
    if path is None:
        return None
    for mount in sorted(staging.mounts, key=_by_depth, reverse=True):
        if path == mount.target or path.startswith(mount.target.rstrip("/") + "/"):
            return mount.source + path[len(mount.target.rstrip("/")) :]
    return layout.on_place(path) or path


def _by_depth(mount: Mount) -> int:
    return len(mount.target)
