"""Shapes of documents: one description that checks a document by line and gives its JSON Schema.

A shape reads a node of a tree (`core.cwl.tree`), reports what is wrong with it by its place, and
returns plain data. What is wrong is left out, so that one reading finds all problems.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from enum import Enum
from typing import Any, Protocol

from ..core.cwl.problems import Problem, Severity, did_you_mean
from ..core.cwl.tree import Map, Node, Seq, where_of, where_of_key
from ..data_classes import dataclass
from ..errors import Where

NOTHING: Any = object()
"""What a shape returns of a node that does not fit."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a document: a mapping or list, and the key or index in it."""

    holder: Node
    key: str | int | None
    name: str
    """What the value is called in messages."""

    def below(self, node: Node, key: str | int) -> Spot:
        """Return the spot of a member of the node at this one."""
        return Spot(node, key, f"{self.name}.{key}".lstrip(".") if isinstance(key, str) else f"{self.name}[{key}]")


@dataclass(slots=True)
class Report:
    """What was found wrong or odd, in the order of reading."""

    problems: list[Problem] = field(default_factory=list)

    def say(
        self,
        spot: Spot,
        text: str,
        *,
        hint: str | None = None,
        severity: Severity = Severity.ERROR,
        at_key: bool = False,
    ) -> None:
        """Note a problem with the value at a spot, or with its key."""
        where: Where | None
        if at_key and isinstance(spot.holder, Map) and isinstance(spot.key, str):
            where = where_of_key(spot.holder, spot.key)
        else:
            where = where_of(spot.holder, *(() if spot.key is None else (spot.key,)))
        self.problems.append(Problem(text, where, hint, severity))

    def wrong(self, spot: Spot, wanted: str, node: Node) -> Any:
        """Note that a value is not what is wanted, and return NOTHING."""
        self.say(spot, f"{spot.name or 'the file'} must be {wanted}, not {_shown(node)}")
        return NOTHING


class Shape(Protocol):
    """What a value may look like."""

    def read(self, node: Node, spot: Spot, report: Report) -> Any:
        """Return a node as plain data, or NOTHING after reporting why it does not fit."""
        ...

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema (2020-12) of what fits."""
        ...


@dataclass(frozen=True, slots=True)
class Text:
    """A string; `pattern` must match all of it, `among` lists all that it may be."""

    pattern: str | None = None
    among: tuple[str, ...] = ()
    wanted: str = "a text"

    def read(self, node: Node, spot: Spot, report: Report) -> Any:
        """See Shape."""
        if not isinstance(node, str):
            return report.wrong(spot, self.wanted, node)
        if self.among and node not in self.among:
            close = did_you_mean(node, self.among)
            report.say(spot, f"{spot.name} must be one of {', '.join(self.among)}, not {node!r}", hint=close)
            return NOTHING
        if self.pattern is not None and re.fullmatch(self.pattern, node) is None:
            return report.wrong(spot, self.wanted, node)
        return node

    def schema(self) -> dict[str, Any]:
        """See Shape."""
        made: dict[str, Any] = {"type": "string"}
        if self.among:
            made["enum"] = list(self.among)
        if self.pattern is not None:
            made["pattern"] = f"^{self.pattern}$"
        return made


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number, at least `least`."""

    least: int | None = None

    def read(self, node: Node, spot: Spot, report: Report) -> Any:
        """See Shape."""
        if not isinstance(node, int) or isinstance(node, bool):
            return report.wrong(spot, "a whole number", node)
        if self.least is not None and node < self.least:
            return report.wrong(spot, f"at least {self.least}", node)
        return node

    def schema(self) -> dict[str, Any]:
        """See Shape."""
        return {"type": "integer"} if self.least is None else {"type": "integer", "minimum": self.least}


@dataclass(frozen=True, slots=True)
class Number:
    """A number."""

    def read(self, node: Node, spot: Spot, report: Report) -> Any:
        """See Shape."""
        fits = isinstance(node, (int, float)) and not isinstance(node, bool)
        return node if fits else report.wrong(spot, "a number", node)

    def schema(self) -> dict[str, Any]:
        """See Shape."""
        return {"type": "number"}


@dataclass(frozen=True, slots=True)
class Flag:
    """True or false."""

    def read(self, node: Node, spot: Spot, report: Report) -> Any:
        """See Shape."""
        return node if isinstance(node, bool) else report.wrong(spot, "true or false", node)

    def schema(self) -> dict[str, Any]:
        """See Shape."""
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class Anything:
    """Any value."""

    def read(self, node: Node, spot: Spot, report: Report) -> Any:
        """See Shape."""
        if isinstance(node, dict):
            return {key: self.read(value, spot, report) for key, value in node.items()}
        return [self.read(item, spot, report) for item in node] if isinstance(node, list) else node

    def schema(self) -> dict[str, Any]:
        """See Shape."""
        return {}


@dataclass(frozen=True, slots=True)
class Null:
    """The value null."""

    def read(self, node: Node, spot: Spot, report: Report) -> Any:
        """See Shape."""
        return None if node is None else report.wrong(spot, "null", node)

    def schema(self) -> dict[str, Any]:
        """See Shape."""
        return {"type": "null"}


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list whose items have a shape."""

    items: Shape
    unique: bool = False

    def read(self, node: Node, spot: Spot, report: Report) -> Any:
        """See Shape."""
        if not isinstance(node, Seq):
            return report.wrong(spot, "a list", node)
        made: list[Any] = []
        for index, item in enumerate(node):
            value = self.items.read(item, spot.below(node, index), report)
            if value is NOTHING:
                continue
            if self.unique and value in made:
                report.say(spot.below(node, index), f"{spot.name}[{index}] says what an earlier item says")
            made.append(value)
        return made

    def schema(self) -> dict[str, Any]:
        """See Shape."""
        made: dict[str, Any] = {"type": "array", "items": self.items.schema()}
        return {**made, "uniqueItems": True} if self.unique else made


@dataclass(frozen=True, slots=True)
class MapOf:
    """A mapping from names to values of one shape; `names` is what a name must look like."""

    values: Shape
    names: str | None = None

    def read(self, node: Node, spot: Spot, report: Report) -> Any:
        """See Shape."""
        if not isinstance(node, Map):
            return report.wrong(spot, "a mapping", node)
        made: dict[str, Any] = {}
        for key, value in node.items():
            here = spot.below(node, key)
            if self.names is not None and re.fullmatch(self.names, key) is None:
                hint = "letters, digits, `.`, `_` and `-`, beginning with a small letter"
                report.say(here, f"{key!r} cannot be a name in {spot.name}", hint=hint, at_key=True)
            read = self.values.read(value, here, report)
            if read is not NOTHING:
                made[key] = read
        return made

    def schema(self) -> dict[str, Any]:
        """See Shape."""
        if self.names is None:
            return {"type": "object", "additionalProperties": self.values.schema()}
        return {
            "type": "object",
            "patternProperties": {f"^{self.names}$": self.values.schema()},
            "additionalProperties": False,
        }


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of several shapes, told apart by the kind of the node: `choices` by what fits them."""

    choices: tuple[Shape, ...]
    wanted: str

    def read(self, node: Node, spot: Spot, report: Report) -> Any:
        """See Shape."""
        for choice in self.choices:
            if _kind_fits(choice, node):
                return choice.read(node, spot, report)
        return report.wrong(spot, self.wanted, node)

    def schema(self) -> dict[str, Any]:
        """See Shape."""
        return {"anyOf": [choice.schema() for choice in self.choices]}


class Others(Enum):
    """What happens to keys that an object does not have."""

    REFUSED = "refused"
    NAMED = "named"
    """They are named in a warning."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key of an object.

    `old` says what replaces a deprecated key, `ignored` why a key has no effect.
    """

    shape: Shape
    doc: str = ""
    required: bool = False
    old: str | None = None
    ignored: str | None = None
    default: Any = None


@dataclass(frozen=True, slots=True)
class Object:
    """A mapping with certain keys."""

    keys: Mapping[str, Key]
    others: Others = Others.REFUSED
    doc: str = ""

    def read(self, node: Node, spot: Spot, report: Report) -> Any:
        """See Shape."""
        if not isinstance(node, Map):
            return report.wrong(spot, "a mapping", node)
        made: dict[str, Any] = {}
        called = spot.name or "the file"
        for name, value in node.items():
            here = spot.below(node, name)
            key = self.keys.get(name)
            if key is None:
                self._unknown(name, here, spot, report)
                continue
            if key.old is not None:
                report.say(here, f"{here.name} is an old name", hint=key.old, severity=Severity.WARNING, at_key=True)
            if key.ignored is not None:
                text = f"{here.name} has no effect"
                report.say(here, text, hint=key.ignored, severity=Severity.WARNING, at_key=True)
            read = key.shape.read(value, here, report)
            if read is not NOTHING:
                made[name] = read
        for name, key in self.keys.items():
            if key.required and name not in node:
                report.say(Spot(node, None, spot.name), f"{called} needs the key {name!r}")
        return made

    def _unknown(self, name: str, here: Spot, spot: Spot, report: Report) -> None:
        close, called = did_you_mean(name, self.keys), spot.name or "the file"
        if self.others is Others.REFUSED:
            report.say(here, f"{called} has no key {name!r}", hint=close, at_key=True)
        else:
            text = f"{called} has no key {name!r}: it has no effect"
            report.say(here, text, hint=close, severity=Severity.WARNING, at_key=True)

    def schema(self) -> dict[str, Any]:
        """See Shape."""
        made: dict[str, Any] = {"type": "object"}
        if self.doc:
            made["description"] = self.doc
        made["properties"] = {name: _documented(key) for name, key in self.keys.items()}
        required = [name for name, key in self.keys.items() if key.required]
        if required:
            made["required"] = required
        if self.others is Others.REFUSED:
            made["additionalProperties"] = False
        return made


def _documented(key: Key) -> dict[str, Any]:
    made = dict(key.shape.schema())
    text = " ".join(
        part for part in (key.doc, key.old and f"Old: {key.old}.", key.ignored and f"No effect: {key.ignored}.") if part
    )
    if text:
        made["description"] = text
    if key.old is not None:
        made["deprecated"] = True
    if key.default is not None:
        made["default"] = key.default
    return made


def _kind_fits(shape: Shape, node: Node) -> bool:
    match shape:
        case Text():
            return isinstance(node, str)
        case Flag():
            return isinstance(node, bool)
        case Whole():
            return isinstance(node, int) and not isinstance(node, bool)
        case Number():
            return isinstance(node, (int, float)) and not isinstance(node, bool)
        case ListOf():
            return isinstance(node, Seq)
        case MapOf() | Object():
            return isinstance(node, Map)
        case Null():
            return node is None
    return True


def _shown(node: Node) -> str:
    if isinstance(node, Map):
        return "a mapping"
    if isinstance(node, Seq):
        return "a list"
    if node is None:
        return "nothing"
    if isinstance(node, bool):
        return "true" if node else "false"
    return repr(node)


def keys_of(
    *,
    text: str = "",
    flag: str = "",
    whole: str = "",
    number: str = "",
    texts: str = "",
    wholes: str = "",
    mapping: str = "",
    more: Mapping[str, Key] | None = None,
    old: Mapping[str, str] | None = None,
) -> dict[str, Key]:
    """Return keys named in texts by their kind, separated by spaces; a value may be a text of these kinds."""
    made: dict[str, Key] = {}
    kinds: Iterable[tuple[str, Shape]] = (
        (text, Text()),
        (flag, Flag()),
        (whole, Whole()),
        (number, Number()),
        (texts, ListOf(Text())),
        (wholes, ListOf(Whole())),
        (mapping, MapOf(Anything())),
    )
    for names, shape in kinds:
        made.update((name, Key(shape)) for name in names.split())
    made.update(more or {})
    for name, instead in (old or {}).items():
        made[name] = Key(made[name].shape, old=instead)
    return made
