"""What is wrong in a binding file is said by file, line and column, all of it in one reading."""

from __future__ import annotations

from pathlib import Path

import pytest

from recrate.binding.file import load_binding_file, read_binding_file
from recrate.binding.sniffing import is_binding_file
from recrate.core.cwl.problems import Severity
from recrate.errors import DocumentInvalid

HEAD = "version: v1.0\n"
PLACES = """deployments:
  here: {type: local, config: {}}
  there: {type: ssh, config: {nodes: [a, b]}}
  queue: {type: slurm, wraps: there, config: {services: {s: {}}}}
"""


def problems(tmp_path: Path, text: str, severity: Severity = Severity.ERROR) -> list[str]:
    """Return what is wrong with a text, as lines."""
    path = tmp_path / "binding.yml"
    path.write_text(text)
    (tmp_path / "main.cwl").write_text("")
    found = read_binding_file(str(path)).problems
    return [str(item).replace(f"{tmp_path}/", "") for item in found if item.severity is severity]


def bound(binding: str) -> str:
    """Return a file with one binding."""
    workflow = f"workflows:\n  w:\n    type: cwl\n    config: {{file: main.cwl}}\n    bindings:\n      - {binding}\n"
    return HEAD + PLACES.replace("[a, b]", "[a]") + workflow


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("workflows: {}\n", "binding.yml:1:1: the file needs the key 'version'"),
        ("version: v2\n", "binding.yml:1:10: version must be one of v1.0, not 'v2'"),
        (HEAD + "scheduler: {}\n", "binding.yml:2:1: the file has no key 'scheduler' (did you mean 'scheduling'?)"),
        (HEAD + PLACES, "binding.yml:5:31: a queue, 'queue', is stacked on one location, but 'there' has more"),
        (
            HEAD + "deployments:\n  a: {type: docker, wraps: b, config: {image: x}}\n"
            "  b: {type: docker, wraps: a, config: {image: x}}\n",
            "binding.yml:3:28: deployment 'a' is stacked on itself",
        ),
        (
            bound("{step: /a, target: {deployment: queue, service: t}}"),
            "binding.yml:11:28: deployment 'queue' has no service 't'",
        ),
        (
            bound("{port: /a, target: {deployment: here}}"),
            "binding.yml:11:9: workflows.w.bindings[0]: the target of a port needs a workdir "
            "(say in `workdir` in which directory its files are)",
        ),
        (
            bound("{step: /a, target: {deployment: here, model: here}}"),
            "binding.yml:11:28: workflows.w.bindings[0].target needs the name of one deployment",
        ),
    ],
)
def test_an_error_names_its_line(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in problems(tmp_path, text)


def test_all_problems_are_found_in_one_reading(tmp_path: Path) -> None:
    text = bound("{step: a, target: {deployment: nowhere}, filters: [f]}")
    assert len(problems(tmp_path, text)) >= 3


def test_running_it_raises_the_first_and_counts_the_others(tmp_path: Path) -> None:
    path = tmp_path / "binding.yml"
    path.write_text("version: v2\nnonsense: 1\n")
    with pytest.raises(DocumentInvalid, match=r"binding\.yml:1:10: .*1 more problem"):
        load_binding_file(str(path))


def test_keys_without_effect_are_named(tmp_path: Path) -> None:
    text = HEAD + "checkpointManager: {enabled: true, type: default, config: {}}\n"
    assert any("checkpointManager has no effect" in line for line in problems(tmp_path, text, Severity.WARNING))


def test_a_failure_manager_that_is_not_enabled_is_off_and_that_is_said(tmp_path: Path) -> None:
    text = HEAD + "failureManager: {enabled: false, type: default, config: {}}\n"
    assert any("failureManager is off" in line for line in problems(tmp_path, text, Severity.WARNING))
    assert read_binding_file(str(tmp_path / "binding.yml")).wishes.retries is None


def test_what_is_no_yaml_is_an_error_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "binding.yml"
    path.write_text("version: [\n")
    with pytest.raises(DocumentInvalid, match=r"binding\.yml:"):
        load_binding_file(str(path))


def test_secrets_in_the_file_never_reach_the_binding(tmp_path: Path) -> None:
    path = tmp_path / "binding.yml"
    path.write_text(HEAD + "deployments:\n  h: {type: helm, config: {chart: c, password: hunter2}}\n")
    found = read_binding_file(str(path))
    assert "hunter2" not in str(found.binding.as_json())


@pytest.mark.parametrize(
    ("text", "expected"),
    [(HEAD, True), ('{"version": "v1.0"}', True), ("cwlVersion: v1.2\nclass: Workflow\n", False), ("x: 1", False)],
)
def test_binding_files_are_told_from_documents(tmp_path: Path, text: str, expected: bool) -> None:
    path = tmp_path / "file"
    path.write_text(text)
    assert is_binding_file(str(path)) is expected


def test_relative_paths_are_those_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "binding.yml"
    path.write_text(HEAD + "deployments:\n  q: {type: slurm, config: {services: {s: {file: t.jinja2}}}}\n")
    config = read_binding_file(str(path)).binding.deployment("q").config
    assert config["services"]["s"]["file"] == str(tmp_path / "t.jinja2")
