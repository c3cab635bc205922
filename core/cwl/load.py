"""Loads CWL documents: v1.0 to v1.2, the loop of v1.3, mixed as `run` allows.

The way of a document: `fetch` reads files, `nodes` parses them, `documents` carries out imports
and finds processes, `schema` checks and normalises each process, `*_nodes` build the dataclasses
of `process`. `check` looks at what only the whole can tell, such as types of links.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace

from ...data_classes import dataclass
from ...errors import DocumentInvalid, Unsupported, Where
from .cache import DocumentCache
from .check import check
from .documents import PROCESSES, Documents, choose, version_of
from .fetch import FetchBytes, Fetcher, join, split_reference
from .problems import Problem, Severity, did_you_mean, raise_first
from .process import LoadedDocument, Process, Workflow
from .process_nodes import Builder, build_expression_tool, build_operation, build_tool
from .schema import canonical, schema_of, start_reading
from .tree import Map, file_name, where_of
from .type_nodes import Types
from .workflow_nodes import build_workflow

GENERATOR = "cwltool:ProcessGenerator"
MAX_NESTED = 40
"""Processes in each other."""
MAX_STEPS = 1_000_000
"""Steps of a workflow, with those of the workflows in it each time they are run."""


def load_document(
    reference: str,
    *,
    allow_network: bool = False,
    cache: DocumentCache | None = None,
    fetcher: FetchBytes | None = None,
    texts: Mapping[str, bytes] | None = None,
) -> LoadedDocument:
    """Load the process that a path or URI names, with `#id` for one of several.

    Args:
        reference: a path or a file:, http: or https: URI, perhaps with a fragment.
        allow_network: whether files may be read from the web.
        cache: where documents in which nothing is wrong are kept between runs of the program.
        fetcher: reads http(s) URIs instead of the program's own way.
        texts: contents by URI that are taken instead of what lies there now, such as those of an earlier load.

    Raises DocumentInvalid for what breaks the rules of CWL, Unsupported for what Recrate does not have.
    """
    document, problems = load_with_problems(
        reference, allow_network=allow_network, cache=cache, fetcher=fetcher, texts=texts
    )
    raise_first(problems)
    return document


def load_with_problems(
    reference: str,
    *,
    allow_network: bool = False,
    cache: DocumentCache | None = None,
    fetcher: FetchBytes | None = None,
    texts: Mapping[str, bytes] | None = None,
) -> tuple[LoadedDocument, list[Problem]]:
    """As `load_document`, with what was found wrong or odd; raises only when nothing can be built."""
    uri, fragment = split_reference(reference)
    files = Fetcher(allow_network=allow_network, fetch=fetcher)
    files.sources.update(texts or {})
    known = cache.get(uri, fragment, files) if cache is not None else None
    if known is not None:
        return known, []
    loader = _Loader(Documents(files))
    process = loader.process(uri, fragment, None, None)
    document = LoadedDocument(process, dict(files.sources))
    if cache is not None and not loader.problems and not check(document):
        document = replace(document, valid=True)
        cache.put(uri, fragment, document)
    return document, loader.problems


@dataclass(slots=True)
class _Loader:
    """Builds each process of a load once."""

    documents: Documents
    problems: list[Problem] = field(default_factory=list)
    built: dict[tuple[str, str], Process] = field(default_factory=dict)
    weights: dict[int, int] = field(default_factory=dict)
    """By identity of a workflow: the number of its steps, with those within them."""

    def process(self, uri: str, fragment: str, around: _Place | None, where: Where | None) -> Process:
        """Return a process of a document; `around` is the place of what runs it."""
        chain = around.chain if around is not None else ()
        document = self.documents.get(uri, where)
        chosen = choose(document, fragment, where)
        known = self.built.get((uri, chosen))
        if known is not None:
            return known
        identity = f"{uri}#{chosen}" if chosen else uri
        if identity in chain:
            names = " > ".join(_shown(link) for link in (*chain[chain.index(identity) :], identity))
            raise DocumentInvalid(f"this process runs itself: {names}", where=where)
        node = document.processes[chosen]
        place = _Place(identity, (*chain, identity), document.version, document.schemas)
        if around is not None:
            schemas = tuple(dict.fromkeys((*document.schemas, *around.schemas)))
            place = replace(place, version=document.version or around.version, schemas=schemas)
        self.built[uri, chosen] = made = self.build(node, place)
        return made

    def build(self, node: Map, place: _Place) -> Process:
        """Return the process that a node describes."""
        version = version_of(node) or place.version
        if len(place.chain) > MAX_NESTED:
            raise DocumentInvalid(f"processes in each other more than {MAX_NESTED} times", where=where_of(node))
        if version is None:
            raise DocumentInvalid("no cwlVersion", where=where_of(node), hint="add `cwlVersion: v1.2`")
        builder = self._builder(node, place, version)
        match builder.node["class"]:
            case "CommandLineTool":
                return build_tool(builder)
            case "ExpressionTool":
                return build_expression_tool(builder)
            case "Operation":
                return build_operation(builder)
            case _:
                inner = replace(place, version=version, types=builder.types)
                workflow = build_workflow(builder, lambda step, name: self._run(step, name, inner))
                self._weigh(workflow)
                return workflow

    def _weigh(self, workflow: Workflow) -> None:
        """Refuse a workflow that the workflows within it make too large for any machine."""
        weight = sum(1 + self.weights.get(id(step.run), 0) for step in workflow.steps)
        if weight > MAX_STEPS:
            raise DocumentInvalid(f"this workflow has {weight} steps, more than {MAX_STEPS}", where=workflow.where)
        self.weights[id(workflow)] = weight

    def _builder(self, node: Map, place: _Place, version: str) -> Builder:
        """Check a node against the schema of its version, and make what builds it."""
        reading = start_reading(version, self.documents.namespaces)
        kind = _class_of(node, version, canonical(str(node.get("class")), node.uri, reading))
        normal = schema_of(version).normalise(_without_directives(node), reading)
        normal["class"] = kind
        grave = [one for one in reading.problems if one.severity is Severity.ERROR]
        if grave:
            raise_first([*self.problems, *reading.problems])
        self.problems += reading.problems
        types = Types(self.problems, reading.expand, place.types)
        return Builder(normal, place.identity, version, reading, types, place.schemas)

    def _run(self, step: Map, name: str, place: _Place) -> Process:
        """Return the process that a step runs: an inline one, or one of this or another document."""
        run = step["run"]
        if isinstance(run, Map):
            separator = "/" if "#" in place.identity else "#"
            identity = f"{place.identity}{separator}{name}"
            return self.build(run, replace(place, identity=identity, chain=(*place.chain, identity)))
        uri, _, fragment = join(step.uri, run).partition("#")
        return self.process(uri, fragment, place, where_of(step, "run"))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a process stands."""

    identity: str
    chain: tuple[str, ...]
    """Ids of the processes that run it, outermost first, and its own."""
    version: str | None
    """Of its document, or else of the one that runs it."""
    schemas: tuple[str, ...]
    """Ontologies of its document and of those that run it."""
    types: Types | None = None
    """Of the process that it stands in."""


def _shown(identity: str) -> str:
    uri, hash_, fragment = identity.partition("#")
    return file_name(uri) + hash_ + fragment


def _class_of(node: Map, version: str, kind: str) -> str:
    """Return the class of a process node. Raises DocumentInvalid, Unsupported for what is none in a version."""
    known = [name for name in PROCESSES if name in schema_of(version).terms]
    if kind in known:
        return kind
    if node.get("class") is None:
        hint = f"one of {', '.join(known[:4])}"
        raise DocumentInvalid("not a CWL process: it has no class", where=where_of(node), hint=hint)
    if kind == GENERATOR:
        raise Unsupported(f"{GENERATOR} is not supported", where=where_of(node, "class"))
    hint = did_you_mean(kind, known) or f"one of {', '.join(known)}"
    if kind in PROCESSES:
        hint = f"this document is {version}"
    raise DocumentInvalid(f"{kind!r} is no class of process", where=where_of(node, "class"), hint=hint)


def _without_directives(node: Map) -> Map:
    """Return a process node without `$namespaces`, `$schemas` and `$base`, which belong to the document."""
    if not any(key.startswith("$") for key in node):
        return node
    made = node.like()
    for key, value in node.items():
        if key not in ("$namespaces", "$schemas", "$base", "$graph"):
            made.put(key, value, node.marks.get(key, (0, 0, 0, 0)))
    return made
