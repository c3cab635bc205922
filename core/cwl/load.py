"""Loads CWL documents: reads, resolves references between documents, builds processes.

Every file that is read to load a document is kept, so that the store can have the texts as their
authors wrote them. A document that includes, imports or runs itself is an error.
"""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urldefrag, urljoin

from ...errors import DocumentInvalid, Unsupported, Where
from ..uris import is_file_uri, to_path, to_uri
from . import build
from .nodes import parse_text
from .process import LoadedDocument, Process
from .tree import Map, Node, Seq, file_name, where_of

VERSIONS = {
    "v1.0": "v1.0",
    "v1.1": "v1.1",
    "v1.2": "v1.2",
    "v1.3": "v1.3",
}
OLD_VERSIONS = ("draft-2", "draft-3", "draft-4")
CLASSES = ("CommandLineTool", "ExpressionTool", "Operation", "Workflow")
MAX_BYTES = 64 << 20
FETCH_SECONDS = 60


def load_document(reference: str, *, allow_network: bool = False) -> LoadedDocument:
    """Load a document by path or URI, with `#id` for one of several processes in it.

    Raises DocumentInvalid, and Unsupported for a version of CWL that is not known.
    """
    loader = Loader(allow_network=allow_network)
    uri, fragment = _start(reference)
    process = loader.process(uri, fragment, ())
    return LoadedDocument(process, dict(loader.sources))


def _start(reference: str) -> tuple[str, str]:
    """Return URI and fragment of what the user named; a file that is called so wins over a fragment."""
    if "://" in reference:
        uri, fragment = urldefrag(reference)
        return uri, fragment
    if os.path.exists(reference):
        return to_uri(os.path.abspath(reference)), ""
    path, _, fragment = reference.rpartition("#") if "#" in reference else (reference, "", "")
    return to_uri(os.path.abspath(path)), fragment


@dataclass(slots=True)
class Document:
    """One file: its tree after `$import`, `$include` and `$mixin`, and its processes by id."""

    uri: str
    root: Node
    version: str
    namespaces: Mapping[str, str]
    schemas: tuple[str, ...]
    processes: dict[str, Map] = field(default_factory=dict)


@dataclass(slots=True)
class Loader:
    """Reads files once and builds processes from them."""

    allow_network: bool
    sources: dict[str, bytes] = field(default_factory=dict)
    _documents: dict[str, Document] = field(default_factory=dict)
    _built: dict[tuple[str, str], Process] = field(default_factory=dict)

    # -- reading -----------------------------------------------------------------------------

    def read(self, uri: str, where: Where | None = None) -> bytes:
        """Return the bytes at a URI. Raises DocumentInvalid when they cannot be had."""
        if uri not in self.sources:
            self.sources[uri] = self._read_file(uri, where) if is_file_uri(uri) else self._fetch(uri, where)
        return self.sources[uri]

    def _read_file(self, uri: str, where: Where | None) -> bytes:
        path = to_path(uri)
        try:
            if os.path.getsize(path) > MAX_BYTES:
                raise DocumentInvalid(f"{path!r} is larger than {MAX_BYTES >> 20} MiB", where=where)
            with open(path, "rb") as stream:
                return stream.read()
        except OSError as error:
            raise DocumentInvalid(f"cannot read {path!r}: {error.strerror}", where=where) from error

    def _fetch(self, uri: str, where: Where | None) -> bytes:
        if not uri.startswith(("http://", "https://")):
            raise DocumentInvalid(f"cannot read {uri!r}: only files, http and https are known", where=where)
        if not self.allow_network:
            raise DocumentInvalid(
                f"{uri!r} is on the network", where=where, hint="allow it with --enable-net, or use a local copy"
            )
        try:
            with urllib.request.urlopen(uri, timeout=FETCH_SECONDS) as answer:
                content: bytes = answer.read(MAX_BYTES + 1)
        except (urllib.error.URLError, OSError, ValueError) as error:
            raise DocumentInvalid(f"cannot fetch {uri!r}: {getattr(error, 'reason', error)}", where=where) from error
        if len(content) > MAX_BYTES:
            raise DocumentInvalid(f"{uri!r} is larger than {MAX_BYTES >> 20} MiB", where=where)
        return content

    def _text(self, uri: str, where: Where | None) -> str:
        try:
            return self.read(uri, where).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise DocumentInvalid(f"not UTF-8 (byte {error.start})", where=Where(file_name(uri))) from error

    # -- documents ---------------------------------------------------------------------------

    def document(self, uri: str, where: Where | None = None) -> Document:
        """Return the document at a URI, resolved."""
        known = self._documents.get(uri)
        if known is not None:
            return known
        root = self.resolve(parse_text(self._text(uri, where), uri), uri, (uri,))
        if not isinstance(root, Map):
            raise DocumentInvalid("a CWL document must be a mapping", where=Where(file_name(uri), 1, 1))
        document = Document(uri, root, self._version(root), _namespaces(root), _schemas(root, uri))
        self._documents[uri] = document
        self._list_processes(document)
        return document

    def _version(self, root: Map) -> str:
        said = root.get("cwlVersion")
        if said is None:
            graph = root.get("$graph")
            found = {item["cwlVersion"] for item in graph or () if isinstance(item, Map) and "cwlVersion" in item}
            if len(found) != 1:
                raise DocumentInvalid("cwlVersion is missing", where=where_of(root), hint="add cwlVersion: v1.2")
            said = found.pop()
        text = str(said).removeprefix("cwl:").removeprefix("https://w3id.org/cwl/cwl#")
        short = text.partition(".0-dev")[0] if "-dev" in text else text
        version = VERSIONS.get(short)
        if version is None:
            kind = Unsupported if text in OLD_VERSIONS or text.startswith("v") else DocumentInvalid
            raise kind(
                f"unknown cwlVersion {said!r}", where=where_of(root, "cwlVersion"), hint=f"known: {', '.join(VERSIONS)}"
            )
        return version

    def _list_processes(self, document: Document) -> None:
        graph = document.root.get("$graph")
        items = list(graph.values()) if isinstance(graph, Map) else graph if isinstance(graph, Seq) else [document.root]
        for item in items:
            if not isinstance(item, Map):
                raise DocumentInvalid("$graph must hold processes", where=where_of(document.root, "$graph"))
            name = _fragment(str(item.get("id", "")))
            if name in document.processes:
                raise DocumentInvalid(f"two processes have the id {name!r}", where=where_of(item, "id"))
            document.processes[name] = item

    def resolve(self, node: Node, uri: str, chain: tuple[str, ...]) -> Node:
        """Return a tree with `$import`, `$include` and `$mixin` carried out."""
        if isinstance(node, Seq):
            made = Seq(uri, node.line, node.column)
            for index, item in enumerate(node):
                made.add(self.resolve(item, uri, chain), node.marks[index] if index < len(node.marks) else (0, 0))
            return made
        if not isinstance(node, Map):
            return node
        if len(node) == 1 and "$include" in node:
            return self._text(urljoin(uri, str(node["$include"])), where_of(node, "$include"))
        if len(node) == 1 and "$import" in node:
            return self._imported(node, str(node["$import"]), uri, chain)
        if "$mixin" in node:
            return self._mixed(node, uri, chain)
        copy = node.like()
        for key, value in node.items():
            copy.put(key, self.resolve(value, uri, chain), node.marks.get(key, (0, 0, 0, 0)))
        return copy

    def _imported(self, node: Map, target: str, uri: str, chain: tuple[str, ...]) -> Node:
        address, fragment = urldefrag(urljoin(uri, target))
        if address in chain:
            names = " > ".join(file_name(link) for link in (*chain, address))
            raise DocumentInvalid(f"this document imports itself: {names}", where=where_of(node, "$import"))
        tree = self.resolve(parse_text(self._text(address, where_of(node)), address), address, (*chain, address))
        if not fragment:
            return tree
        for item in tree.get("$graph", tree) if isinstance(tree, Map) else tree:
            if isinstance(item, Map) and _fragment(str(item.get("id", item.get("name", "")))) == fragment:
                return item
        raise DocumentInvalid(f"{target!r} names nothing that is there", where=where_of(node, "$import"))

    def _mixed(self, node: Map, uri: str, chain: tuple[str, ...]) -> Node:
        base = self._imported(node, str(node["$mixin"]), uri, chain)
        if not isinstance(base, Map):
            raise DocumentInvalid("$mixin needs a mapping", where=where_of(node, "$mixin"))
        copy = base.like()
        for source in (base, node):
            for key, value in source.items():
                if key != "$mixin":
                    resolved = self.resolve(value, uri, chain) if source is node else value
                    copy.put(key, resolved, source.marks.get(key, (0, 0, 0, 0)))
        return copy

    def inline(self, node: Map, around: build.Context) -> build.Context:
        """Return the context of a process within a step that names its own version of CWL."""
        document = around.document
        own = Document(
            document.uri, node, self._version(node), document.namespaces, document.schemas, document.processes
        )
        return build.Context(self, own, around.id, around.chain)

    # -- processes ---------------------------------------------------------------------------

    def process(self, uri: str, fragment: str, chain: tuple[str, ...], where: Where | None = None) -> Process:
        """Return the process with an id in a document; without one the only one, or `main`."""
        document = self.document(uri, where)
        name = _chosen(document, fragment, where)
        identity = f"{uri}#{name}" if name else uri
        if identity in chain:
            names = " > ".join(file_name(link) for link in (*chain[chain.index(identity) :], identity))
            raise DocumentInvalid(f"this process runs itself: {names}", where=where)
        known = self._built.get((uri, name))
        if known is None:
            node = document.processes[name]
            known = build.build_process(node, build.Context(self, document, identity, (*chain, identity)))
            self._built[(uri, name)] = known
        return known


def _chosen(document: Document, fragment: str, where: Where | None) -> str:
    names = list(document.processes)
    if fragment:
        if fragment in document.processes:
            return fragment
        raise DocumentInvalid(
            f"there is no process {fragment!r} in {file_name(document.uri)}",
            where=where,
            hint=f"processes: {', '.join(names)}" if any(names) else None,
        )
    if len(names) == 1:
        return names[0]
    if "main" in document.processes:
        return "main"
    raise DocumentInvalid(
        f"{file_name(document.uri)} holds {len(names)} processes and none is called main",
        where=where,
        hint=f"choose one with #: {', '.join(names)}",
    )


def _fragment(identity: str) -> str:
    return identity.rpartition("#")[2] if "#" in identity else identity.rpartition("/")[2]


def _namespaces(root: Map) -> dict[str, str]:
    found = root.get("$namespaces")
    return {str(name): str(uri) for name, uri in found.items()} if isinstance(found, Map) else {}


def _schemas(root: Map, uri: str) -> tuple[str, ...]:
    found: Any = root.get("$schemas") or []
    return tuple(urljoin(uri, str(item)) for item in ([found] if isinstance(found, str) else found))
