#!/usr/bin/env python3
"""Run the workflows of the conformance suite, export each run on both lines, and validate the crates.

    export_suite.py                 all tests that need no container
    export_suite.py --containers    all, with a private dockerd and locally made images
    export_suite.py --sample 40     40 of them, the same each time
    export_suite.py --only ID,ID    some of them

Runs that fail are exported as well: what a test is about is not whether it fails. A line for each
test says how its run ended and whether its crates are valid; what is wrong comes at the end. The exit
code is 0 when each crate is valid, 1 when one is not, 2 when nothing could be run.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))

from conformance.documents import Documents, Test, requires_container, tests_of  # noqa: E402
from conformance.run_suite import NotRun, engine  # noqa: E402
from testbed import containers  # noqa: E402

import recrate  # noqa: E402  # the path above makes what follows importable
from recrate.crates.export import ExportOptions, export_run  # noqa: E402
from recrate.crates.export.agents import Organisation, Person  # noqa: E402
from recrate.crates.export.lines import LINES  # noqa: E402
from recrate.crates.validation.check import Checker  # noqa: E402
from recrate.crates.validation.report import Severity  # noqa: E402
from recrate.errors import RecrateError, Unsupported  # noqa: E402
from recrate.provenance.store import open_store  # noqa: E402

AUTHOR = Person("A. Tester", "https://orcid.org/0000-0002-1825-0097", Organisation("CRS4", "https://ror.org/04kz1v939"))


@dataclass(frozen=True)
class Asked:
    """What is to be done with each test; it goes to other processes."""

    base: Path
    crates: Path
    lines: Sequence[str]
    severity: Severity
    containers: str


@dataclass
class Outcome:
    """What came of one test."""

    test: str
    state: str
    valid: dict[str, bool] = field(default_factory=dict)
    """By line of the standard."""
    wrong: list[str] = field(default_factory=list)
    advice: set[str] = field(default_factory=set)
    """The rules that are recommended and were not kept."""

    def row(self) -> str:
        """Return the line of the table."""
        crates = "  ".join(f"{line} {'valid' if valid else 'NOT VALID'}" for line, valid in self.valid.items())
        return f"{self.test:50} {self.state:12} {crates}".rstrip()


def report(outcomes: Iterable[Outcome]) -> int:
    """Print a table as it comes about, and then the figures and what is wrong; return the exit code."""
    done: list[Outcome] = []
    for outcome in outcomes:
        print(outcome.row(), flush=True)
        done.append(outcome)
    states = Counter(outcome.state for outcome in done)
    advice = Counter(rule for outcome in done for rule in outcome.advice)
    wrong = [line for outcome in done for line in outcome.wrong]
    crates = sum(len(outcome.valid) for outcome in done)
    for line in wrong:
        print(f"  {line}")
    for rule, count in sorted(advice.items()):
        print(f"  recommended, not kept: {rule} ({count} tests)")
    runs = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    print(f"exports: {runs}; {crates} crates, {len(wrong)} things wrong")
    return 1 if wrong else 0 if crates else 2


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", type=Path, default=TESTS.parent.parent / "shared" / "cwl-conformance")
    parser.add_argument("--tests", default="conformance_tests.yaml", help="the list of tests, within the suite")
    parser.add_argument("--containers", action="store_true", help="also what needs a container")
    parser.add_argument("--only", metavar="ID,ID", help="these tests only")
    parser.add_argument("--sample", type=int, metavar="COUNT", help="so many tests, chosen by their ids")
    parser.add_argument("--lines", default=",".join(LINES), help="versions of Workflow Run RO-Crate (default: all)")
    parser.add_argument("--recommended", action="store_true", help="count what is recommended as well")
    parser.add_argument("-j", "--jobs", type=int, default=1, help="tests at a time (default: 1)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the crates in this folder")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line asks and say how it went."""
    options = arguments(argv)
    documents = Documents()
    tests = tests_of(options.suite.resolve() / options.tests, documents)
    if options.only:
        tests = [test for test in tests if test.id in options.only.split(",")]
    if not options.containers:
        tests = [test for test in tests if not requires_container(test, documents)]
    if options.sample:
        tests = sorted(random.Random(0).sample(tests, min(options.sample, len(tests))), key=lambda test: test.id)
    try:
        with surroundings(options) as base:
            asked = Asked(
                base,
                options.keep or base / "crates",
                options.lines.split(","),
                Severity.RECOMMENDED if options.recommended else Severity.REQUIRED,
                "auto" if options.containers else "none",
            )
            return report(outcomes(tests, asked, options.jobs))
    except (containers.Unavailable, NotRun) as reason:
        print(f"export_suite: {reason}", file=sys.stderr)
        return 2


def outcomes(tests: Sequence[Test], asked: Asked, jobs: int) -> Iterator[Outcome]:
    """Do all tests, some at a time, and yield what came of them in their order."""
    if jobs == 1:
        yield from (outcome_of(test, asked) for test in tests)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(outcome_of, tests, [asked] * len(tests))


@contextlib.contextmanager
def surroundings(options: argparse.Namespace) -> Iterator[Path]:
    """Give a folder to work in; what containers need is in the environment meanwhile."""
    with contextlib.ExitStack() as stack:
        if options.containers:
            options.no_containers = False
            os.environ.update(stack.enter_context(engine(options)))
        base = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="recrate-exports-")))
        yield base


def outcome_of(test: Test, asked: Asked) -> Outcome:
    """Run a test, and export and validate what came of it."""
    store = f"{asked.base}/store-{os.getpid()}.db"
    try:
        result = recrate.run(
            test.tool, test.job, store=store, work=f"{asked.base}/work", outdir=f"{asked.base}/out/{test.id}",
            containers=asked.containers, cache=False,
        )  # fmt: skip
    except Unsupported:
        return Outcome(test.id, "unsupported")
    except RecrateError:
        return Outcome(test.id, "refused")
    outcome = Outcome(test.id, result.state.value)
    for line in asked.lines:
        try:
            with open_store(store) as opened:
                said = ExportOptions(line=LINES[line], license="CC0-1.0", authors=[AUTHOR])
                path = asked.crates / f"{test.id}-{line}"
                export_run(opened, result.id, path, said)
            note(path, line, asked.severity, outcome)
        except Exception as error:  # noqa: BLE001 - one that breaks must not hide the others
            outcome.valid[line] = False
            outcome.wrong.append(f"{test.id} on {line}: {type(error).__name__}: {error}")
    return outcome


def note(path: Path, line: str, severity: Severity, outcome: Outcome) -> None:
    """Validate a crate and take note of what is wrong."""
    issues = checker(severity).check(str(path)).issues
    required = [issue for issue in issues if issue.severity is Severity.REQUIRED]
    outcome.valid[line] = not required
    for issue in required:
        where = f"{outcome.test} on {line}"
        outcome.wrong.append(f"{where}: {issue.rule} {issue.entity} {issue.property}: {issue.message}")
    outcome.advice.update(issue.rule for issue in issues if issue.severity is not Severity.REQUIRED)


@cache
def checker(severity: Severity) -> Checker:
    """Return the checker of this process."""
    return Checker(severity)


if __name__ == "__main__":
    begun = time.monotonic()
    code = main()
    print(f"took {time.monotonic() - begun:.0f} s")
    sys.exit(code)
