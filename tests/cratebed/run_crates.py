"""A crate of a run, made by hand after the profiles, that nothing is wrong with; on both lines of the standard."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cratebed.building import Raw, ref

RUN_TERMS = "https://w3id.org/ro/terms/workflow-run/context"
DONE = "http://schema.org/CompletedActionStatus"
CONTENT: Mapping[str, str] = {
    "workflow.cwl": "cwlVersion: v1.2\nclass: Workflow\ninputs: {text: string}\noutputs: {}\nsteps: {}\n",
    "results/out.txt": "hello\n",
    "README.md": "# hello\n",
}


@dataclass(frozen=True)
class Line:
    """Versions that belong together."""

    crate: str
    workflow: str
    run: str

    @property
    def contexts(self) -> list[str]:
        return [f"https://w3id.org/ro/crate/{self.crate}/context", RUN_TERMS]

    @property
    def base(self) -> str:
        return f"https://w3id.org/ro/crate/{self.crate}"

    @property
    def workflow_profile(self) -> str:
        return f"https://w3id.org/workflowhub/workflow-ro-crate/{self.workflow}"

    @property
    def run_profiles(self) -> list[str]:
        return [f"https://w3id.org/ro/wfrun/{kind}/{self.run}" for kind in ("process", "workflow", "provenance")]


LINE_05 = Line("1.1", "1.0", "0.5")
LINE_06 = Line("1.3", "1.1", "0.6")
LINES = {"0.5": LINE_05, "0.6": LINE_06}


def run_crate(line: Line = LINE_05) -> dict[str, Raw]:
    """Return the entities of a crate by `@id`: a workflow of one step that ran once."""
    return {str(one["@id"]): one for one in (*_head(line), *_plan(), *_data(), *_actions())}


def _head(line: Line) -> list[Raw]:
    newer = line is LINE_06
    return [
        {
            "@id": "ro-crate-metadata.json",
            "@type": "CreativeWork",
            "about": ref("./"),
            "conformsTo": ref(line.base) if newer else [ref(line.base), ref(line.workflow_profile)],
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": "hello",
            "description": "A workflow that says hello.",
            "datePublished": "2026-01-02T03:04:05+00:00",
            "license": ref("https://spdx.org/licenses/CC0-1.0"),
            "author": ref("https://orcid.org/0000-0002-1825-0097"),
            "publisher": ref("https://example.org/"),
            "conformsTo": [ref(url) for url in (*line.run_profiles, line.workflow_profile)],
            "hasPart": [ref(name) for name in CONTENT],
            "mainEntity": ref("workflow.cwl"),
            "mentions": [ref("#run"), ref("#say-run"), ref("#organize"), ref("#control")],
        },
        *({"@id": url, "@type": ["CreativeWork", "Profile"] if newer else "CreativeWork", "name": "profile",
           "version": url.rpartition("/")[2]} for url in (*line.run_profiles, line.workflow_profile)),
        {"@id": "https://spdx.org/licenses/CC0-1.0", "@type": "CreativeWork", "name": "CC0", "description": "free",
         "url": "https://creativecommons.org/publicdomain/zero/1.0/"},
        {"@id": "https://orcid.org/0000-0002-1825-0097", "@type": "Person", "name": "Josiah Carberry",
         "affiliation": ref("https://example.org/")},
        {"@id": "https://example.org/", "@type": "Organization", "name": "Example", "url": "https://example.org/"},
    ]  # fmt: skip


def _plan() -> list[Raw]:
    cwl = "https://w3id.org/workflowhub/workflow-ro-crate#cwl"
    parameter = "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"
    return [
        {
            "@id": "workflow.cwl",
            "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
            "name": "hello",
            "encodingFormat": "application/x-yaml",
            "programmingLanguage": ref(cwl),
            "conformsTo": ref("https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"),
            "input": ref("#text"),
            "output": ref("#out"),
            "step": ref("#say"),
            "hasPart": ref("#tool"),
        },
        {"@id": cwl, "@type": "ComputerLanguage", "name": "Common Workflow Language", "alternateName": "CWL",
         "identifier": ref("https://w3id.org/cwl/v1.2/"), "url": ref("https://www.commonwl.org/"), "version": "v1.2"},
        {"@id": "#text", "@type": "FormalParameter", "name": "text", "additionalType": "Text",
         "conformsTo": ref(parameter), "workExample": ref("#text-value")},
        {"@id": "#out", "@type": "FormalParameter", "name": "out", "additionalType": "File",
         "conformsTo": ref(parameter), "workExample": ref("results/out.txt")},
        {"@id": "#say", "@type": "HowToStep", "workExample": ref("#tool"), "position": "0"},
        {"@id": "#tool", "@type": "SoftwareApplication", "name": "say", "url": "https://example.org/say",
         "version": "1"},
        {"@id": "#engine", "@type": "SoftwareApplication", "name": "Recrate", "url": "https://example.org/recrate",
         "version": "0.1.0"},
    ]  # fmt: skip


def _data() -> list[Raw]:
    return [
        {"@id": "results/out.txt", "@type": "File", "name": "out.txt", "encodingFormat": "text/plain",
         "contentSize": "6", "exampleOfWork": ref("#out")},
        {"@id": "README.md", "@type": "File", "name": "README.md", "encodingFormat": "text/markdown",
         "about": ref("./")},
        {"@id": "#text-value", "@type": "PropertyValue", "name": "text", "value": "hello",
         "exampleOfWork": ref("#text")},
    ]  # fmt: skip


def _actions() -> list[Raw]:
    agent = ref("https://orcid.org/0000-0002-1825-0097")
    times = {"startTime": "2026-01-02T03:04:05.000+00:00", "endTime": "2026-01-02T03:04:06.000+00:00"}
    return [
        {"@id": "#run", "@type": "CreateAction", "name": "run of hello", "instrument": ref("workflow.cwl"),
         "description": "recrate run workflow.cwl", "agent": agent, "actionStatus": DONE,
         "object": ref("#text-value"), "result": ref("results/out.txt"), **times},
        {"@id": "#say-run", "@type": "CreateAction", "name": "run of say", "instrument": ref("#tool"),
         "description": "echo hello", "agent": agent, "actionStatus": DONE,
         "object": ref("#text-value"), "result": ref("results/out.txt"), **times},
        {"@id": "#control", "@type": "ControlAction", "name": "say", "instrument": ref("#say"),
         "object": ref("#say-run")},
        {"@id": "#organize", "@type": "OrganizeAction", "name": "all of it", "instrument": ref("#engine"),
         "object": ref("#control"), "result": ref("#run"), "agent": agent, **times},
    ]  # fmt: skip
