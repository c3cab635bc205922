"""What the tests of a conformance suite ask of containers, read from their documents.

A test requires a container when a command line tool that it reaches has a DockerRequirement
among its requirements: its own, or one that it inherits from a step or a workflow around it
(CWL v1.2 Workflow Description, section 4.1.4: requirements come before hints).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

DOCKER = "DockerRequirement"


@dataclass(frozen=True, slots=True)
class Test:
    """One entry of the list of tests; `tool` may have a fragment, `job` is None where there is none."""

    id: str
    tool: str
    job: str | None
    should_fail: bool


@dataclass(slots=True)
class Documents:
    """The YAML files of a suite, each read once; one that cannot be read counts as empty."""

    _read: dict[Path, Any] = field(default_factory=dict)

    def load(self, path: Path) -> Any:
        """Return the content of a file, or None."""
        path = path.resolve()
        if path not in self._read:
            try:
                self._read[path] = YAML(typ="safe", pure=True).load(path.read_text())
            except (OSError, YAMLError, UnicodeDecodeError):
                self._read[path] = None
        return self._read[path]


def entries_of(list_of_tests: Path, documents: Documents) -> Iterator[dict[str, Any]]:
    """Give the entries of a list of tests, those of imported lists included.

    `tool` and `job` are absolute paths, and so is what `output` imports, as a URI.
    """
    base = list_of_tests.parent
    for entry in documents.load(list_of_tests) or []:
        if "$import" in entry:
            yield from entries_of(base / entry["$import"], documents)
        else:
            found = {**entry, **{key: f"{base}/{entry[key]}" for key in ("tool", "job") if entry.get(key)}}
            output = entry.get("output")
            if isinstance(output, dict) and "$import" in output:
                found["output"] = {"$import": f"file://{base}/{output['$import']}"}
            yield found


def tests_of(list_of_tests: Path, documents: Documents) -> list[Test]:
    """Return the tests of a list, in cwltest's order."""
    return [
        Test(id_of(entry), entry["tool"], entry.get("job"), bool(entry.get("should_fail")))
        for entry in entries_of(list_of_tests, documents)
    ]


def id_of(entry: dict[str, Any]) -> str:
    """Return the short id of a test."""
    return str(entry.get("id") or entry.get("label")).rpartition("#")[2]


def requires_container(test: Test, documents: Documents) -> bool:
    """Tell whether a tool of the test cannot run outside of a container."""
    job = documents.load(Path(unquote(test.job))) if test.job else None
    inherited = isinstance(job, dict) and DOCKER in _classes(job.get("cwl:requirements"))
    path, fragment = urldefrag(test.tool)
    return _reaches(Path(unquote(path)), fragment, inherited, documents, frozenset())


def mentions_container(test: Test, documents: Documents) -> bool:
    """Tell whether any document that the test reaches speaks of containers; of one that does not no engine matters."""
    waiting = [Path(unquote(urldefrag(path)[0])) for path in (test.tool, test.job) if path]
    seen: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        texts = set(_texts(documents.load(path)))
        if DOCKER in texts:
            return True
        named = (path.parent / unquote(text.partition("#")[0]) for text in texts if 0 < len(text) < 200)
        waiting += [each for each in named if each.suffix in (".cwl", ".json", ".yml", ".yaml") and each.is_file()]
    return False


def _texts(value: Any) -> Iterator[str]:
    """Yield the keys and texts of a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from filter(lambda key: isinstance(key, str), value)
        value = list(value.values())
    for each in value if isinstance(value, list) else ():
        yield from _texts(each)


def _reaches(
    path: Path, fragment: str, inherited: bool, documents: Documents, seen: frozenset[tuple[Path, str]]
) -> bool:
    if (path, fragment) in seen:
        return False
    process = _entry(documents.load(path), fragment)
    return process is not None and _needs(process, path, inherited, documents, seen | {(path, fragment)})


def _needs(
    process: dict[str, Any], path: Path, inherited: bool, documents: Documents, seen: frozenset[tuple[Path, str]]
) -> bool:
    required = inherited or DOCKER in _classes(process.get("requirements"))
    if process.get("class") == "CommandLineTool":
        return required
    for step in _values(process.get("steps")):
        asked = required or DOCKER in _classes(step.get("requirements"))
        run = step.get("run")
        if isinstance(run, dict) and "$import" in run:
            run = run["$import"]
        if isinstance(run, dict) and _needs(run, path, asked, documents, seen):
            return True
        if isinstance(run, str):
            file, _, fragment = run.partition("#")
            target = path.parent / unquote(file) if file else path
            if _reaches(target, fragment, asked, documents, seen):
                return True
    return False


def _entry(document: Any, fragment: str) -> dict[str, Any] | None:
    if not isinstance(document, dict) or "$graph" not in document:
        return document if isinstance(document, dict) else None
    processes = [entry for entry in _values(document["$graph"]) if "id" in entry or len(document["$graph"]) == 1]
    wanted = fragment or "main"
    named = [entry for entry in processes if str(entry.get("id", "")).rpartition("#")[2] == wanted]
    return next(iter(named), processes[0] if len(processes) == 1 else None)


def _classes(requirements: Any) -> set[str]:
    if isinstance(requirements, dict):
        return set(requirements)
    return {str(entry.get("class")) for entry in requirements or [] if isinstance(entry, dict)}


def _values(entries: Any) -> Iterator[dict[str, Any]]:
    """Give the entries of what may be written as a list or as a map."""
    for entry in entries.values() if isinstance(entries, dict) else entries or []:
        if isinstance(entry, dict):
            yield entry


def image_names(directory: Path) -> set[str]:
    """Return the images that the documents below a directory pull by name."""
    names: set[str] = set()
    for path in directory.rglob("*"):
        if path.suffix in (".cwl", ".json", ".yml", ".yaml") and path.is_file():
            text = path.read_text(errors="replace")
            names.update(re.findall(r"""dockerPull["']?\s*:\s*["']?([\w./:@-]+)""", text))
    return names


def kind_of_image(name: str) -> str:
    """Return the kind (see `testbed.make_image`) that stands in for an image of a registry."""
    repository = name.partition("@")[0].rpartition("/")[2]
    for part, kind in (("python", "python"), ("bash", "bash"), ("alpine", "busybox"), ("busybox", "busybox")):
        if part in repository:
            return kind
    return "debian"
