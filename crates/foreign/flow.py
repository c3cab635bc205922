"""From where to where values flowed: the tokens of a run that others carried out, and who used which.

One entity is one token, where it was made or given. What is used is known by its entity, by the entities
in it, or by the connection of its parameter with another one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import field

from ...core.records import token_rows
from ...core.tokens import Origin, Token
from ...data_classes import dataclass
from ...provenance import ids
from ...provenance.rows import Row, UsageRow
from ...provenance.states import Direction
from ..graph import Entity, Ref
from ..read import Crate
from .runs import WORKFLOW
from .values import Slot, Values


@dataclass(frozen=True, slots=True)
class Acted:
    """A job with the action that carried it out, and what it carried out, as far as the crate says."""

    path: str
    action: Entity | None
    tool: Entity | None

    @property
    def is_workflow(self) -> bool:
        """Whether other jobs made its results."""
        return self.path == "/" or (self.tool is not None and self.tool.is_a(WORKFLOW))


@dataclass(slots=True)
class Flow:
    """Makes the rows of tokens and of their uses."""

    crate: Crate
    run_id: str
    values: Values
    rows: list[Row] = field(default_factory=list)
    _made: dict[str, Token] = field(default_factory=dict)
    """By id of an entity: the token that it came to be as."""
    _of_parameter: dict[str, dict[str, list[Token]]] = field(default_factory=dict)
    """By id of a parameter: the tokens that filled it, by value."""
    _sources: dict[str, list[str]] = field(default_factory=dict)
    """By id of a parameter: those that are connected with it."""

    def follow(self, whole: Acted, jobs: Sequence[Acted]) -> None:
        """Put down what was given, then what was made, and then who used what."""
        for entity in self.crate.entities.values():
            if entity.is_a("ParameterConnection"):
                for target in entity.refs("targetParameter"):
                    self._sources.setdefault(target, []).extend(entity.refs("sourceParameter"))
        made = {ref for job in jobs if not job.is_workflow and job.action for ref in job.action.refs("result")}
        self._used(whole, Direction.INPUT, lambda ref: ref not in made)
        for job in jobs:
            if not job.is_workflow:
                self._results(job)
        for job in jobs:
            self._used(job, Direction.INPUT)
        for job in (*jobs, whole):
            if job.is_workflow:
                self._used(job, Direction.OUTPUT)

    def _results(self, job: Acted) -> None:
        if job.action is not None:
            for slot in self.values.slots(job.action.refs("result"), job.tool, "output"):
                self._token(job.path, slot, "output", Origin.OUTPUT, ())

    def _used(self, job: Acted, direction: Direction, wanted: Callable[[Ref], bool] = lambda ref: True) -> None:
        """Put down what a job had on one side; tokens that are there already are those."""
        if job.action is None:
            return
        is_input = direction is Direction.INPUT
        job_id = ids.job_id(self.run_id, job.path)
        refs = [ref for ref in job.action.refs("object" if is_input else "result") if wanted(Ref(ref))]
        for slot in self.values.slots(refs, job.tool, "input" if is_input else "output"):
            token = self._known(job.path, slot) or self._connected(job.path, slot)
            if token is None:
                origin = Origin.INPUT if is_input else Origin.OUTPUT
                token = self._token(job.path, slot, "input" if is_input else "output", origin, ())
            self.rows.append(UsageRow(job_id=job_id, direction=direction, port=slot.port, token_id=token.id))

    def _known(self, path: str, slot: Slot) -> Token | None:
        """Return the token of entities that came from somewhere: their own, or one gathered of several."""
        refs: Sequence[str] = slot.refs
        inner = self._inner(refs[0]) if len(refs) == 1 and refs[0] not in self._made else ()
        parts = [self._made.get(ref) for ref in inner or refs]
        found = [part for part in parts if part is not None]
        if len(found) < len(parts):
            return None
        if len({part.id for part in found}) == 1 and not inner:
            return found[0]
        return self._gathered(path, slot, found)

    def _inner(self, identifier: str) -> tuple[str, ...]:
        """Return the entities that a list is made of."""
        entity = self.crate.entity(identifier)
        if entity is None or entity.refs("mainEntity"):
            return ()
        inner = entity.refs("value") if entity.is_a("PropertyValue") else entity.refs("hasPart")
        return inner if entity.is_a("PropertyValue", "Collection") else ()

    def _gathered(self, path: str, slot: Slot, parts: Sequence[Token]) -> Token:
        identity = ids.token_id(self.run_id, path, slot.port, "gathered")
        token = Token(identity, [part.value for part in parts], tuple(parts))
        self.rows += token_rows(self.run_id, token, path, slot.port, Origin.GATHERED, parts, None)
        self._note(slot, token)
        return token

    def _connected(self, path: str, slot: Slot) -> Token | None:
        """Return the token of a value that came by the connection of its parameter: the same, or derived from it."""
        sources = self._sources.get(slot.parameter.id, ()) if slot.parameter is not None else ()
        filled = [self._of_parameter[source] for source in sources if source in self._of_parameter]
        if not filled:
            return None
        value = self.values.of(slot)
        same = [token for by_value in filled for token in by_value.get(repr(value), ())]
        if len(same) == 1:
            return same[0]
        count = sum(map(len, filled))
        if not same and count > 1 and not (isinstance(value, list) and len(value) >= count):
            return None
        tokens = [token for by_value in filled for some in by_value.values() for token in some]
        if value == [token.value for token in tokens]:
            return self._gathered(path, slot, tokens)
        return self._token(path, slot, "input", Origin.DERIVED, tokens) if len(tokens) == 1 else None

    def _token(self, path: str, slot: Slot, role: str, origin: Origin, sources: Sequence[Token]) -> Token:
        identity = ids.token_id(self.run_id, path, slot.port, role)
        token = Token(identity, self.values.of(slot))
        made_by = ids.job_id(self.run_id, path) if origin is Origin.OUTPUT else None
        self.rows += token_rows(self.run_id, token, path, slot.port, origin, sources, made_by)
        self._note(slot, token)
        return token

    def _note(self, slot: Slot, token: Token) -> None:
        for ref in slot.refs:
            self._made.setdefault(ref, token)
            entity = self.crate.entity(ref)
            for main in entity.refs("mainEntity") if entity is not None and entity.is_a("Collection") else ():
                self._made.setdefault(main, token)
        if slot.parameter is not None:
            self._of_parameter.setdefault(slot.parameter.id, {}).setdefault(repr(token.value), []).append(token)
