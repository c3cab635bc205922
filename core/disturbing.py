"""Chaos in a run: faults that the user asked for, put on record as events. Loaded only when they are asked for."""

from __future__ import annotations

import secrets
from dataclasses import replace

from ..connectors.base import Connector
from ..connectors.chaos.connector import disturbed
from ..connectors.chaos.dice import Chaos, Strike
from ..connectors.chaos.spec import parse_chaos
from ..data_classes import dataclass
from .ledger import Ledger
from .machine.events import ChaosStruck
from .observer import Notice

SEEDS = 1_000_000


def seeded(text: str) -> str | None:
    """Return what `--chaos` asks for as it goes on record, with a seed; None for nothing. Raises UsageError."""
    spec = parse_chaos(text)
    if not spec:
        return None
    return str(replace(spec, seed=secrets.randbelow(SEEDS) if spec.seed is None else spec.seed))


@dataclass(slots=True)
class Disturbing:
    """What chaos there is in one run."""

    chaos: Chaos

    @classmethod
    def of(cls, text: str) -> Disturbing:
        """Return the chaos that a text asks for."""
        return cls(Chaos(parse_chaos(text)))

    def here(self, connector: Connector) -> Connector:
        """Return what the engine sees of the controller's own machine: no connection to it can be lost."""
        return disturbed(connector, self.chaos, is_remote=False)

    def elsewhere(self, connector: Connector, is_stacked: bool) -> Connector:
        """Return what the engine sees of another place."""
        return disturbed(connector, self.chaos, is_remote=True, is_stacked=is_stacked)

    def begin(self, ledger: Ledger) -> None:
        """Let faults happen once the run has begun, each as an event of its own."""

        async def tell(strike: Strike) -> None:
            await ledger.store(ChaosStruck(strike.act.value, strike.location, strike.what))

        ledger.tell(Notice.WARNING, text=f"faults are brought about on purpose (chaos: {self.chaos.spec})")
        self.chaos.is_on = lambda: ledger.next_event > 1
        self.chaos.salt = str(ledger.next_event)
        self.chaos.tell = tell
