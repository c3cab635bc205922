"""Templates that were compiled are taken from beside them, as long as they are the same."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader

from recrate.views.bytecode import BesideTemplates


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a template, where bytecode may be written."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    (tmp_path / "page.html").write_text("Hello {{ name }}")
    return tmp_path


def rendered(folder: Path) -> str:
    templates = Environment(
        loader=FileSystemLoader(folder), bytecode_cache=BesideTemplates(str(folder)), autoescape=True
    )
    return templates.get_template("page.html").render(name="A")


def kept(folder: Path) -> list[Path]:
    return sorted(folder.glob("__pycache__/*"))


def test_what_was_compiled_is_not_compiled_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert rendered(folder) == "Hello A"
    assert [path.name for path in kept(folder)] == [f"page.html.{sys.implementation.cache_tag}.pyc"]
    monkeypatch.delattr(Environment, "_generate")
    assert rendered(folder) == "Hello A"


def test_a_template_that_was_changed_is_compiled_again(folder: Path) -> None:
    rendered(folder)
    (folder / "page.html").write_text("Goodbye {{ name }}")
    assert rendered(folder) == "Goodbye A"


@pytest.mark.parametrize("size", [0, 5, 40, 200])
def test_what_is_not_whole_is_not_taken(folder: Path, size: int) -> None:
    rendered(folder)
    (path,) = kept(folder)
    path.write_bytes(path.read_bytes()[:size])
    assert rendered(folder) == "Hello A"


def test_nothing_is_written_where_python_writes_none(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert rendered(folder) == "Hello A"
    assert kept(folder) == []


def test_a_folder_that_cannot_be_written_is_no_obstacle(folder: Path) -> None:
    (folder / "__pycache__").write_text("a file, in place of a folder")
    assert rendered(folder) == "Hello A"
