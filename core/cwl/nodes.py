"""Parsing of YAML and JSON texts to trees with positions (`tree`), and to plain values.

Scalars follow the core schema of YAML 1.2 (section 10.3.2: `yes`, `no` and dates are strings),
anchors, aliases and merge keys are supported, keys are strings and none stands twice.

The tree is built from the events of libyaml. Limits keep hostile texts from
eating the machine: size, depth, and the number of nodes that aliases stand for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from ...errors import DocumentInvalid, Where
from .tree import Map, Node, Seq, file_name, to_plain, where_of, where_of_key

if TYPE_CHECKING:
    from yaml import Event

__all__ = [
    "Map",
    "Node",
    "Seq",
    "decode",
    "file_name",
    "locate",
    "parse_text",
    "parse_values",
    "to_plain",
    "where_of",
    "where_of_key",
]

MAX_BYTES = 256 << 20
"""Of one document."""
MAX_DEPTH = 200
"""Of lists and mappings in each other."""
MAX_ALIASED = 1_000_000
"""Nodes that the aliases of one document may stand for, all together."""

_CORE = "tag:yaml.org,2002:"
_FIRST = frozenset("-+.0123456789nNtTfF~")
_INT = re.compile(r"[-+]?[0-9]+\Z")
_OTHER_INT = re.compile(r"0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_HIGH = "\\ud"
_ESCAPE = re.compile(r"\\(?:(u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|.)", re.DOTALL)
_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufffe\uffff]")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **{sign + word: float(sign + "inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")},
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}


def decode(content: bytes, uri: str) -> str:
    """Return the text of a document. Raises DocumentInvalid when it is too large or not UTF-8."""
    if len(content) > MAX_BYTES:
        raise DocumentInvalid(f"larger than {MAX_BYTES >> 20} MiB", where=Where(file_name(uri)))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line, start = before.count(b"\n") + 1, before.rfind(b"\n") + 1
        column = len(before[start:].decode("utf-8", "replace")) + 1
        raise DocumentInvalid("not a text in UTF-8", where=Where(file_name(uri), line, column)) from None


def parse_text(text: str, uri: str) -> Node:
    """Parse one YAML or JSON document, with positions; an empty text gives None.

    Raises DocumentInvalid, with file, line and column, for a malformed text, a key that stands
    twice, more than one document, an unknown tag, or one of the limits.
    """
    looks_like_json = text.lstrip()[:1] in ("{", "[")
    try:
        return _Builder(uri, _events(_json_as_yaml(text) if looks_like_json else text, uri)).build()
    except DocumentInvalid as error:
        # JSON is not quite YAML: very long keys, or control characters.
        if not looks_like_json:
            raise
        try:
            return _with_seqs(_load_json(text, lambda pairs: _map_of_pairs(pairs, uri), uri), uri)
        except (json.JSONDecodeError, _TwiceError):
            raise error from None


def _json_as_yaml(text: str) -> str:
    """Return JSON so that YAML reads it as JSON does.

    Escaped surrogate pairs become the characters they mean, and characters that YAML 1.1 refuses
    or takes for line breaks become escapes.
    """
    if _HIGH in text.lower():
        text = _ESCAPE.sub(_unpaired, text)
    return (
        text if text.isascii() and "\x7f" not in text else _NOT_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    )


def _unpaired(found: re.Match[str]) -> str:
    return str(json.loads(f'"{found[0]}"')) if found[1] else found[0]


def parse_values(text: str, uri: str) -> Any:
    """Parse one YAML or JSON document to plain data, fast for JSON; `locate` finds positions later.

    Raises DocumentInvalid as `parse_text` does.
    """
    if text.lstrip()[:1] in ("{", "["):
        try:
            return _load_json(text, lambda pairs: _dict_of_pairs(pairs, uri), uri)
        except json.JSONDecodeError:
            pass
        except _TwiceError:
            pass  # the parser of YAML says where
    return to_plain(parse_text(text, uri))


def locate(text: str, uri: str, *path: str | int) -> Where:
    """Return where a value stands in a document, by keys and indices from its root."""
    return where_of(parse_text(text, uri), *path) or Where(file_name(uri))


class _TwiceError(DocumentInvalid):
    """A key stands twice in a mapping, and only a second look can tell where."""


def _load_json(text: str, hook: Callable[[list[tuple[str, Any]]], Any], uri: str) -> Any:
    try:
        made = json.loads(text, object_pairs_hook=hook)
    except RecursionError:
        raise _too_deep(uri) from None
    if text.count("[") + text.count("{") > MAX_DEPTH and _deeper_than(made, MAX_DEPTH):
        raise _too_deep(uri)
    return made


def _too_deep(uri: str) -> DocumentInvalid:
    return DocumentInvalid(f"nested deeper than {MAX_DEPTH} levels", where=Where(file_name(uri)))


def _deeper_than(value: Any, depth: int) -> bool:
    level = [value]
    for _ in range(depth):
        inner = (one.values() if isinstance(one, dict) else one for one in level)
        level = [item for items in inner for item in items if isinstance(item, dict | list)]
    return bool(level)


def _dict_of_pairs(pairs: list[tuple[str, Any]], uri: str) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _TwiceError(f"key {_first_twice(key for key, _ in pairs)!r} stands twice", where=Where(file_name(uri)))
    return made


def _map_of_pairs(pairs: list[tuple[str, Any]], uri: str) -> Map:
    made = Map(uri)
    made.update((key, _with_seqs(value, uri)) for key, value in _dict_of_pairs(pairs, uri).items())
    return made


def _with_seqs(value: Any, uri: str) -> Node:
    """Return a value of the JSON parser with its lists as nodes; mappings are nodes already."""
    if type(value) is not list:
        return value
    made = Seq(uri)
    made.extend(_with_seqs(item, uri) for item in value)
    return made


def _first_twice(keys: Iterable[str]) -> str:
    seen: set[str] = set()
    return next(key for key in keys if key in seen or seen.add(key))  # type: ignore[func-returns-value]


def _events(text: str, uri: str) -> Iterator[Event]:
    """Yield the events of a YAML text; the errors of the parser become ours."""
    import yaml

    loader = yaml.CSafeLoader if getattr(yaml, "__with_libyaml__", False) else yaml.SafeLoader
    try:
        yield from yaml.parse(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.context, error.problem) if part) or "malformed"
        raise DocumentInvalid(f"malformed YAML: {what}", where=_where(uri, mark)) from None
    except yaml.reader.ReaderError as error:
        raise DocumentInvalid(f"malformed YAML: {error.reason}", where=_at_character(text, uri)) from None


def _where(uri: str, mark: Any) -> Where:
    return Where(file_name(uri), mark.line + 1, mark.column + 1) if mark else Where(file_name(uri))


_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _at_character(text: str, uri: str) -> Where:
    """Return where the first character stands that YAML does not allow."""
    found = _FORBIDDEN.search(text)
    if found is None:
        return Where(file_name(uri))
    at = found.start()
    return Where(file_name(uri), text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at))


def resolve_plain(text: str) -> Any:
    """Return the value of a plain (unquoted) scalar by the core schema of YAML 1.2.

    Raises ValueError for a number of thousands of digits.
    """
    if text and text[0] not in _FIRST:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.match(text):
        return int(text)
    if _FLOAT.match(text):
        return float(text)
    return int(text, 0) if _OTHER_INT.match(text) else text


class _Builder:
    """Builds one tree from events; the depth of its recursion is limited."""

    def __init__(self, uri: str, events: Iterator[Any]) -> None:
        import yaml

        self.uri = uri
        self.events = events
        self.types: tuple[Any, ...] = (yaml.ScalarEvent, yaml.MappingStartEvent, yaml.SequenceStartEvent)
        self.map_end: Any = yaml.MappingEndEvent
        self.seq_end: Any = yaml.SequenceEndEvent
        self.document_start: Any = yaml.DocumentStartEvent
        self.anchors: dict[str, tuple[Node, int]] = {}
        self.unfinished: set[str] = set()
        self.depth = 0
        self.count = 0
        """Nodes so far, those behind aliases included."""
        self.aliased = 0

    def build(self) -> Node:
        """Return the root of the only document."""
        root, found = None, False
        for event in self.events:
            if type(event) is not self.document_start:
                continue
            if found:
                raise self._invalid("more than one document in the file", event)
            root, found = self._node(next(self.events)), True
        return root

    def _node(self, event: Any) -> Node:
        kind = type(event)
        scalar, map_start, seq_start = self.types
        self.count += 1
        if kind is scalar:
            value = self._scalar(event)
            if event.anchor is not None:
                self.anchors[event.anchor] = (value, 1)
            return value
        if kind is map_start:
            return self._collection(event, self._map)
        if kind is seq_start:
            return self._collection(event, self._seq)
        return self._alias(event)

    def _collection(self, event: Any, read: Callable[[Any], Node]) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self._invalid(f"nested deeper than {MAX_DEPTH} levels", event)
        if event.tag is not None and not event.implicit and event.tag not in (_CORE + "map", _CORE + "seq", "!"):
            raise self._invalid(f"unknown tag {event.tag}", event)
        anchor, before = event.anchor, self.count - 1
        if anchor is not None:
            self.anchors.pop(anchor, None)
            self.unfinished.add(anchor)
        node = read(event)
        if anchor is not None:
            self.unfinished.discard(anchor)
            self.anchors[anchor] = (node, self.count - before)
        self.depth -= 1
        return node

    def _map(self, event: Any) -> Map:
        mark = event.start_mark
        node = Map(self.uri, mark.line + 1, mark.column + 1)
        marks, merges = node.marks, []
        for event in self.events:
            if type(event) is self.map_end:
                break
            key = self._key(event)
            start, value = event.start_mark, next(self.events)
            if key == "<<" and event.implicit[0]:
                merges.append((self._node(value), value))
                continue
            if key in node:
                first = node.marks[key][0]
                raise self._invalid(f"key {key!r} stands twice (first in line {first})", event)
            at = value.start_mark
            node[key] = self._node(value)
            marks[key] = (start.line + 1, start.column + 1, at.line + 1, at.column + 1)
        for merged, value in merges:
            self._merge(node, merged, value)
        return node

    def _seq(self, event: Any) -> Seq:
        mark = event.start_mark
        node = Seq(self.uri, mark.line + 1, mark.column + 1)
        for event in self.events:
            if type(event) is self.seq_end:
                break
            at = event.start_mark
            node.add(self._node(event), (at.line + 1, at.column + 1))
        return node

    def _key(self, event: Any) -> str:
        self.count += 1
        if type(event) is not self.types[0]:
            raise self._invalid("a key must be a string", event)
        key: str = event.value
        if event.anchor is not None:
            self.anchors[event.anchor] = (key, 1)
        return key

    def _merge(self, node: Map, merged: Node, event: Any) -> None:
        """Add the keys of a merge key's value that the mapping itself has not (type `merge` of YAML 1.1)."""
        for source in merged if isinstance(merged, Seq) else [merged]:
            if not isinstance(source, Map):
                raise self._invalid("the value of a merge key must be a mapping or a list of them", event)
            for key, value in source.items():
                if key not in node:
                    node.put(key, value, source.marks[key])

    def _alias(self, event: Any) -> Node:
        name = event.anchor
        if name in self.unfinished:
            raise self._invalid(f"alias *{name} contains itself", event)
        if name not in self.anchors:
            raise self._invalid(f"unknown alias *{name}", event)
        node, weight = self.anchors[name]
        self.count += weight
        self.aliased += weight
        if self.aliased > MAX_ALIASED:
            raise self._invalid(f"the aliases stand for more than {MAX_ALIASED} nodes", event)
        return node

    def _scalar(self, event: Any) -> Any:
        value: str = event.value
        tag = event.tag
        if tag in ("!", _CORE + "str") or (tag is None and not event.implicit[0]):
            return value
        if tag is None or event.implicit[0]:
            try:
                return resolve_plain(value)
            except ValueError:
                raise self._invalid("a number with too many digits", event) from None
        return self._tagged(tag, value, event)

    def _tagged(self, tag: str, value: str, event: Any) -> Any:
        kinds: dict[str, tuple[type, ...]] = {
            "int": (int,),
            "float": (float, int),
            "bool": (bool,),
            "null": (type(None),),
        }
        kind = kinds.get(tag.removeprefix(_CORE))
        if kind is None:
            raise self._invalid(f"unknown tag {tag}", event)
        made = resolve_plain(value)
        if type(made) not in kind:
            raise self._invalid(f"{value!r} is no {tag.removeprefix(_CORE)}", event)
        return float(made) if tag == _CORE + "float" else made

    def _invalid(self, problem: str, event: Any) -> DocumentInvalid:
        return DocumentInvalid(problem, where=_where(self.uri, event.start_mark))
