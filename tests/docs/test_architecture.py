"""The architecture page lists the modules that there are."""

from __future__ import annotations

import os
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = Path(os.environ.get("RECRATE_SOURCE") or ROOT)
MAKER = runpy.run_path(str(ROOT / "docs" / "make_modules.py"))


def test_the_list_of_modules_is_current() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert MAKER["with_listing"](page, SOURCE) == page, "run: python docs/make_modules.py"


def test_a_module_that_is_new_shows(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").write_text('"""The package. More."""')
    (tmp_path / "new.py").write_text('"""What is new: much.\n\nMore of it.\n"""')
    text = MAKER["listing"](tmp_path)
    assert "The package." in text
    assert "| `new` | What is new: much |" in text
