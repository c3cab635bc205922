"""The steps and ports of a body by path, without indices, as bindings name them."""

from __future__ import annotations

from collections.abc import Iterator

from .binding import Binding
from .machine.paths import step_path
from .model import Body, Task


def steps_of(body: Body, path: str = "/") -> Iterator[tuple[str, Body]]:
    """Yield the body and all in it by path, outermost first."""
    yield path, body
    if not isinstance(body, Task):
        for name, step in body.steps.items():
            yield from steps_of(step.body, step_path(path, name))


def ports_of(body: Body) -> Iterator[str]:
    """Yield the paths of all ports: `/x` of the body itself, `/a/x` of a step."""
    for path, inner in steps_of(body):
        for name in (*inner.inputs, *inner.outputs):
            yield f"{path.rstrip('/')}/{name}"


def bound_nowhere(binding: Binding, body: Body) -> list[str]:
    """Return the paths in a binding that no step and no port of a body has, in their order."""
    steps = {path for path, _ in steps_of(body)}
    ports = {*ports_of(body), *steps}
    lost = [item.step for item in binding.steps if item.step not in steps]
    return lost + [item.port for item in binding.ports if item.port not in ports]
