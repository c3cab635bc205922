"""What a place cannot give to a run that is carried out again, said before anything runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from .. import __version__
from ..api import Prepared, RunOptions, work_directory
from ..connectors.base import Connector
from ..connectors.zones import umask_of, zone_of
from ..core.binding import LOCAL, Binding
from ..core.containers import LazyContainers
from ..core.plan import Resources
from ..core.planning import Plan
from ..core.surroundings import Surroundings
from ..errors import Unsupported
from ..provenance import queries
from ..provenance.database import Database
from ..provenance.queries import StepPlace
from ..provenance.rows import RunRow, SoftwareRow
from .placing import is_here

_NOT_KNOWN = (None, None)


async def require_places(prepared: Prepared, options: RunOptions, places: Sequence[StepPlace]) -> list[str]:
    """Ask the places where the steps of a run are to run; return what they lack, in a line each.

    Raises Unsupported when a step can run on none of its places.
    """
    plan = await _plan(prepared, options, _asked_before(places))
    lines = [f"step {step.path}: {line}" for step in plan.steps for line in step.lacking]
    for step in plan.steps:
        if not step.ok:
            others = [line for line in lines if not line.startswith(f"step {step.path}: ")]
            more = f"; also: {'; '.join(others)}" if others else ""
            raise Unsupported(
                f"step {step.path} cannot run: {'; '.join(step.lacking)}{more}",
                hint="name another place with --on or --map",
            )
    return lines


async def _plan(prepared: Prepared, options: RunOptions, known: Mapping[str, Resources]) -> Plan:
    """Return what a run would do; the places are asked whether they have its images, too."""
    from ..core.hybrid import plan_of

    def containers(connector: Connector, location: str, wanted: str) -> LazyContainers:
        here = location == LOCAL
        wanted = options.containers if here else wanted
        return LazyContainers(connector, wanted, True, lambda image: image.id, location, here, options.images)

    binding, serving = options.binding or Binding(), None if options.containers == "none" else containers
    return await plan_of(prepared.body, prepared.inputs, binding, work_directory(options), known, serving)


def _asked_before(places: Sequence[StepPlace]) -> Mapping[str, Resources]:
    """Return the most that a job of each step was given."""
    found: dict[str, Resources] = {}
    for place in places:
        known = found.get(place.step, Resources(0, 0))
        found[place.step] = Resources(
            cores=max(known.cores, place.cores or 0),
            ram=max(known.ram, place.ram or 0),
            gpus=max(known.gpus, place.gpus or 0),
            disk_assumed=True,
        )
    return found


def surroundings_of(row: RunRow, places: Sequence[StepPlace], *, elsewhere: bool) -> Surroundings | None:
    """Return the surroundings that the jobs of a run had; None of a run that others made.

    With `elsewhere` jobs may run on other places now: they have them there if all jobs of the run had the same.
    """
    own = _own_surroundings(row)
    if own is None:
        return None
    had = list(_had(own, places))
    if len(had) == 1 and had[0] != _NOT_KNOWN:
        return Surroundings(*had[0], everywhere=elsewhere)
    return replace(own, everywhere=elsewhere and not had)


def _own_surroundings(row: RunRow) -> Surroundings | None:
    return Surroundings.of_json(json.loads(row.options).get("surroundings"))


def _had(own: Surroundings, places: Sequence[StepPlace]) -> Mapping[tuple[str | None, str | None], Sequence[str]]:
    """Return the umasks and time zones that the jobs of a run had, and on which places."""
    had: dict[tuple[str | None, str | None], list[str]] = {}
    for place in places:
        of_run = own.everywhere or is_here(place)
        one = (own.umask, own.time_zone) if of_run else (umask_of(place.umask or ""), zone_of(place.time_zone or ""))
        if place.location not in had.setdefault(one, []):
            had[one].append(place.location)
    return had


def several_surroundings(row: RunRow, places: Sequence[StepPlace]) -> Iterator[str]:
    """Yield a line when the jobs of a run had different umasks or time zones."""
    own = _own_surroundings(row)
    had = {} if own is None else {one: where for one, where in _had(own, places).items() if one != _NOT_KNOWN}
    if len(had) > 1:
        told = (f"{mask or 'unknown'} and {zone or 'unknown'} on {', '.join(on)}" for (mask, zone), on in had.items())
        yield f"jobs of the run had different umasks and time zones, {'; '.join(told)}: each place's own are taken"


def other_surroundings(known: Surroundings | None) -> Iterator[str]:
    """Yield in a line each what of the surroundings is not as the run had it."""
    if known is None or not known.is_other_zone:
        return
    zone = f"the run was made in the time zone {known.time_zone}"
    if known.is_known_zone:
        yield f"{zone}: jobs are told so, since this machine is in another one"
    else:
        yield f"{zone}, which this machine does not know: its jobs have another one"


def other_software(database: Database, run_id: str) -> Iterator[str]:
    """Yield in a line each what is not known to be here as the run had it: packages of its steps, and this program."""
    images = {image.step for image in queries.step_images(database, run_id)}
    for row in database.rows(SoftwareRow, "WHERE run_id = ? ORDER BY role, name", (run_id,)):
        if row.role == "engine":
            if row.name == "recrate" and row.version != __version__:
                yield f"the run was made with recrate {row.version}, this is {__version__}"
        elif row.role != "dependency" and row.role not in images:
            version = f" {row.version}" if row.version else ""
            yield f"step {row.role} needs {row.name}{version} on its place: whether it is there is not looked at"
