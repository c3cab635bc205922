"""Who may import whom, and that nobody imports in a circle."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import pytest

from structure.source_tree import Import, Module, imports_of

BOTTOM = "bottom"
"""Modules directly in the package that everybody may use; they import nothing of Recrate but each other."""

BOTTOM_MODULES = {"recrate.command", "recrate.data_classes", "recrate.errors", "recrate.hashing", "recrate.redaction"}

MAY_IMPORT: dict[str, set[str]] = {
    BOTTOM: set(),
    "recrate": {"api"},
    "provenance": set(),
    "connectors": set(),
    "core.machine": set(),
    "core": {"connectors", "provenance", "core.machine"},
    "core.cwl": {"core", "core.machine", "connectors", "provenance"},
    "binding": {"core", "core.cwl", "core.machine", "connectors"},
    "views": {"core", "core.machine", "connectors", "provenance"},
    "crates": {"core", "core.cwl", "core.machine", "connectors", "provenance", "views"},
    "api": {"binding", "core", "core.cwl", "core.machine", "connectors", "crates", "provenance", "views"},
    "web": {"api", "core", "crates", "provenance", "views"},
    "cli": {"api", "binding", "core", "core.cwl", "core.machine", "connectors", "crates", "provenance", "views", "web"},
}
"""By layer: the layers it may import beside itself and the bottom."""

SHARED_DATA = {"recrate.core.model", "recrate.core.plan", "recrate.core.values"}
"""Modules of `core` that only describe data; the run machine may use them too."""

IMPURE = {"asyncio", "datetime", "os", "pathlib", "random", "secrets", "socket", "sqlalchemy", "sqlmodel", "time"}
"""What `core.machine` must not import: it has no clock, no chance and no I/O."""


def layer_of(name: str) -> str:
    """Return the layer of a module, or of a name in one."""
    parts = name.split(".")
    if len(parts) == 1:
        return "recrate"
    if parts[1] == "__main__":
        return "cli"
    if parts[1] in ("result", "runs", "reruns"):
        return "api"
    if ".".join(parts[:2]) in BOTTOM_MODULES or parts[1].startswith("__"):
        return BOTTOM
    if parts[1] == "core" and len(parts) > 2 and parts[2] in ("cwl", "machine"):
        return f"core.{parts[2]}"
    return parts[1]


def misdirected(name: str, found: list[Import], may: dict[str, set[str]] = MAY_IMPORT) -> list[str]:
    """Return `module:line: target` for each import that goes against the directions."""
    layer = layer_of(name)
    wrong = []
    for item in found:
        if not item.target.startswith("recrate."):
            continue
        target = layer_of(item.target)
        shared = layer == "core.machine" and any(item.target.startswith(f"{data}.") for data in SHARED_DATA)
        if target not in (layer, BOTTOM) and target not in may[layer] and not shared:
            wrong.append(f"{name}:{item.line}: {item.target}")
    return wrong


def test_every_layer_is_known(modules: list[Module]) -> None:
    unknown = {module.name for module in modules if layer_of(module.name) not in MAY_IMPORT}
    assert not unknown, "give these a layer in MAY_IMPORT"


def test_imports_go_only_downwards(imports: dict[str, list[Import]]) -> None:
    wrong = [line for name, found in imports.items() for line in misdirected(name, found)]
    assert not wrong, "\n".join(wrong)


def test_inside_the_package_imports_are_relative(modules: list[Module]) -> None:
    wrong = [
        f"{module.name}:{node.lineno}"
        for module in modules
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "recrate")
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "recrate" for alias in node.names))
    ]
    assert not wrong, wrong


def test_the_run_machine_has_no_clock_no_chance_and_no_io(imports: dict[str, list[Import]]) -> None:
    wrong = [
        f"{name}:{item.line}: {item.target}"
        for name, found in imports.items()
        if layer_of(name) == "core.machine"
        for item in found
        if item.target.split(".")[0] in IMPURE
    ]
    assert not wrong, "\n".join(wrong)


def edges(modules: list[Module], imports: dict[str, list[Import]]) -> dict[str, set[str]]:
    """Return by module the modules it imports when it is imported or later.

    Left out: what only type checking needs, and what the package itself gives when it is asked
    for it (`recrate.run`), since each of its modules needs the package.
    """
    names = {module.name for module in modules}
    graph: dict[str, set[str]] = {}
    for name, found in imports.items():
        targets = set()
        for item in found:
            if item.typing_only or (name == "recrate" and item.lazy):
                continue
            target = item.target if item.target in names else item.target.rpartition(".")[0]
            if target in names and target != name:
                targets.add(target)
        graph[name] = targets
    return graph


def find_cycle(graph: dict[str, set[str]]) -> list[str]:
    """Return the modules of one cycle in their order, or nothing."""
    done: set[str] = set()
    way: list[str] = []

    def visit(name: str) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in done:
            return []
        way.append(name)
        for target in sorted(graph.get(name, ())):
            if cycle := visit(target):
                return cycle
        way.pop()
        done.add(name)
        return []

    return next((cycle for name in sorted(graph) if (cycle := visit(name))), [])


def test_no_module_imports_itself_by_a_detour(modules: list[Module], imports: dict[str, list[Import]]) -> None:
    assert not find_cycle(edges(modules, imports))


# --- the checks themselves can fail ---------------------------------------------------


def module_of(name: str, text: str) -> Module:
    text = textwrap.dedent(text)
    return Module(name, Path(*name.split(".")).with_suffix(".py"), ast.parse(text), text)


@pytest.mark.parametrize(
    "name, text, target",
    [
        ("recrate.connectors.ssh", "from ..core.values import Value", "recrate.core.values.Value"),
        ("recrate.core.engine", "def f():\n    from .cwl import load", "recrate.core.cwl.load"),
        ("recrate.provenance.store", "from .. import core", "recrate.core"),
        ("recrate.core.machine.run", "from ..layout import Layout", "recrate.core.layout.Layout"),
        ("recrate.errors", "from .core.plan import Plan", "recrate.core.plan.Plan"),
    ],
)
def test_a_wrong_direction_is_found(name: str, text: str, target: str) -> None:
    found = misdirected(name, imports_of(module_of(name, text)))
    assert [line.split(": ")[1] for line in found] == [target]


@pytest.mark.parametrize(
    "name, text",
    [
        ("recrate.core.machine.run", "from ..model import Step"),
        ("recrate.core.cwl.load", "from ...errors import Where\nfrom ..values import Value"),
        ("recrate.cli.main", "from .. import __version__\nfrom ..core.engine import Engine"),
    ],
)
def test_a_right_direction_is_let_pass(name: str, text: str) -> None:
    assert misdirected(name, imports_of(module_of(name, text))) == []


def test_a_cycle_is_found() -> None:
    assert find_cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert find_cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
