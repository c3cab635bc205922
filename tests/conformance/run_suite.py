#!/usr/bin/env python3
"""Run the conformance tests of CWL against `recrate cwl`, with real containers or with none.

    run_suite.py                        a private dockerd and locally made images; all tests must pass
    run_suite.py --no-containers        no engine within reach: tests that require a container must end
                                        with exit code 33, all others must pass
    run_suite.py --only-containers      the tests alone whose documents speak of containers: for all
                                        others it makes no difference whether there are any
    run_suite.py --only ID,ID ...       some tests of the list

The suite is looked for beside the repository (../shared/cwl-conformance) unless --suite says
otherwise. Images are made from this machine's programs and kept in RECRATE_TEST_CACHE (default:
below the XDG cache). Nothing is pulled, and the machine's own engines are not touched.

The exit code is 0 when every test did what it must, 1 when one did not, and 2 when the suite could
not be run.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))

from conformance.documents import (  # noqa: E402  # the path above makes them importable
    Documents,
    Test,
    entries_of,
    id_of,
    image_names,
    kind_of_image,
    mentions_container,
    requires_container,
    tests_of,
)
from ruamel.yaml import YAML  # noqa: E402
from testbed import containers  # noqa: E402

ALWAYS = {
    "docker.io/debian:stable-slim",
    "docker.io/python:3-slim",
    "docker.io/alpine:latest",
    "docker.io/bash:4.4",
}
"""Images that the whole suite names, also where only a part of it is at hand."""

SETTINGS_OF_ENGINES = ("DOCKER_", "CONTAINER_", "CONTAINERS_")
NOBODY_THERE = "unix:///nonexistent/recrate-conformance.sock"


@dataclass(frozen=True, slots=True)
class Results:
    """The ids of tests by what became of them."""

    passed: frozenset[str]
    failed: frozenset[str]
    unsupported: frozenset[str]


def arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", type=Path, default=TESTS.parent.parent / "shared" / "cwl-conformance")
    parser.add_argument("--tests", default="conformance_tests.yaml", help="the list of tests, within the suite")
    parser.add_argument("--no-containers", action="store_true", help="run with no container engine within reach")
    parser.add_argument("--only", metavar="ID,ID", help="run these tests only")
    parser.add_argument("--only-containers", action="store_true", help="run the tests that speak of containers only")
    parser.add_argument("--runner", default="recrate cwl", help="command of the runner (default: recrate cwl)")
    parser.add_argument("-j", "--jobs", type=int, default=2, help="tests at a time (default: 2)")
    parser.add_argument("--timeout", type=int, default=120, help="seconds a test may take (default: 120)")
    parser.add_argument("--log", type=Path, help="keep the output of cwltest in this file")
    parser.add_argument("--verbose", action="store_true", help="also keep what the runner says on its standard error")
    parser.add_argument("--show", action="store_true", help="print the output of cwltest also when all is well")
    return parser.parse_args()


def main() -> int:
    """Run the suite as the command line asks and say how it went."""
    options = arguments()
    documents = Documents()
    listed = options.suite.resolve() / options.tests
    tests = tests_of(listed, documents)
    if options.only:
        wanted = set(options.only.split(","))
        tests = [test for test in tests if test.id in wanted]
    if options.only_containers:
        tests = [test for test in tests if mentions_container(test, documents)]
    if not tests:
        print(f"run_suite: no such tests in {listed}", file=sys.stderr)
        return 2
    needing = frozenset(test.id for test in tests if requires_container(test, documents))
    try:
        with engine(options) as environment:
            results, output = run_tests(options, listed, tests, environment)
    except (containers.Unavailable, NotRun) as reason:
        print(f"run_suite: {reason}", file=sys.stderr)
        return 2
    wrong = complaints(results, tests, needing, containers_there=not options.no_containers)
    if options.log:
        options.log.write_text(output)
    if wrong or options.show:
        print(output)
    return report(results, wrong)


class NotRun(Exception):
    """The tests could not be run, and why."""


@contextlib.contextmanager
def engine(options: argparse.Namespace) -> Iterator[dict[str, str]]:
    """Give the environment for the runner: of a private dockerd with all images, or of no engine at all."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS_OF_ENGINES)}
    if options.no_containers:
        with without_engines(clean) as environment:
            yield environment
        return
    with containers.dockerd() as testbed:
        names = ALWAYS | image_names(options.suite)
        for name in sorted(names):
            testbed.import_image(name, kind_of_image(name))
        print(f"docker is up with {len(names)} images: {', '.join(sorted(names))}", flush=True)
        yield {**clean, **testbed.environment}


@contextlib.contextmanager
def without_engines(environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """Give an environment in which no container program can be found and no daemon be reached.

    The directories of PATH that hold one are replaced by directories of links to all else that they hold.
    """
    engines = {"docker", "podman", "apptainer", "singularity", "udocker", "nerdctl"}
    with tempfile.TemporaryDirectory(prefix="recrate-path-") as base:
        path = []
        for number, directory in enumerate(environment.get("PATH", os.defpath).split(os.pathsep)):
            if not any(os.path.exists(os.path.join(directory, name)) for name in engines):
                path.append(directory)
                continue
            stand_in = Path(base) / str(number)
            stand_in.mkdir()
            for entry in os.scandir(directory):
                if entry.name not in engines:
                    (stand_in / entry.name).symlink_to(entry.path)
            path.append(str(stand_in))
        yield {**environment, "PATH": os.pathsep.join(path), "DOCKER_HOST": NOBODY_THERE}


def run_tests(
    options: argparse.Namespace, listed: Path, tests: Sequence[Test], environment: dict[str, str]
) -> tuple[Results, str]:
    """Run cwltest and return what became of each test, and all that it printed. Raises NotRun."""
    program = shutil.which("cwltest", path=f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}")
    if program is None:
        raise NotRun("cwltest is not installed (pip install 'recrate[test]')")
    with tempfile.TemporaryDirectory(prefix="recrate-conformance-") as name:
        base = Path(name)
        (base / "tmp").mkdir()
        chosen = (
            some_tests(listed, [test.id for test in tests], base) if options.only or options.only_containers else listed
        )
        command = [program, "--test", str(chosen), "--tool", str(observed_runner(options, base)), f"-j{options.jobs}"]
        command += ["--timeout", str(options.timeout + 30), "--badgedir", f"{base}/badges"]
        command += ["--verbose"] if options.verbose else []
        ours = {"RECRATE_STORE": f"sqlite:///{base}/store.db", "TMPDIR": f"{base}/tmp", "XDG_DATA_HOME": f"{base}/data"}
        done = subprocess.run(
            command, cwd=listed.parent, env={**environment, **ours}, stdout=-1, stderr=-2, text=True, errors="replace"
        )
        summary = base / "badges" / "all.md"
        if not summary.exists():
            raise NotRun(f"cwltest did not run the tests:\n{done.stdout}")
        return results_of(summary.read_text(), refused_tests(base / "refused", listed.parent, tests)), done.stdout


def observed_runner(options: argparse.Namespace, base: Path) -> Path:
    """Write a program that runs the runner, ends it in time, and notes what it refused by exit code 33.

    cwltest itself calls exit code 33 a failure where the test has the tag `required`, and kills a
    runner that takes too long without a chance to clean up.
    """
    (base / "refused").mkdir()
    path = base / "runner"
    limited = f"timeout --kill-after=10 {options.timeout} {options.runner}"
    note = f"""for last; do printf '%s\\n' "$last"; done > {shlex.quote(str(base))}/refused/$$"""
    path.write_text(f'#!/bin/sh\n{limited} "$@"\ncode=$?\n[ $code -ne 33 ] || {note}\nexit $code\n')
    path.chmod(0o755)
    return path


def refused_tests(notes: Path, suite: Path, tests: Sequence[Test]) -> frozenset[str]:
    """Return the tests whose document and job the runner refused, by the notes of `observed_runner`."""
    refused = set()
    for note in notes.iterdir():
        words = [word.removeprefix("file://") for word in note.read_text().splitlines() if not word.startswith("-")]
        refused.add(tuple(os.path.normpath(suite / unquote(word)) for word in words[-2:]))
    return frozenset(test.id for test in tests if _documents(test) in refused)


def _documents(test: Test) -> tuple[str, ...]:
    return tuple(os.path.normpath(unquote(path)) for path in (test.tool, test.job) if path)


def some_tests(listed: Path, ids: Sequence[str], directory: Path) -> Path:
    """Write a list of some of the tests, whose documents are named in full, and return its path."""
    entries = [entry for entry in entries_of(listed, Documents()) if id_of(entry) in ids]
    for entry in entries:
        entry.update({key: f"file://{entry[key]}" for key in ("tool", "job") if entry.get(key)})
    path = directory / "some_tests.yaml"
    with open(path, "w") as stream:
        YAML(typ="safe", pure=True).dump(entries, stream)
    return path


def results_of(summary: str, refused: frozenset[str]) -> Results:
    """Read cwltest's summary by tag, which goes by exit codes (its JUnit file does not always).

    A test that failed counts as unsupported when the runner refused it.
    """
    lists: dict[str, set[str]] = {"passed": set(), "failed": set(), "unsupported": set()}
    current: set[str] = set()
    for line in summary.splitlines():
        if heading := re.match(r"## List of (\w+) tests", line):
            current = lists[heading[1]]
        elif entry := re.match(r"- \[(.*?)\]\(", line):
            current.add(entry[1])
    also = lists["failed"] & refused
    return Results(
        *(frozenset(names) for names in (lists["passed"], lists["failed"] - also, lists["unsupported"] | also))
    )


def complaints(
    results: Results, tests: Sequence[Test], needing: frozenset[str], containers_there: bool
) -> dict[str, str]:
    """Return, by test, what is wrong; nothing when every test did what it must."""
    wrong = dict.fromkeys(results.failed, "failed")
    seen = results.passed | results.failed | results.unsupported
    wrong.update((test.id, "was not run") for test in tests if test.id not in seen)
    if containers_there:
        wrong.update(dict.fromkeys(results.unsupported, "said to be unsupported (33)"))
        return wrong
    may_fail = {test.id for test in tests if test.should_fail}
    wrong.update(dict.fromkeys(results.unsupported - needing, "said to be unsupported (33), but needs no container"))
    wrong.update(dict.fromkeys((results.passed & needing) - may_fail, "passed, but requires a container"))
    return wrong


def report(results: Results, wrong: dict[str, str]) -> int:
    """Print the figures and what is wrong; return the exit code."""
    for identifier, what in sorted(wrong.items()):
        print(f"  {identifier}: {what}")
    total = len(results.passed | results.failed | results.unsupported)
    figures = f"{len(results.passed)} passed, {len(results.failed)} failed, {len(results.unsupported)} unsupported"
    print(f"conformance: {total} tests: {figures}: {'NOT as it must be' if wrong else 'as it must be'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
