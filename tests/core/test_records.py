"""What is stored of the outputs of a run."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from recrate.core import records
from recrate.core.values import public
from recrate.redaction import Redactor

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
FILES = st.builds(lambda name: {"class": "File", "location": f"file:///{name}", "sha256": "0" * 64}, st.text("ab é"))
VALUES = st.recursive(
    SCALARS | FILES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


@given(st.dictionaries(st.text(), VALUES, max_size=4))
def test_outputs_are_stored_as_the_json_of_what_is_public_of_them(outputs: dict[str, Any]) -> None:
    assert json.loads(records.outputs_json(outputs, Redactor())) == public(outputs)


def test_secrets_in_outputs_are_masked_wherever_they_are() -> None:
    stored = records.outputs_json({"a hidden": ["hidden", {"x": ["hidden"]}]}, Redactor(frozenset({"hidden"})))
    assert "hidden" not in stored
