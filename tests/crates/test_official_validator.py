"""The official validator: without network, by all profiles that a crate claims, on both lines."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cratebed.building import Raw, archive, folder, head, ref
from cratebed.checking import checked, checker, rules, shown
from cratebed.foreign import SAMPLES
from cratebed.run_crates import CONTENT, LINE_05, LINES, Line, run_crate

from recrate.crates.validation.check import Checker
from recrate.crates.validation.report import Report, Severity
from recrate.errors import Unsupported

Edit = Callable[[dict[str, Raw]], None]


@pytest.fixture(params=LINES)
def line(request: pytest.FixtureRequest) -> Line:
    return LINES[request.param]


LINK = {"@id": "#link", "@type": "ParameterConnection", "sourceParameter": ref("#text")}


def check_of(path: Path, line: Line, edit: Edit | None = None) -> Report:
    """Return what is wrong with the crate of a run after a change."""
    graph = {**run_crate(line), "#link": {**LINK, "targetParameter": ref("#text")}}
    if edit is not None:
        edit(graph)
    return checked(folder(path / "crate", graph.values(), CONTENT, context=line.contexts))


def test_a_crate_that_keeps_all_rules_is_valid(tmp_path: Path, line: Line) -> None:
    report = check_of(tmp_path, line)
    assert report.valid, shown([report])
    assert {claim.profile for claim in report.claims} == {*line.run_profiles, line.workflow_profile, line.base}
    assert all(claim.checked_by == claim.profile for claim in report.claims)


def test_an_archive_is_checked_as_its_folder_is(tmp_path: Path, line: Line) -> None:
    whole = archive(tmp_path / "whole.crate.zip", run_crate(line).values(), CONTENT, context=line.contexts)
    report = checked(whole)
    assert report.valid, shown([report])
    lacking = {name: text for name, text in CONTENT.items() if name != "workflow.cwl"}
    report = checked(archive(tmp_path / "x.zip", run_crate(line).values(), lacking, context=line.contexts))
    assert any("workflow.cwl" in issue.message for issue in report.issues), shown([report])


def test_the_rules_of_one_line_are_not_taken_for_those_of_the_other(tmp_path: Path) -> None:
    """Both are loaded in one process, in whatever order; so are those of several severities."""
    paths = {
        name: folder(tmp_path / name, run_crate(line).values(), CONTENT, context=line.contexts)
        for name, line in LINES.items()
    }
    found: dict[tuple[str, Severity], list[set[tuple[str, str, str]]]] = {}
    for severity, names in {
        Severity.REQUIRED: ("0.6", "0.5", "0.6"),
        Severity.RECOMMENDED: ("0.5", "0.6", "0.5"),
    }.items():
        for name in names:
            found.setdefault((name, severity), []).append(rules(checked(paths[name], severity)))
    for (name, _), results in found.items():
        assert all(result == results[0] for result in results)
        other = "0.5" if name == "0.6" else "0.6"
        assert not [rule for _, _, rule in results[0] if f"run-crate-{other}" in rule]


def without(entity: str, prop: str) -> Edit:
    return lambda graph: graph[entity].pop(prop)


def with_value(entity: str, prop: str, value: Any) -> Edit:
    return lambda graph: graph[entity].update({prop: value})


def profiles_of_another_type(graph: dict[str, Raw]) -> None:
    for name in graph:
        if "/ro/wfrun/" in name:
            graph[name]["@type"] = "Person"


BROKEN: list[list[tuple[Edit, str, str]]] = [
    [
        (without("./", "license"), "./", "license"),
        (without("workflow.cwl", "programmingLanguage"), "workflow.cwl", "programmingLanguage"),
        (with_value("workflow.cwl", "input", ref("#tool")), "workflow.cwl", ""),
        (without("#text", "additionalType"), "#text", "additionalType"),
        (with_value("#out", "workExample", ref("#say")), "#out", "workExample"),
        (without("#say-run", "instrument"), "#say-run", "instrument"),
        (without("#say", "workExample"), "#say", "workExample"),
        (without("#control", "object"), "#control", "object"),
        (without("#organize", "result"), "#organize", "result"),
        (with_value("#run", "resourceUsage", ref("#text-value")), "#text-value", "propertyID"),
        (without("#link", "targetParameter"), "#link", "targetParameter"),
    ],
    [
        (with_value("workflow.cwl", "@type", ["File", "SoftwareSourceCode"]), "workflow.cwl", "@type"),
        (with_value("#run", "instrument", ref("#engine")), "./", ""),
        (with_value("#organize", "object", ref("#text-value")), "#organize", "object"),
        (profiles_of_another_type, "./", "conformsTo"),
    ],
    [
        (without("./", "mainEntity"), "./", "mainEntity"),
        (with_value("#say-run", "instrument", ref("workflow.cwl")), "#tool", ""),
    ],
]
"""Changes that are made together, each with the entity and the property that the validator then names."""


@pytest.mark.parametrize("broken", BROKEN, ids=["entities", "types", "links"])
def test_an_issue_names_entity_and_property(tmp_path: Path, line: Line, broken: list[tuple[Edit, str, str]]) -> None:
    def edit(graph: dict[str, Raw]) -> None:
        for change, _, _ in broken:
            change(graph)

    report = check_of(tmp_path, line, edit)
    found = {(where, what) for where, what, rule in rules(report) if not rule.startswith("recrate:")}
    assert {(entity, prop) for _, entity, prop in broken} <= found, shown([report])
    assert all(issue.severity is Severity.REQUIRED and issue.message for issue in report.issues)


def test_recommendations_are_looked_at_when_asked_for(tmp_path: Path) -> None:
    graph = run_crate()
    del graph["results/out.txt"]["encodingFormat"]
    path = folder(tmp_path / "crate", graph.values(), CONTENT)
    assert checked(path).valid
    found = [one for one in checked(path, Severity.RECOMMENDED).issues if one.entity == "results/out.txt"]
    assert ("encodingFormat", Severity.RECOMMENDED) in {(one.property, one.severity) for one in found}


def test_versions_before_05_are_checked_by_its_rules(tmp_path: Path) -> None:
    graph = run_crate(Line("1.1", "1.0", "0.4"))
    report = checked(folder(tmp_path / "crate", graph.values(), CONTENT))
    assert report.valid, shown([report])
    by = {claim.profile: claim.checked_by for claim in report.claims}
    assert by["https://w3id.org/ro/wfrun/provenance/0.4"] == "https://w3id.org/ro/wfrun/provenance/0.5"


def test_a_profile_without_rules_is_named_and_the_others_are_checked(tmp_path: Path) -> None:
    graph = run_crate()
    graph["./"]["conformsTo"].append(ref("https://example.org/profile"))
    graph["https://example.org/profile"] = {"@id": "https://example.org/profile", "@type": "CreativeWork"}
    del graph["./"]["license"]
    report = checked(folder(tmp_path / "crate", graph.values(), CONTENT))
    assert [claim.profile for claim in report.claims if claim.checked_by is None] == ["https://example.org/profile"]
    assert ("./", "license") in {(issue.entity, issue.property) for issue in report.issues}


def test_a_crate_that_claims_nothing_is_checked_as_an_ro_crate(tmp_path: Path) -> None:
    graph = head()
    del graph[0]["conformsTo"], graph[1]["name"]
    report = checked(folder(tmp_path / "crate", graph))
    assert ("./", "name") in {(issue.entity, issue.property) for issue in report.issues}


def test_a_hostile_crate_is_one_issue(tmp_path: Path) -> None:
    report = checked(folder(tmp_path / "crate", [*head(["../x"]), {"@id": "../x", "@type": "File"}]))
    assert [(issue.rule, issue.severity) for issue in report.issues] == [("recrate:readable", Severity.REQUIRED)]
    assert "leads out of the crate" in report.issues[0].message


def test_nothing_is_fetched(tmp_path: Path, line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """Web entities, contexts in odd spellings and unknown ones: no name is looked up and nothing is connected."""
    reached: list[object] = []

    def refuse(*arguments: object, **_: object) -> None:
        reached.append(arguments)
        raise OSError("no network in this test")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    graph = run_crate(line)
    web = "http://127.0.0.1:9/data.csv"
    graph["./"]["hasPart"].append(ref(web))
    graph[web] = {"@id": web, "@type": "File", "name": "data", "encodingFormat": "text/csv", "contentUrl": web}
    spelled = [url.replace("https:", "http:") for url in line.contexts]
    for severity in (Severity.REQUIRED, Severity.RECOMMENDED):
        checked(folder(tmp_path / "web", graph.values(), CONTENT, context=line.contexts), severity)
    checked(folder(tmp_path / "spelled", graph.values(), CONTENT, context=spelled))
    checked(folder(tmp_path / "unknown", head(), context="https://example.org/context"))
    assert reached == []


def test_crates_of_others_are_checked_as_well(tmp_path: Path) -> None:
    for name in ("runcrate", "wfexs", "galaxy", "nextflow", "autosubmit"):
        report = checked(SAMPLES[name](tmp_path / name))
        assert report.claims and any(claim.checked_by for claim in report.claims), name
        assert "recrate:validator" not in {issue.rule for issue in report.issues}, shown([report])


def test_a_validator_that_breaks_down_hides_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from rocrate_validator.models import Validator

    def fail(self: Validator, crate: str) -> None:
        raise TypeError("'bool' object has no attribute 'replace'")

    monkeypatch.setattr(Validator, "validate", fail)
    graph = run_crate()
    graph["results/out.txt"]["contentSize"] = "7"
    report = checked(folder(tmp_path / "crate", graph.values(), CONTENT))
    assert {issue.rule for issue in report.issues} == {"recrate:size", "recrate:validator"}


def test_without_the_validator_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rocrate_validator.utils", None)
    path = folder(tmp_path / "crate", head())
    with pytest.raises(Unsupported, match=r"recrate\[validate\]"):
        Checker().check(str(path))
    assert Checker(official=False).check(str(path)).valid


def test_a_second_crate_is_checked_by_what_the_first_has_loaded(tmp_path: Path) -> None:
    first = folder(tmp_path / "a", run_crate().values(), CONTENT)
    second = folder(tmp_path / "b", run_crate(LINE_05).values(), {"workflow.cwl": ""})
    loaded = checker()
    assert loaded.check(str(first)).valid
    assert not loaded.check(str(second)).valid
    assert loaded.check(str(first)).valid
