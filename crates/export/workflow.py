"""The workflow, its tools, steps, parameters and connections as entities (Workflow and Provenance Run Crate)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ...data_classes import dataclass
from ...provenance.rows import SoftwareRow
from ...provenance.states import Direction
from .jsonld import Entity, clean, entity, escaped, ref, refs
from .outline import Connection, Outline, Parameter, Place, Tool
from .parameters import PROFILE as PARAMETER_PROFILE
from .parameters import Port, parameter_entity
from .software import LOCK_FILE, software_id
from .texts import Texts, ToolText

PROFILE = "https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"
CWL = "https://w3id.org/workflowhub/workflow-ro-crate#cwl"
_NO_PORT = Port()


@dataclass(frozen=True, slots=True)
class About:
    """What is said of the workflow and all its tools alike."""

    url: str | None
    version: str
    license: str
    creators: Sequence[str]
    publisher: str | None
    created: str
    diagram: str | None
    language: str
    repositories: Sequence[str] = ()
    """Ids of the repositories that its sources lay in."""


def language_entities(language: str) -> list[Entity]:
    """Return the entity of the language of a workflow, such as `cwl v1.2`, and of what that refers to."""
    name, _, version = language.partition(" ")
    if name != "cwl":
        url = "https://about.workflowhub.eu/Workflow-RO-Crate/"
        return [
            entity(f"#language/{escaped(name)}", "ComputerLanguage", name=name, url=url, version=version or "unknown")
        ]
    standard, home = f"https://w3id.org/cwl/{version}/", "https://www.commonwl.org/"
    title = "Common Workflow Language"
    return [
        entity(
            CWL, "ComputerLanguage", name=title, alternateName="CWL", identifier=ref(standard), url=ref(home),
            version=version,
        ),
        entity(standard, "CreativeWork", name=f"{title} {version}", url=standard),
        entity(home, "CreativeWork", name=title, url=home),
    ]  # fmt: skip


def _profile(url: str, name: str) -> Entity:
    return entity(url, ["CreativeWork", "Profile"], name=f"Bioschemas {name}", version=url.rpartition("/")[2], url=url)


@dataclass(frozen=True, slots=True)
class WorkflowEntities:
    """Makes the entities of an outline. `acted` are the ids of the tools that something was done for."""

    outline: Outline
    texts: Texts
    about: About
    acted: frozenset[str]
    packages: Mapping[str, Sequence[SoftwareRow]]
    """By path of a step: what its tool asks for."""
    sizes: Mapping[str, int]
    """Bytes of the files of workflows, by `@id`."""

    def all(self) -> Iterator[Entity]:
        """Yield the main workflow, all that belongs to it, and the profiles that these follow."""
        for tool in self.outline.tools:
            text = self.texts.tools.get(tool.path, ToolText())
            yield self._main(text) if tool is self.outline.main else self._tool(tool, text)
            for place in tool.places.values():
                yield self._place(place)
            for connection in [
                *tool.connections,
                *(one for place in tool.places.values() for one in place.connections),
            ]:
                yield _connection(connection)
        parameters: dict[str, Entity] = {}
        for tool in self.outline.tools:
            text = self.texts.tools.get(tool.path, ToolText())
            for direction, one in _parameters(tool):
                port = text.ports.get((direction, one.name), _NO_PORT)
                parameters.setdefault(one.id, parameter_entity(one, port))
        yield from parameters.values()
        yield _profile(PROFILE, "ComputationalWorkflow")
        if parameters:
            yield _profile(PARAMETER_PROFILE, "FormalParameter")

    def parts(self, tool: Tool) -> list[str]:
        """Return the ids of the tools that a workflow had to do with in this run."""
        # The profile's rules ask that each of them is the instrument of an action.
        return [place.tool.id for place in tool.places.values() if place.tool.id in self.acted]

    def _main(self, text: ToolText) -> Entity:
        tool, about = self.outline.main, self.about
        return entity(
            tool.id,
            ["File", "SoftwareSourceCode", "ComputationalWorkflow", *(["HowTo"] if tool.places else [])],
            creator=refs(about.creators),
            sdPublisher=ref(about.publisher) if about.publisher else None,
            dateCreated=about.created,
            image=ref(about.diagram) if about.diagram else None,
            isPartOf=refs(about.repositories),
            buildInstructions=ref(LOCK_FILE),
            **self._as_file(tool),
            **self._common(tool, text),
        )

    def _as_file(self, tool: Tool) -> Entity:
        """Return what is said of a workflow that is a file of the crate."""
        return {
            "conformsTo": ref(PROFILE),
            "programmingLanguage": ref(self.about.language),
            "encodingFormat": "application/cwl" if tool.id.endswith(".cwl") else "application/json",
            "contentSize": str(self.sizes[tool.id]),
            "license": ref(self.about.license),
        }

    def _tool(self, tool: Tool, text: ToolText) -> Entity:
        common = self._common(tool, text)
        if not tool.is_workflow:
            packages = refs(software_id(row) for row in self.packages.get(tool.path, ()))
            return entity(tool.id, "SoftwareApplication", softwareRequirements=packages, **common)
        # A workflow of which no step was carried out may not be called one: its parts would be missing.
        types = ["ComputationalWorkflow"] if self.parts(tool) else []
        kinds = ["File", "SoftwareSourceCode", *types, *(["HowTo"] if tool.places else [])]
        return entity(tool.id, kinds, **self._as_file(tool), **common)

    def _common(self, tool: Tool, text: ToolText) -> Entity:
        said = {
            "name": clean(tool.name) or "tool",
            "alternateName": clean(text.label) if text.label and text.label != tool.name else None,
            "description": clean(text.description or text.label or f"what {tool.path} runs"),
            "url": self.about.url or self.texts.url(tool.path, self.outline.main.id),
            "version": self.about.version,
            "input": refs(one.id for one in tool.inputs.values()),
            "output": refs(one.id for one in tool.outputs.values()),
            "hasPart": refs(self.parts(tool)),
            "step": refs(place.id for place in tool.places.values()),
            "connection": refs(one.id for one in tool.connections),
        }
        return {name: value for name, value in said.items() if value is not None}

    def _place(self, place: Place) -> Entity:
        return entity(
            place.id,
            "HowToStep",
            name=clean(place.name),
            position=str(place.position),
            workExample=ref(place.tool.id),
            connection=refs(one.id for one in place.connections),
            buildInstructions=ref(LOCK_FILE) if place.tool.kind == "expression" else None,
        )


def _parameters(tool: Tool) -> Iterator[tuple[Direction, Parameter]]:
    for one in tool.inputs.values():
        yield Direction.INPUT, one
    for one in tool.outputs.values():
        yield Direction.OUTPUT, one


def _connection(connection: Connection) -> Entity:
    return entity(
        connection.id,
        "ParameterConnection",
        name=clean(f"{connection.source.name} to {connection.target.name}"),
        sourceParameter=ref(connection.source.id),
        targetParameter=ref(connection.target.id),
    )
