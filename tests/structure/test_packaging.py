"""What pyproject.toml promises and what is in the tree are the same."""

from __future__ import annotations

import fnmatch
import importlib.resources
import tomllib
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest

from structure.source_tree import NOT_SHIPPED

NOT_DATA = {".py", ".pyc"}


@pytest.fixture(scope="module")
def project(source: Path) -> dict[str, Any]:
    return tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))


def package_folders(source: Path) -> list[Path]:
    """Return the folders of the package with a Python file, relative to its root."""
    folders = {path.parent.relative_to(source) for path in source.rglob("*.py")}
    return sorted(folder for folder in folders if is_shipped(folder))


def is_shipped(path: Path) -> bool:
    hidden = any(part.startswith(".") or part in ("__pycache__", "build") for part in path.parts)
    return not hidden and not (path.parts and path.parts[0] in NOT_SHIPPED)


def dotted(folder: Path) -> str:
    return ".".join(("recrate", *folder.parts))


def data_files(source: Path) -> list[Path]:
    """Return what is not Python below the package's folders, relative to its root."""
    files = [
        path.relative_to(source)
        for folder in package_folders(source)
        if folder.parts
        for path in (source / folder).rglob("*")
        if path.is_file() and path.suffix not in NOT_DATA
    ]
    return sorted({path for path in files if is_shipped(path)})


def test_every_folder_of_the_package_is_listed(source: Path, project: dict[str, Any]) -> None:
    listed = project["tool"]["setuptools"]["packages"]
    assert sorted(listed) == sorted(dotted(folder) for folder in package_folders(source))


def test_every_folder_is_a_package(source: Path) -> None:
    assert [str(folder) for folder in package_folders(source) if not (source / folder / "__init__.py").exists()] == []


def test_every_data_file_is_shipped(source: Path, project: dict[str, Any]) -> None:
    patterns = project["tool"]["setuptools"]["package-data"]
    packages = {dotted(folder): folder for folder in package_folders(source)}
    missing = []
    for path in data_files(source):
        owner = max((p for p in path.parents if p in packages.values()), key=lambda p: len(p.parts))
        rest = path.relative_to(owner).as_posix()
        if not any(
            fnmatch.fnmatch(rest, pattern) for pattern in [*patterns.get(dotted(owner), []), *patterns.get("*", [])]
        ):
            missing.append(f"{path}: add it to package-data of {dotted(owner)}")
    assert not missing, "\n".join(missing)


def test_every_data_file_is_installed(source: Path) -> None:
    root = importlib.resources.files("recrate")
    wanted = [Path("py.typed"), *data_files(source)]
    assert [str(path) for path in wanted if not root.joinpath(*path.parts).is_file()] == []


def test_every_module_is_installed(source: Path) -> None:
    root = importlib.resources.files("recrate")
    wanted = [path.relative_to(source) for folder in package_folders(source) for path in (source / folder).glob("*.py")]
    assert [str(path) for path in wanted if not root.joinpath(*path.parts).is_file()] == []


def test_nothing_but_the_package_is_installed(source: Path) -> None:
    root = importlib.resources.files("recrate")
    if Path(str(root)).resolve() == source.resolve():
        pytest.skip("installed in editable form: the tree is the package")
    assert [name for name in NOT_SHIPPED if root.joinpath(name).is_dir()] == []


def test_every_entry_point_can_be_loaded(project: dict[str, Any]) -> None:
    declared = {
        (group, name) for group, entries in project["project"].get("entry-points", {}).items() for name in entries
    } | {("console_scripts", name) for name in project["project"]["scripts"]}
    for group, name in sorted(declared):
        (entry,) = entry_points(group=group, name=name)
        assert callable(entry.load())


def test_the_version_of_the_citation_is_the_packages(source: Path) -> None:
    import recrate

    citation = (source / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    assert f"version: {recrate.__version__}" in citation
    assert f"## {recrate.__version__}" in (source / "CHANGELOG.md").read_text(encoding="utf-8")
