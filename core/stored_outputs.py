"""The outputs object of a run as the store has it: JSON, without the fields of files that follow from others.

A run may have very many outputs, and the text is in memory several times while a database takes it.
So `path` is null where `location` says it; then `nameroot` and `nameext` are not there either, which
`basename` says (CWL v1.2 Command Line Tool, section "File"). `read_outputs` puts all of them back.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from ..redaction import Redactor
from .uris import is_file_uri, to_path
from .values import FileValue, Value, Values, public, walk_references

_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode


def outputs_json(outputs: Values, redactor: Redactor) -> str:
    """Return the JSON text that is stored of the outputs of a run; a long list is encoded an element at a time."""
    return "".join(_pieces(outputs, redactor))


def read_outputs(text: str | None) -> Values:
    """Return the outputs of which `outputs_json` made this text; none when there is no text."""
    outputs: Values = json.loads(text or "{}")
    for item in walk_references(outputs):
        if "path" in item and item["path"] is None:
            item.update(_implied(item))
    return outputs


def _pieces(outputs: Values, redactor: Redactor) -> Iterator[str]:
    yield "{"
    for number, (name, value) in enumerate(outputs.items()):
        yield f"{',' if number else ''}{_encode(redactor.text(name))}:"
        yield from _pieces_of(value, redactor)
    yield "}"


def _pieces_of(value: Value, redactor: Redactor) -> Iterator[str]:
    if not isinstance(value, list):
        yield _encode(_brief(redactor.value(public(value))))
        return
    yield "["
    for number, item in enumerate(value):
        if number:
            yield ","
        yield from _pieces_of(item, redactor)
    yield "]"


def _brief(value: Value) -> Value:
    """Take out of a value, which is nobody else's, what follows from the rest of it, and return it."""
    for item in walk_references(value):
        implied = _implied(item)
        if "path" in implied and all(item.get(name) == follows for name, follows in implied.items()):
            for name in implied:
                del item[name]
            item["path"] = None
    return value


def _implied(item: FileValue) -> dict[str, Any]:
    """Return the fields that a File or Directory has by its others."""
    location, basename = item.get("location"), item.get("basename")
    fields = {"path": to_path(location)} if isinstance(location, str) and is_file_uri(location) else {}
    if item["class"] == "File" and isinstance(basename, str):
        fields["nameroot"], fields["nameext"] = os.path.splitext(basename)
    return fields
