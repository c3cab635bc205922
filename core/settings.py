"""How a run is carried out: what the user asked for, as its row in the store keeps it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from ..data_classes import dataclass
from ..provenance.rows import RunRow
from ..provenance.states import Keep
from .binding import Binding
from .containers import ExactImage
from .machine.events import OnError, RetryLimit, limits_from, limits_to
from .retries import RetryPolicies
from .surroundings import Surroundings

if TYPE_CHECKING:
    from .recorded import Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a run is carried out; all that can change what happens is put on record.

    `containers` is `auto`, `docker`, `podman`, the path of one of these, or `none`.
    """

    name: str | None = None
    outdir: str | None = None
    """None: outputs stay in the run's work directory."""
    work: str = ""
    """Directory below which the run makes its work directory."""
    jobs: int | None = None
    keep: Keep = Keep.ALL
    on_error: OnError = OnError.STOP
    retries: int = 0
    containers: str = "auto"
    offline: bool = False
    cache: bool = True
    """Take results of other runs of the store."""
    launches: bool = True
    """False: find out what would run, and launch nothing."""
    window: int = 64
    limits: tuple[RetryLimit, ...] = ()
    policies: RetryPolicies = field(default_factory=RetryPolicies)
    binding: Binding | None = None
    """Where steps run and data are; None: all of it here."""
    images: Mapping[str, ExactImage] = field(default_factory=dict)
    """By full name of an image: what it has to be."""
    audit: tuple[str, ...] | None = None
    """Find out what commands of this machine read beside their inputs and these paths; None: do not."""
    chaos: str | None = None
    """Faults that are to happen, as `--chaos` takes them; None: none."""
    recorded: Recorded | None = None
    """A run whose results are taken for those steps that are not to be carried out; None: all are."""
    surroundings: Surroundings | None = None
    """Those that jobs are to have; None: this machine's."""

    def as_options(self) -> dict[str, Any]:
        """Return what is not in columns of its own of a run's row, as JSON can say it."""
        return {
            "jobs": self.jobs,
            "on_error": self.on_error.value,
            "retries": self.retries,
            "limits": limits_to(self.limits),
            "policies": self.policies.as_json(),
            "containers": self.containers,
            "offline": self.offline,
            "cache": self.cache,
            **({} if self.audit is None else {"audit": list(self.audit)}),
            **({} if self.binding is None else {"binding": self.binding.as_json()}),
            **({} if not self.images else {"images": {name: one.as_json() for name, one in self.images.items()}}),
            **({} if self.chaos is None else {"chaos": self.chaos}),
            **({} if self.recorded is None else {"recorded": self.recorded.as_json()}),
        }

    @classmethod
    def of(cls, row: RunRow) -> Settings:
        """Return the settings of a run that is on record; what the machine goes by is in its first event."""
        options = json.loads(row.options)
        return cls(
            name=row.name,
            outdir=row.outdir,
            work=os.path.dirname(row.work_directory or ""),
            jobs=options.get("jobs"),
            keep=row.keep,
            on_error=OnError(options.get("on_error", OnError.STOP.value)),
            retries=options.get("retries", 0),
            limits=limits_from(options.get("limits", ())),
            policies=RetryPolicies.of_json(options.get("policies", ())),
            containers=options.get("containers", "auto"),
            offline=options.get("offline", False),
            cache=options.get("cache", True),
            binding=Binding.of_json(options["binding"]) if "binding" in options else None,
            images={name: ExactImage(**one) for name, one in options.get("images", {}).items()},
            audit=tuple(options["audit"]) if "audit" in options else None,
            chaos=options.get("chaos"),
            recorded=_recorded(options.get("recorded")),
            surroundings=Surroundings.of_json(options.get("surroundings")),
        )


def _recorded(told: Mapping[str, Any] | None) -> Recorded | None:
    if told is None:
        return None
    from .recorded import Recorded

    return Recorded.of_json(told)
