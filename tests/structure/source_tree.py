"""The source tree as data: modules, the layer of each, what each imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NOT_SHIPPED = {"tests", "examples", "benchmarks", "docs", "build", "dist"}


@dataclass(frozen=True)
class Import:
    """One imported module or name, by its absolute name, and the line it stands in."""

    target: str
    line: int
    lazy: bool
    """Inside a function."""
    typing_only: bool
    """Under `if TYPE_CHECKING`."""


@dataclass(frozen=True)
class Module:
    """A module of the package: `name` is dotted and starts with `recrate`."""

    name: str
    path: Path
    tree: ast.Module
    text: str

    @property
    def package(self) -> str:
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]


def is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def walk_imports(
    node: ast.AST, lazy: bool = False, typing_only: bool = False
) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool, bool]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, lazy, typing_only
        inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        yield from walk_imports(child, lazy or inside, typing_only or is_type_checking(child))


def imports_of(module: Module) -> list[Import]:
    """Return all imports of a module; `from a import b` gives `a.b`, relative names are resolved."""
    found = []
    for node, lazy, typing_only in walk_imports(module.tree):
        if isinstance(node, ast.Import):
            targets = [alias.name for alias in node.names]
        else:
            parts = module.package.split(".")
            base = ".".join(parts[: len(parts) - node.level + 1]) if node.level else ""
            origin = ".".join(part for part in (base, node.module) if part)
            targets = [f"{origin}.{alias.name}" for alias in node.names]
        found += [Import(target, node.lineno, lazy, typing_only) for target in targets]
    return found


def read_modules(source: Path) -> list[Module]:
    modules = []
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source).parts
        if parts[0] in NOT_SHIPPED or any(part.startswith(".") for part in parts):
            continue
        names = ["recrate", *parts[:-1], *([] if parts[-1] == "__init__.py" else [path.stem])]
        text = path.read_text(encoding="utf-8")
        modules.append(Module(".".join(names), path, ast.parse(text), text))
    return sorted(modules, key=lambda module: module.name)
