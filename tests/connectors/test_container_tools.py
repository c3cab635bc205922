"""CWL tools in containers of real engines: what the tool sees, may do, and what is on record."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from testbed import containers

from recrate.api import RunOptions, RunResult, run
from recrate.provenance import queries
from recrate.provenance.states import RunState
from recrate.provenance.store import open_store

IMAGE = "docker.io/debian:stable-slim"


@pytest.fixture(params=["docker", "podman"])
def engine(request: pytest.FixtureRequest) -> Iterator[str]:
    """Both engines, one after the other, each private to the tests."""
    testbed: containers.Testbed = request.getfixturevalue(f"{request.param}_testbed")
    with containers.given(testbed):
        yield request.param


class Bench:
    """Runs a tool's shell script in a container."""

    def __init__(self, folder: Path, engine: str) -> None:
        self.folder, self.engine = folder, engine

    def run(self, script: str, docker: dict[str, Any] | None = None, **fields: Any) -> RunResult:
        requirements = {"DockerRequirement": docker or {"dockerPull": IMAGE}, **fields.pop("requirements", {})}
        inputs = fields.pop("values", {})
        tool = {
            "cwlVersion": "v1.2",
            "class": "CommandLineTool",
            "requirements": requirements,
            "baseCommand": ["sh", "-c", script],
            "inputs": {},
            "outputs": {"out": "stdout"},
            **fields,
        }
        document = self.folder / "tool.cwl"
        document.write_text(json.dumps(tool))
        options = RunOptions(store=self.store, work=self.folder / "work", containers=self.engine)
        return run(document, inputs, options=options, outdir=self.folder / "out")

    def text(self, script: str, docker: dict[str, Any] | None = None, **fields: Any) -> str:
        result = self.run(script, docker, **fields)
        assert result.state is RunState.COMPLETED
        return Path(result.outputs["out"]["path"]).read_text()

    @property
    def store(self) -> str:
        return str(self.folder / "store.db")

    def attempt(self, result: RunResult) -> queries.AttemptDetail:
        with open_store(self.store) as store:
            (job,) = queries.jobs(store.database, result.id)
            return queries.job_detail(store.database, job.id).attempts[-1]


@pytest.fixture
def bench(tmp_path: Path, engine: str) -> Bench:
    return Bench(tmp_path, engine)


def test_outputs_belong_to_the_calling_user_and_the_image_is_on_record(bench: Bench) -> None:
    result = bench.run("id -u; cat /etc/os-release | head -1")
    path = Path(result.outputs["out"]["path"])
    assert path.read_text().splitlines()[0] == str(os.getuid())
    assert path.stat().st_uid == os.getuid()
    image = bench.attempt(result).image
    assert image is not None
    assert (image.digest or "").startswith("sha256:")
    assert image.engine.startswith(bench.engine)


def test_inputs_cannot_be_written_to(bench: Bench) -> None:
    data = bench.folder / "data.txt"
    data.write_text("precious\n")
    text = bench.text(
        'cat "$0"; (echo gone > "$0") 2>/dev/null && echo written || echo refused',
        inputs={"data": {"type": "File", "inputBinding": {}}},
        values={"data": data},
    )
    assert text == "precious\nrefused\n"
    assert data.read_text() == "precious\n"


def test_there_is_no_network_and_no_privilege_unless_asked_for(bench: Bench) -> None:
    text = bench.text(
        "ls /sys/class/net; grep CapEff /proc/self/status; touch /x 2>/dev/null && echo root || echo closed"
    )
    lines = text.split()
    assert lines[0] == "lo"
    assert not any(name.startswith(("eth", "ens")) for name in lines)
    assert lines[-3:] == ["CapEff:", "0000000000000000", "closed"]


def test_the_job_sees_its_directories_and_variables(bench: Bench) -> None:
    text = bench.text(
        'pwd; echo "$HOME"; echo "$TMPDIR"; echo "$GREETING"; touch "$TMPDIR/x" && echo ok',
        requirements={"EnvVarRequirement": {"envDef": {"GREETING": 'it\'s "me"'}}},
    )
    outdir, home, tmpdir, greeting, ok = text.splitlines()
    assert outdir == home != tmpdir
    assert (greeting, ok) == ('it\'s "me"', "ok")


def test_a_docker_output_directory_is_where_the_job_works(bench: Bench) -> None:
    assert bench.text("pwd", {"dockerPull": IMAGE, "dockerOutputDirectory": "/results"}) == "/results\n"


def test_an_image_is_built_from_a_docker_file_once(bench: Bench) -> None:
    docker = {"dockerFile": f"FROM {IMAGE}\nENV MADE=here\n", "dockerImageId": "recrate-test-built"}
    if bench.engine == "podman":
        pytest.skip("podman's builder needs the default limits of root, which this kind of machine does not give")
    assert bench.text("echo $MADE", docker) == "here\n"
    assert bench.text("echo again $MADE", docker) == "again here\n"


def test_an_image_is_imported_from_a_root_file_system(bench: Bench) -> None:
    archive = containers.image_archive("busybox")
    docker = {"dockerImport": archive.as_uri(), "dockerImageId": "recrate-test-imported"}
    assert bench.text("echo from busybox", docker) == "from busybox\n"


def test_an_image_is_loaded_from_an_archive(bench: Bench) -> None:
    archive = bench.folder / "image.tar"
    saved = [bench.engine, "save", "-o", str(archive), IMAGE]
    if bench.engine == "podman":
        saved[2:2] = ["--format", "docker-archive"]
    subprocess.run(saved, check=True, capture_output=True)
    docker = {"dockerLoad": "image.tar", "dockerImageId": IMAGE}
    assert bench.text("echo loaded", docker) == "loaded\n"


def test_files_staged_in_the_work_directory_keep_their_identity(bench: Bench) -> None:
    data = bench.folder / "data.txt"
    data.write_text("as it was\n")
    result = bench.run(
        "cat data.txt",
        inputs={"data": "File"},
        values={"data": data},
        requirements={"InitialWorkDirRequirement": {"listing": ["$(inputs.data)"]}},
        outputs={"out": "stdout", "same": {"type": "File", "outputBinding": {"glob": "data.txt"}}},
    )
    assert result.state is RunState.COMPLETED
    assert Path(result.outputs["same"]["path"]).read_text() == "as it was\n"


def test_a_command_that_the_image_does_not_have_is_explained(bench: Bench) -> None:
    result = bench.run("true", baseCommand=["no-such-program"])
    assert result.state is RunState.FAILED
    assert "no-such-program" in (bench.attempt(result).row.error or "")


def test_a_time_limit_ends_the_container(bench: Bench) -> None:
    result = bench.run("sleep 60", requirements={"ToolTimeLimit": {"timelimit": 2}})
    assert result.state is RunState.FAILED
    listed = subprocess.run([bench.engine, "ps", "-q"], capture_output=True, text=True, check=True)
    assert listed.stdout == ""


def test_an_image_that_is_not_here_stops_an_offline_run_before_it_starts(bench: Bench) -> None:
    from recrate.errors import Unsupported

    document = bench.folder / "offline.cwl"
    document.write_text(
        json.dumps(
            {
                "cwlVersion": "v1.2",
                "class": "CommandLineTool",
                "requirements": {"DockerRequirement": {"dockerPull": "nowhere/missing:1"}},
                "baseCommand": "true",
                "inputs": {},
                "outputs": {},
            }
        )
    )
    with pytest.raises(Unsupported, match="nowhere/missing:1"):
        run(document, {}, store=bench.store, work=bench.folder / "work", containers=bench.engine, offline=True)
