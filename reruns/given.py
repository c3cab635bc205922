"""The inputs of a run that is on record, as they can be given to another one here."""

from __future__ import annotations

import json
from collections.abc import Container, Iterator, Mapping
from dataclasses import field

from ..core.session import GIVEN
from ..core.uris import to_uri
from ..core.values import FileValue, Value, Values, is_reference, walk_references
from ..data_classes import dataclass
from ..errors import InputInvalid
from ..provenance import ids, queries
from ..provenance.checking import path_here
from ..provenance.database import Database
from ..provenance.rows import RunRow
from ..redaction import MASK

KEPT = ("class", "basename", "format", "contents")
"""What of a File or Directory object goes into the inputs of a new run as it is."""


@dataclass(slots=True)
class Given:
    """The inputs of a run, with their files where these lie on this machine now."""

    database: Database
    row: RunRow
    missing: list[str] = field(default_factory=list)
    contents: dict[str, str] = field(default_factory=dict)
    """Hash by URI: what a file had when it was an input."""

    def values(self, names: Container[str]) -> Iterator[tuple[str, Value]]:
        """Yield the inputs that were given, by name; those that are none of the workflow's are left out."""
        given = {name: value for name, value in json.loads(self.row.inputs or "{}").items() if name in names}
        tokens = {name: ids.token_id(self.row.id, "/", name, GIVEN) for name in given}
        known = queries.get_tokens(self.database, tokens.values())
        for name, value in given.items():
            row = known.get(tokens[name])
            found = value if row is None else queries.token_value(self.database, row.id)
            if MASK in json.dumps(found):
                self.missing.append(f"{name} (it holds a secret)")
            yield name, self._here(found, name)

    def _here(self, value: Value, name: str) -> Value:
        if isinstance(value, list):
            return [self._here(item, name) for item in value]
        if not isinstance(value, Mapping):
            return value
        if not is_reference(value):
            return {key: self._here(item, name) for key, item in value.items()}
        return self._file(dict(value), name)

    def _file(self, item: FileValue, name: str) -> FileValue:
        here: FileValue = {key: item[key] for key in KEPT if key in item}
        if "secondaryFiles" in item:
            here["secondaryFiles"] = self._here(item["secondaryFiles"], name)
        path = path_here(self.database, item.get("sha256"))
        if path is None and item["class"] == "Directory" and "listing" in item:
            return {**here, "listing": self._here(item["listing"], name)}
        if item.get("contents") is not None and item.get("location") is None:
            return here
        if path is None:
            self.missing.append(f"{item.get('basename') or item.get('location')} of {name}")
            return here
        here["location"] = to_uri(str(path))
        self.contents[here["location"]] = item["sha256"]
        return here

    def of_document(self, item: FileValue) -> FileValue:
        """Return a File or Directory that the workflow itself names, where its content is now.

        One that the run did not use, or that is not to be had, stays as it is: a job that needs it says so.
        """
        found = queries.file_at(self.database, self.row.id, item.get("location", ""))
        if found is None:
            return item
        own = Given(self.database, self.row)
        value = own._file(found, "")
        return item if own.missing else {**item, **value}


def require_same(inputs: Values, contents: Mapping[str, str]) -> None:
    """Raise InputInvalid when a file is not what it was when the run had it."""
    for item in walk_references(inputs):
        said = contents.get(item.get("location", ""))
        if said is not None and item.get("sha256") not in (None, said):
            raise InputInvalid(
                f"{item.get('basename')} is not what it was when the run had it: its sha256 is {item['sha256']}",
                hint="the file was changed; take an intact crate",
            )
