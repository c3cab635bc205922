"""Each rule about workflows finds what it is about, and nothing in a workflow that has none of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from recrate.core.cwl.load import load_document
from recrate.crates.reproducibility.check import check, fails
from recrate.crates.reproducibility.findings import Finding, Severity

IMAGE = "docker.io/library/alpine@sha256:" + "a" * 64


def tool(**changed: Any) -> dict[str, Any]:
    return {
        "cwlVersion": "v1.2",
        "class": "CommandLineTool",
        "requirements": {"DockerRequirement": {"dockerPull": IMAGE}},
        "baseCommand": ["sort"],
        "inputs": {"text": {"type": "File", "inputBinding": {}}},
        "outputs": {"sorted": {"type": "File", "outputBinding": {"glob": "sorted.txt"}}},
        "stdout": "sorted.txt",
    } | changed


def found(folder: Path, document: dict[str, Any], skip: tuple[str, ...] = ()) -> list[Finding]:
    (folder / "it.cwl").write_text(json.dumps(document, indent=1))
    return check(load_document(str(folder / "it.cwl")), skip=skip)


def needing(**requirements: Any) -> dict[str, Any]:
    image = {"DockerRequirement": {"dockerPull": IMAGE}}
    return tool(requirements=image | {name: dict(said) for name, said in requirements.items()})


def test_nothing_is_found_in_a_tool_that_says_all(tmp_path: Path) -> None:
    assert found(tmp_path, tool()) == []


TOOLS: list[tuple[str, str, dict[str, Any]]] = [
    ("image-by-tag", "image alpine:3", tool(requirements={"DockerRequirement": {"dockerPull": "alpine:3"}})),
    (
        "image-built",
        "image mine",
        tool(requirements={"DockerRequirement": {"dockerFile": "FROM alpine", "dockerImageId": "mine"}}),
    ),
    (
        "image-optional",
        f"image {IMAGE}",
        tool(requirements={}, hints={"DockerRequirement": {"dockerPull": IMAGE}}),
    ),
    ("host-software", "sort and what it needs are those of the host", tool(requirements={})),
    (
        "software-version",
        "package samtools",
        needing(SoftwareRequirement={"packages": [{"package": "samtools"}]}),
    ),
    ("network-access", "it may reach the network", needing(NetworkAccess={"networkAccess": True})),
    (
        "network-access",
        "it may reach the network (as every tool of CWL v1.0 may)",
        tool(cwlVersion="v1.0"),
    ),
    ("absolute-path", "/home/ada/ref.fa", tool(arguments=["--reference=/home/ada/ref.fa"])),
    ("absolute-path", "/data/ref.fa", tool(requirements={}, arguments=["/data/ref.fa"])),
    (
        "time-or-chance",
        "Math.random in an expression",
        needing(InlineJavascriptRequirement={}) | {"stdout": "$(Math.random()).txt"},
    ),
    (
        "time-or-chance",
        "new Date in an expression",
        needing(InlineJavascriptRequirement={}, EnvVarRequirement={"envDef": {"NOW": "${return new Date();}"}}),
    ),
    ("time-or-chance-in-command", "date in the command", tool(baseCommand=["date"])),
    (
        "time-or-chance-in-command",
        "$RANDOM in the command",
        needing(InitialWorkDirRequirement={"listing": [{"entryname": "s.sh", "entry": "echo \\$RANDOM"}]}),
    ),
    ("number-of-cores", "runtime.cores is used, and its number is not fixed", tool(arguments=["-j$(runtime.cores)"])),
    ("changed-inputs", "InplaceUpdateRequirement", needing(InplaceUpdateRequirement={"inplaceUpdate": True})),
    ("no-reuse", "enableReuse: false", needing(WorkReuse={"enableReuse": False})),
    (
        "takes-everything",
        "output all takes all that is there",
        tool(outputs={"all": {"type": "File[]", "outputBinding": {"glob": "*"}}}),
    ),
    (
        "seed-left-open",
        "input random_state may be left out",
        tool(inputs={"random_state": {"type": "int?", "inputBinding": {}}}),
    ),
    (
        "web-input",
        "default of text: https://example.org/a.txt",
        tool(inputs={"text": {"type": "File", "default": {"class": "File", "location": "https://example.org/a.txt"}}}),
    ),
    (
        "path-as-default",
        "default of reference: /data/ref.fa",
        tool(inputs={"reference": {"type": "string", "default": "/data/ref.fa", "inputBinding": {}}}),
    ),
]


@pytest.mark.parametrize("rule, detail, document", TOOLS)
def test_a_rule_finds_what_it_is_about(tmp_path: Path, rule: str, detail: str, document: dict[str, Any]) -> None:
    findings = found(tmp_path, document)
    assert (rule, detail) in [(one.rule, one.detail) for one in findings]
    assert all("it.cwl:" in one.where for one in findings)
    assert rule not in [one.rule for one in found(tmp_path, document, skip=(rule,))]


INNOCENT: list[dict[str, Any]] = [
    tool(arguments=["--update", "candidate", "/dev/null", "s/a/b/", "https://a.org/b", "$(inputs.text.path)/x"]),
    tool(arguments=["-j$(runtime.cores)"]) | needing(ResourceRequirement={"coresMin": 2, "coresMax": 2}),
    needing(NetworkAccess={"networkAccess": False}, WorkReuse={"enableReuse": True}),
    needing(SoftwareRequirement={"packages": [{"package": "samtools", "version": ["1.9"]}]}),
    tool(inputs={"seed": {"type": "int", "inputBinding": {}}, "seeds": {"type": "int?", "default": 1}}),
    tool(
        inputs={
            "text": {
                "type": "File",
                "default": {"class": "File", "location": "https://example.org/a", "checksum": "sha1$" + "0" * 40},
            }
        }
    ),
]


@pytest.mark.parametrize("document", INNOCENT)
def test_nothing_is_found_in_what_is_innocent(tmp_path: Path, document: dict[str, Any]) -> None:
    assert found(tmp_path, document) == []


def test_steps_are_looked_at_with_what_holds_around_them(tmp_path: Path) -> None:
    inner = tool(requirements={}, inputs={"seed": {"type": "int?", "inputBinding": {}}})
    del inner["cwlVersion"]
    document = {
        "cwlVersion": "v1.2",
        "class": "Workflow",
        "requirements": {"DockerRequirement": {"dockerPull": "alpine"}, "InlineJavascriptRequirement": {}},
        "inputs": {},
        "outputs": {},
        "steps": {"one": {"run": inner, "in": {}, "out": ["sorted"], "when": "$(Date.now() > 1)"}},
    }
    assert [(one.rule, one.detail) for one in found(tmp_path, document)] == [
        ("image-by-tag", "image alpine"),
        ("seed-left-open", "step one does not set seed"),
        ("time-or-chance-in-step", "Date.now in an expression of step one"),
    ]


def test_a_tool_that_two_steps_run_is_told_of_once(tmp_path: Path) -> None:
    step = {"run": "#sort", "in": {"text": "text"}, "out": ["sorted"]}
    document = {
        "cwlVersion": "v1.2",
        "$graph": [
            {key: value for key, value in tool(requirements={}, id="sort").items() if key != "cwlVersion"},
            {
                "class": "Workflow", "id": "main", "inputs": {"text": "File"}, "outputs": {},
                "steps": {"one": step, "two": {**step, "in": {"text": "one/sorted"}}},
            },
        ],
    }  # fmt: skip
    assert [one.rule for one in found(tmp_path, document)] == ["host-software"]


def test_what_counts_is_said_by_its_severity(tmp_path: Path) -> None:
    notes = found(tmp_path, needing(WorkReuse={"enableReuse": False}))
    assert not fails(notes, Severity.WARNING) and fails(notes, Severity.NOTE) and not fails([], Severity.NOTE)


def test_the_values_that_it_is_to_be_run_with_are_looked_at(tmp_path: Path) -> None:
    document = tool(inputs={"seed": "int?", "reads": "File", "reference": "string"})
    (tmp_path / "it.cwl").write_text(json.dumps(document))
    loaded = load_document(str(tmp_path / "it.cwl"))
    assert [one.rule for one in check(loaded)] == ["seed-left-open"]
    reads = {"class": "File", "location": "https://example.org/reads.fq"}
    findings = check(loaded, {"seed": 1, "reads": reads, "reference": "/data/ref.fa"})
    assert [(one.rule, one.where, one.detail) for one in findings] == [
        ("web-given", "input reads", "https://example.org/reads.fq"),
        ("path-as-text", "input reference", "/data/ref.fa"),
    ]
