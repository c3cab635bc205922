"""Which requirements hold, and what they say for given inputs."""

from typing import Any

import pytest

from recrate.core.cwl.javascript import Limits
from recrate.core.cwl.process import CommandLineTool, WorkflowStep
from recrate.core.cwl.requirements import Asking, Demands, evaluator_for, image_spec, software
from recrate.core.plan import ImageSpec, Resources
from recrate.errors import DocumentInvalid, InputInvalid, RecrateError, Where


def tool(requirements: dict[str, Any] | None = None, hints: dict[str, Any] | None = None) -> CommandLineTool:
    return CommandLineTool(id="file:///t.cwl", version="v1.2", requirements=requirements or {}, hints=hints or {})


def asking(inputs: dict[str, Any] | None = None, version: str = "v1.2", hints: Any = None, **classes: Any) -> Asking:
    named = {name.replace("__", ":"): body for name, body in classes.items()}
    demands = Demands({"InlineJavascriptRequirement": {}, **named}, hints or {})
    return Asking(demands, evaluator_for(demands, version), inputs or {}, Where("t.cwl", 5))


def refusal(ask: Any) -> str:
    with pytest.raises(RecrateError) as caught:
        ask()
    assert "\n" not in caught.value.render()
    assert caught.value.render().startswith("t.cwl:5:0: ")
    return caught.value.problem


# -- which hold ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("workflow", "step", "process", "expected"),
    [
        ("r", "", "", "workflow"),
        ("r", "r", "", "step"),
        ("r", "r", "r", "process"),
        ("r", "", "h", "workflow"),
        ("", "r", "h", "step"),
        ("h", "r", "h", "step"),
        ("h", "h", "h", "process"),
        ("h", "h", "", "step"),
        ("h", "", "", "workflow"),
        ("r", "h", "h", "workflow"),
        ("h", "h", "r", "process"),
    ],
)
def test_requirements_beat_hints_and_the_inner_beats_the_outer(
    workflow: str, step: str, process: str, expected: str
) -> None:
    def holding(mark: str, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
        body = {"WorkReuse": {"from": name}}
        return (body if mark == "r" else {}, body if mark == "h" else {})

    outer, inner = holding(workflow, "workflow"), holding(step, "step")
    placed = WorkflowStep("s", tool(*holding(process, "process")), (), (), requirements=inner[0], hints=inner[1])
    demands = Demands().inside(tool(*outer)).inside(placed).inside(placed.run)
    found = demands.get("WorkReuse")
    assert found is not None
    assert found["from"] == expected


def test_the_job_file_beats_all() -> None:
    demands = Demands({"A": {"n": 1}, "B": {}}, {"C": {}}).overridden({"A": {"n": 2}, "C": {"n": 3}})
    assert demands.get("A") == {"n": 2}
    assert demands.get("C") == {"n": 3}
    assert demands.is_required("C")
    assert demands.get("B") == {}
    assert demands.get("D") is None


def test_the_evaluator_has_what_the_requirement_says() -> None:
    plain = evaluator_for(Demands(), "v1.0")
    assert (plain.javascript, plain.library, plain.version) == (False, (), "v1.0")
    library = {"InlineJavascriptRequirement": {"expressionLib": ["var a = 1;", "var b = 2;"]}}
    limits = Limits(seconds=3)
    for demands in (Demands(library, limits=limits), Demands({}, library, limits)):
        found = evaluator_for(demands, "v1.2")
        assert (found.javascript, found.library, found.limits.seconds) == (True, ("var a = 1;", "var b = 2;"), 3)


# -- resources ----------------------------------------------------------------------------------


def test_defaults_of_resources_depend_on_the_version() -> None:
    assert asking().resources() == Resources(cores=1, ram=256, tmpdir=1024, outdir=1024)
    assert asking(version="v1.0").resources().ram == 1024
    assert asking(version="v1.1").resources().ram == 256


@pytest.mark.parametrize(
    ("body", "least", "most"),
    [
        ({"ramMin": 500}, 500, None),
        ({"ramMax": 700}, 700, 700),
        ({"ramMin": 500, "ramMax": 700}, 500, 700),
        ({"ramMin": 500.2, "ramMax": 700.7}, 501, 701),
        ({"ramMin": "$(inputs.n * 100)"}, 300, None),
        ({"ramMin": "$(inputs.n)"}, 3, None),
        ({"ramMin": "$(null)"}, 256, None),
    ],
)
def test_amounts_are_numbers_or_expressions_rounded_up(body: dict[str, Any], least: int, most: int | None) -> None:
    found = asking({"n": 3}, ResourceRequirement=body).resources()
    assert (found.ram, found.ram_max) == (least, most)


def test_all_amounts_are_read_and_cores_may_be_fractions_since_v1_2() -> None:
    body = {"coresMin": 0.5, "coresMax": 1.5, "tmpdirMin": 10, "outdirMin": 20.5, "outdirMax": 30}
    found = asking(ResourceRequirement=body).resources()
    assert (found.cores, found.cores_max, found.tmpdir, found.outdir, found.outdir_max) == (0.5, 1.5, 10, 21, 30)
    old = asking(version="v1.1", ResourceRequirement=body).resources()
    assert (old.cores, old.cores_max) == (1, 2)


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"ramMin": 2, "ramMax": 1}, "ramMin is 2, more than ramMax, which is 1"),
        ({"coresMin": -1}, "must be a number that is not negative, not -1"),
        ({"coresMin": "four"}, "not 'four'"),
        ({"ramMin": "${ return true; }"}, "not True"),
        ({"ramMin": "$(inputs.none.x)"}, "inputs.none.x"),
    ],
)
def test_wrong_amounts_are_refused(body: dict[str, Any], problem: str) -> None:
    assert problem in refusal(asking({"none": None}, ResourceRequirement=body).resources)


def test_gpus_are_asked_for_only_where_they_are_required() -> None:
    body = {"cudaDeviceCountMin": 2}
    assert asking(cwltool__CUDARequirement=body).resources().gpus == 2
    assert asking(cwltool__CUDARequirement={}).resources().gpus == 1
    assert asking(hints={"cwltool:CUDARequirement": body}).resources().gpus == 0
    assert asking().resources().gpus == 0


# -- the others ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("value", "limit"), [(5, 5.0), (0, None), ("$(inputs.n + 1)", 4.0), (1.5, 1.5)])
def test_a_time_limit_of_zero_is_none(value: Any, limit: float | None) -> None:
    assert asking({"n": 3}, ToolTimeLimit={"timelimit": value}).time_limit() == limit
    assert asking({"n": 3}, cwltool__TimeLimit={"timelimit": value}).time_limit() == limit


@pytest.mark.parametrize("value", [-1, "$(-1)", "x", True])
def test_a_wrong_time_limit_is_refused(value: Any) -> None:
    assert "timelimit must be a number" in refusal(asking(ToolTimeLimit={"timelimit": value}).time_limit)


def test_the_network_is_closed_unless_asked_for_since_v1_1() -> None:
    assert asking().network() is False
    assert asking(version="v1.0").network() is True
    assert asking(NetworkAccess={"networkAccess": True}).network() is True
    assert asking({"on": True}, NetworkAccess={"networkAccess": "$(inputs.on)"}).network() is True
    assert asking(NetworkAccess={"networkAccess": False}, version="v1.0").network() is False
    assert "must be true or false" in refusal(asking(NetworkAccess={"networkAccess": "yes"}).network)


def test_results_are_used_again_unless_forbidden() -> None:
    assert asking().reuse() is True
    assert asking(WorkReuse={"enableReuse": False}).reuse() is False
    assert asking({"again": False}, WorkReuse={"enableReuse": "$(inputs.again)"}).reuse() is False
    assert "must be true or false" in refusal(asking(WorkReuse={"enableReuse": 1}).reuse)


def test_in_place_and_parallel_jobs() -> None:
    assert asking().inplace_update() is False
    assert asking(InplaceUpdateRequirement={"inplaceUpdate": True}).inplace_update() is True
    assert asking().mpi_processes() is None
    assert asking({"n": 4}, cwltool__MPIRequirement={"processes": "$(inputs.n)"}).mpi_processes() == 4


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"dockerPull": "debian"}, ImageSpec("debian", pull="debian")),
        ({"dockerPull": "debian", "dockerImageId": "mine"}, ImageSpec("mine", pull="debian")),
        ({"dockerImageId": "mine"}, ImageSpec("mine")),
        ({"dockerImageId": "m", "dockerLoad": "m.tar"}, ImageSpec("m", load="m.tar")),
        ({"dockerImageId": "m", "dockerImport": "m.tar"}, ImageSpec("m", import_="m.tar")),
        ({"dockerFile": "FROM x", "dockerImageId": "m"}, ImageSpec("m", file="FROM x")),
        ({"dockerPull": "d", "dockerOutputDirectory": "/o"}, ImageSpec("d", pull="d", output_directory="/o")),
    ],
)
def test_images_are_named_with_one_way_to_get_them(body: dict[str, Any], expected: ImageSpec) -> None:
    assert image_spec(Demands({"DockerRequirement": body}), None) == expected
    hint = image_spec(Demands({}, {"DockerRequirement": body}), None)
    assert hint is not None
    assert not hint.required
    assert image_spec(Demands(), None) is None


@pytest.mark.parametrize("body", [{}, {"dockerOutputDirectory": "/o"}, {"dockerLoad": "m.tar"}])
def test_an_image_without_a_name_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(DocumentInvalid):
        image_spec(Demands({"DockerRequirement": body}), None)


def test_packages_are_named_with_versions_and_specs() -> None:
    packages = [{"package": "samtools", "version": ["1.9"], "specs": ["https://x"]}, {"package": "bwa"}]
    assert software(Demands({}, {"SoftwareRequirement": {"packages": packages}})) == (
        {"package": "samtools", "version": ["1.9"], "specs": ["https://x"]},
        {"package": "bwa", "version": [], "specs": []},
    )
    assert software(Demands()) == ()


def test_errors_of_amounts_are_errors_of_inputs() -> None:
    with pytest.raises(InputInvalid):
        asking(ResourceRequirement={"coresMin": -1}).resources()


def test_what_was_asked_for_is_told_from_what_is_a_default() -> None:
    some = asking(ResourceRequirement={"coresMax": 2, "tmpdirMin": 5}).resources()
    assert (some.cores_said, some.ram_said) == (True, False)
    assert asking(ResourceRequirement={"ramMin": 256}).resources().ram_said
