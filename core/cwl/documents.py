"""Documents: files after `$import`, `$include` and `$mixin`, with the processes that stand in them.

Schema Salad v1.1, sections "Document graph", "Import", "Include" and "Mixin". A tree that was
imported keeps the URI of its own file, so that references in it are resolved from there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field

from ...data_classes import dataclass
from ...errors import DocumentInvalid, Unsupported, Where
from .fetch import Fetcher, join
from .nodes import parse_text
from .problems import did_you_mean
from .schema import VERSIONS
from .tree import Map, Node, Seq, file_name, where_of

PROCESSES = ("CommandLineTool", "ExpressionTool", "Operation", "Workflow")
MAX_IMPORTED = 1_000_000
"""Nodes that imports may add to one document, an imported file counted each time."""
MAX_CHAIN = 100
"""Files that import one another in a row."""

_DIRECTIVES = ("$import", "$include", "$mixin")
_VERSION = re.compile(r"(v1\.[0-3])(\.0-dev[0-9]+)?\Z")
_OTHER_VERSION = re.compile(r"draft-[0-9]|v[0-9]+\.[0-9]+")
_CWL = "https://w3id.org/cwl/cwl#"


@dataclass(frozen=True, slots=True)
class Document:
    """One file, resolved."""

    uri: str
    version: str | None
    """None when it does not say."""
    schemas: tuple[str, ...]
    """Absolute URIs of its `$schemas`."""
    processes: Mapping[str, Map]
    """By fragment; the empty one for a process without id."""
    where: Where


@dataclass(slots=True)
class _Tree:
    """A parsed file after its directives: the nodes it counts as, with all that it imports."""

    root: Node
    weight: int


@dataclass(slots=True)
class Documents:
    """All documents of one load, each read once."""

    fetcher: Fetcher
    namespaces: dict[str, dict[str, str]] = field(default_factory=dict)
    """By URI of a file: the prefixes of its `$namespaces`."""
    _trees: dict[str, _Tree] = field(default_factory=dict)
    _documents: dict[str, Document] = field(default_factory=dict)

    def get(self, uri: str, where: Where | None = None) -> Document:
        """Return the document at a URI without fragment. Raises DocumentInvalid, Unsupported."""
        if uri not in self._documents:
            root = self._tree(uri, (), where).root
            if not isinstance(root, Map):
                raise DocumentInvalid("not a CWL document: it must be a mapping", where=Where(file_name(uri), 1, 1))
            self._documents[uri] = self._document(root, uri)
        return self._documents[uri]

    def _document(self, root: Map, uri: str) -> Document:
        base = root.get("$base")
        processes: dict[str, Map] = {}
        for node in _processes(root):
            fragment = fragment_of(node, str(base) if isinstance(base, str) else uri)
            if fragment in processes:
                what = f"two processes have the id {fragment!r}" if fragment else "two processes have no id"
                raise DocumentInvalid(what, where=where_of(node, "id") or where_of(node))
            processes[fragment] = node
        where = where_of(root) or Where(file_name(uri))
        return Document(uri, version_of(root), _schemas(root, uri), processes, where)

    # -- directives ------------------------------------------------------------------------------

    def _tree(self, uri: str, chain: tuple[str, ...], where: Where | None) -> _Tree:
        known = self._trees.get(uri)
        if known is not None:
            return known
        if uri in chain or len(chain) > MAX_CHAIN:
            names = " > ".join(file_name(link) for link in (*chain[-5:], uri))
            what = "this document imports itself" if uri in chain else "too many imports in a row"
            raise DocumentInvalid(f"{what}: {names}", where=where)
        text = self.fetcher.text(uri, where)
        root = parse_text(text, uri)
        if isinstance(root, Map):
            self.namespaces[uri] = _namespaces(root)
        tree = _Tree(root, 0)
        if any(word in text for word in _DIRECTIVES):
            tree.root = self._resolve(root, tree, (*chain, uri))
        tree.weight += text.count("\n") + text.count(",") + 1
        self._trees[uri] = tree
        return tree

    def _resolve(self, node: Node, tree: _Tree, chain: tuple[str, ...]) -> Node:
        """Return a copy of a tree with its directives carried out."""
        if isinstance(node, Seq):
            items = Seq(node.uri, node.line, node.column)
            items.extend(self._resolve(item, tree, chain) for item in node)
            items.marks = node.marks
            return items
        if not isinstance(node, Map):
            return node
        for directive in _DIRECTIVES:
            if directive in node:
                return self._direct(directive, node, tree, chain)
        made = node.like()
        made.marks = node.marks
        for key, value in node.items():
            made[key] = self._resolve(value, tree, chain)
        return made

    def _direct(self, directive: str, node: Map, tree: _Tree, chain: tuple[str, ...]) -> Node:
        target, where = node[directive], where_of(node, directive)
        if not isinstance(target, str):
            raise DocumentInvalid(f"{directive} needs the URI of a file", where=where)
        address, _, fragment = join(node.uri, target).partition("#")
        if directive == "$include":
            return self.fetcher.text(address, where)
        imported = self._tree(address, chain, where)
        tree.weight += imported.weight
        if tree.weight > MAX_IMPORTED:
            raise DocumentInvalid(f"imports make this document larger than {MAX_IMPORTED} nodes", where=where)
        root = _part(imported.root, fragment, address, where) if fragment else imported.root
        return root if directive == "$import" else self._mixed(root, node, tree, chain)

    def _mixed(self, root: Node, node: Map, tree: _Tree, chain: tuple[str, ...]) -> Map:
        if not isinstance(root, Map):
            raise DocumentInvalid("$mixin needs a file with a mapping", where=where_of(node, "$mixin"))
        made = root.like()
        made.update(root)
        made.marks.update(root.marks)
        for key, value in node.items():
            if key != "$mixin":
                made.put(key, self._resolve(value, tree, chain), node.marks.get(key, (0, 0, 0, 0)))
        return made


def _part(root: Node, fragment: str, uri: str, where: Where | None) -> Node:
    """Return the object with an id or a name in an imported file."""
    items = root.get("$graph", [root]) if isinstance(root, Map) else root
    for item in items if isinstance(items, list) else ():
        if isinstance(item, Map) and fragment in (fragment_of(item, uri), fragment_of(item, uri, "name")):
            return item
    raise DocumentInvalid(f"there is no {fragment!r} in {file_name(uri)}", where=where)


def fragment_of(node: Map, uri: str, key: str = "id") -> str:
    """Return the fragment of a node's absolute id; the empty string when it has none."""
    name = node.get(key)
    if not isinstance(name, str):
        return ""
    if "#" in name:
        return name.partition("#")[2]
    return "" if name == uri or "://" in name else name


def _processes(root: Map) -> list[Map]:
    graph = root.get("$graph")
    if graph is None:
        return [root]
    if not isinstance(graph, Seq) or not all(isinstance(item, Map) for item in graph):
        raise DocumentInvalid("$graph must be a list of processes", where=where_of(root, "$graph"))
    if not graph:
        raise DocumentInvalid("$graph is empty", where=where_of(root, "$graph"))
    return list(graph)


def version_of(node: Map) -> str | None:
    """Return the version a node says, without the number of a development release; None when it says none.

    Raises Unsupported for another version of CWL, DocumentInvalid for what is none.
    """
    said = node.get("cwlVersion")
    if said is None:
        return None
    text = str(said).removeprefix(_CWL).removeprefix("cwl:")
    match = _VERSION.match(text)
    if match is not None:
        return match[1]
    where, hint = where_of(node, "cwlVersion"), f"known are {', '.join(VERSIONS)}"
    if isinstance(said, str) and _OTHER_VERSION.match(text):
        raise Unsupported(f"CWL {text} is not supported", where=where, hint=hint)
    raise DocumentInvalid(f"{said!r} is no version of CWL", where=where, hint=hint)


def choose(document: Document, fragment: str, where: Where | None = None) -> str:
    """Return the fragment of the process that is meant: the named one, else `main`, else the only one.

    Raises DocumentInvalid when there is none, or several and none is chosen.
    """
    names = list(document.processes)
    if fragment in document.processes:
        return fragment
    file = file_name(document.uri)
    if fragment:
        hint = did_you_mean(fragment, names) or (f"it has {', '.join(names[:10])}" if any(names) else None)
        raise DocumentInvalid(f"there is no process {fragment!r} in {file}", where=where or document.where, hint=hint)
    if len(names) == 1:
        return names[0]
    if "main" in document.processes:
        return "main"
    hint = f"choose one: {', '.join(f'{file}#{name}' for name in names[:5])}"
    raise DocumentInvalid(f"{file} has {len(names)} processes and none is called main", where=where, hint=hint)


def _namespaces(root: Map) -> dict[str, str]:
    found = root.get("$namespaces")
    if found is None:
        return {}
    if not isinstance(found, Map) or not all(isinstance(uri, str) for uri in found.values()):
        raise DocumentInvalid("$namespaces must map prefixes to URIs", where=where_of(root, "$namespaces"))
    return dict(found)


def _schemas(root: Map, uri: str) -> tuple[str, ...]:
    found = root.get("$schemas")
    items = [] if found is None else [found] if isinstance(found, str) else found
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise DocumentInvalid("$schemas must be a list of URIs", where=where_of(root, "$schemas"))
    return tuple(join(uri, item) for item in items)
