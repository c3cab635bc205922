"""Which place a job gets: by binding, filters, room, bytes, load; several at once; another one when one fails."""

from __future__ import annotations

import json
from typing import Any

from recrate.core.binding import Filter, MatchRule, StepBinding, Target
from recrate.provenance.rows import EventRow
from recrate.provenance.states import RunState

from ..engine.bench import Ran, shell, text, workflow
from .fields import Fields, done, ran_at

ECHO = shell({"n": {"type": "int", "inputBinding": {}}}, {"o": "stdout"}, 'sleep 0.05; echo "$1"', stdout="n.txt")
LARGE = shell({}, {"o": "stdout"}, "head -c 200000 /dev/zero", stdout="large.bin")
COUNT = shell({"f": {"type": "File", "inputBinding": {}}}, {"o": "stdout"}, 'wc -c <"$1"', stdout="c.txt")
BOTH = (Target("east"), Target("west"))


def scatter(tool: dict[str, Any]) -> dict[str, Any]:
    return workflow(
        {"n": "int[]"},
        {"o": {"type": "File[]", "outputSource": "s/o"}},
        {"s": {"run": tool, "scatter": "n", "in": {"n": "n"}, "out": ["o"]}},
    )


def places(ran: Ran) -> set[str]:
    return {name for path in ran.jobs if path.startswith("/s[") for name in ran_at(ran, path)}


def test_jobs_of_a_scatter_are_spread_over_its_targets(fields: Fields) -> None:
    ran = fields.run(scatter(ECHO), {"n": list(range(20))}, fields.binding({"/s": BOTH}))
    assert [text(file).strip() for file in ran.outputs["o"]] == [str(n) for n in range(20)]
    assert places(ran) == {"east", "west"}


def test_a_job_goes_to_where_its_data_are(fields: Fields) -> None:
    document = workflow(
        {},
        {"o": {"type": "File", "outputSource": "b/o"}},
        {"a": {"run": LARGE, "in": {}, "out": ["o"]}, "b": {"run": COUNT, "in": {"f": "a/o"}, "out": ["o"]}},
    )
    ran = fields.run(document, {}, fields.binding({"/a": "west", "/b": BOTH}))
    assert ran_at(ran, "/b") == ["west"]
    assert done(ran) == [("west", "local")]


def test_a_matching_filter_sends_jobs_by_the_values_of_their_ports(fields: Fields) -> None:
    rules = (MatchRule("east", None, {"n": "1"}), MatchRule("west", None, {"n": "2"}))
    bound = StepBinding("/s", BOTH, ("by",))
    binding = fields.binding({}, filters={"by": Filter("by", "matching", rules)})
    ran = fields.run(scatter(ECHO), {"n": [1, 2]}, _with(binding, bound))
    assert ran_at(ran, "/s[0]") == ["east"] and ran_at(ran, "/s[1]") == ["west"]


def test_a_filter_that_leaves_no_target_is_an_error(fields: Fields) -> None:
    bound = StepBinding("/s", BOTH, ("by",))
    binding = fields.binding({}, filters={"by": Filter("by", "matching", (MatchRule("east", None, {"n": "1"}),))})
    ran = fields.run(scatter(ECHO), {"n": [7]}, _with(binding, bound))
    assert ran.result.state is RunState.FAILED and "leaves no target" in (ran.jobs["/s[0]"].error or "")


def test_a_target_that_cannot_be_made_is_passed_over(fields: Fields) -> None:
    fields.path("east").mkdir()
    fields.cut("east")
    ran = fields.run(scatter(ECHO), {"n": [1, 2]}, fields.binding({"/s": BOTH}))
    assert ran.result.state is RunState.COMPLETED and places(ran) == {"west"}


def test_a_step_whose_only_place_cannot_be_made_fails_with_its_reason(fields: Fields) -> None:
    fields.path("east").mkdir()
    fields.cut("east")
    ran = fields.run(scatter(ECHO), {"n": [1]}, fields.binding({"/s": "east"}))
    assert ran.result.state is RunState.FAILED
    assert "its link is cut" in (ran.jobs["/s[0]"].error or "")


def test_what_no_place_can_ever_give_is_an_error_at_once(fields: Fields) -> None:
    tool = {**ECHO, "requirements": {"ResourceRequirement": {"ramMin": 10**9}}}
    ran = fields.run(scatter(tool), {"n": [1]}, fields.binding({"/s": BOTH}))
    error = ran.jobs["/s[0]"].error or ""
    assert "no place can ever carry this job out" in error and "east" in error and "west" in error


def test_several_locations_are_given_to_one_job_at_once(fields: Fields) -> None:
    tool = shell({"n": "int"}, {"o": "stdout"}, 'echo "$RECRATE_HOSTS" "$STREAMFLOW_HOSTS"', stdout="h.txt")
    farm = fields.deployment("farm", config={"nodes": ["n1", "n2", "n3"], "share": "farm"})
    binding = fields.binding({"/s": Target("farm", locations=3)}, deployments={"farm": farm})
    ran = fields.run(scatter(tool), {"n": [1, 2, 3, 4]}, binding)
    for file in ran.outputs["o"]:
        hosts, same = text(file).split()
        assert hosts == same and sorted(hosts.split(",")) == ["n1", "n2", "n3"]


def test_more_locations_than_there_are_is_an_error(fields: Fields) -> None:
    ran = fields.run(scatter(ECHO), {"n": [1]}, fields.binding({"/s": Target("east", locations=2)}))
    assert "2 are asked for" in (ran.jobs["/s[0]"].error or "")


def test_no_more_jobs_are_in_flight_than_a_deployment_may_have(fields: Fields) -> None:
    tool = shell(
        {"n": "int"},
        {"o": "stdout"},
        "mkdir ../../lock || exit 9; sleep 0.1; rmdir ../../lock; echo ok",
        stdout="o.txt",
    )
    farm = fields.deployment("farm", config={"nodes": ["n1", "n2"], "share": "farm"}, jobs=1)
    ran = fields.run(
        scatter(tool), {"n": [1, 2, 3, 4]}, fields.binding({"/s": Target("farm")}, deployments={"farm": farm})
    )
    assert ran.result.state is RunState.COMPLETED and places(ran) <= {"n1", "n2"}


def test_locations_of_one_storage_need_no_transfer_between_them(fields: Fields) -> None:
    farm = fields.deployment("farm", config={"nodes": ["n1", "n2"], "share": "farm"})
    document = workflow(
        {},
        {"o": {"type": "File", "outputSource": "b/o"}},
        {"a": {"run": LARGE, "in": {}, "out": ["o"]}, "b": {"run": COUNT, "in": {"f": "a/o"}, "out": ["o"]}},
    )
    ran = fields.run(document, {}, fields.binding({"/": "farm"}, deployments={"farm": farm}))
    assert text(ran.outputs["o"]).strip() == "200000"
    assert [way for way in done(ran) if "local" not in way] == []


def test_nothing_for_long_is_an_event_that_says_what_is_waited_for(fields: Fields) -> None:
    slow = shell({"n": "int"}, {"o": "stdout"}, "sleep 1.5; echo done", stdout="o.txt")
    ran = fields.run(scatter(slow), {"n": [1]}, fields.binding({"/s": "east"}, stalled=0.4))
    events = ran.database.rows(EventRow, "WHERE run_id = ? AND kind = 'NothingHappened'", (ran.id,))
    assert events
    assert "/s[0] is on east" in json.loads(events[0].body)["waiting"][0]


def _with(binding: Any, bound: StepBinding) -> Any:
    from dataclasses import replace

    return replace(binding, steps=(bound,))
