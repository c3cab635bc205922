"""`python -m benchmarks`: ask Recrate and its peers the same questions, and print how they compare."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from .engines import all_engines
from .engines.base import Engine, Missing
from .machine import describe
from .questions import cases
from .results import LATEST, RESULTS, EngineInfo, Sitting, save
from .sitting import Sitter
from .table import ratios

ROOT = Path(__file__).parents[1]


def parser() -> argparse.ArgumentParser:
    """Return the options."""
    made = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    made.add_argument("--quick", action="store_true", help="small sizes and one run: shows that all works")
    made.add_argument("--only", type=names, default=[], metavar="NAME,...", help="only these questions")
    made.add_argument("--engines", type=names, default=[], metavar="NAME,...", help="only these engines")
    made.add_argument("--runs", type=int, metavar="N", help="runs of each (default: 5, and 1 when quick)")
    made.add_argument("--limit", type=float, default=600, metavar="SECONDS", help="of one run (default: 600)")
    made.add_argument("--peers", type=absolute, default=ROOT / "build" / "peers", help="where the peers are installed")
    made.add_argument("--recrate", type=absolute, help="an environment with Recrate, or its command")
    made.add_argument("--scratch", type=absolute, help="where the runs are made (default: the temporary directory)")
    made.add_argument("--list", action="store_true", help="print the names of questions and engines, and stop")
    return made


def names(text: str) -> list[str]:
    """Return the names of a list with commas."""
    return [name for name in text.split(",") if name]


def absolute(text: str) -> Path:
    """Return a path that stays the same when commands run elsewhere; links stay, since environments have them."""
    return Path(text).absolute()


def chosen(engines: Sequence[Engine], only: Sequence[str]) -> list[Engine]:
    """Return the engines that are named, or all."""
    unknown = set(only) - {engine.name for engine in engines}
    if unknown:
        raise ValueError(f"no such engine: {', '.join(sorted(unknown))}")
    return [engine for engine in engines if not only or engine.name in only]


def made_ready(engine: Engine) -> EngineInfo:
    """Install an engine unless it is there; return its version, or why it cannot take part."""
    tell(f"making ready: {engine.title}")
    try:
        return EngineInfo(engine.title, engine.make_ready())
    except Missing as error:
        return EngineInfo(engine.title, None, f"cannot be used here: {error}")


def tell(text: str) -> None:
    """Say what goes on, beside the results."""
    print(text, file=sys.stderr, flush=True)


def hold(options: argparse.Namespace, scratch: Path) -> Sitting:
    """Ask all that was chosen; what is known is saved after each case."""
    asked = cases(quick=options.quick, only=options.only)
    engines = chosen(all_engines(options.peers, options.recrate), options.engines)
    runs = options.runs or (1 if options.quick else 5)
    now = datetime.now(UTC)
    sitting = Sitting(
        taken=now.strftime("%Y-%m-%d"),
        quick=options.quick,
        runs=runs,
        limit=options.limit,
        machine=describe(scratch),
        engines={engine.name: made_ready(engine) for engine in engines},
    )
    present = [engine for engine in engines if sitting.engines[engine.name].missing is None]
    sitter = Sitter(scratch, runs, options.limit, tell)
    for case in asked:
        sitting.cases.append(sitter.case(case, present))
        save(sitting, RESULTS / f"{now:%Y%m%dT%H%M%SZ}.json")
    return sitting


def main(argv: Sequence[str] | None = None) -> int:
    """Hold a sitting, print its table, and keep its results."""
    options = parser().parse_args(argv)
    if options.list:
        print("questions:", *(case.name for case in cases(quick=False)))
        print("engines:", *(engine.name for engine in all_engines(options.peers)))
        return 0
    try:
        with tempfile.TemporaryDirectory(prefix="recrate-benchmarks.", dir=options.scratch) as scratch:
            sitting = hold(options, Path(scratch))
    except ValueError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    if not options.only and not options.engines:
        save(sitting, LATEST)
    print("\n".join(f"{key}: {value}" for key, value in sitting.machine.items()))
    print("\n".join(f"{info.title}: {info.version or info.missing}" for info in sitting.engines.values()))
    print(f"\n{ratios(sitting)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
