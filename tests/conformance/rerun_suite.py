#!/usr/bin/env python3
"""Run the workflows of the conformance suite, export each, delete all else, run each crate again elsewhere, compare.

    rerun_suite.py                 all tests that need no container
    rerun_suite.py --containers    all, with a private dockerd and locally made images
    rerun_suite.py --sample 40     40 of them, the same each time
    rerun_suite.py --only ID,ID    some of them

The suite is copied first; workflows, inputs, outputs, work directories and store of the first runs are gone
when the crates are run again, with another store at other directories. A run that is not the same is asked
after: its workflow is run twice at one place, and when these two differ, too, it is not deterministic.

A line for each test that ran says how its runs compare; the exit code is 0 when at least 99 % of the
deterministic ones are identical, 1 when they are not, 2 when nothing could be run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))

from conformance.documents import Documents, Test, requires_container, tests_of  # noqa: E402
from conformance.export_suite import surroundings  # noqa: E402
from conformance.run_suite import NotRun  # noqa: E402
from testbed import containers  # noqa: E402

import recrate  # noqa: E402  # the path above makes what follows importable
from recrate.api import RunOptions, RunResult  # noqa: E402
from recrate.crates.compare.runs import Side, compare_runs  # noqa: E402
from recrate.crates.compare.tolerance import Tolerances  # noqa: E402
from recrate.crates.compare.verdict import Grade  # noqa: E402
from recrate.crates.export import export_run  # noqa: E402
from recrate.errors import RecrateError  # noqa: E402
from recrate.provenance.states import RunState  # noqa: E402
from recrate.provenance.store import open_store  # noqa: E402
from recrate.reruns import rerun  # noqa: E402

LEAST = 0.99
"""So large a part of the deterministic ones must be identical."""


@dataclass(frozen=True)
class Outcome:
    """How a test's runs compare."""

    test: str
    verdict: str
    deterministic: bool = True
    why: str = ""

    @property
    def ok(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.deterministic or self.verdict == Grade.IDENTICAL.value

    def row(self) -> str:
        """Return the line of the table."""
        note = "" if self.deterministic else "  (not deterministic)"
        return f"{self.test:50} {self.verdict}{note}  {self.why}".rstrip()


@dataclass(frozen=True)
class Suite:
    """The conformance suite, as often as it is copied."""

    origin: Path
    base: Path
    containers: str

    @contextlib.contextmanager
    def copied(self, name: str) -> Iterator[Path]:
        """Give a copy of the suite, which is gone afterwards with all that runs of it have made."""
        folder = self.base / name
        shutil.copytree(self.origin, folder / "suite", symlinks=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder)

    def run(self, test: Test, folder: Path, outdir: str) -> RunResult | None:
        """Run a test in a copy of the suite; None when it is refused, unsupported, or fails."""
        tool, job = (
            None if path is None else str(folder / "suite" / os.path.relpath(path, self.origin))
            for path in (test.tool, test.job)
        )
        try:
            result = recrate.run(
                str(tool), job, store=f"{folder}/store.db", work=folder / "work", outdir=folder / outdir / test.id,
                containers=self.containers, cache=False,
            )  # fmt: skip
        except RecrateError:
            return None
        return result if result.state is RunState.COMPLETED else None

    def exported(self, tests: Sequence[Test], crates: Path) -> list[Test]:
        """Run tests and write the crates of those that completed, and nothing else; return these."""
        found = []
        with self.copied("first") as folder:
            for test in tests:
                result = self.run(test, folder, "out")
                if result is not None:
                    with open_store(f"{folder}/store.db") as store:
                        export_run(store, result.id, crates / f"{test.id}.zip")
                    found.append(test)
        return found

    def run_again(self, test: Test, crates: Path) -> Outcome:
        """Run the crate of a test at other directories, and compare."""
        folder = self.base / "elsewhere" / "again"
        options = RunOptions(
            store=f"{folder}/records/store.db", work=folder / "scratch", outdir=folder / "results" / test.id,
            containers=self.containers, offline=True,
        )  # fmt: skip
        (folder / "records").mkdir(parents=True, exist_ok=True)
        try:
            done = rerun(str(crates / f"{test.id}.zip"), options=options)
        except RecrateError as error:
            return Outcome(test.id, "refused", why=error.render())
        if done.comparison is None:
            return Outcome(test.id, done.result.state.value)
        parting = done.comparison.parting
        why = "" if parting is None else f"{parting.job} {parting.port}: {parting.finding.detail}"
        return Outcome(test.id, done.comparison.grade.value, why=why)

    def judged(self, test: Test, outcome: Outcome) -> Outcome:
        """Return an outcome with whether two runs at one place are the same."""
        with self.copied("twice") as folder:
            results = [self.run(test, folder, name) for name in ("one", "two")]
            runs = [result.id for result in results if result is not None]
            with open_store(f"{folder}/store.db") as store:
                sides = [Side(store.database, run, run) for run in runs]
                same = len(runs) == 2 and compare_runs(sides[0], sides[1], Tolerances()).grade is Grade.IDENTICAL
        return Outcome(outcome.test, outcome.verdict, same, outcome.why)


def outcomes(suite: Suite, tests: Sequence[Test]) -> Iterator[Outcome]:
    """Yield how the runs of each test compare that completed."""
    crates = suite.base / "crates"
    crates.mkdir()
    for test in suite.exported(tests, crates):
        outcome = suite.run_again(test, crates)
        yield outcome if outcome.ok else suite.judged(test, outcome)


def report(found: Iterator[Outcome]) -> int:
    """Print a table as it comes about, and the figures; return the exit code."""
    done = []
    for outcome in found:
        print(outcome.row(), flush=True)
        done.append(outcome)
    same = sum(outcome.deterministic and outcome.ok for outcome in done)
    deterministic = sum(outcome.deterministic for outcome in done)
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in Counter(one.verdict for one in done).most_common())
    print(f"reruns: {len(done)} ran: {verdicts}; of {deterministic} deterministic ones {same} are identical")
    if not deterministic:
        return 2
    return 0 if same >= LEAST * deterministic else 1


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", type=Path, default=TESTS.parent.parent / "shared" / "cwl-conformance")
    parser.add_argument("--tests", default="conformance_tests.yaml", help="the list of tests, within the suite")
    parser.add_argument("--containers", action="store_true", help="also what needs a container")
    parser.add_argument("--only", metavar="ID,ID", help="these tests only")
    parser.add_argument("--sample", type=int, metavar="COUNT", help="so many tests, chosen by their ids")
    return parser.parse_args(argv)


def chosen(options: argparse.Namespace) -> list[Test]:
    """Return the tests that are asked for; those that should fail are none."""
    documents = Documents()
    tests = [test for test in tests_of(options.suite.resolve() / options.tests, documents) if not test.should_fail]
    if options.only:
        tests = [test for test in tests if test.id in options.only.split(",")]
    if not options.containers:
        tests = [test for test in tests if not requires_container(test, documents)]
    if options.sample:
        tests = sorted(random.Random(0).sample(tests, min(options.sample, len(tests))), key=lambda test: test.id)
    return tests


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line asks and say how it went."""
    options = arguments(argv)
    try:
        with surroundings(options) as base, tempfile.TemporaryDirectory(dir=base) as folder:
            suite = Suite(options.suite.resolve(), Path(folder), "auto" if options.containers else "none")
            return report(outcomes(suite, chosen(options)))
    except (containers.Unavailable, NotRun) as reason:
        print(f"rerun_suite: {reason}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    begun = time.monotonic()
    code = main()
    print(f"took {time.monotonic() - begun:.0f} s")
    sys.exit(code)
