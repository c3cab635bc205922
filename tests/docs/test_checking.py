"""The page about `recrate check` lists the rules that there are."""

from __future__ import annotations

import re
from pathlib import Path

from recrate.crates.reproducibility.check import RULES

PAGE = Path(__file__).parents[2] / "docs" / "checking.md"


def test_the_table_of_rules_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (\w+) \| (.*) \| (.*) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [(rule.id, rule.severity.value, rule.about, rule.advice) for rule in RULES.values()]
