"""The machine knows no clock, no chance and no outside, and computes the same everywhere."""

from __future__ import annotations

import ast
import copy
import os
import subprocess
import sys
from pathlib import Path

import pytest

from recrate.core import machine
from recrate.core.machine.run import RunMachine

from .models import step, workflow
from .sights import say, snapshot
from .world import Driver, World, go_on

MODULES = sorted(Path(machine.__file__).parent.glob("*.py"))
ALLOWED = {"__future__", "collections", "collections.abc", "dataclasses", "enum", "heapq", "itertools", "re", "typing"}
"""All that the machine may import of Python; what is not here is an effect or not needed."""
OF_RECRATE = {"recrate.core.model", "recrate.core.machine", "recrate.data_classes"}


def imported(path: Path) -> set[str]:
    """Return all modules that a module of the machine imports, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = "recrate.core.machine".rsplit(".", node.level - 1)[0] + "." if node.level else ""
            found.add(package + (node.module or ""))
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_the_machine_imports_nothing_that_has_effects(path: Path) -> None:
    foreign = {
        name
        for name in imported(path) - ALLOWED
        if not any(name == own or name.startswith(own + ".") for own in OF_RECRATE)
    }
    assert not foreign


def test_the_test_of_imports_sees_the_modules() -> None:
    names = {path.name for path in MODULES}
    assert {"events.py", "instructions.py", "run.py", "state.py"} <= names
    assert "recrate.core.model" in imported(next(path for path in MODULES if path.name == "run.py"))


def a_run() -> Driver:
    """Return a run of all kinds of steps, in which some attempts are tried again."""
    inner = workflow(step("x", kind="grid"), step("y", ["x"], kind="conditional scatter"), step("z", ["x", "y"]))
    body = workflow(step("a", kind="scatter"), step("b", ["a"], inner, "scatter"), step("c", ["a"], kind="loop"))
    return Driver(body, World(33, 4), go_on(window=4, retries=4)).run()


def test_handling_does_not_change_what_it_is_given() -> None:
    driver = a_run()
    before = copy.deepcopy(driver.stored), repr(driver.body)
    RunMachine.replay(driver.body, driver.stored)
    assert before == (driver.stored, repr(driver.body))


def test_the_list_of_instructions_belongs_to_the_caller() -> None:
    driver = a_run()
    one, other = RunMachine(driver.body), RunMachine(driver.body)
    for event in driver.stored:
        asked = one.handle(event)
        assert list(map(say, asked)) == list(map(say, other.handle(event)))
        asked.clear()
        assert snapshot(one) == snapshot(other)


TELL = """
import sys
from tests.core.machine.sights import say
from tests.core.machine.test_purity import a_run
driver = a_run()
machine = type(driver.machine)(driver.body)
print([say(each) for event in driver.stored for each in machine.handle(event)])
"""


def test_the_instructions_do_not_depend_on_the_hash_seed() -> None:
    root = Path(__file__).parents[3]
    told = {
        subprocess.run(
            [sys.executable, "-c", TELL],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(told) == 1
    text = told.pop()
    assert all(part in text for part in ("fire /b[1]/x", " #2'", "fire /c~1", "finish completed"))
