"""Loads CWL documents: v1.0 to v1.2, the loop of v1.3, mixed as `run` allows.

The way of a document: `fetch` reads files, `nodes` parses them, `documents` carries out imports
and finds processes, `schema` checks and normalises each process, `*_nodes` build the dataclasses
of `process`. `check` looks at what only the whole can tell, such as types of links.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ...errors import DocumentInvalid, Where
from .cache import DocumentCache
from .documents import PROCESSES, Document, Documents, choose, version_of
from .fetch import FetchBytes, Fetcher, join, split_reference
from .problems import Problem, Severity, did_you_mean, raise_first
from .process import LoadedDocument, Process
from .process_nodes import Builder, build_expression_tool, build_operation, build_tool
from .schema import schema_of, start_reading
from .tree import Map, file_name, where_of
from .type_nodes import Types
from .workflow_nodes import build_workflow

MAX_NESTED = 100
"""Processes in each other."""


def load_document(
    reference: str,
    *,
    allow_network: bool = False,
    cache: DocumentCache | None = None,
    fetcher: FetchBytes | None = None,
) -> LoadedDocument:
    """Load the process that a path or URI names, with `#id` for one of several.

    Args:
        reference: a path or a file:, http: or https: URI, perhaps with a fragment.
        allow_network: whether files may be read from the web.
        cache: where loaded documents are kept between runs of the program.
        fetcher: reads http(s) URIs instead of the program's own way.

    Raises DocumentInvalid for what breaks the rules of CWL, Unsupported for what Recrate does not have.
    """
    document, problems = load_with_problems(reference, allow_network=allow_network, cache=cache, fetcher=fetcher)
    raise_first(problems)
    return document


def load_with_problems(
    reference: str,
    *,
    allow_network: bool = False,
    cache: DocumentCache | None = None,
    fetcher: FetchBytes | None = None,
) -> tuple[LoadedDocument, list[Problem]]:
    """As `load_document`, with what was found wrong or odd; raises only when nothing can be built."""
    uri, fragment = split_reference(reference)
    files = Fetcher(allow_network=allow_network, fetch=fetcher)
    known = cache.get(uri, fragment, files) if cache is not None else None
    if known is not None:
        return known, []
    loader = _Loader(Documents(files))
    process = loader.process(uri, fragment, (), None, None)
    document = LoadedDocument(process, dict(files.sources))
    if cache is not None and not loader.problems:
        cache.put(uri, fragment, document)
    return document, loader.problems


@dataclass(slots=True)
class _Loader:
    """Builds each process of a load once."""

    documents: Documents
    problems: list[Problem] = field(default_factory=list)
    built: dict[tuple[str, str], Process] = field(default_factory=dict)

    def process(
        self, uri: str, fragment: str, chain: tuple[str, ...], version: str | None, where: Where | None
    ) -> Process:
        """Return a process of a document; `version` is that of what runs it, for a document that does not say."""
        document = self.documents.get(uri, where)
        chosen = choose(document, fragment, where)
        known = self.built.get((uri, chosen))
        if known is not None:
            return known
        identity = f"{uri}#{chosen}" if chosen else uri
        if identity in chain or len(chain) >= MAX_NESTED:
            names = " > ".join(_shown(link) for link in (*chain[-5:], identity))
            what = "this process runs itself" if identity in chain else "too many processes in each other"
            raise DocumentInvalid(f"{what}: {names}", where=where)
        node = document.processes[chosen]
        inherited = document.version or version
        place = _Place(identity, document, (*chain, identity), inherited, None)
        self.built[uri, chosen] = made = self.build(node, place)
        return made

    def build(self, node: Map, place: _Place) -> Process:
        """Return the process that a node describes."""
        version = version_of(node) or place.version
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
                inner = _Place(builder.id, place.document, place.chain, version, builder.types)
                return build_workflow(builder, lambda step, name: self._run(step, name, inner))

    def _builder(self, node: Map, place: _Place, version: str) -> Builder:
        """Check a node against the schema of its version, and make what builds it."""
        reading = start_reading(version, self.documents.namespaces)
        kind = _class_of(node, version, reading.term(str(node.get("class")), node.uri))
        normal = schema_of(version).normalise(_without_directives(node), reading)
        normal["class"] = kind
        grave = [one for one in reading.problems if one.severity is Severity.ERROR]
        if grave:
            raise_first([*self.problems, *reading.problems])
        self.problems += reading.problems
        types = Types(self.problems, reading.expand, place.types)
        return Builder(normal, place.identity, version, reading, types, place.document.schemas)

    def _run(self, step: Map, name: str, place: _Place) -> Process:
        """Return the process that a step runs: an inline one, or one of this or another document."""
        run = step["run"]
        if isinstance(run, Map):
            separator = "/" if "#" in place.identity else "#"
            identity = f"{place.identity}{separator}{name}"
            return self.build(run, _Place(identity, place.document, place.chain, place.version, place.types))
        uri, _, fragment = join(step.uri, run).partition("#")
        return self.process(uri, fragment, place.chain, place.version, where_of(step, "run"))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a process stands."""

    identity: str
    document: Document
    chain: tuple[str, ...]
    """Ids of the processes that run it, outermost first, and its own."""
    version: str | None
    types: Types | None
    """Of the process that it stands in."""


def _shown(identity: str) -> str:
    uri, hash_, fragment = identity.partition("#")
    return file_name(uri) + hash_ + fragment


def _class_of(node: Map, version: str, kind: str) -> str:
    """Return the class of a process node. Raises DocumentInvalid for what is none in a version."""
    known = [name for name in PROCESSES if name in schema_of(version).records]
    if kind in known:
        return kind
    if node.get("class") is None:
        hint = f"one of {', '.join(known[:4])}"
        raise DocumentInvalid("not a CWL process: it has no class", where=where_of(node), hint=hint)
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
