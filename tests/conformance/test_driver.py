"""The driver of the conformance suite: what it reads from documents, and what it makes of results."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from conformance import documents, run_suite

TOOL = "cwlVersion: v1.2\nclass: CommandLineTool\ninputs: []\noutputs: []\nbaseCommand: 'true'\n"
REQUIRED = "requirements:\n  DockerRequirement: {dockerPull: a}\n"
HINTED = "hints:\n  - class: DockerRequirement\n    dockerPull: a\n"
WORKFLOW = "class: Workflow\ninputs: []\noutputs: []\nsteps:\n  one: {run: %s, in: [], out: []}\n"


@pytest.mark.parametrize(
    ("files", "required"),
    [
        ({"t.cwl": TOOL}, False),
        ({"t.cwl": TOOL + HINTED}, False),
        ({"t.cwl": TOOL + REQUIRED}, True),
        ({"t.cwl": TOOL + "requirements: [{class: DockerRequirement, dockerPull: a}]\n"}, True),
        ({"t.cwl": WORKFLOW % "u.cwl", "u.cwl": TOOL + REQUIRED}, True),
        ({"t.cwl": WORKFLOW % "u.cwl" + REQUIRED, "u.cwl": TOOL}, True),
        ({"t.cwl": WORKFLOW % "u.cwl" + HINTED, "u.cwl": TOOL}, False),
        ({"t.cwl": WORKFLOW % "{class: CommandLineTool, requirements: {DockerRequirement: {}}}"}, True),
        ({"t.cwl": WORKFLOW % "{class: ExpressionTool}" + REQUIRED}, False),
        ({"t.cwl": WORKFLOW % "t.cwl"}, False),
        ({"t.cwl": WORKFLOW % "a%20b.cwl", "a b.cwl": TOOL + REQUIRED}, True),
        ({"t.cwl": WORKFLOW % "gone.cwl"}, False),
        ({"t.cwl": "$graph:\n- {id: main, class: Workflow, steps: [{id: s, run: '#t'}]}\n"
                   "- {id: t, class: CommandLineTool, requirements: {DockerRequirement: {}}}\n"}, True),
        ({"t.cwl": "not: [yaml"}, False),
    ],
)  # fmt: skip
def test_what_requires_a_container_is_found(tmp_path: Path, files: dict[str, str], required: bool) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    test = documents.Test("x", f"{tmp_path}/t.cwl", None, False)
    assert documents.requires_container(test, documents.Documents()) is required


def test_a_job_can_require_a_container(tmp_path: Path) -> None:
    (tmp_path / "t.cwl").write_text(TOOL)
    (tmp_path / "j.yml").write_text("cwl:requirements: [{class: DockerRequirement, dockerPull: a}]\n")
    test = documents.Test("x", f"{tmp_path}/t.cwl", f"{tmp_path}/j.yml", False)
    assert documents.requires_container(test, documents.Documents())


@pytest.mark.parametrize(
    ("files", "mentioned"),
    [
        ({"t.cwl": TOOL}, False),
        ({"t.cwl": TOOL + HINTED}, True),
        ({"t.cwl": TOOL + REQUIRED}, True),
        ({"t.cwl": WORKFLOW % "u.cwl", "u.cwl": TOOL + HINTED}, True),
        ({"t.cwl": WORKFLOW % "a%20b.cwl#main", "a b.cwl": "$graph: [{class: Workflow, $import: c.yml}]",
          "c.yml": HINTED}, True),
        ({"t.cwl": WORKFLOW % "u.cwl", "u.cwl": WORKFLOW % "t.cwl"}, False),
        ({"t.cwl": WORKFLOW % "gone.cwl"}, False),
    ],
)  # fmt: skip
def test_what_speaks_of_containers_is_found(tmp_path: Path, files: dict[str, str], mentioned: bool) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    test = documents.Test("x", f"{tmp_path}/t.cwl#main", None, False)
    assert documents.mentions_container(test, documents.Documents()) is mentioned


def test_what_a_test_imports_is_found_from_anywhere(tmp_path: Path) -> None:
    (tmp_path / "tests.yaml").write_text("- id: a\n  tool: t.cwl\n  output: {$import: out.json}\n")
    path = run_suite.some_tests(tmp_path / "tests.yaml", ["a"], tmp_path)
    (entry,) = documents.Documents().load(path)
    assert entry["output"] == {"$import": f"file://{tmp_path}/out.json"}


def test_an_entry_point_is_chosen_by_its_fragment(tmp_path: Path) -> None:
    plain = "{id: a, class: CommandLineTool}"
    contained = "{id: b, class: CommandLineTool, requirements: {DockerRequirement: {}}}"
    (tmp_path / "t.cwl").write_text(f"$graph:\n- {plain}\n- {contained}\n")
    found = [documents.Test("x", f"{tmp_path}/t.cwl#{entry}", None, False) for entry in "ab"]
    assert [documents.requires_container(test, documents.Documents()) for test in found] == [False, True]


def test_image_names_are_read_from_yaml_and_json(tmp_path: Path) -> None:
    (tmp_path / "a.cwl").write_text("  dockerPull: docker.io/debian:stable-slim\n  dockerPull: 'x/y@sha256:12'\n")
    (tmp_path / "b.json").write_text('{"dockerPull": "python:3", "dockerImageId": "no"}')
    assert documents.image_names(tmp_path) == {"docker.io/debian:stable-slim", "x/y@sha256:12", "python:3"}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("docker.io/debian:stable-slim", "debian"),
        ("ubuntu", "debian"),
        ("docker.io/python:3-slim", "python"),
        ("alpine", "busybox"),
        ("docker.io/bash:4.4", "bash"),
    ],
)
def test_every_image_has_a_stand_in(name: str, kind: str) -> None:
    assert documents.kind_of_image(name) == kind


SUMMARY = """# `all` tests
## List of passed tests
- [one](conformance_tests.yaml#L1) ([tool](a.cwl))
## List of failed tests
- [two](conformance_tests.yaml#L2) ([tool](a.cwl))
- [three](conformance_tests.yaml#L3) ([tool](a.cwl))
## List of unsupported tests
- [four](conformance_tests.yaml#L4) ([tool](a.cwl))
"""


def test_results_are_read_from_the_summary_and_the_exit_codes() -> None:
    results = run_suite.results_of(SUMMARY, refused=frozenset({"one", "three", "four"}))
    assert results == run_suite.Results(frozenset({"one"}), frozenset({"two"}), frozenset({"three", "four"}))


def listed(*ids: str, should_fail: bool = False) -> list[documents.Test]:
    return [documents.Test(identifier, "t.cwl", None, should_fail) for identifier in ids]


def outcome(passed: str = "", failed: str = "", unsupported: str = "") -> run_suite.Results:
    return run_suite.Results(*(frozenset(ids.split()) for ids in (passed, failed, unsupported)))


@pytest.mark.parametrize(
    ("results", "needing", "containers", "wrong"),
    [
        (outcome("a b"), "", True, set()),
        (outcome("a", "b"), "", True, {"b"}),
        (outcome("a", "", "b"), "b", True, {"b"}),
        (outcome("a"), "", True, {"b"}),
        (outcome("a", "", "b"), "b", False, set()),
        (outcome("a", "b"), "b", False, {"b"}),
        (outcome("a b"), "b", False, {"b"}),
        (outcome("", "", "a b"), "b", False, {"a"}),
    ],
)
def test_each_test_must_do_what_it_must(
    results: run_suite.Results, needing: str, containers: bool, wrong: set[str]
) -> None:
    found = run_suite.complaints(results, listed("a", "b"), frozenset(needing.split()), containers_there=containers)
    assert set(found) == wrong
    assert run_suite.report(results, found) == (1 if wrong else 0)


def test_a_test_that_should_fail_may_do_so_by_refusing_or_by_failing() -> None:
    tests, needing = listed("a", should_fail=True), frozenset({"a"})
    for results in (outcome("a"), outcome("", "", "a")):
        assert not run_suite.complaints(results, tests, needing, containers_there=False)


def test_no_engine_is_within_reach_of_a_runner_without_containers(tmp_path: Path) -> None:
    for name in ("docker", "podman", "other"):
        program = tmp_path / name
        program.write_text("#!/bin/sh\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    with run_suite.without_engines({"PATH": f"{tmp_path}:/usr/bin:/bin", "X": "1"}) as environment:
        script = "for name in docker podman other sh; do command -v $name; done"
        found = subprocess.run(["/bin/sh", "-c", script], env=environment, capture_output=True, text=True).stdout
    assert [Path(line).name for line in found.split()] == ["other", "sh"]
    assert environment["X"] == "1"


@pytest.mark.parametrize("tag", ["docker", "required"])
def test_the_driver_counts_what_a_runner_does(tmp_path: Path, tag: str) -> None:
    (tmp_path / "plain.cwl").write_text(TOOL)
    (tmp_path / "contained.cwl").write_text(TOOL + REQUIRED)
    entry = "- id: {0}\n  tool: {0}.cwl\n  output: {{}}\n  doc: {0}\n  tags: [{1}]\n"
    (tmp_path / "list.yaml").write_text(entry.format("plain", "required") + entry.format("contained", tag))
    runner = tmp_path / "runner"
    runner.write_text('#!/bin/sh\nfor last; do :; done\ncase $last in *contained*) exit 33 ;; *) echo "{}" ;; esac\n')
    runner.chmod(0o755)
    command = [sys.executable, run_suite.__file__, f"--suite={tmp_path}", "--tests=list.yaml", f"--runner={runner}"]
    done = subprocess.run([*command, "--no-containers"], capture_output=True, text=True, env=dict(os.environ))
    assert (done.returncode, done.stdout) == (
        0,
        "conformance: 2 tests: 1 passed, 0 failed, 1 unsupported: as it must be\n",
    ), done.stderr
    some = subprocess.run([*command, "--no-containers", "--only=plain"], capture_output=True, text=True)
    assert some.stdout == "conformance: 1 tests: 1 passed, 0 failed, 0 unsupported: as it must be\n"
    runner.write_text("#!/bin/sh\nexit 1\n")
    failing = subprocess.run([*command, "--no-containers"], capture_output=True, text=True)
    assert failing.returncode == 1
    assert "  plain: failed\n" in failing.stdout and "  contained: failed\n" in failing.stdout


def test_a_runner_that_hangs_is_ended_and_its_test_has_failed(tmp_path: Path) -> None:
    (tmp_path / "plain.cwl").write_text(TOOL)
    (tmp_path / "list.yaml").write_text("- {id: plain, tool: plain.cwl, output: {}, doc: plain}\n")
    runner = tmp_path / "runner"
    runner.write_text("#!/bin/sh\nsleep 1000\n")
    runner.chmod(0o755)
    command = [sys.executable, run_suite.__file__, f"--suite={tmp_path}", "--tests=list.yaml", f"--runner={runner}"]
    done = subprocess.run([*command, "--no-containers", "--timeout=1"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "  plain: failed\n" in done.stdout
