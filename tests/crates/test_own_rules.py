"""Rules of our own, for what the official validator does not look at."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cratebed.building import Raw, archive, folder, head, ref, zipped
from cratebed.checking import rules, shown
from cratebed.run_crates import CONTENT, LINE_05, LINE_06, LINES, Line, run_crate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recrate.crates.export.lines import OWN
from recrate.crates.publishing.publish import plan
from recrate.crates.publishing.service import PublishOptions
from recrate.crates.publishing.targets import TARGETS, Kind
from recrate.crates.validation.check import Checker
from recrate.crates.validation.report import Severity
from recrate.errors import CrateInvalid

ALL = Checker(Severity.OPTIONAL, official=False)
Change = Callable[[dict[str, Raw]], object]


def found(path: Path, checker: Checker = ALL) -> set[tuple[str, str, str]]:
    """Return entity, property and rule of what is wrong with a crate."""
    return rules(checker.check(str(path)))


def found_in(path: Path, change: Change, line: Line = LINE_05) -> set[tuple[str, str, str]]:
    """Return what is wrong with the crate of a run after a change."""
    graph = run_crate(line)
    change(graph)
    return found(folder(path / "crate", graph.values(), CONTENT, context=line.contexts))


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_nothing_is_wrong_with_a_crate_that_keeps_the_rules(tmp_path: Path, line: Line) -> None:
    report = ALL.check(str(folder(tmp_path / "crate", run_crate(line).values(), CONTENT, context=line.contexts)))
    assert report.valid, shown([report])


# -- files -----------------------------------------------------------------------------------------


def test_files_that_are_only_described_or_only_there(tmp_path: Path) -> None:
    graph = [*head(["a.txt", "b/"]), {"@id": "a.txt", "@type": "File"}, {"@id": "b/", "@type": "Dataset"}]
    path = folder(tmp_path / "crate", graph, {"c.txt": "", "d/e.txt": "", "ro-crate-preview.html": "<!doctype html>"})
    assert found(path) == {
        ("a.txt", "", "recrate:missing"),
        ("b/", "", "recrate:missing"),
        ("c.txt", "", "recrate:undescribed"),
        ("d/e.txt", "", "recrate:undescribed"),
    }
    assert found(zipped(path, tmp_path / "crate.zip")) == found(path)


def test_a_folder_that_is_described_explains_what_is_in_it(tmp_path: Path) -> None:
    graph = [*head(["b/"]), {"@id": "b/", "@type": "Dataset"}]
    assert found(folder(tmp_path / "crate", graph, {"b/c/d.txt": ""})) == set()


def test_signatures_need_no_description(tmp_path: Path) -> None:
    assert found(folder(tmp_path / "crate", head(), {"recrate/signatures/manifest.json": "{}"})) == set()


def test_an_empty_folder_is_there(tmp_path: Path) -> None:
    graph = [*head(["b/"]), {"@id": "b/", "@type": "Dataset"}]
    (folder(tmp_path / "crate", graph) / "b").mkdir()
    assert found(tmp_path / "crate") == set()
    packed = archive(tmp_path / "crate.zip", graph)
    with zipfile.ZipFile(packed, "a") as made:
        made.mkdir("b")
    assert found(packed) == set()


@pytest.mark.parametrize("identity", ["a b.txt", "a%20b.txt", "./a%20b.txt"])
def test_names_may_be_percent_encoded(tmp_path: Path, identity: str) -> None:
    graph = [*head([identity]), {"@id": identity, "@type": "File"}]
    assert found(folder(tmp_path / "crate", graph, {"a b.txt": ""})) == set()


def test_files_elsewhere_need_not_be_in_the_crate(tmp_path: Path) -> None:
    web = "https://example.org/a.txt"
    graph = [*head([web]), {"@id": web, "@type": "File"}, {"@id": "#b", "@type": "Dataset"}]
    assert found(folder(tmp_path / "crate", graph)) == set()


def test_sizes_are_compared_and_hashes_when_asked_for(tmp_path: Path) -> None:
    right, wrong = hashlib.sha256(b"abc").hexdigest(), "0" * 64
    graph = [
        *head(["a.txt", "b.txt"]),
        {"@id": "a.txt", "@type": "File", "contentSize": "4", "sha256": right.upper()},
        {"@id": "b.txt", "@type": "File", "contentSize": "3", "sha256": wrong, "sha1": "x"},
    ]
    path = folder(tmp_path / "crate", graph, {"a.txt": "abc", "b.txt": "abc"})
    assert found(path) == {("a.txt", "contentSize", "recrate:size")}
    with_hashes = Checker(Severity.OPTIONAL, official=False, hashes=True)
    assert found(path, with_hashes) - found(path) == {
        ("b.txt", "sha256", "recrate:hash"),
        ("b.txt", "sha1", "recrate:hash"),
    }


def test_the_metadata_stand_at_the_root_of_an_archive(tmp_path: Path) -> None:
    folder(tmp_path / "outer" / "crate", head())
    packed = zipped(tmp_path / "outer", tmp_path / "crate.zip")
    assert ("ro-crate-metadata.json", "", "recrate:metadata-at-root") in found(packed)


# -- runs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "prop"),
    [
        (Line("1.3", "1.0", "0.5"), "conformsTo"),
        (Line("1.3", "1.0", "0.5"), "@context"),
        (Line("1.1", "1.1", "0.6"), "conformsTo"),
        (Line("1.1", "1.1", "0.6"), "@context"),
        (Line("1.2", "1.0", "0.4"), "@context"),
    ],
)
def test_versions_of_two_lines_do_not_go_together(tmp_path: Path, line: Line, prop: str) -> None:
    wrong = found_in(tmp_path, lambda graph: None, line)
    assert ("ro-crate-metadata.json", prop, "recrate:line") in wrong


def test_the_versions_of_all_run_profiles_are_the_same(tmp_path: Path) -> None:
    other = "https://w3id.org/ro/wfrun/process/0.4"
    wrong = found_in(tmp_path, lambda graph: graph["./"]["conformsTo"].append(ref(other)))
    assert ("./", "conformsTo", "recrate:line") in wrong
    wrong = found_in(tmp_path, lambda graph: graph["./"]["conformsTo"].append(ref(LINE_06.workflow_profile)))
    assert ("./", "conformsTo", "recrate:line") in wrong


def test_in_the_06_line_the_root_names_workflow_ro_crate(tmp_path: Path) -> None:
    claims = [ref(url) for url in LINE_06.run_profiles]
    wrong = found_in(tmp_path, lambda graph: graph["./"].update(conformsTo=claims), LINE_06)
    assert ("./", "conformsTo", "recrate:root-names-workflow-ro-crate") in wrong


def test_in_workflow_ro_crate_11_a_workflow_with_steps_is_a_how_to(tmp_path: Path) -> None:
    def change(graph: dict[str, Raw]) -> None:
        graph["workflow.cwl"]["@type"].remove("HowTo")

    wrong = ("workflow.cwl", "@type", "recrate:how-to")
    assert wrong in found_in(tmp_path, change, LINE_06)
    assert wrong not in found_in(tmp_path, change, LINE_05)


def test_the_context_of_the_run_terms_comes_last(tmp_path: Path) -> None:
    path = folder(tmp_path / "crate", run_crate().values(), CONTENT, context=LINE_05.contexts[::-1])
    assert found(path) == {("ro-crate-metadata.json", "@context", "recrate:context-order")}


@pytest.mark.parametrize(
    ("changes", "prop", "rule"),
    [
        ({"object": ref("#nowhere")}, "object", "dangling"),
        ({"startTime": "yesterday"}, "startTime", "time"),
        ({"startTime": "2026-01-02T03:04:05"}, "startTime", "time-zone"),
        ({"startTime": "2026-01-02T03:04:05-01:00"}, "endTime", "time-order"),
    ],
)
def test_an_action_is_looked_at(tmp_path: Path, changes: Raw, prop: str, rule: str) -> None:
    assert found_in(tmp_path, lambda graph: graph["#run"].update(changes)) == {("#run", prop, f"recrate:{rule}")}


def test_times_without_fractions_and_with_z_are_times(tmp_path: Path) -> None:
    times = {"startTime": "2026-01-02T03:04:05Z", "endTime": "2026-01-02T05:04:05+02:00"}
    assert found_in(tmp_path, lambda graph: graph["#run"].update(times)) == set()


def test_values_are_examples_of_parameters(tmp_path: Path) -> None:
    wrong = found_in(tmp_path, lambda graph: graph["results/out.txt"].update(exampleOfWork=ref("#tool")))
    assert wrong == {("results/out.txt", "exampleOfWork", "recrate:example-of-work")}


# -- our vocabulary --------------------------------------------------------------------------------


def own(**changes: Raw) -> dict[str, Raw]:
    """Return a crate that uses our vocabulary as it is meant, with changes of its entities."""
    graph = run_crate()
    for name in ("attemptNumber", "resourceRequest"):
        graph[f"{OWN}{name}"] = {"@id": f"{OWN}{name}", "@type": "DefinedTerm", "name": name}
    graph["#say-run"] |= {"attemptNumber": 1, "exitCode": 0, "location": ref("#here"), "resourceRequest": ref("#cores")}
    graph["#here"] = {"@id": "#here", "@type": "Place", "name": "here"}
    graph["#cores"] = {
        "@id": "#cores", "@type": "PropertyValue", "propertyID": f"{OWN}cores", "value": "2", "unitCode": "x",
    }  # fmt: skip
    graph["#moved"] = {
        "@id": "#moved", "@type": "TransferAction", "fromLocation": ref("#here"), "toLocation": ref("#here"),
    }  # fmt: skip
    for name, change in changes.items():
        graph[f"#{name.replace('_', '-')}"].update(change)
    return graph


def found_with(path: Path, graph: dict[str, Raw]) -> set[tuple[str, str, str]]:
    terms = {name: f"{OWN}{name}" for name in ("attemptNumber", "exitCode", "jobPath", "resourceRequest")}
    return found(folder(path / "crate", graph.values(), CONTENT, context=[*LINE_05.contexts, terms]))


def test_our_vocabulary_as_it_is_meant(tmp_path: Path) -> None:
    assert found_with(tmp_path, own()) == set()


@pytest.mark.parametrize(
    ("changes", "entity", "prop", "rule"),
    [
        ({"say_run": {"attemptNumber": 0}}, "#say-run", "attemptNumber", "whole-number"),
        ({"say_run": {"exitCode": "1.5"}}, "#say-run", "exitCode", "whole-number"),
        ({"say_run": {"jobPath": "/say"}}, "#say-run", "jobPath", "undefined-term"),
        ({"here": {"attemptNumber": 1}}, "#here", "attemptNumber", "term-domain"),
        ({"say_run": {"location": ref("#tool")}}, "#say-run", "location", "place"),
        ({"moved": {"toLocation": None}}, "#moved", "toLocation", "transfer"),
        ({"moved": {"fromLocation": ref("#text")}}, "#moved", "fromLocation", "place"),
        ({"say_run": {"resourceRequest": ref("#tool")}}, "#say-run", "resourceRequest", "figure"),
        ({"cores": {"propertyID": f"{OWN}nonsense"}}, "#cores", "propertyID", "figure-meaning"),
        ({"cores": {"unitCode": None}}, "#cores", "unitCode", "figure-unit"),
    ],
)
def test_our_vocabulary_is_used_as_it_is_meant(
    tmp_path: Path, changes: dict[str, Raw], entity: str, prop: str, rule: str
) -> None:
    assert found_with(tmp_path, own(**changes)) == {(entity, prop, f"recrate:{rule}")}


def test_the_same_words_of_others_mean_what_others_say(tmp_path: Path) -> None:
    theirs = {"attemptNumber": "first", "location": ref("#tool")}
    assert found_in(tmp_path, lambda graph: graph["#run"].update(theirs)) == set()


def test_what_a_crate_says_is_escaped_in_messages(tmp_path: Path) -> None:
    graph = own(here={"@type": "\x1b[31m", "attemptNumber": 1})
    path = folder(tmp_path / "crate", graph.values(), CONTENT)
    (message,) = [one.message for one in ALL.check(str(path)).issues if one.rule == "recrate:term-domain"]
    assert message == "attemptNumber is said of actions, not of \\x1b[31m"


# -- whatever a crate says -------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from([
        ref("./"), ref("#run"), ref("#nowhere"), ref("results/out.txt"), "0001-01-01T00:00:00+23:59", "9999-12-31",
        {"@value": "x"}, {"@list": ["x"]},
    ]),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)  # fmt: skip
PROPERTIES = (
    "@type", "attemptNumber", "author", "conformsTo", "contentSize", "endTime", "exampleOfWork", "hasPart", "isBasedOn",
    "license", "location", "mainEntity", "name", "object", "resourceUsage", "sha256", "startTime", "step", "url",
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(
        st.tuples(st.sampled_from(sorted(own())), st.sampled_from(PROPERTIES), VALUES), min_size=1, max_size=6
    )
)
def test_any_value_of_any_property_is_judged(tmp_path: Path, changes: list[tuple[str, str, object]]) -> None:
    graph = own()
    for entity, prop, value in changes:
        graph[entity][prop] = value
    path = str(folder(tmp_path / "crate", graph.values(), CONTENT))
    for issue in Checker(Severity.OPTIONAL, official=False, hashes=True).check(path).issues:
        assert issue.message.isprintable() and issue.rule
    for target in TARGETS.values():
        try:
            plan(path, target, PublishOptions(submit=target.kind is Kind.WORKFLOWHUB))
        except CrateInvalid:
            continue
