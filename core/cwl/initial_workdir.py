"""What must lie in the work directory before a job starts (CWL v1.2 Command Line Tool, section 5.6
"InitialWorkDirRequirement" and "Dirent").

The listing is evaluated with the inputs where `staging` put them. What of the inputs appears in
it is then moved: its `path` is in the work directory, and it is not staged a second time.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any

from ...data_classes import dataclass
from ...errors import InputInvalid, Where
from ..plan import Runtime, Stage
from ..uris import to_uri
from ..values import FileValue, Value, is_reference, map_references, walk_references
from .expressions import interpolated
from .file_objects import absolute_location
from .staging import Builder, Staged, base_name, located, location_of, with_paths

if TYPE_CHECKING:
    from .expressions import Evaluator


@dataclass(frozen=True, slots=True)
class Rules:
    """How a listing is evaluated and staged."""

    evaluator: Evaluator
    runtime: Runtime
    names: Mapping[str, Any]
    """What expressions see as `runtime`."""
    container_required: bool = False
    """A DockerRequirement is a requirement, so that a name may be absolute in a container."""
    inplace_update: bool = False
    base: str = ""
    """URI of the document, for relative locations in the listing."""
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    """One thing for the work directory: a File or Directory (literals are such, too), and its folder."""

    item: FileValue
    folder: str
    writable: bool = False


def stage_listing(staged: Staged, listing: Value, rules: Rules) -> Staged:
    """Return the staged inputs with the listing of an InitialWorkDirRequirement.

    Raises:
        ExpressionFailed: an expression failed.
        InputInvalid: the listing gives something that cannot be staged, or two things of one name.
    """
    sources = _sources(staged)
    entries = [
        _Entry(_resolved(entry.item, sources, staged, rules.where), entry.folder, entry.writable)
        for entry in _entries(listing, staged, rules)
    ]
    builder = _built(entries, rules)
    moved = _moves(entries, sources, rules.where)
    inputs = {name: _moved(value, moved, rules.where) for name, value in staged.inputs.items()}
    stages = [*_still_needed(staged, moved, entries, rules.runtime), *_ordered(builder.stages, rules.where)]
    return Staged(inputs, tuple(stages), {**staged.notes, **builder.notes})


# -- the listing, evaluated -------------------------------------------------------------------


def _entries(listing: Value, staged: Staged, rules: Rules) -> Iterator[_Entry]:
    items = listing if isinstance(listing, list) else [listing]
    for item in items:
        if isinstance(item, Mapping) and "entry" in item:
            yield from _dirent(item, staged, rules)
        elif isinstance(item, str):
            yield from _values(_evaluate(item, staged, rules), rules)
        else:
            yield from _values(_absolute(item, rules), rules)


def _absolute(item: Value, rules: Rules) -> Value:
    """Return a File or Directory as it stands in the document, or a list of them, with absolute locations."""
    return map_references(item, lambda found: absolute_location(found, rules.base))


def _evaluate(text: Value, staged: Staged, rules: Rules, *, strip: bool = True) -> Value:
    return rules.evaluator.evaluate(text, staged.inputs, runtime=rules.names, where=rules.where, strip=strip)


def _dirent(item: Mapping[str, Any], staged: Staged, rules: Rules) -> Iterator[_Entry]:
    """Yield the entries of a Dirent of the document, whose fields are expressions."""
    entry = _evaluate(_absolute(item["entry"], rules), staged, rules, strip=False)
    name = item.get("entryname")
    if name is not None and entry is not None:
        name = _evaluate(name, staged, rules)
        if not isinstance(name, str) or not name:
            raise InputInvalid(f"entryname {item['entryname']!r} must give a name, not {name!r}", where=rules.where)
    writable = _evaluate(item.get("writable"), staged, rules) is True
    yield from _of_dirent(entry, name, writable, rules)


def _values(value: Value, rules: Rules) -> Iterator[_Entry]:
    """Yield the entries of what stands in a listing: a File, Directory or Dirent, a list of them, or null."""
    if value is None:
        return
    if isinstance(value, list):
        for item in value:
            yield from _values(item, rules)
    elif isinstance(value, Mapping) and "entry" in value:
        yield from _of_dirent(value["entry"], value.get("entryname"), value.get("writable") is True, rules)
    elif is_reference(value):
        yield _Entry(value, rules.runtime.outdir)
    else:
        raise InputInvalid(
            f"the listing of InitialWorkDirRequirement must give Files and Directories, not {_shown(value)}",
            where=rules.where,
        )


def _of_dirent(entry: Value, name: str | None, writable: bool, rules: Rules) -> Iterator[_Entry]:
    if entry is None:
        return
    if is_reference(entry):
        yield _named(entry, name, writable, rules)
    elif _are_references(entry) and (entry or name is None):
        if name is not None:
            raise InputInvalid(f"entryname {name!r} cannot name {len(entry)} files at once", where=rules.where)
        for item in entry:
            yield from _of_dirent(item, None, writable, rules)
    elif name is None:
        raise InputInvalid(f"the entry {_shown(entry)} needs an entryname", where=rules.where)
    else:
        yield _named({"class": "File", "contents": interpolated(entry)}, name, writable, rules)


def _are_references(entry: Value) -> bool:
    """Tell whether a value is a list of Files and Directories (null among them has no effect)."""
    if not isinstance(entry, list):
        return False
    return all(item is None or is_reference(item) or (item and _are_references(item)) for item in entry)


def _shown(value: Value) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:60] + "..."


def _named(item: FileValue, name: str | None, writable: bool, rules: Rules) -> _Entry:
    """Return an entry for a File or Directory under a name, which may have directories before it."""
    outdir = rules.runtime.outdir
    if name is None:
        return _Entry(item, outdir, writable)
    path = posixpath.normpath(name if name.startswith("/") else f"{outdir}/{name}")
    if not path.startswith(outdir.rstrip("/") + "/"):
        if not name.startswith("/"):
            raise InputInvalid(f"entryname {name!r} leads out of the output directory", where=rules.where)
        if not (rules.container_required and rules.runtime.in_container):
            raise InputInvalid(
                f"entryname {name!r} is absolute, which only a tool that requires a container may have",
                where=rules.where,
                hint="put DockerRequirement among the requirements",
            )
    folder, _, base = path.rpartition("/")
    return _Entry({**item, "basename": base}, folder, writable)


# -- entries as stages --------------------------------------------------------------------------


def _built(entries: Sequence[_Entry], rules: Rules) -> Builder:
    """Stage the entries, each in its folder."""
    everything = Builder(rules.where)
    for entry in entries:
        builder = Builder(rules.where, entry.writable, entry.writable and rules.inplace_update)
        builder.place(entry.item, entry.folder)
        everything.stages += builder.stages
        everything.notes.update(builder.notes)
    return everything


def _ordered(stages: Sequence[Stage], where: Where | None) -> list[Stage]:
    """Return stages with parents first. A directory in which others lie becomes a copy of its own."""
    by_target: dict[str, Stage] = {}
    for stage in stages:
        known = by_target.get(stage.target)
        by_target[stage.target] = stage if known is None else _one_of(known, stage, where)
    for target in list(by_target):
        parent = posixpath.dirname(target)
        while len(parent) > 1:
            holder = by_target.get(parent)
            if holder is not None and holder.location is not None:
                by_target[parent] = _copied(holder)
            parent = posixpath.dirname(parent)
    return [by_target[target] for target in sorted(by_target, key=_depth)]


def _one_of(known: Stage, stage: Stage, where: Where | None) -> Stage:
    """Return the stage of two for one target: of the same thing, or a directory and what joins it."""
    if (known.location, known.contents) == (stage.location, stage.contents):
        return stage if stage.writable else known
    if known.directory and stage.directory and None in (known.location, stage.location):
        return known if stage.location is None else stage
    raise InputInvalid(f"two different things in InitialWorkDirRequirement are to lie at {stage.target!r}", where=where)


def _depth(target: str) -> int:
    return target.count("/")


def _copied(stage: Stage) -> Stage:
    return Stage(stage.target, stage.location, directory=stage.directory, writable=True, sha256=stage.sha256)


# -- what that means for the inputs -------------------------------------------------------------


@dataclass(slots=True)
class _Sources:
    """The Files and Directories of the inputs, by the path where `staging` put them, and by location."""

    by_path: dict[str, FileValue] = field(default_factory=dict)
    paths: dict[str, list[str]] = field(default_factory=dict)


def _sources(staged: Staged) -> _Sources:
    sources = _Sources()
    for value in staged.inputs.values():
        for item in walk_references(value):
            sources.by_path[item["path"]] = item
            location = location_of(item)
            if location is not None:
                sources.paths.setdefault(location, []).append(item["path"])
    return sources


def _resolved(item: FileValue, sources: _Sources, staged: Staged, where: Where | None) -> FileValue:
    """Return an item with a location when it has only the path of an input, and so for what it has."""
    item = dict(item)
    for key in ("secondaryFiles", "listing"):
        if item.get(key):
            item[key] = [_resolved(member, sources, staged, where) for member in item[key] if member is not None]
    if location_of(item) is not None or "contents" in item or item.get("listing") is not None:
        return item
    path = item.get("path")
    if not isinstance(path, str):
        if item["class"] == "Directory":
            return {**item, "listing": []}
        raise InputInvalid("a File in InitialWorkDirRequirement has neither location, path nor contents", where=where)
    return {**item, **_found(path, sources, staged, where)}


def _found(path: str, sources: _Sources, staged: Staged, where: Where | None) -> FileValue:
    """Return what locates a path of the job's view: that of an input, or of something in an input Directory."""
    known = sources.by_path.get(path)
    if known is not None:
        keys = ("location", "contents", "listing", "size", "checksum", "sha256", "basename")
        return {key: known[key] for key in keys if key in known}
    holder, rest = posixpath.dirname(path), [posixpath.basename(path)]
    while len(holder) > 1:
        note = staged.notes.get(holder)
        if note is not None:
            inside = "/".join(reversed(rest))
            return {"location": f"{note['location'].rstrip('/')}/{to_uri('/' + inside).partition(':///')[2]}"}
        rest.append(posixpath.basename(holder))
        holder = posixpath.dirname(holder)
    raise InputInvalid(f"the path {path!r} in InitialWorkDirRequirement is not one of an input", where=where)


def _moves(entries: Sequence[_Entry], sources: _Sources, where: Where | None) -> dict[str, str]:
    """Return, by the old path of an input, the path that it has in the work directory."""
    moved: dict[str, str] = {}

    def note(item: FileValue, folder: str) -> None:
        target = f"{folder}/{base_name(item, where)}"
        known = item.get("path") in sources.by_path
        for path in [item["path"]] if known else sources.paths.get(location_of(item) or "", ()):
            moved[path] = target
        for member in item.get("listing") or ():
            note(member, target)
        for other in item.get("secondaryFiles") or ():
            note(other, folder)

    for entry in entries:
        note(entry.item, entry.folder)
    return moved


def _moved(value: Value, moved: Mapping[str, str], where: Where | None) -> Value:
    """Return a value in which what was moved has its new path, with all that lies in it."""
    if isinstance(value, list):
        return [_moved(item, moved, where) for item in value]
    if not isinstance(value, dict):
        return value
    changed = {key: _moved(item, moved, where) for key, item in value.items()}
    if not is_reference(value):
        return changed
    target = moved.get(value["path"])
    if target is None:
        return changed
    placed = located(changed, target)
    if location_of(value) is not None and changed.get("listing"):
        placed["listing"] = [with_paths(member, target, where) for member in changed["listing"]]
    return placed


def _still_needed(staged: Staged, moved: Mapping[str, str], entries: Sequence[_Entry], runtime: Runtime) -> list[Stage]:
    """Return the stages of the inputs, less those that were moved and whose old path nobody was told."""
    if not moved or any(runtime.inputs in text for text in _texts(entries)):
        return list(staged.stages)
    gone = tuple(f"{stage.target}/" for stage in staged.stages if stage.target in moved and _is_made(stage))
    return [
        stage for stage in staged.stages if stage.target not in moved and not (gone and stage.target.startswith(gone))
    ]


def _is_made(stage: Stage) -> bool:
    return stage.directory and stage.location is None


def _texts(entries: Sequence[_Entry]) -> Iterator[str]:
    for entry in entries:
        for item in walk_references(entry.item):
            if isinstance(item.get("contents"), str) and location_of(item) is None:
                yield item["contents"]
