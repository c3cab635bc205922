"""`recrate cwl`: behaves like the standard's runner command, so that what drives one drives ours.

The outputs object goes to standard output, all else to standard error. Exit codes: 0 for
success, 1 for a failure, 33 for what is not supported. A run that Ctrl-C or another signal ended
exits with 130 or 143 as `recrate run` does: a driver, a batch system and a shell tell it by that from
a run that failed, and no CWL runner means anything else by these codes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .. import __version__
from ..errors import RecrateError, Unsupported, UsageError
from .cwl_options import CwlCall, parse, parser


def run_cwl(argv: Sequence[str]) -> int:
    """Run `recrate cwl` with these arguments and return the exit code."""
    call = parse(argv)
    if call.options.version:
        print(f"recrate {__version__}")
        return 0
    if call.process is None:
        if call.options.help:
            parser().print_help()
            return 0
        raise UsageError("no process is given", hint="recrate cwl [options] tool.cwl [job.yml]")
    if call.options.engine == "singularity":
        raise Unsupported("singularity is not supported yet", hint="use docker or podman")
    return _carry_out(call, call.process)


def _carry_out(call: CwlCall, process: str) -> int:
    actions: Mapping[str, Callable[[CwlCall, str], int]] = {
        "validate": _validate,
        "pack": _pack,
        "print_dot": _print_dot,
        "print_deps": _print_deps,
        "make_template": _make_template,
    }
    for name, action in actions.items():
        if getattr(call.options, name):
            return action(call, process)
    if call.options.help or "--help" in call.rest or "-h" in call.rest:
        return _help(call, process)
    return _run(call, process)


def _load(call: CwlCall, process: str) -> Any:
    from ..core.cwl.load import load_document

    return load_document(process, allow_network=call.options.enable_net)


def _validate(call: CwlCall, process: str) -> int:
    from ..core.cwl.check import require_valid

    require_valid(_load(call, process))
    if not call.options.quiet:
        print(f"{process} is valid CWL.", file=sys.stderr)
    return 0


def _pack(call: CwlCall, process: str) -> int:
    from ..core.cwl.pack import pack

    json.dump(pack(_load(call, process)), sys.stdout, indent=4)
    print()
    return 0


def _print_dot(call: CwlCall, process: str) -> int:
    from ..core.cwl.translate import Translator
    from ..core.drawing import graph_of, to_dot

    document = _load(call, process)
    sys.stdout.write(to_dot(graph_of(Translator().body(document.process)), document.process.name))
    return 0


def _print_deps(call: CwlCall, process: str) -> int:
    document = _load(call, process)
    main = document.process.id.partition("#")[0]
    others = [{"class": "File", "location": uri} for uri in document.sources if uri != main]
    shown: dict[str, Any] = {"class": "File", "location": main}
    if others:
        shown["secondaryFiles"] = others
    json.dump(shown, sys.stdout, indent=4)
    print()
    return 0


def _make_template(call: CwlCall, process: str) -> int:
    from ..core.cwl.parameters import template

    sys.stdout.write(template(_load(call, process).process))
    return 0


def _help(call: CwlCall, process: str) -> int:
    from ..core.cwl.parameters import parameter_help

    document = _load(call, process)
    print(f"usage: recrate cwl [options] {process} [job.yml | --param value ...]\n")
    about = document.process.doc or document.process.label
    if about:
        print(f"{about.strip()}\n")
    for name, kind, text in parameter_help(document.process):
        print(f"  --{name} {kind}".ljust(36) + text)
    return 0


def _run(call: CwlCall, process: str) -> int:
    import asyncio

    from ..api import execute, prepare_document
    from .progress import observer

    options = call.options
    document = _load(call, process)
    run_options = _options(call)
    prepared = prepare_document(document, _order(call, document.process), run_options)
    watching = observer(quiet=options.quiet or not (options.verbose or options.debug))
    result = asyncio.run(execute(prepared, run_options, watching))
    if result.exit_code:
        _explain(result.id, options)
        return result.exit_code
    json.dump(result.outputs, sys.stdout, indent=4, ensure_ascii=True)
    print()
    return 0


def _order(call: CwlCall, process: Any) -> Any:
    """Return the inputs: of a job file, then of `--name value` pairs, which win."""
    from ..core.cwl.job_order import JobOrder, load_job_order
    from ..core.cwl.parameters import parse_parameters

    rest, order, network = list(call.rest), JobOrder({}), bool(call.options.enable_net)
    base = os.path.abspath(call.options.basedir or os.getcwd())
    if rest and not rest[0].startswith("--"):
        order = load_job_order(rest.pop(0), allow_network=network)
    if rest:
        values = {**order.values, **parse_parameters(process, rest, base=base, allow_network=network)}
        order = JobOrder(values, order.requirements)
    return order


def _options(call: CwlCall) -> Any:
    from ..api import RunOptions
    from ..core.machine.events import OnError
    from ..provenance.states import Keep

    options = call.options
    return RunOptions(
        store=_store(options),
        outdir=None if options.leave_outputs else options.outdir or os.getcwd(),
        work=_work(options),
        jobs=options.jobs,
        keep=Keep.OUTPUTS if options.move_outputs else Keep.ALL,
        on_error=OnError(options.on_error),
        containers="none" if options.no_container else options.engine or "auto",
        default_image=options.default_container,
        cache=options.cachedir is not None,
        allow_network=options.enable_net,
        expression_seconds=options.eval_timeout,
        command_line=tuple(sys.argv),
    )


def _store(options: argparse.Namespace) -> str | None:
    if options.store is None and options.cachedir is not None:
        os.makedirs(options.cachedir, exist_ok=True)
        return os.path.join(os.path.abspath(options.cachedir), "store.db")
    found: str | None = options.store
    return found


def _work(options: argparse.Namespace) -> str | None:
    prefix = options.tmp_outdir_prefix or options.tmpdir_prefix
    if prefix is None:
        return None if options.cachedir is None else os.path.join(os.path.abspath(options.cachedir), "work")
    folder, name = os.path.split(prefix)
    os.makedirs(folder or ".", exist_ok=True)
    return tempfile.mkdtemp(prefix=name or "recrate-", dir=folder or ".")


def _explain(run_id: str, options: argparse.Namespace) -> None:
    from ..provenance.store import open_store
    from .failures import explain

    store = open_store(_store(options))
    try:
        explain(store, run_id, sys.stderr)
    except RecrateError as error:
        print(f"recrate: {error.render()}", file=sys.stderr)
    finally:
        store.close()
