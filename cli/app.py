"""The command line: what commands there are. Each is in the module of its group, which is loaded when needed."""

from __future__ import annotations

import keyword
import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Annotated, Any

import typer

from .. import __version__
from .plain_calls import plain_call

PANELS: Mapping[str, Sequence[str]] = {
    "Run": ("run", "resume", "attach", "cancel", "validate", "check", "plan", "doctor", "graph", "schema"),
    "Share": (
        "export",
        "import",
        "pack",
        "sign",
        "verify",
        "rerun",
        "compare",
        "publish",
    ),
    "Look": (
        "runs",
        "show",
        "log",
        "why",
        "audit",
        "diff",
        "metrics",
        "model-card",
        "query",
        "report",
        "ui",
    ),
    "Tidy": ("rm", "gc"),
    "Help": ("bug-report",),
}
"""The commands beside `cwl`, in the order of the help."""
MODULES: Mapping[str, str] = {
    "run": "running",
    "resume": "running",
    "attach": "controlling",
    "cancel": "controlling",
    "validate": "validating",
    "graph": "workflows",
    "plan": "planning",
    "doctor": "doctoring",
    "schema": "binding",
    "export": "exporting",
    "publish": "publishing",
    "import": "importing",
    "audit": "auditing",
    "check": "checking",
    "diff": "differing",
    "metrics": "measuring",
    "model-card": "model_cards",
    "rerun": "rerunning",
    "compare": "comparing",
    "rm": "tidying",
    "gc": "tidying",
    "bug-report": "support",
    "query": "querying",
    "pack": "packing",
    "sign": "signing",
    "verify": "signing",
    "report": "reporting",
    "ui": "browsing",
}
"""The module of this package that a command is in; `viewing` for the others."""
COMPLETION = "_RECRATE_COMPLETE"
"""Set by shells that ask for completions."""
SETTINGS = {"help_option_names": ["-h", "--help"]}


def full_app() -> typer.Typer:
    """Return the whole command line, with every command loaded: for help, completion and the reference."""
    from . import caching  # a group of commands, which is Typer's alone

    app = typer.Typer(
        name="recrate",
        help="Run CWL workflows so that someone else gets the same result elsewhere.",
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        context_settings=SETTINGS,
    )
    app.callback()(root)
    app.command(
        "cwl",
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
        rich_help_panel="Run",
    )(cwl)
    for panel, names in PANELS.items():
        if panel == "Tidy":
            app.add_typer(caching.app, name="cache", rich_help_panel=panel)
        for name in names:
            app.command(name, rich_help_panel=panel)(function_of(name))
    return app


def _version(asked: bool) -> None:
    if asked:
        print(f"recrate {__version__}")
        raise typer.Exit


def root(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Run CWL workflows so that someone else gets the same result elsewhere."""


def cwl(context: typer.Context) -> None:
    """Behave like the standard's runner command: `recrate cwl [options] tool.cwl [job.yml]`."""
    from .cwl_runner import run_cwl

    raise typer.Exit(run_cwl(context.args))


def function_of(name: str) -> Callable[..., None]:
    """Return what carries out a command, and load no other."""
    attribute = f"{name}_" if keyword.iskeyword(name) else name.replace("-", "_")
    found: Callable[..., None] = getattr(_module_of(name), attribute)
    return found


def _module_of(name: str) -> ModuleType:
    # Each is imported alone: `validate` must not pay for what `run` needs, nor `runs` for either.
    return import_module(f".{MODULES.get(name, 'viewing')}", __package__)


def run_app(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code. Raises RecrateError."""
    name, words = next(iter(arguments), ""), list(arguments[1:])
    if os.environ.get(COMPLETION) or not any(name in names for names in PANELS.values()):
        return _with_typer(full_app(), list(arguments), "recrate")
    function = function_of(name)
    # Commands that ask the user something leave it to Typer to say how the user declined.
    given = None if name in PANELS["Tidy"] else plain_call(function, words)
    if given is not None:
        return _called(function, given)
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    single.command(name, context_settings=SETTINGS)(function)
    return _with_typer(single, words, f"recrate {name}")


def _called(function: Callable[..., None], given: Mapping[str, Any]) -> int:
    try:
        function(**given)
    except typer.Exit as ended:
        return ended.exit_code
    return 0


def _with_typer(app: typer.Typer, words: list[str], program: str) -> int:
    try:
        typer.main.get_command(app).main(args=words, prog_name=program)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    return 0
