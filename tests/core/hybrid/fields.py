"""A bench with places beside this machine; what any run leaves on record is checked after each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from recrate.core.binding import Binding, Deployment, StepBinding, Target, Wraps
from recrate.provenance.rows import DeploymentRow, LocationRow, TransferRow
from recrate.provenance.states import TransferState

from ...elsewhere.connector import Elsewhere
from ..engine.bench import Bench, Ran


@dataclass
class Fields:
    """Places below one directory, none of which sees another's files or those of the bench."""

    top: Path
    bench: Bench = field(init=False)
    connectors: dict[str, Elsewhere] = field(default_factory=dict)
    kind: ClassVar[type[Elsewhere]] = Elsewhere

    def __post_init__(self) -> None:
        (self.top / "here").mkdir()
        self.bench = Bench(self.top / "here")

    def connector(self, kind: str, name: str, options: Any, stack: Any) -> Elsewhere:
        """Make the connector of a deployment, and keep it to be looked at."""
        assert kind == "elsewhere"
        self.connectors[name] = self.kind(name, options, **stack)
        return self.connectors[name]

    def deployment(self, name: str, **changes: Any) -> Deployment:
        """Describe a place."""
        config = {"root": str(self.top / name), **changes.pop("config", {})}
        return Deployment(name, "elsewhere", config, workdir=str(self.top / name / "work"), **changes)

    def binding(self, steps: Mapping[str, Target | str | Sequence[Target]], *names: str, **changes: Any) -> Binding:
        """Bind steps to places, of which `east` and `west` are always there."""
        deployments = {name: self.deployment(name) for name in ("east", "west", *names)}
        deployments.update(changes.pop("deployments", {}))
        bound = tuple(StepBinding(path, _targets(target)) for path, target in steps.items())
        return Binding(deployments=deployments, steps=bound, **changes)

    def run(self, document: Any, inputs: Any, binding: Binding, **changes: Any) -> Ran:
        """Run a document, and check what holds of every run."""
        return self.bench.run(document, inputs, binding=binding, cache=False, **changes)

    def path(self, place: str) -> Path:
        """Return the directory of a place."""
        return self.top / place

    def cut(self, place: str) -> None:
        """Make a place unreachable."""
        (self.top / place / "down").touch()

    def mend(self, place: str) -> None:
        """Make a place reachable again."""
        (self.top / place / "down").unlink(missing_ok=True)


def _targets(target: Target | str | Sequence[Target]) -> tuple[Target, ...]:
    if isinstance(target, str):
        return (Target(target),)
    return (target,) if isinstance(target, Target) else tuple(target)


def transfers(ran: Ran) -> list[TransferRow]:
    """Return the transfers of a run, in the order in which they began."""
    return list(ran.database.rows(TransferRow, "WHERE run_id = ? ORDER BY started, id", (ran.id,)))


def done(ran: Ran) -> list[tuple[str, str]]:
    """Return from which place to which contents were moved."""
    names = {row.id: row.name for row in ran.database.rows(LocationRow, "", ())}
    return [
        (names[row.source_location_id], names[row.target_location_id])
        for row in transfers(ran)
        if row.state is TransferState.COMPLETED
    ]


def ran_at(ran: Ran, path: str) -> list[str]:
    """Return the locations of the attempts of a job."""
    names = {row.id: row.name for row in ran.database.rows(LocationRow, "", ())}
    return [names[row.location_id] for row in ran.attempts(path)]


__all__ = ["DeploymentRow", "Fields", "Target", "Wraps", "done", "ran_at", "transfers"]
