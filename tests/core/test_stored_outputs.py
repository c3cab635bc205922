"""What is stored of the outputs of a run."""

from __future__ import annotations

import json
import os
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from recrate.core.stored_outputs import outputs_json, read_outputs
from recrate.core.uris import to_uri
from recrate.core.values import public
from recrate.redaction import Redactor

PLAIN = Redactor()
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
NAMES = st.text("ab.é%", min_size=1)


def file_called(name: str) -> dict[str, Any]:
    """Return a File as it is delivered."""
    root, ending = os.path.splitext(name)
    return {
        "class": "File",
        "location": to_uri(f"/out/{name}"),
        "path": f"/out/{name}",
        "basename": name,
        "nameroot": root,
        "nameext": ending,
        "sha256": "0" * 64,
    }


def directory_of(name: str, listing: list[Any]) -> dict[str, Any]:
    """Return a Directory as it is delivered."""
    return {"class": "Directory", "location": to_uri(f"/out/{name}"), "path": f"/out/{name}", "listing": listing}


FILES = st.builds(file_called, NAMES)
VALUES = st.recursive(
    SCALARS | FILES | st.builds(directory_of, NAMES, st.lists(FILES, max_size=2)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_outputs_come_back_as_what_is_public_of_them(outputs: dict[str, Any]) -> None:
    assert read_outputs(outputs_json(outputs, PLAIN)) == public(outputs)


def test_what_follows_from_location_and_name_is_not_stored() -> None:
    [stored] = json.loads(outputs_json({"files": [file_called("a.txt")]}, PLAIN))["files"]
    assert stored == {"class": "File", "location": "file:///out/a.txt", "basename": "a.txt", "path": None}


def test_a_field_that_says_something_else_than_what_follows_is_kept() -> None:
    outputs = {"files": [{**file_called("a.txt"), "path": "/else/b"}, {**file_called("a.txt"), "nameroot": "c"}]}
    assert read_outputs(outputs_json(outputs, PLAIN)) == public(outputs)


def test_a_file_that_had_no_path_comes_back_without_one() -> None:
    item = file_called("a.txt")
    del item["path"]
    assert read_outputs(outputs_json({"file": item}, PLAIN)) == public({"file": item})


def test_the_outputs_themselves_stay_as_they_are() -> None:
    outputs = {"files": [file_called("a.txt")]}
    outputs_json(outputs, PLAIN)
    assert outputs == {"files": [file_called("a.txt")]}


def test_a_run_without_outputs_on_record_has_none() -> None:
    assert read_outputs(None) == {}


def test_secrets_in_outputs_are_masked_wherever_they_are() -> None:
    stored = outputs_json({"a hidden": ["hidden", {"x": ["hidden"]}]}, Redactor(frozenset({"hidden"})))
    assert "hidden" not in stored
