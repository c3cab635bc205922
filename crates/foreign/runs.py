"""The runs that a crate of others is about, and which of its actions belong to which."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...data_classes import dataclass
from ...errors import NoRun, Where
from ...provenance import ids
from ..graph import Entity
from ..read import Crate
from .instants import span

ACTIONS = ("CreateAction", "ActivateAction", "UpdateAction")
WORKFLOW = "ComputationalWorkflow"


@dataclass(frozen=True, slots=True)
class Control:
    """What an engine did about one step: the actions that carried it out."""

    step: Entity | None
    actions: tuple[Entity, ...]


@dataclass(frozen=True, slots=True)
class Foreign:
    """One run, as a crate tells of it."""

    id: str
    workflow: Entity | None
    action: Entity | None
    """The execution of the workflow as a whole; None where only single tools were run."""
    engine: Entity | None
    controls: tuple[Control, ...]
    notes: tuple[str, ...] = ()

    @property
    def producer(self) -> str | None:
        """What carried it out, with its version."""
        if self.engine is None:
            return None
        name, version = self.engine.text("name") or self.engine.id, self.engine.text("version", "softwareVersion")
        return f"{name} {version}" if version and version not in name else name


def foreign_runs(crate: Crate) -> list[Foreign]:
    """Return the runs that a crate is about. Raises NoRun when there is none."""
    actions = [entity for entity in crate.entities.values() if entity.is_a(*ACTIONS)]
    if not actions:
        raise NoRun("the crate tells of no run: it has no CreateAction", where=Where(crate.path))
    main = next(iter(crate.related(crate.root, "mainEntity")), None)
    whole = [action for action in actions if _runs(crate, action, main)]
    metadata = crate.digest(crate.metadata).sha256
    if not whole:
        controls = tuple(Control(None, (action,)) for action in actions)
        return [Foreign(_run_id(metadata, ""), main, None, _engine(crate, None, main), controls)]
    return _divided(crate, main, whole, actions, metadata)


def _run_id(metadata: str, action: str) -> str:
    return (ids.derived_id("imported", metadata, action))[: ids.RUN_ID_LENGTH]


def _runs(crate: Crate, action: Entity, main: Entity | None) -> bool:
    """Tell whether an action is the execution of the crate's workflow."""
    used = crate.related(action, "instrument")
    if main is not None and main.is_a(WORKFLOW, "Workflow", "SoftwareSourceCode"):
        return any(tool.id == main.id for tool in used)
    return any(tool.is_a(WORKFLOW) for tool in used)


def _divided(
    crate: Crate, main: Entity | None, whole: Sequence[Entity], actions: Sequence[Entity], metadata: str
) -> list[Foreign]:
    """Return a run for each execution of the workflow, with the actions of its steps."""
    engines: dict[str, Entity] = {}
    steps: dict[str, list[Control]] = {action.id: [] for action in whole}
    taken = {action.id for action in whole}
    for organized in (entity for entity in crate.entities.values() if entity.is_a("OrganizeAction")):
        owner = next((result.id for result in crate.related(organized, "result") if result.id in steps), whole[0].id)
        engines.setdefault(owner, organized)
        for control in crate.related(organized, "object"):
            if control.is_a("ControlAction"):
                steps[owner].append(_control(crate, control, taken))
    for control in (entity for entity in crate.entities.values() if entity.is_a("ControlAction")):
        rest = _control(crate, control, taken)
        if rest.actions:
            steps[_owner(whole, rest.actions[0]).id].append(rest)
    for action in actions:
        if action.id not in taken:
            steps[_owner(whole, action).id].append(Control(None, (action,)))
    return [
        Foreign(
            _run_id(metadata, action.id),
            next(iter(crate.related(action, "instrument")), main),
            action,
            _engine(crate, engines.get(action.id), main, action),
            tuple(control for control in steps[action.id] if control.actions),
            _notes(whole, actions, engines),
        )
        for action in whole
    ]


def _control(crate: Crate, control: Entity, taken: set[str]) -> Control:
    """Return what a ControlAction stands for, without actions that another one had before."""
    step = next(iter(crate.related(control, "instrument")), None)
    found = [action for action in crate.related(control, "object") if action.is_a(*ACTIONS) and action.id not in taken]
    taken.update(action.id for action in found)
    return Control(step, tuple(found))


def _owner(whole: Sequence[Entity], action: Entity) -> Entity:
    """Return the execution during which an action took place; the first one when the times do not tell."""
    started, _ = span(action)
    if len(whole) > 1 and started is not None:
        for candidate in whole:
            begun, ended = span(candidate)
            if begun is not None and begun <= started and (ended is None or started <= ended):
                return candidate
    return whole[0]


def _notes(whole: Sequence[Entity], actions: Sequence[Entity], engines: Iterable[str]) -> tuple[str, ...]:
    if len(whole) > 1 and len(actions) > len(whole) and not set(engines):
        return ("the crate does not say which of its runs an action belongs to; their times decided",)
    return ()


def _engine(crate: Crate, organized: Entity | None, main: Entity | None, action: Entity | None = None) -> Entity | None:
    """Return the program that carried a run out, from wherever a crate may say so."""
    sources = [
        *(crate.related(organized, "instrument") if organized else ()),
        *(crate.related(action, "executedBy", "agent") if action else ()),
        *crate.related(crate.root, "generatedBy", "creator", "sdPublisher"),
        *(crate.related(main, "runtimePlatform", "sdPublisher") if main else ()),
    ]
    programs = [source for source in sources if source.is_a("SoftwareApplication", "SoftwareSourceCode")]
    if not programs and main is not None:
        programs = crate.related(main, "programmingLanguage")
    return next(iter(programs), None)
