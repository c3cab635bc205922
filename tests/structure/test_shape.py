"""The shape of the code: sizes, docstrings, what is caught."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from structure.source_tree import Module

MOST_LINES_OF_A_MODULE = 500
MOST_LINES_OF_A_FUNCTION = 50
BROAD = {"Exception", "BaseException"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, Function]]:
    """Yield each function with its dotted name within the module."""
    for node in ast.iter_child_nodes(tree):
        name = f"{prefix}{getattr(node, 'name', '')}"
        if isinstance(node, Function):
            yield name, node
        inside = isinstance(node, Function | ast.ClassDef)
        yield from functions(node, f"{name}." if inside else prefix)


def length(node: Function) -> int:
    """Return the lines of a function's body: a command's signature lists its options, however many there are."""
    return (node.end_lineno or node.lineno) - node.body[0].lineno + 1


def long_functions(modules: list[Module], most: int = MOST_LINES_OF_A_FUNCTION) -> list[str]:
    return [
        f"{module.path}:{node.lineno}: {name} has {length(node)} lines"
        for module in modules
        for name, node in functions(module.tree)
        if length(node) > most
    ]


def undocumented(module: Module) -> list[str]:
    """Return what is public in a module and has no docstring; nested functions are private."""
    missing = [] if ast.get_docstring(module.tree) else [f"{module.path}: module"]
    definitions = [node for node in module.tree.body if isinstance(node, Function | ast.ClassDef)]
    members = [
        member
        for node in definitions
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        for member in node.body
        if isinstance(member, Function)
    ]
    return missing + [
        f"{module.path}:{node.lineno}: {node.name}"
        for node in [*definitions, *members]
        if not node.name.startswith("_") and not ast.get_docstring(node) and not is_overload(node)
    ]


def is_overload(node: ast.AST) -> bool:
    decorators = [ast.unparse(item) for item in getattr(node, "decorator_list", [])]
    return any(name.endswith(("overload", ".setter")) for name in decorators)


def goes_on_rising(handler: ast.ExceptHandler) -> bool:
    """Tell whether a handler lets what it caught go on, after it tidied up."""
    return any(isinstance(node, ast.Raise) and node.exc is None for node in handler.body)


def broad_excepts(module: Module) -> list[str]:
    """Return each handler of everything that keeps it and does not give its reason on the same line."""
    lines = module.text.splitlines()
    found = []
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
        names = {ast.unparse(item) if item else "Exception" for item in caught}
        line = lines[node.lineno - 1]
        reason = line.partition("# noqa: BLE001")[2].strip(" -:—")
        if names & BROAD and not reason and not goes_on_rising(node):
            found.append(f"{module.path}:{node.lineno}: {line.strip()}")
    return found


ENDLESS = {"wait_for", "create_subprocess_exec", "create_subprocess_shell"}
"""What of asyncio may never end when it is cancelled.

In Python 3.11 `wait_for` loses a cancellation that comes with the result, and a subprocess whose creation is
cancelled together with all other tasks is waited for without end.
"""


def endless_waits(module: Module) -> list[str]:
    """Return each use of what may never end when it is cancelled."""
    return [
        f"{module.path}:{node.lineno}: {ast.unparse(node)}"
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.Attribute) and node.attr in ENDLESS)
        or (isinstance(node, ast.ImportFrom) and any(alias.name in ENDLESS for alias in node.names))
    ]


def test_no_module_is_too_long(modules: list[Module]) -> None:
    sizes = {str(module.path): module.text.count("\n") for module in modules}
    assert not {path: size for path, size in sizes.items() if size > MOST_LINES_OF_A_MODULE}


def test_no_function_is_too_long(modules: list[Module]) -> None:
    found = long_functions(modules)
    assert not found, "\n".join(found)


def test_everything_public_has_a_docstring(modules: list[Module]) -> None:
    missing = [line for module in modules for line in undocumented(module)]
    assert not missing, "\n".join(missing)


def test_whoever_catches_everything_says_why(modules: list[Module]) -> None:
    found = [line for module in modules for line in broad_excepts(module)]
    assert not found, "write `# noqa: BLE001 - why` there:\n" + "\n".join(found)


def test_no_cancellation_is_lost(modules: list[Module]) -> None:
    found = [line for module in modules for line in endless_waits(module)]
    assert not found, "use `asyncio.timeout` and `recrate.command`:\n" + "\n".join(found)


def test_no_state_in_global_variables(modules: list[Module]) -> None:
    found = [
        f"{module.path}:{node.lineno}: global {', '.join(node.names)}"
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Global)
    ]
    assert not found, "\n".join(found)


# --- the checks themselves can fail ---------------------------------------------------


def module_of(text: str) -> Module:
    return Module("recrate.sample", Path("sample.py"), ast.parse(text), text)


def test_a_long_function_is_found_also_in_a_class() -> None:
    text = "class A:\n    def f(self):\n" + "        x = 1\n" * (MOST_LINES_OF_A_FUNCTION + 1)
    assert long_functions([module_of(text)]) == ["sample.py:2: A.f has 51 lines"]


def test_a_missing_docstring_is_found() -> None:
    text = '"""M."""\nclass A:\n    """A."""\n    def f(self): ...\n    def _g(self): ...\ndef h(): ...'
    assert undocumented(module_of(text)) == ["sample.py:6: h", "sample.py:4: f"]


def test_a_broad_except_without_a_reason_is_found() -> None:
    handlers = ["except Exception:", "except:", "except (OSError, BaseException):  # noqa: BLE001"]
    for handler in handlers:
        assert broad_excepts(module_of(f"try:\n    f()\n{handler}\n    pass\n"))
    for handler in ["except OSError:", "except Exception:  # noqa: BLE001 - a plugin may raise anything"]:
        assert not broad_excepts(module_of(f"try:\n    f()\n{handler}\n    pass\n"))
    assert not broad_excepts(module_of("try:\n    f()\nexcept BaseException:\n    tidy()\n    raise\n"))


def test_a_wait_that_may_lose_a_cancellation_is_found() -> None:
    assert endless_waits(module_of("await asyncio.wait_for(f(), 1)")) == ["sample.py:1: asyncio.wait_for"]
    assert endless_waits(module_of("from asyncio import wait_for"))
    assert endless_waits(module_of("await asyncio.create_subprocess_exec('true')"))
    assert not endless_waits(module_of("async with asyncio.timeout(1):\n    await f()"))
