"""Commands about binding files: `schema`, and the part of `validate` that is about them."""

from __future__ import annotations

import json as json_format
import sys
from collections.abc import Iterator

from ..binding.file import BindingFile, WorkflowEntry, read_binding_file
from ..core.cwl.cache import user_cache
from ..core.cwl.check import check
from ..core.cwl.job_order import load_job_order
from ..core.cwl.load import load_document
from ..core.cwl.problems import Problem, Severity, in_order
from ..core.cwl.translate import Translator
from ..core.model import Body
from ..core.steps import bound_nowhere
from ..errors import RecrateError
from .render import print_json


def schema() -> None:
    """Print the JSON Schema of binding files, for editors."""
    from ..binding.format import json_schema

    print(json_format.dumps(json_schema(), indent=2))


def validate_file(path: str, *, network: bool, json: bool) -> int:
    """Check a binding file, its workflows and their inputs; return the exit code."""
    file = read_binding_file(path)
    problems = in_order([*file.problems, *_of_workflows(file, network)])
    if json:
        print_json(
            [
                {"problem": item.text, "where": item.where, "hint": item.hint, "severity": item.severity.value}
                for item in problems
            ]
        )
    else:
        for item in problems:
            print(str(item), file=sys.stderr)
        if not _grave(problems):
            print(f"{path} is a valid binding file: {_summary(file)}")
    return 1 if _grave(problems) else 0


def _grave(problems: list[Problem]) -> bool:
    return any(item.severity is Severity.ERROR for item in problems)


def _summary(file: BindingFile) -> str:
    counts = ((len(file.workflows), "workflow"), (len(file.binding.deployments), "deployment"))
    return ", ".join(f"{number} {word}{'' if number == 1 else 's'}" for number, word in counts)


def _of_workflows(file: BindingFile, network: bool) -> Iterator[Problem]:
    """Yield what is wrong with the workflows of a file, and with their bindings to what is in them."""
    for entry in file.workflows.values():
        try:
            document = load_document(entry.file, allow_network=network, cache=user_cache())
            load_job_order(entry.settings, allow_network=network)
        except RecrateError as error:
            yield Problem(f"workflow {entry.name!r}: {error.problem}", error.where, error.hint)
            continue
        found = list(check(document))
        yield from found
        if not any(item.severity is Severity.ERROR for item in found):
            yield from unmatched(entry, Translator().body(document.process))


def unmatched(entry: WorkflowEntry, body: Body) -> Iterator[Problem]:
    """Yield a warning for each binding of a workflow that no step and no port of it has."""
    for path in bound_nowhere(entry.binding, body):
        text = f"workflow {entry.name!r}: nothing in it is called {path}, so this binding has no effect"
        yield Problem(text, severity=Severity.WARNING)
