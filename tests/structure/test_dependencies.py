"""Every library that the code imports is declared, and every one declared for the core is installed."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import distribution, packages_distributions
from pathlib import Path

from structure.source_tree import Import


def normal(name: str) -> str:
    """Return the normal form of a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def required(text: str) -> str:
    """Return the distribution that a requirement names."""
    return normal(re.match(r"[\w.-]+", text)[0])  # type: ignore[index]


def declared(source: Path) -> set[str]:
    project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    lists = [project["dependencies"], *(extras[name] for name in extras if name != "test")]
    return {required(text) for texts in lists for text in texts}


def test_every_library_that_is_imported_is_declared(source: Path, imports: dict[str, list[Import]]) -> None:
    known, owners = declared(source), packages_distributions()
    missing = []
    for name, found in imports.items():
        for item in found:
            library = item.target.split(".")[0]
            if library in sys.stdlib_module_names or library == "recrate":
                continue
            candidates = {normal(owner) for owner in owners.get(library, [library])}
            if not candidates & known:
                missing.append(f"{name}:{item.line}: {library} ({', '.join(sorted(candidates))})")
    assert not missing, "declare these in pyproject.toml:\n" + "\n".join(missing)


def test_every_library_of_the_core_is_installed(source: Path) -> None:
    project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for text in project["dependencies"]:
        assert distribution(required(text)).version
