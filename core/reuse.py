"""Results of earlier jobs taken instead of running again: the same command on the same content.

What counts is the command line, standard streams, staged content, environment and image of an
attempt, and what its outputs are described as; where things lie does not count. An earlier
result is taken only when all its files are still there with the content that is on record.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

from ..errors import InputInvalid
from ..hashing import canonical_json, hash_text
from ..provenance import queries
from ..provenance.database import Database
from ..provenance.store import Store
from .contents import Contents
from .layout import Layout
from .plan import CommandPlan, Stage
from .uris import is_file_uri, to_path
from .values import FileValue, Value, Values, walk_references


@dataclass(frozen=True, slots=True)
class Taken:
    """The result of an earlier attempt."""

    outputs: Values
    attempt_id: str
    job_id: str
    run_name: str


@dataclass(slots=True)
class Reuse:
    """Finds earlier results in a store; `enabled` is what the user said."""

    store: Store
    contents: Contents
    enabled: bool = False
    _reader: Database | None = field(default=None)

    def key(self, plan: CommandPlan, layout: Layout, signature: str, image_id: str | None) -> str | None:
        """Return what identifies the work of an attempt; None when it must not be taken or given."""
        if not plan.request.reuse or plan.secrets:
            return None
        told = canonical_json(
            {
                "argv": list(plan.argv),
                "shell": plan.shell,
                "streams": [plan.stdin, plan.stdout, plan.stderr],
                "environment": dict(plan.environment),
                "stages": [self._staged(plan, stage) for stage in plan.stages],
                "image": image_id,
                "outputs": signature,
                "codes": sorted(plan.success_codes),
            }
        )
        return hash_text(told.replace(layout.directory, "@"))

    def _staged(self, plan: CommandPlan, stage: Stage) -> list[Any]:
        """Return a stage by its content."""
        if stage.location is None:
            return [stage.target, stage.contents, stage.writable]
        known = plan.notes.get(stage.target, {}).get("sha256") or stage.sha256
        if known is None and is_file_uri(stage.location):
            path = to_path(stage.location)
            item = {"location": stage.location}
            known = self.contents.directory_digest(item) if os.path.isdir(path) else self.contents.digest(path).sha256
        return [stage.target, known or stage.location, stage.writable]

    def find(self, key: str | None) -> Taken | None:
        """Return the newest earlier result with a key whose files are all still what they were."""
        if key is None or not self.enabled:
            return None
        if self._reader is None:
            self._reader = self.store.connect(readonly=True)
        for job, attempt in queries.cached_results(self._reader, key):
            tokens = queries.outputs(self._reader, job)
            values = queries.token_values(self._reader, [token.id for token in tokens.values()])
            outputs = {port: values[token.id] for port, token in tokens.items()}
            if self._is_intact(list(outputs.values())):
                run = queries.get_run(self._reader, job.run_id)
                return Taken(outputs, attempt.id, job.id, run.name)
        return None

    def _is_intact(self, value: Value) -> bool:
        """Tell whether each file of a value is there with the hash that the value has."""
        for item in walk_references(value):
            location, known = item.get("location"), item.get("sha256")
            if location is None:
                continue
            if not is_file_uri(location) or known is None:
                return False
            try:
                directory = item["class"] == "Directory"
                found = (
                    self.contents.directory_digest(item)
                    if directory
                    else self.contents.digest(to_path(location)).sha256
                )
            except (InputInvalid, OSError):
                return False
            if found != known:
                return False
        return True

    def _digest(self, item: FileValue) -> str:
        if item["class"] == "Directory":
            return self.contents.directory_digest(item)
        return self.contents.digest(to_path(item["location"])).sha256

    def close(self) -> None:
        """Give the connection to the store back."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None
