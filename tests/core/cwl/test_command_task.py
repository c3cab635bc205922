"""Tools as tasks: what they ask for, their plans, and what an Operation says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recrate.core.cwl.task import CwlOperation, CwlTool
from recrate.core.cwl.translate import Translator
from recrate.core.model import Task
from recrate.core.plan import CommandPlan, Request, Runtime
from recrate.core.values import Values
from recrate.errors import InputInvalid, Unsupported

from .loading import load, load_tool

RUNTIME = Runtime(outdir="/out", tmpdir="/tmp/t", inputs="/in")


@pytest.fixture
def code(tmp_path: Path) -> Any:
    """Makes the code of a tool of v1.2 with what a text says."""

    def made(text: str, **requirements: Any) -> CwlTool:
        body = Translator().body(load_tool(tmp_path, text), requirements)
        assert isinstance(body, Task)
        assert isinstance(body.code, CwlTool)
        return body.code

    return made


def planned(code: CwlTool, values: Values | None = None, runtime: Runtime = RUNTIME) -> CommandPlan:
    inputs = code.accept(values or {})
    return code.plan(inputs, code.request(inputs), runtime)


def test_a_plan_has_the_command_its_streams_and_its_inputs(code: Any, tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("x")
    tool = code(
        """
        arguments: [-n]
        inputs: {f: {type: File, inputBinding: {}}, name: string}
        outputs: []
        stdin: $(inputs.f.path)
        stdout: $(inputs.name).txt
        stderr: logs/err
        """
    )
    item = {"class": "File", "location": f"file://{tmp_path}/in.txt"}
    plan = planned(tool, {"f": item, "name": "it"})
    assert plan.argv == ("echo", "-n", "/in/0/in.txt")
    assert (plan.shell, plan.stdin, plan.stdout, plan.stderr) == (None, "/in/0/in.txt", "/out/it.txt", "/out/logs/err")
    assert plan.inputs["f"]["path"] == "/in/0/in.txt"
    assert [stage.target for stage in plan.stages] == ["/in/0/in.txt"]
    assert plan.environment["HOME"] == "/out"


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../..", "."])
def test_a_stream_outside_of_the_output_directory_is_an_error(code: Any, name: str) -> None:
    with pytest.raises(InputInvalid, match=r"stdout .* is not in the output directory"):
        planned(code(f"inputs: []\noutputs: []\nstdout: {name}"))


@pytest.mark.parametrize("text", ["$(null)", "$(inputs.n)", "$(inputs.empty)"])
def test_a_stream_that_gets_no_name_is_an_error(code: Any, text: str) -> None:
    tool = code(f"inputs: {{n: int, empty: string}}\noutputs: []\nstdout: {text}")
    with pytest.raises(InputInvalid, match="stdout must be the name of a file"):
        planned(tool, {"n": 3, "empty": ""})


CODES = [
    ("", {0}, set(), set()),
    ("successCodes: [3]", {0, 3}, set(), set()),
    ("permanentFailCodes: [0]", set(), set(), {0}),
    ("temporaryFailCodes: [0, 9]\nsuccessCodes: [1]", {1}, {0, 9}, set()),
]


@pytest.mark.parametrize("text, success, temporary, permanent", CODES)
def test_exit_codes_mean_what_the_tool_says(
    code: Any, text: str, success: set[int], temporary: set[int], permanent: set[int]
) -> None:
    plan = planned(code(f"inputs: []\noutputs: []\n{text}"))
    assert (plan.success_codes, plan.temporary_fail_codes, plan.permanent_fail_codes) == (success, temporary, permanent)


def test_a_shell_is_used_only_where_it_is_asked_for(code: Any) -> None:
    text = "inputs: []\noutputs: []\narguments: [{valueFrom: '| cat', shellQuote: false}]\n"
    assert planned(code(text + "requirements: {ShellCommandRequirement: {}}")).shell == "echo | cat"
    assert planned(code(text + "hints: {ShellCommandRequirement: {}}")).shell == "echo | cat"


def test_variables_and_the_work_directory_are_part_of_the_plan(code: Any, tmp_path: Path) -> None:
    tool = code(
        """
        inputs: {n: int}
        outputs: []
        requirements:
          EnvVarRequirement: {envDef: {N: $(inputs.n)}}
          InitialWorkDirRequirement: {listing: [{entryname: conf, entry: "n=$(inputs.n)\\n"}]}
        """
    )
    plan = planned(tool, {"n": 3})
    assert plan.environment["N"] == "3"
    assert [(stage.target, stage.contents) for stage in plan.stages] == [("/out/conf", "n=3\n")]


def test_requests_are_computed_from_the_inputs(code: Any) -> None:
    tool = code(
        """
        inputs: {n: int}
        outputs: []
        requirements:
          InlineJavascriptRequirement: {}
          ResourceRequirement: {coresMin: $(inputs.n), ramMin: "$(inputs.n * 100)"}
          ToolTimeLimit: {timelimit: $(inputs.n)}
          NetworkAccess: {networkAccess: true}
          WorkReuse: {enableReuse: false}
          InplaceUpdateRequirement: {inplaceUpdate: true}
        hints:
          DockerRequirement: {dockerPull: debian, dockerOutputDirectory: /data}
          SoftwareRequirement: {packages: {bwa: {version: ["0.7"]}}}
        """
    )
    request = tool.request({"n": 4})
    assert (request.resources.cores, request.resources.ram) == (4, 400)
    assert (request.time_limit, request.network, request.reuse, request.inplace_update) == (4.0, True, False, True)
    assert request.image is not None
    assert (request.image.name, request.image.output_directory, request.image.required) == ("debian", "/data", False)
    assert request.software[0]["package"] == "bwa"


@pytest.mark.parametrize("way", ["dockerLoad", "dockerImport"])
def test_an_image_archive_is_found_beside_the_document(code: Any, tmp_path: Path, way: str) -> None:
    docker = f"requirements: {{DockerRequirement: {{dockerImageId: img, {way}: images/i.tar}}}}"
    image = code(f"inputs: []\noutputs: []\n{docker}").request({}).image
    assert f"file://{tmp_path}/images/i.tar" in (image.load, image.import_)


def test_an_mpi_tool_is_started_by_mpirun(code: Any) -> None:
    text = "inputs: []\noutputs: []\n"
    one, two = code(text), code(text + "requirements: {ShellCommandRequirement: {}}")
    for tool in (one, two):
        plan = tool.plan({}, Request(mpi_processes=4), RUNTIME)
        assert plan.argv == ("mpirun", "-n", "4", "echo")
    assert two.plan({}, Request(mpi_processes=4), RUNTIME).shell == "mpirun -n 4 /bin/sh -c echo"


def test_secret_inputs_are_known_to_the_plan(code: Any) -> None:
    tool = code(
        """
        inputs: {password: {type: string, inputBinding: {}}, other: string}
        outputs: []
        hints: {cwltool:Secrets: {secrets: [password]}}
        $namespaces: {cwltool: "http://commonwl.org/cwltool#"}
        """
    )
    assert planned(tool, {"password": "hunter2", "other": "x"}).secrets == {"hunter2"}


def test_only_more_than_a_reference_makes_a_tool_use_javascript(code: Any) -> None:
    text = "inputs: {n: int}\noutputs: []\nrequirements: {InlineJavascriptRequirement: {}}\n"
    assert not code(text + "arguments: [$(inputs.n)]").uses_javascript
    assert code(text + "arguments: [$(inputs.n + 1)]").uses_javascript
    assert not code("inputs: {n: int}\noutputs: []\narguments: [$(inputs.n)]").uses_javascript


def test_listings_are_loaded_where_they_are_asked_for_or_in_v1_0_used(tmp_path: Path) -> None:
    (tmp_path / "d" / "sub").mkdir(parents=True)
    value = {"class": "Directory", "location": f"file://{tmp_path}/d"}

    def listed(version: str, extra: str = "") -> bool:
        head = f"cwlVersion: {version}\nclass: CommandLineTool\nbaseCommand: echo\n"
        body = Translator().body(load(tmp_path, head + "inputs: {d: Directory}\noutputs: []\n" + extra))
        return "listing" in body.code.accept({"d": value})["d"]

    uses = "arguments: [$(inputs.d.listing.length)]"
    assert listed("v1.0", uses)
    assert not listed("v1.0")
    assert not listed("v1.2", uses)
    assert listed("v1.2", "requirements: {LoadListingRequirement: {loadListing: shallow_listing}}")


def test_an_operation_cannot_be_executed(tmp_path: Path) -> None:
    process = load(tmp_path, "cwlVersion: v1.2\nclass: Operation\ninputs: {n: int}\noutputs: {m: int}\n")
    body = Translator().body(process)
    assert isinstance(body, Task)
    assert isinstance(body.code, CwlOperation)
    assert body.code.accept({"n": 1}) == {"n": 1}
    with pytest.raises(Unsupported, match="is an Operation") as error:
        body.code.request({"n": 1})
    assert error.value.exit_code == 33


def test_what_a_job_asks_for_by_an_expression_follows_its_inputs(code: Any) -> None:
    tool = code(
        """
        requirements: {ResourceRequirement: {coresMin: $(inputs.n)}}
        inputs: {n: int}
        outputs: []
        """
    )
    assert [tool.request({"n": number}).resources.cores for number in (1, 3)] == [1, 3]


def test_what_all_jobs_ask_for_alike_is_found_out_once(code: Any) -> None:
    tool = code("requirements: {ResourceRequirement: {coresMin: 2}}\ninputs: {n: int}\noutputs: []")
    first = tool.request({"n": 1})
    assert first.resources.cores == 2
    assert tool.request({"n": 3}) is first
