#!/usr/bin/env python3
"""Run the workflows of the conformance suite, export each run on both lines, and validate the crates.

    export_suite.py                 all tests that need no container
    export_suite.py --containers    all, with a private dockerd and locally made images
    export_suite.py --sample 40     40 of them, the same each time
    export_suite.py --only ID,ID    some of them

Runs that fail are exported as well: what a test is about is not whether it fails. The exit code is
0 when each crate is valid, 1 when one is not, 2 when nothing could be run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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


@dataclass
class Tally:
    """What came of the tests."""

    states: Counter[str] = field(default_factory=Counter)
    crates: int = 0
    wrong: list[str] = field(default_factory=list)
    advice: Counter[str] = field(default_factory=Counter)
    """How often each rule that is recommended was not kept."""

    def report(self) -> int:
        """Print the figures; return the exit code."""
        for line in self.wrong:
            print(f"  {line}")
        runs = ", ".join(f"{count} {state}" for state, count in sorted(self.states.items()))
        for rule, count in sorted(self.advice.items()):
            print(f"  recommended, not kept: {rule} ({count} crates)")
        print(f"exports: {runs}; {self.crates} crates, {len(self.wrong)} wrong")
        return 1 if self.wrong else 0 if self.crates else 2


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
    tally = Tally()
    try:
        with surroundings(options) as base:
            checker = Checker(Severity.RECOMMENDED if options.recommended else Severity.REQUIRED)
            for test in tests:
                check(test, base, options, checker, tally)
    except (containers.Unavailable, NotRun) as reason:
        print(f"export_suite: {reason}", file=sys.stderr)
        return 2
    return tally.report()


@contextlib.contextmanager
def surroundings(options: argparse.Namespace) -> Iterator[Path]:
    """Give a folder to work in; what containers need is in the environment meanwhile."""
    with contextlib.ExitStack() as stack:
        if options.containers:
            options.no_containers = False
            os.environ.update(stack.enter_context(engine(options)))
        base = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="recrate-exports-")))
        yield base


def check(test: Test, base: Path, options: argparse.Namespace, checker: Checker, tally: Tally) -> None:
    """Run a test, and export and validate what came of it."""
    store = f"{base}/store.db"
    try:
        result = recrate.run(
            test.tool, test.job, store=store, work=f"{base}/work", outdir=f"{base}/out/{test.id}",
            containers="auto" if options.containers else "none", cache=False,
        )  # fmt: skip
    except Unsupported:
        tally.states["unsupported"] += 1
        return
    except RecrateError:
        tally.states["refused"] += 1
        return
    tally.states[result.state.value] += 1
    for line in options.lines.split(","):
        path = (options.keep or base / "crates") / f"{test.id}-{line}"
        tally.crates += 1
        try:
            with open_store(store) as opened:
                said = ExportOptions(line=LINES[line], license="CC0-1.0", authors=[AUTHOR])
                export_run(opened, result.id, path, said)
            note(checker, path, f"{test.id} on {line}", tally)
        except Exception as error:  # noqa: BLE001 - one that breaks must not hide the others
            tally.wrong.append(f"{test.id} on {line}: {type(error).__name__}: {error}")


def note(checker: Checker, path: Path, what: str, tally: Tally) -> None:
    """Validate a crate and take note of what is wrong."""
    issues: list[Any] = list(checker.check(str(path)).issues)
    for issue in issues:
        if issue.severity is Severity.REQUIRED:
            tally.wrong.append(f"{what}: {issue.rule} {issue.entity} {issue.property}: {issue.message}")
    tally.advice.update({issue.rule for issue in issues if issue.severity is not Severity.REQUIRED})


if __name__ == "__main__":
    begun = time.monotonic()
    code = main()
    print(f"took {time.monotonic() - begun:.0f} s")
    sys.exit(code)
