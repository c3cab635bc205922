"""When faults happen: decided by a seed, and told before anybody feels them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import field
from enum import Enum

from ...data_classes import dataclass
from .spec import ChaosSpec


class Act(Enum):
    """A fault that chaos can bring about."""

    CORRUPT = "corrupt"
    CUT = "cut"
    KILL = "kill"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault that chaos brings about: at which location, and what it is about."""

    act: Act
    location: str
    what: str


def _never() -> bool:
    return False


async def _nobody(strike: Strike) -> None:
    """Tell nobody."""


@dataclass(slots=True)
class Chaos:
    """Decides which faults happen.

    Each decision depends on the seed, the fault, the location, and on how many decisions of that kind came
    before; so it is the same in another run in which the same things happen in the same order.
    """

    spec: ChaosSpec
    is_on: Callable[[], bool] = _never
    """Tells whether it has begun: nothing happens before there is a record to put it on."""
    tell: Callable[[Strike], Awaitable[None]] = _nobody
    """Puts a fault on record; it happens after that."""
    salt: str = ""
    """Sets the decisions of one controller of a run apart from those of the next."""
    _decisions: Counter[tuple[Act | None, str]] = field(default_factory=Counter)

    def chance(self, act: Act, location: str) -> random.Random | None:
        """Return what further choices are made with when a fault is to happen now; None when it is not."""
        share: float = getattr(self.spec, act.value)
        if not share or not self.is_on():
            return None
        drawn = self._drawn(act, location)
        return drawn if drawn.random() < share else None

    def pause(self, location: str) -> float:
        """Return how many seconds a call is to wait."""
        return self.spec.delay * self._drawn(None, location).random() if self.spec.delay and self.is_on() else 0.0

    async def strike(self, act: Act, location: str, what: str) -> None:
        """Put on record that a fault happens."""
        await self.tell(Strike(act, location, what))

    def _drawn(self, act: Act | None, location: str) -> random.Random:
        self._decisions[act, location] += 1
        name = act.value if act is not None else "delay"
        return random.Random(f"{self.spec.seed}/{self.salt}/{name}/{location}/{self._decisions[act, location]}")
