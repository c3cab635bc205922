"""Where the things of one attempt lie: in the job's view, and on the place.

An attempt has a directory of its own on its location, with `out` (the job's working and output
directory), `in` (staged inputs, if any), `tmp`, the script, its logs and its result record. Without a
container the job sees these paths as they are; in a container it sees them at fixed paths.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from ..connectors.base import ActionKind, FileAction
from ..connectors.wrapper import METRICS
from ..data_classes import dataclass
from ..errors import InputInvalid
from .plan import ImageSpec, Stage
from .uris import is_file_uri, to_path

CONTAINER_OUTDIR = "/var/spool/cwl"
CONTAINER_INPUTS = "/var/lib/cwl/inputs"
CONTAINER_TMPDIR = "/tmp"


@dataclass(frozen=True, slots=True)
class Mount:
    """A path of the place that a container sees at `target`."""

    source: str
    target: str
    writable: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """The directories of an attempt: on the place, and as the job sees them."""

    directory: str
    outdir: str
    inputs: str
    tmpdir: str
    in_container: bool

    @classmethod
    def of(cls, directory: str, image: ImageSpec | None) -> Layout:
        """Return the layout of an attempt with this directory on its location."""
        if image is None:
            return cls(directory, f"{directory}/out", f"{directory}/in", f"{directory}/tmp", False)
        outdir = image.output_directory or CONTAINER_OUTDIR
        return cls(directory, outdir.rstrip("/") or "/", CONTAINER_INPUTS, CONTAINER_TMPDIR, True)

    @property
    def place_outdir(self) -> str:
        """The output directory on the place."""
        return f"{self.directory}/out"

    def on_place(self, path: str) -> str | None:
        """Return where a path of the job's view lies on the place; None when it is in no directory of the attempt."""
        for seen, there in (
            (self.outdir, f"{self.directory}/out"),
            (self.inputs, f"{self.directory}/in"),
            (self.tmpdir, f"{self.directory}/tmp"),
        ):
            if path == seen or path.startswith(seen.rstrip("/") + "/"):
                return there + path[len(seen.rstrip("/")) :]
        return None

    def from_place(self, path: str) -> str:
        """Return how the job sees a path of the place below the output directory."""
        there = f"{self.directory}/out"
        return self.outdir + path[len(there) :] if path == there or path.startswith(there + "/") else path


def metrics_path(tmpdir: str) -> str:
    """Return where a job with this temporary directory writes its metrics, in its own view."""
    return f"{tmpdir}/{METRICS.rpartition('/')[2]}"


@dataclass(frozen=True, slots=True)
class Staging:
    """What must be done before an attempt: changes to files in order, and mounts of its container."""

    actions: tuple[FileAction, ...]
    mounts: tuple[Mount, ...]


def stage(layout: Layout, stages: Iterable[Stage]) -> Staging:
    """Return how to make the stages of a plan be there. Raises InputInvalid for one that cannot be."""
    actions: list[FileAction] = []
    mounts: list[Mount] = []
    made = {layout.place_outdir, f"{layout.directory}/tmp"}
    if layout.in_container:
        made.add(f"{layout.directory}/in")
        actions.append(FileAction(ActionKind.MAKE_DIRECTORY, f"{layout.directory}/in"))
        mounts += [
            Mount(layout.place_outdir, layout.outdir, writable=True),
            Mount(f"{layout.directory}/tmp", layout.tmpdir, writable=True),
            Mount(f"{layout.directory}/in", layout.inputs, writable=False),
        ]
    outside: dict[str, str] = {}
    for number, item in enumerate(stages):
        inside = layout.on_place(item.target) or _below(item.target, outside)
        path = inside or f"{layout.directory}/in/.outside/{number}/{os.path.basename(item.target)}"
        if inside is None and item.directory and (item.location is None or _is_copied(item)):
            outside[item.target] = path
        _make_parents(path, made, actions)
        if layout.in_container:
            _stage_in_container(item, path, inside is not None, actions, mounts)
        else:
            _stage_here(item, path, actions)
    return Staging(tuple(actions), tuple(mounts))


def _below(target: str, outside: dict[str, str]) -> str | None:
    """Return where a target lies on the place when it is in a directory that was made for a path outside."""
    holder = os.path.dirname(target)
    while outside and len(holder) > 1:
        if holder in outside:
            return outside[holder] + target[len(holder) :]
        holder = os.path.dirname(holder)
    return None


def _make_parents(path: str, made: set[str], actions: list[FileAction]) -> None:
    parent = os.path.dirname(path)
    if parent not in made:
        made.add(parent)
        actions.append(FileAction(ActionKind.MAKE_DIRECTORY, parent))


def _stage_here(item: Stage, path: str, actions: list[FileAction]) -> None:
    if item.location is not None:
        kind = ActionKind.COPY if _is_copied(item) else ActionKind.LINK
        actions.append(FileAction(kind, path, _source(item)))
    else:
        actions.append(_made(item, path))


def _stage_in_container(item: Stage, path: str, inside: bool, actions: list[FileAction], mounts: list[Mount]) -> None:
    """Stage for a container: what is not copied is mounted, onto a place holder made by us so
    that the container engine need not make one as another user."""
    if item.location is None or _is_copied(item):
        copied = item.location is not None
        actions.append(FileAction(ActionKind.COPY, path, _source(item)) if copied else _made(item, path))
        if not inside:
            mounts.append(Mount(path, item.target, writable=item.writable))
        return
    if inside:
        actions.append(_made(Stage(item.target, contents=None if item.directory else ""), path))
    mounts.append(Mount(_source(item), item.target, writable=item.in_place))


def _is_copied(item: Stage) -> bool:
    return item.writable and not item.in_place


def _made(item: Stage, path: str) -> FileAction:
    if item.contents is None:
        return FileAction(ActionKind.MAKE_DIRECTORY, path)
    return FileAction(ActionKind.WRITE, path, content=item.contents.encode("utf-8", "surrogateescape"))


def _source(item: Stage) -> str:
    if item.location is None or not is_file_uri(item.location):
        raise InputInvalid(f"{item.location!r} is not a file of this machine, so it cannot be staged")
    return to_path(item.location)
