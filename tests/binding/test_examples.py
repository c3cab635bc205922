"""Every example of the format's description loads, and what has no effect is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from recrate.binding.file import BindingFile, read_binding_file
from recrate.binding.keys import CONFIGS
from recrate.connectors.registry import known_kinds
from recrate.core.cwl.problems import Severity

EXAMPLES = Path(__file__).parent / "examples"
NEEDED = {"files": ["f.yml"], "chart": "c", "file": "f", "sshKey": "k", "username": "u"}
NAMES = sorted(path.name for path in EXAMPLES.glob("*.yml"))


def read_example(name: str, tmp_path: Path) -> BindingFile:
    """Return an example, read from a directory that has the files it names."""
    for file in ("main.cwl", "loop.cwl", "inputs.yml", "sites.yml", "gpu.jinja2", "job.jinja2", "py.jinja2"):
        (tmp_path / file).write_text("")
    shutil.copy(EXAMPLES / name, tmp_path)
    return read_binding_file(str(tmp_path / name))


@pytest.mark.parametrize("name", NAMES)
def test_it_loads_without_an_error(name: str, tmp_path: Path) -> None:
    found = read_example(name, tmp_path)
    assert [str(problem) for problem in found.problems if problem.severity is Severity.ERROR] == []
    assert found.workflows


def test_targets_services_and_stacks_are_read(tmp_path: Path) -> None:
    found = read_example("ssh_slurm.yml", tmp_path).workflows["train"]
    binding = found.binding
    assert found.file == str(tmp_path / "main.cwl") and found.settings == str(tmp_path / "inputs.yml")
    assert binding.for_step("/train").targets[0].shown == "batch/gpu"
    assert binding.for_step("/evaluate/inner").targets[0].shown == "login"
    assert binding.for_step("/other").targets[0].shown == "local"
    assert binding.for_port("/dataset") is not None and binding.for_port("/train/x") is None
    wraps = binding.deployment("batch").wraps
    assert wraps is not None and wraps.deployment == "login"
    served = binding.docker_for("/evaluate")
    assert served is not None and served.kind == "singularity" and served.wrapper
    login = binding.deployment("login").config
    assert login["sshKeyPassphraseFile"] == str(tmp_path / "keys/passphrase")


def test_several_targets_come_with_their_filters_in_order(tmp_path: Path) -> None:
    binding = read_example("two_sites.yml", tmp_path).workflows["federated"].binding
    bound = binding.for_step("/round/train")
    assert [target.shown for target in bound.targets] == ["site_a/cpu", "site_b/cpu"]
    assert bound.filters == ("by_site", "mix")
    assert dict(binding.filters["by_site"].rules[1].ports) == {"site": "B"}


def test_old_names_are_understood_and_each_is_named_once(tmp_path: Path) -> None:
    found = read_example("old_names.yml", tmp_path)
    binding = found.workflows["legacy"].binding
    assert binding.for_step("/run").targets[0].locations == 2
    inner = binding.deployment("cluster").wraps
    assert inner is not None and binding.deployment(inner.deployment).config["nodes"] == ["login.example.org"]
    warned = [problem.text for problem in found.problems if "is an old name" in problem.text]
    assert len(warned) == len(set(warned)) and any("models" in text for text in warned)


def test_a_failure_manager_becomes_retries(tmp_path: Path) -> None:
    wishes = read_example("cluster_services.yml", tmp_path).wishes
    assert wishes.retries == 4
    assert wishes.retry == ("4,delay=2,factor=1",)


def test_types_without_a_connector_are_named_in_one_line_each(tmp_path: Path) -> None:
    found = read_example("cluster_services.yml", tmp_path)
    named = [problem.text for problem in found.problems if problem.severity is Severity.UNSUPPORTED]
    assert any("'docker-compose'" in text for text in named) and any("'kubernetes'" in text for text in named)


@pytest.mark.parametrize("kind", sorted(set(CONFIGS) - set(known_kinds())))
def test_each_type_without_a_connector_loads_with_one_line_that_names_it(kind: str, tmp_path: Path) -> None:
    given = {name: NEEDED[name] for name, key in CONFIGS[kind].keys.items() if key.required}
    binding = [{"step": "/", "target": {"deployment": "there"}}]
    workflow = {"type": "cwl", "config": {"file": "main.cwl"}, "bindings": binding}
    document = {
        "version": "v1.0",
        "workflows": {"w": workflow},
        "deployments": {"there": {"type": kind, "config": given}},
    }
    (tmp_path / "main.cwl").write_text("")
    (tmp_path / "binding.yml").write_text(json.dumps(document))
    found = read_binding_file(str(tmp_path / "binding.yml"))
    assert [problem.severity for problem in found.problems] == [Severity.UNSUPPORTED]
    assert f"no connector for the type {kind!r} yet" in found.problems[0].text


def test_the_database_becomes_the_store(tmp_path: Path) -> None:
    assert read_example("local_and_docker.yml", tmp_path).wishes.store == str(tmp_path / "prov/run.db")


@pytest.mark.parametrize("name", NAMES)
def test_the_json_schema_says_the_same(name: str) -> None:
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    from recrate.binding.format import json_schema
    from recrate.core.cwl.nodes import parse_values

    text = (EXAMPLES / name).read_text()
    jsonschema.Draft202012Validator.check_schema(json_schema())
    errors = list(jsonschema.Draft202012Validator(json_schema()).iter_errors(parse_values(text, "file:///x.yml")))
    assert [error.message for error in errors] == []


def test_a_binding_comes_back_from_the_record(tmp_path: Path) -> None:
    from recrate.core.binding import Binding

    for name in NAMES:
        for entry in read_example(name, tmp_path).workflows.values():
            assert Binding.of_json(entry.binding.as_json()) == entry.binding
