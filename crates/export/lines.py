"""The two lines of the standard, which are not compatible, as data.

What has a name in both is written by that name: its meaning follows from the context.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...data_classes import dataclass
from .jsonld import Entity, entity, ref, refs

_RUN = "https://w3id.org/ro/wfrun"
TERMS = "https://w3id.org/ro/terms"
OWN = f"{TERMS}/recrate#"
"""Where the few terms of ours are: see `vocabulary`."""


@dataclass(frozen=True, slots=True)
class Line:
    """Versions of specifications that belong together.

    Attributes:
        name: version of Workflow Run RO-Crate.
        crate: URL of the version of RO-Crate.
        workflow: URL of the version of Workflow RO-Crate.
        bioschemas: what the IRIs of the types of Bioschemas begin with.
        descriptor_names_workflow: the descriptor, not the root, names Workflow RO-Crate.
        more_terms: terms that the contexts of the line lack.
    """

    name: str
    crate: str
    workflow: str
    descriptor_names_workflow: bool
    more_terms: Mapping[str, str]

    @property
    def process(self) -> str:
        """URL of the Process Run Crate profile."""
        return f"{_RUN}/process/{self.name}"

    @property
    def run(self) -> str:
        """URL of the Workflow Run Crate profile."""
        return f"{_RUN}/workflow/{self.name}"

    @property
    def provenance(self) -> str:
        """URL of the Provenance Run Crate profile."""
        return f"{_RUN}/provenance/{self.name}"

    def context(self, own: Mapping[str, str]) -> list[object]:
        """Return the `@context` of a crate; `own` are further terms by name."""
        return [f"{self.crate}/context", f"{TERMS}/workflow-run/context", {**self.more_terms, **own}]

    def descriptor(self, graph: str) -> Entity:
        """Return the entity of the metadata file."""
        follows = [self.crate, self.workflow] if self.descriptor_names_workflow else [self.crate]
        return entity(graph, "CreativeWork", conformsTo=refs(follows), about=ref("./"))

    def claims(self, *, provenance: bool) -> list[str]:
        """Return the URLs of the profiles that the root claims."""
        runs = [self.process, self.run, *([self.provenance] if provenance else [])]
        return [*runs, self.workflow]

    def profile_entities(self, claims: list[str]) -> list[Entity]:
        """Return the entities of the profiles that are claimed."""
        names = {
            self.process: ("Process Run Crate", self.name),
            self.run: ("Workflow Run Crate", self.name),
            self.provenance: ("Provenance Run Crate", self.name),
            self.workflow: ("Workflow RO-Crate", self.workflow.rpartition("/")[2]),
        }
        return [
            entity(url, ["CreativeWork", "Profile"], name=names[url][0], version=names[url][1], url=url)
            for url in claims
        ]


LINE_05 = Line(
    name="0.5",
    crate="https://w3id.org/ro/crate/1.1",
    workflow="https://w3id.org/workflowhub/workflow-ro-crate/1.0",
    descriptor_names_workflow=True,
    more_terms={
        "buildInstructions": "https://codemeta.github.io/terms/buildInstructions",
        "Profile": "http://www.w3.org/ns/dx/prof/Profile",
    },
)
LINE_06 = Line(
    name="0.6",
    crate="https://w3id.org/ro/crate/1.3",
    workflow="https://w3id.org/workflowhub/workflow-ro-crate/1.1",
    descriptor_names_workflow=False,
    more_terms={},
)
LINES: Mapping[str, Line] = {line.name: line for line in (LINE_05, LINE_06)}
"""By the version that `--profile` names."""
