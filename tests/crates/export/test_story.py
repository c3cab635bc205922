"""What was done in a run, as its crate tells it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from recrate.provenance.rows import LocationRow, TransferRow
from recrate.provenance.states import TransferState
from recrate.provenance.store import open_store

from .conftest import COPY, SAY, Crate, Exporter, Runner, file_at, many, names, output, tool, workflow

COMPLETED, FAILED = "http://schema.org/CompletedActionStatus", "http://schema.org/FailedActionStatus"
SCATTER = workflow(
    {"texts": "string[]"},
    {"all": output("File[]", "copy/out")},
    {
        "say": {"run": SAY, "scatter": "text", "in": {"text": "texts"}, "out": ["out"]},
        "copy": {"run": COPY, "scatter": "file", "in": {"file": "say/out"}, "out": ["out"]},
    },
)


def main_action(crate: Crate) -> dict[str, Any]:
    (found,) = [one for one in crate.of("CreateAction") if one["instrument"] == crate.root["mainEntity"]]
    return found


def test_the_run_is_an_action_of_the_main_workflow(run: Runner, export: Exporter) -> None:
    result = run(SCATTER, {"texts": ["a", "b"]})
    crate = export()
    action = main_action(crate)
    assert action["actionStatus"] == COMPLETED and result.name in action["name"]
    assert {"texts"} <= set(names(crate.at(action["object"])))
    (made,) = crate.at(action["result"])
    assert [one["name"] for one in crate.at(made["value"])] == ["copy.txt", "copy.txt"]


def test_the_jobs_of_a_scatter_are_the_object_of_one_control_action(run: Runner, export: Exporter) -> None:
    run(SCATTER, {"texts": ["a", "b", "c"]})
    crate = export()
    controls = crate.of("ControlAction")
    assert sorted(names(controls)) == ["step /copy", "step /say"]
    say = crate.named("step /say")
    assert sorted(names(crate.at(say["object"]))) == ["/say[0]", "/say[1]", "/say[2]"]
    assert names(crate.at(say["instrument"])) == ["say"]
    (engine,) = crate.of("OrganizeAction")
    assert crate.at(engine["object"]) == sorted(controls, key=lambda one: one["name"] == "step /copy")
    assert crate.at(engine["result"]) == [main_action(crate)]
    assert names(crate.at(engine["instrument"])) == ["recrate"]


def test_a_file_leads_from_the_job_that_made_it_to_the_one_that_used_it(run: Runner, export: Exporter) -> None:
    run(SCATTER, {"texts": ["a"]})
    crate = export()
    assert crate.named("/say[0]")["result"] == crate.named("/copy[0]")["object"]


def test_connections_lead_from_parameter_to_parameter(run: Runner, export: Exporter) -> None:
    run(SCATTER, {"texts": ["a"]})
    crate = export()
    found = {(one["sourceParameter"]["@id"], one["targetParameter"]["@id"]) for one in crate.of("ParameterConnection")}
    assert found == {
        ("#main/inputs/texts", "#main/steps/say/run/inputs/text"),
        ("#main/steps/say/run/outputs/out", "#main/steps/copy/run/inputs/file"),
        ("#main/steps/copy/run/outputs/out", "#main/outputs/all"),
    }
    assert crate.graph["#main/steps/copy"]["position"] > crate.graph["#main/steps/say"]["position"]


def test_failed_attempts_stand_beside_the_one_that_succeeded(run: Runner, export: Exporter, tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    once = tool(f"echo no >&2; [ -e {flag} ] || {{ : > {flag}; exit 7; }}; echo yes", {}, {"out": "stdout"})
    run(workflow({}, {"out": output("File", "try/out")}, {"try": {"run": once, "in": {}, "out": ["out"]}}), retries=1)
    crate = export()
    first, second = crate.at(crate.named("step /try")["object"])
    assert (first["actionStatus"], first["exitCode"], first["attemptNumber"]) == (FAILED, 7, 1)
    assert "exit code 7" in first["error"] and "result" not in first
    assert (second["actionStatus"], second["exitCode"], second["attemptNumber"]) == (COMPLETED, 0, 2)
    assert "error" not in second and second["attemptReason"] == "attempt 1 failed"
    assert crate.named("step /try")["actionStatus"] == COMPLETED
    logs = [one for one in crate.of("File") if one.get("about") == {"@id": first["@id"]}]
    assert [(crate.path / one["@id"]).read_text() for one in logs] == ["no\n"]


def test_a_run_that_failed_says_why(run: Runner, export: Exporter) -> None:
    broken = tool("exit 3", {}, {"out": file_at("nothing")})
    steps = {
        "break": {"run": broken, "in": {}, "out": ["out"]},
        "never": {"run": COPY, "in": {"file": "break/out"}, "out": ["out"]},
    }
    run(workflow({}, {"out": output("File", "never/out")}, steps))
    crate = export()
    assert main_action(crate)["actionStatus"] == FAILED
    assert "exit code 3" in crate.named("step /break")["error"]
    main = crate.graph["workflow/packed.cwl"]
    assert crate.at(main["hasPart"]) == crate.at(crate.graph["#main/steps/break"]["workExample"])
    assert crate.at(main["step"]) == [crate.graph["#main/steps/break"], crate.graph["#main/steps/never"]]


def test_a_skipped_step_has_no_action(run: Runner, export: Exporter) -> None:
    skipped = {"run": SAY, "when": "$(inputs.go)", "in": {"text": "text", "go": "go"}, "out": ["out"]}
    said = {"run": SAY, "in": {"text": "text"}, "out": ["out"]}
    steps = {"may": skipped, "must": said}
    both = {"maybe": output("File?", "may/out"), "out": output("File", "must/out")}
    run(workflow({"text": "string", "go": "boolean"}, both, steps), {"text": "x", "go": False})
    crate = export()
    assert names(crate.of("ControlAction")) == ["step /must"]
    assert not [one for one in crate.of("CreateAction") if "may" in one["name"]]
    assert crate.graph["workflow/packed.cwl"]["hasPart"] == {"@id": "#main/steps/must/run"}


def test_workflows_in_the_workflow_have_actions_of_their_own(run: Runner, export: Exporter) -> None:
    inner = workflow({"text": "string"}, {"out": output("File", "say/out")}, {
        "say": {"run": SAY, "in": {"text": "text"}, "out": ["out"]}})  # fmt: skip
    outer = {"run": inner, "scatter": "text", "in": {"text": "texts"}, "out": ["out"]}
    run(workflow({"texts": "string[]"}, {"all": output("File[]", "each/out")}, {"each": outer}), {"texts": ["a", "b"]})
    crate = export()
    engines = {names(crate.at(one["result"]))[0]: names(crate.at(one["object"])) for one in crate.of("OrganizeAction")}
    assert {name: found for name, found in engines.items() if name.startswith("/")} == {
        "/each[0]": ["step /each[0]/say"],
        "/each[1]": ["step /each[1]/say"],
    }
    kinds = crate.graph["workflow/steps/each.cwl"]["@type"]
    assert {"File", "ComputationalWorkflow", "HowTo"} <= set(kinds)
    assert '"say"' in (crate.path / "workflow/steps/each.cwl").read_text()


def test_each_round_of_a_loop_is_an_action(run: Runner, export: Exporter) -> None:
    more = {
        "class": "ExpressionTool", "requirements": {"InlineJavascriptRequirement": {}}, "inputs": {"n": "int"},
        "outputs": {"out": "int"}, "expression": "$({out: inputs.n + 1})",
    }  # fmt: skip
    loop = {"loopWhen": "$(inputs.n < 3)", "loop": {"n": "out"}, "outputMethod": "last", "class": "cwltool:Loop"}
    step = {"run": more, "in": {"n": "n"}, "out": ["out"], "requirements": [loop]}
    document = workflow({"n": "int"}, {"out": output("int", "up/out")}, {"up": step})
    run({**document, "$namespaces": {"cwltool": "http://commonwl.org/cwltool#"}}, {"n": 1})
    crate = export()
    assert names(crate.at(crate.named("step /up")["object"])) == ["/up~0", "/up~1"]


def test_a_result_that_was_taken_says_from_where(run: Runner, export: Exporter) -> None:
    run(SCATTER, {"texts": ["a"]})
    run(SCATTER, {"texts": ["a"]}, cache=True)
    crate = export()
    action = crate.named("/say[0]")
    assert "attemptNumber" not in action and action["cachedFrom"]
    assert action["description"].startswith("not executed: ") and action["actionStatus"] == COMPLETED


def test_what_an_attempt_asked_for_and_used_is_told(run: Runner, export: Exporter) -> None:
    run({**SAY, "requirements": {"ResourceRequirement": {"coresMin": 1, "ramMin": 100}}}, {"text": "x"})
    crate = export()
    (action,) = [one for one in crate.of("CreateAction") if "attemptNumber" in one]
    asked = {
        one["name"]: (one["value"], one["unitCode"].rpartition("/")[2]) for one in crate.at(action["resourceRequest"])
    }
    assert asked == {"cores asked for": ("1", "UNITLESS"), "memory asked for": ("100", "MebiBYTE")}
    used = {one["propertyID"].rpartition("#")[2] for one in crate.at(action["resourceUsage"])}
    assert {"cpuTime", "peakMemory"} <= used
    assert "HOME" in names(crate.at(action["environment"]))
    (place,) = crate.at(action["location"])
    assert place["@type"] == "Place" and names(crate.at(place["containedInPlace"])) == ["local"]


def test_a_tool_alone_is_a_workflow_of_one_step(run: Runner, export: Exporter) -> None:
    run(SAY, {"text": "x"})
    crate = export()
    main = crate.graph["workflow/packed.cwl"]
    assert "ComputationalWorkflow" in main["@type"] and main["hasPart"] == {"@id": "#main/tool"}
    assert crate.graph["#main/tool"]["input"] == main["input"]
    (control,) = crate.of("ControlAction")
    assert crate.at(control["instrument"]) == crate.at(main["step"])


def test_where_nothing_was_done_less_is_claimed(run: Runner, export: Exporter) -> None:
    run(workflow({"x": "string"}, {"out": output("string", "x")}, {}), {"x": "hello"})
    crate = export()
    claims = [one["@id"] for one in crate.root["conformsTo"]]
    assert any("workflow/0.5" in claim for claim in claims) and not any("provenance" in claim for claim in claims)
    assert not crate.of("OrganizeAction")


def test_transfers_lead_from_place_to_place(run: Runner, export: Exporter, tmp_path: Path) -> None:
    result = run(SAY, {"text": "x"})
    with open_store(str(tmp_path / "store.db")) as store:
        here = store.database.rows(LocationRow)[0]
        there = LocationRow(id="there", deployment_id=here.deployment_id, name="node1", hostname="node1")
        (token,) = store.database.query("SELECT token_id FROM file")[0]
        common = {
            "run_id": result.id, "token_id": token, "source_location_id": here.id, "source_path": "/a b",
            "target_location_id": "there", "target_path": "/c", "method": "sftp", "started": 1.0, "ended": 2.5,
        }  # fmt: skip
        store.write(
            there,
            TransferRow(id="one", number=1, state=TransferState.FAILED, error="no route", **common),
            TransferRow(id="two", number=2, state=TransferState.COMPLETED, bytes=2, **common),
        )
    crate = export()
    first, second = sorted(crate.of("TransferAction"), key=lambda one: one["@id"])
    assert (first["actionStatus"], first["error"]) == (FAILED, "no route")
    assert (second["actionStatus"], second["endTime"]) == (COMPLETED, "1970-01-01T00:00:02.500+00:00")
    assert names(crate.at(second["toLocation"])) == ["node1"]
    assert names(crate.at(second["object"])) == ["said.txt"]
    assert {"@id": second["@id"]} in many(crate.root["mentions"])


@pytest.mark.parametrize("line", ["0.5", "0.6"])
def test_every_reference_leads_somewhere(run: Runner, export: Exporter, line: str) -> None:
    from recrate.crates.export.lines import LINES

    run(SCATTER, {"texts": ["a", "b"]})
    crate = export(line=LINES[line])
    lost = [
        (one["@id"], name, target["@id"])
        for one in crate.graph.values()
        for name, value in one.items()
        for target in many(value)
        if isinstance(target, dict) and target["@id"] not in crate.graph and not target["@id"].startswith("http")
    ]
    assert not lost
    parts = {one["@id"] for one in crate.root["hasPart"]}
    local = {one["@id"] for one in crate.of("File") if not one["@id"].startswith("ni:")}
    assert local <= parts
