"""Makes the schema tables `core/cwl/schemas/*.json` from the parsers of cwl-utils.

Run `python -m recrate.core.cwl.make_schemas` after an update of cwl-utils; a test fails while the
tables are stale. The parsers are generated code: for each record class, `fromDoc` says by
`_load_field(_doc.get("name"), loader, ...)` how each field is loaded, and objects of a few loader
classes say what a loader takes. Both become data (see `schema`, which reads it):

- `records`: by class, by field: index of the loader, and whether the field is required;
- `loaders`: a list of `[kind, ...]`, where numbers are indices into the list itself;
- `terms`: short name to URI of everything in the vocabulary;
- `root`: index of the loader of a process.

CWL v1.3 has no parser yet: its table is that of v1.2 with the loop of a step added
(CWL v1.3.0-dev1, "LoopWorkflowStep").
"""

from __future__ import annotations

import ast
import importlib
import inspect
import json
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

DIRECTORY = Path(__file__).parent / "schemas"
PARSED = {"v1.0": "cwl_v1_0", "v1.1": "cwl_v1_1", "v1.2": "cwl_v1_2"}
PROCESSES = ("CommandLineTool", "ExpressionTool", "Workflow", "Operation", "ProcessGenerator")

Table = dict[str, Any]


class TableMaker:
    """Turns one generated parser into a table."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module
        self.loaders: list[list[Any]] = []
        self.places: dict[int, int] = {}
        self.records: dict[str, dict[str, list[Any]]] = {}

    def make(self) -> Table:
        """Return the table of all that is reachable from the processes of the parser."""
        names = [f"{name}Loader" for name in PROCESSES if hasattr(self.module, f"{name}Loader")]
        processes = [self._loader(getattr(self.module, name)) for name in names]
        self.loaders.append(["union", processes])
        if "Loop" in self.records:  # the extension's schema has a default, which the parser does not know
            self.records["Loop"]["outputMethod"][1] = False
        return {
            "root": len(self.loaders) - 1,
            "records": self.records,
            "loaders": self.loaders,
            "terms": dict(sorted(self.module._vocab.items())),
        }

    def _loader(self, loader: Any) -> int:
        """Return the index of a loader in the table, which is filled as it is met."""
        known = self.places.get(id(loader))
        if known is not None:
            return known
        index = self.places[id(loader)] = len(self.loaders)
        self.loaders.append([])
        self.loaders[index] = self._described(loader)
        return index

    def _described(self, loader: Any) -> list[Any]:
        match type(loader).__name__:
            case "_PrimitiveLoader":
                return [
                    "primitive",
                    {"str": "str", "int": "int", "float": "float", "bool": "bool", "NoneType": "null"}[
                        loader.tp.__name__
                    ],
                ]
            case "_AnyLoader":
                return ["any"]
            case "_ExpressionLoader":
                return ["primitive", "str"]
            case "_EnumLoader":
                return ["enum", list(loader.symbols)]
            case "_ArrayLoader":
                return ["array", self._loader(loader.items)]
            case "_MapLoader":
                return ["map", self._loader(loader.values)]
            case "_UnionLoader":
                return ["union", [self._loader(one) for one in loader.alternates]]
            case "_RecordLoader":
                return ["record", self._record(loader.classtype)]
            case "_ProxyLoader":
                return ["union", [self._loader(self.module._loaders[loader.name])]]
            case _:
                return self._wrapper(loader)

    def _wrapper(self, loader: Any) -> list[Any]:
        inner = self._loader(loader.inner)
        match type(loader).__name__:
            case "_IdMapLoader":
                predicate = None if loader.mapPredicate in (None, "None") else loader.mapPredicate
                return ["idmap", inner, loader.mapSubject, predicate]
            case "_URILoader":
                return ["uri", inner, "term" if loader.vocab_term else "id" if loader.scoped_id else "reference"]
            case "_TypeDSLLoader":
                return ["type", inner, loader.salad_version]
            case "_SecondaryDSLLoader":
                return ["secondary", inner]
            case other:
                raise TypeError(f"a loader of a new kind: {other}")

    def _record(self, record: Any) -> str:
        name: str = record.__name__
        if name not in self.records:
            self.records[name] = {}
            module = importlib.import_module(record.__module__)
            required, loaders = _fields(record)
            for field in sorted(record.attrs):
                self.records[name][field] = [self._loader(getattr(module, loaders[field])), field in required]
        return name


def _fields(record: Any) -> tuple[set[str], dict[str, str]]:
    """Return the names of the required fields of a record class, and by field the name of its loader."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(record.fromDoc)))
    required: set[str] = set()
    loaders: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("_load_field", "load_field"):
            field = ast.literal_eval(node.args[0].args[0])  # type: ignore[attr-defined]
            loaders[field] = ast.unparse(node.args[1])
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith(") is None"):
            required.add(ast.unparse(node.test).removeprefix("_doc.get('").removesuffix("') is None"))
        elif isinstance(node, ast.Constant) and node.value in ("missing id", "missing name"):
            required.add(node.value.removeprefix("missing "))
    return required & set(loaders), loaders


def with_loop(table: Table) -> Table:
    """Return the table of v1.2 with what v1.3.0-dev1 adds to a step."""
    made: Table = json.loads(json.dumps(table))
    loaders, records, terms = made["loaders"], made["records"], made["terms"]
    loop = dict(records["LoopInput"])
    loop["outputSource"] = loop.pop("loopSource")
    records["StepLoopInput"] = loop
    first = len(loaders)
    for loader in loaders:
        if loader[0] == "type":
            loader[2] = "v1.3"
    null = loaders.index(["primitive", "null"])
    loaders += [
        ["record", "StepLoopInput"],
        ["array", first],
        ["idmap", first + 1, "id", "outputSource"],
        ["enum", ["last_iteration", "all_iterations"]],
        ["union", [null, first + 3]],
        ["uri", first + 4, "term"],
        ["union", [null, first + 2]],
    ]
    records["WorkflowStep"] |= {"loop": [first + 6, False], "outputMethod": [first + 5, False]}
    for term in ("last_iteration", "all_iterations"):
        terms[term] = f"https://w3id.org/cwl/cwl#LoopOutputMethod/{term}"
    terms["v1.3"] = "https://w3id.org/cwl/cwl#v1.3"
    return made


def render(table: Table) -> str:
    """Return a table as JSON text, one record or loader a line."""
    lines = ["{", f' "root": {table["root"]},']
    for part in ("records", "loaders", "terms"):
        value = table[part]
        if isinstance(value, dict):
            rows = [f"  {json.dumps(key)}: {json.dumps(item)}" for key, item in value.items()]
            begin, end = "{", "}"
        else:
            rows = [f"  {json.dumps(item)}" for item in value]
            begin, end = "[", "]"
        comma = "" if part == "terms" else ","
        lines += [f" {json.dumps(part)}: {begin}", ",\n".join(rows), f" {end}{comma}"]
    return "\n".join([*lines, "}", ""])


def make() -> dict[str, str]:
    """Return the text of each table by version."""
    tables = {
        version: TableMaker(importlib.import_module(f"cwl_utils.parser.{name}")).make()
        for version, name in PARSED.items()
    }
    tables["v1.3"] = with_loop(tables["v1.2"])
    return {version: render(table) for version, table in tables.items()}


def main() -> None:
    """Write the tables."""
    for version, text in make().items():
        (DIRECTORY / f"{version}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
