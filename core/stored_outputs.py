"""The outputs object of a run as the store has it: JSON, without the fields of files that follow from others.

A run may have very many outputs, and the text is in memory several times while a database takes it.
So `path` is null where `location` says it; then `nameroot` and `nameext` are not there either, which
`basename` says (CWL v1.2 Command Line Tool, section "File"). `read_outputs` puts all of them back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from ..redaction import Redactor
from .values import Value, Values, implied_fields, public, to_json, walk_references


def outputs_json(outputs: Values, redactor: Redactor) -> str:
    """Return the JSON text that is stored of the outputs of a run; a long list is encoded an element at a time."""
    return "".join(_pieces(outputs, redactor))


def read_outputs(text: str | None) -> Values:
    """Return the outputs of which `outputs_json` made this text; none when there is no text."""
    outputs: Values = json.loads(text or "{}")
    for item in walk_references(outputs):
        if "path" in item and item["path"] is None:
            item.update(implied_fields(item))
    return outputs


def _pieces(outputs: Values, redactor: Redactor) -> Iterator[str]:
    yield "{"
    for number, (name, value) in enumerate(outputs.items()):
        yield f"{',' if number else ''}{to_json(redactor.text(name))}:"
        yield from _pieces_of(value, redactor)
    yield "}"


def _pieces_of(value: Value, redactor: Redactor) -> Iterator[str]:
    if not isinstance(value, list):
        yield to_json(_brief(redactor.value(public(value))))
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
        implied = implied_fields(item)
        if "path" in implied and all(item.get(name) == follows for name, follows in implied.items()):
            for name in implied:
                del item[name]
            item["path"] = None
    return value
