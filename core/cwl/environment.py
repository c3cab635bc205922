"""What a job is told of where it runs: its environment variables, and the `runtime` of expressions.

CWL v1.2 Command Line Tool, sections 4.2 "Runtime environment", 4.3 "Execution" and 5.5 "EnvVarRequirement".
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ...errors import InputInvalid, Where
from ..plan import Runtime
from ..values import Value, Values
from .command_line import argument_text

if TYPE_CHECKING:
    from .expressions import Evaluator

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def runtime_names(runtime: Runtime, exit_code: int | None = None) -> dict[str, Any]:
    """Return what expressions see as `runtime`: sizes in MiB, `exitCode` only once there is one.

    A part of a core counts as a whole one (section 5.7, ResourceRequirement).
    """
    names: dict[str, Any] = {
        "outdir": runtime.outdir,
        "tmpdir": runtime.tmpdir,
        "cores": math.ceil(runtime.cores),
        "ram": runtime.ram,
        "outdirSize": runtime.outdir_size,
        "tmpdirSize": runtime.tmpdir_size,
    }
    if exit_code is not None:
        names["exitCode"] = exit_code
    return names


def environment(
    definitions: Value,
    inputs: Values,
    evaluator: Evaluator,
    runtime: Runtime,
    names: Mapping[str, Any],
    where: Where | None = None,
) -> dict[str, str]:
    """Return the environment of a job: HOME, TMPDIR, PATH and what an EnvVarRequirement defines.

    Args:
        definitions: its `envDef`, a list of `envName` and `envValue` or a mapping; None for none.
        inputs: the inputs as the job sees them.
        evaluator: evaluates the values.
        runtime: what the place gives.
        names: what expressions see as `runtime`.
        where: the tool's place in its document.

    Raises:
        ExpressionFailed: an expression failed.
        InputInvalid: a name cannot be one of a variable.
    """
    found = {"HOME": runtime.outdir, "TMPDIR": runtime.tmpdir, "PATH": os.environ.get("PATH", DEFAULT_PATH)}
    for name, text in _definitions(definitions):
        if not name or "=" in name or "\0" in name:
            raise InputInvalid(f"{name!r} cannot be the name of an environment variable", where=where)
        value = evaluator.evaluate(text, inputs, runtime=names, where=where)
        found[name] = "" if value is None else argument_text(value, where)
    return found


def _definitions(definitions: Value) -> Iterable[tuple[str, Value]]:
    if isinstance(definitions, Mapping):
        for name, item in definitions.items():
            yield str(name), item.get("envValue") if isinstance(item, Mapping) else item
    else:
        for item in definitions or ():
            yield str(item["envName"]), item["envValue"]
