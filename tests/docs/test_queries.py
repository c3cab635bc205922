"""The page about queries lists those that there are."""

from __future__ import annotations

import runpy
from pathlib import Path

from recrate.crates.query.questions import questions

ROOT = Path(__file__).parents[2]
MAKER = runpy.run_path(str(ROOT / "docs" / "make_queries.py"))


def test_the_list_of_queries_is_current() -> None:
    page = (ROOT / "docs" / "querying.md").read_text(encoding="utf-8")
    assert MAKER["with_listing"](page) == page, "run: python docs/make_queries.py"
    assert all(f"| `{one.name}` |" in page for one in questions())
