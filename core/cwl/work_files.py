"""What a job left in its output directory, seen through the job's eyes but read from its place.

A name in the output directory may stand for something that lies elsewhere: a link to an input, or
in a container an input mounted over a place holder. `WorkFiles` follows these to what was staged,
so that such a file keeps its identity, and refuses every other way out of the directory.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import field
from functools import lru_cache

from ...connectors.base import Entry, EntryKind, WorkTree
from ...data_classes import dataclass
from ...errors import OutputInvalid
from ...hashing import hash_json
from ..plan import CommandPlan
from ..uris import is_file_uri, to_path, to_uri
from ..values import FileValue

_MAGIC = re.compile(r"[*?\[]")
_MAGIC_OR_ESCAPE = re.compile(r"[*?\[\\]")
_MOST_LINKS = 40
"""How many links may follow each other, as for the kernel's ELOOP; what has more leads to nothing."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file or directory that the job sees at `path` (relative to its output directory).

    `source` is where it is read on the place: absolute, or relative to the tree's root. `note` is
    the object that was staged there, when the job cannot have changed it.
    """

    path: str
    source: str
    kind: EntryKind
    size: int = 0
    linked: bool = False
    note: FileValue | None = None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return posixpath.basename(self.path)


@dataclass(slots=True)
class WorkFiles:
    """The output directory of an attempt that ended."""

    plan: CommandPlan
    tree: WorkTree
    _mounted: dict[str, FileValue] = field(init=False)
    _real: dict[str, FileValue] | None = None
    _root: str | None = None
    _hashes: dict[str, FileValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._mounted = {}
        if self.plan.runtime.in_container:
            targets = [item.target for item in self.plan.stages if item.in_place or not item.writable]
            self._mounted = {target: self.plan.notes[target] for target in targets if target in self.plan.notes}

    # -- looking -------------------------------------------------------------------------------

    def at(self, path: str) -> Found | None:
        """Return what lies at a relative path, or None. Raises OutputInvalid for a way out."""
        found = self._top()
        for part in [part for part in path.split("/") if part and part != "."]:
            entry = self._child(found, part)
            if entry is None:
                return None
            found = entry
        return found

    def below(self, holder: Found) -> Iterator[Found]:
        """Yield what lies directly in a directory, in the order of the names' bytes.

        Devices, sockets and links to nothing are left out.
        """
        for entry in self.tree.list(holder.source):
            found = self._seen(holder, entry)
            if found is not None:
                yield found

    def glob(self, pattern: str) -> list[Found]:
        """Return what matches a pattern of glob(3), in the order of the paths' bytes.

        `*`, `?` and `[...]` do not match a leading dot or a slash. A pattern that matches nothing
        stands for the file of that very name.

        Raises OutputInvalid for a pattern that leads out of the output directory.
        """
        relative = self.relative(pattern)
        found = self._matches([part for part in relative.split("/") if part], self._top())
        ordered = sorted(found, key=_path_bytes)
        if pattern.endswith("/"):
            return [item for item in ordered if item.kind is EntryKind.DIRECTORY]
        if not ordered and _MAGIC_OR_ESCAPE.search(relative):
            named = self.at(relative)
            return [] if named is None else [named]
        return ordered

    def relative(self, path: str) -> str:
        """Return a path of the job's view as relative to the output directory.

        Raises OutputInvalid when it is not in that directory.
        """
        outdir = self.plan.runtime.outdir.rstrip("/")
        normal = posixpath.normpath(path) if path else "."
        if normal.startswith("/"):
            normal = posixpath.normpath("/" + normal.lstrip("/"))
            if normal != outdir and not normal.startswith(outdir + "/"):
                raise OutputInvalid(f"{path!r} is not in the output directory {outdir!r}")
            normal = normal[len(outdir) :].lstrip("/") or "."
        if normal == ".." or normal.startswith("../"):
            raise OutputInvalid(f"{path!r} leads out of the output directory {outdir!r}")
        return "" if normal == "." else normal

    def _matches(self, parts: list[str], holder: Found) -> Iterator[Found]:
        if not parts:
            yield holder
            return
        if holder.kind is not EntryKind.DIRECTORY:
            return
        for found in self._named(parts[0], holder):
            yield from self._matches(parts[1:], found)

    def _named(self, part: str, holder: Found) -> Iterator[Found]:
        if not _MAGIC.search(part):
            found = self._child(holder, re.sub(r"\\(.)", r"\1", part) if "\\" in part else part)
            if found is not None:
                yield found
            return
        pattern = _pattern(part)
        for entry in self.tree.list(holder.source):
            if pattern.fullmatch(posixpath.basename(entry.path)):
                found = self._seen(holder, entry)
                if found is not None:
                    yield found

    def _top(self) -> Found:
        return Found("", "", EntryKind.DIRECTORY)

    def _child(self, holder: Found, name: str) -> Found | None:
        if holder.kind is not EntryKind.DIRECTORY:
            return None
        entry = self.tree.stat(f"{holder.source}/{name}" if holder.source else name)
        return None if entry is None else self._seen(holder, entry)

    def lookup(self, path: str) -> Found | None:
        """Return what a path names, or None: relative, of the job's view, or of the place.

        Raises OutputInvalid when it is neither in the output directory nor in what was staged.
        """
        if not path.startswith("/"):
            return self.at(self.relative(path))
        path = posixpath.normpath(path)
        inside = self.inside(path)
        if inside is not None:
            return self.at(inside)
        found = self._in_staged(posixpath.basename(path), path, linked=False)
        if found is None:
            raise OutputInvalid(f"{path!r} is neither in the output directory nor an input")
        return found

    # -- following -----------------------------------------------------------------------------

    def _seen(self, holder: Found, entry: Entry) -> Found | None:
        """Return what an entry in a directory stands for; None for what can be no output."""
        name = posixpath.basename(entry.path)
        path = f"{holder.path}/{name}" if holder.path else name
        note = self._mounted.get(f"{self.plan.runtime.outdir.rstrip('/')}/{path}")
        if note is not None:
            return self._staged(path, note, "", linked=False)
        if entry.target is not None:
            return self._followed(path, entry)
        if entry.kind not in (EntryKind.FILE, EntryKind.DIRECTORY):
            return None
        return Found(path, entry.path, entry.kind, entry.size)

    def _followed(self, path: str, entry: Entry) -> Found | None:
        """Return what a link leads to: something in the output directory, or something staged; None for nothing."""
        for _ in range(_MOST_LINKS):
            target = str(entry.target)
            inside = self.inside(target)
            if inside is None:
                return self._outside(path, target)
            if entry.kind is not EntryKind.DANGLING:
                kind = entry.kind
                return Found(path, inside, kind, entry.size, linked=True) if kind is not EntryKind.OTHER else None
            after = self.tree.stat(inside) if inside else None
            if after is None:
                return None
            if after.target is None:
                return Found(path, inside, after.kind, after.size, linked=True)
            entry = after
        return None

    def inside(self, target: str) -> str | None:
        """Return an absolute path as relative to the output directory; None when it is not in it.

        It may be a path of the place or of the job's view: in a container, links hold paths as the
        job saw them, which mean nothing on the place.
        """
        for root in (self.tree.root, self.plan.runtime.outdir, self._real_root()):
            root = root.rstrip("/")
            if target == root or target.startswith(root + "/"):
                return target[len(root) :].lstrip("/")
        return None

    def _real_root(self) -> str:
        """Return the root without links in it, as ends of links are given; on a remote place it is itself."""
        if self._root is None:
            self._root = os.path.realpath(self.tree.root)
        return self._root

    def _outside(self, path: str, target: str) -> Found:
        """Return what was staged at the end of a link that leads out. Raises OutputInvalid when nothing was."""
        found = self._in_staged(path, target, linked=True)
        if found is None:
            raise OutputInvalid(
                f"the link {path!r} in the output directory leads to {target!r}, which is neither input nor output"
            )
        return found

    def _in_staged(self, path: str, target: str, *, linked: bool) -> Found | None:
        """Return what was staged at an absolute path, or lies in a directory that was; else None."""
        known = self._staged_paths()
        holder, rest = target, ""
        while len(holder) > 1:
            note = known.get(holder)
            if note is not None:
                return self._staged(path, note, rest, linked=linked)
            rest = f"/{posixpath.basename(holder)}{rest}"
            holder = posixpath.dirname(holder)
        return None

    def _staged_paths(self) -> dict[str, FileValue]:
        """Return what was staged, by each path at which the end of a link may name it."""
        if self._real is None:
            self._real = {}
            for target, note in self.plan.notes.items():
                self._real[target] = note
                if is_file_uri(note["location"]):
                    path = to_path(note["location"])
                    self._real[path] = note
                    self._real[os.path.realpath(path)] = note
        return self._real

    def _staged(self, path: str, note: FileValue, rest: str, *, linked: bool) -> Found:
        source = to_path(note["location"]).rstrip("/") + rest
        entry = self.tree.stat(source)
        while entry is not None and entry.target is not None and entry.target != source:
            source = entry.target
            entry = self.tree.stat(source)
        if entry is None:
            raise OutputInvalid(f"{path!r} in the output directory stands for {source!r}, which is gone")
        kept = note if not rest and not self.plan.request.inplace_update else None
        return Found(path, source, entry.kind, entry.size, linked, kept)

    # -- objects -------------------------------------------------------------------------------

    def location(self, found: Found) -> str:
        """Return the URI of what was found, on its place."""
        if found.note is not None:
            return str(found.note["location"])
        return to_uri(f"{self.tree.root.rstrip('/')}/{found.source}" if found.source[:1] != "/" else found.source)

    def object_of(self, found: Found) -> FileValue:
        """Return the File or Directory that was found, as expressions see it, without hashes or a listing."""
        outdir = self.plan.runtime.outdir.rstrip("/")
        path = f"{outdir}/{found.path}".rstrip("/")
        folder, _, name = path.rpartition("/")
        if found.kind is EntryKind.DIRECTORY:
            return {"class": "Directory", "location": self.location(found), "path": path, "basename": name}
        root, ending = os.path.splitext(name)
        return {
            "class": "File",
            "location": self.location(found),
            "path": path,
            "dirname": folder,
            "basename": name,
            "nameroot": root,
            "nameext": ending,
            "size": found.size,
        }

    def hashes(self, found: Found) -> FileValue:
        """Return size, checksum and sha256 of a file: those known of an input, or computed on the place."""
        note = found.note
        if note is not None and "sha256" in note and "checksum" in note and "size" in note:
            return {key: note[key] for key in ("size", "checksum", "sha256")}
        known = self._hashes.get(found.source)
        if known is None:
            digest = self.tree.digest(found.source)
            known = {"size": digest.size, "checksum": digest.checksum, "sha256": digest.sha256}
            self._hashes[found.source] = known
        return known

    def whole(self, found: Found, above: frozenset[str] = frozenset()) -> FileValue:
        """Return a directory with all that is in it.

        One that holds only plain files and directories keeps its location, with `sha256` over its
        members' names and hashes; another, with links or mounted inputs in it, becomes a literal
        whose members say where they lie.

        Raises OutputInvalid for a link in it that leads out, or to a directory it is itself in.
        """
        if found.source in above:
            raise OutputInvalid(f"the directory {found.path!r} contains itself by a link")
        item = self.object_of(found)
        if found.note is not None and "sha256" in found.note:
            return {**item, "sha256": found.note["sha256"]}
        manifest: list[list[str]] = []
        if self._is_plain(found, "", manifest):
            return {**item, "sha256": hash_json(sorted(manifest))}
        inner = above | {found.source}
        listing = [
            self.whole(member, inner)
            if member.kind is EntryKind.DIRECTORY
            else {**self.object_of(member), **self.hashes(member)}
            for member in self.below(found)
        ]
        return {"class": "Directory", "path": item["path"], "basename": item["basename"], "listing": listing}

    def _is_plain(self, holder: Found, prefix: str, manifest: list[list[str]]) -> bool:
        """Tell whether a directory has only plain files and directories; list these with their hashes."""
        entries = self.tree.list(holder.source)
        members = [self._seen(holder, entry) for entry in entries]
        for member in members:
            if member is None or member.linked or member.note is not None:
                return False
            path = f"{prefix}{member.name}"
            if member.kind is EntryKind.DIRECTORY:
                manifest.append([path, ""])
                if not self._is_plain(member, f"{path}/", manifest):
                    return False
            else:
                manifest.append([path, str(self.hashes(member)["sha256"])])
        return True


def _path_bytes(found: Found) -> bytes:
    return os.fsencode(found.path)


@lru_cache(maxsize=1024)
def _pattern(part: str) -> re.Pattern[str]:
    """Return the regular expression of one part of a pattern of glob(3)."""
    text = [] if part.startswith((".", "\\.")) else [r"(?!\.)"]
    index = 0
    while index < len(part):
        char, index = part[index], index + 1
        if char == "*":
            text.append(".*")
        elif char == "?":
            text.append(".")
        elif char == "[":
            expression, index = _bracket(part, index)
            text.append(expression)
        elif char == "\\" and index < len(part):
            text.append(re.escape(part[index]))
            index += 1
        else:
            text.append(re.escape(char))
    return re.compile("".join(text), re.DOTALL)


_CLASSES = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r"\s",
    "punct": r"!-/:-@\[-`{-~",
    "xdigit": "0-9A-Fa-f",
    "blank": r" \t",
}
_RANGE = re.compile(r"(.)-(.)", re.DOTALL)
_BRACKET = re.compile(r"(?P<not>[!^]?)(?P<set>\]?(?:\[:[a-z]+:\]|[^\]])*)\]")


def _bracket(part: str, index: int) -> tuple[str, int]:
    """Return the expression of a bracket that opens before `index`, and where it ends."""
    match = _BRACKET.match(part, index)
    if match is None or not match["set"]:
        return r"\[", index
    pieces = re.split(r"\[:([a-z]+):\]", match["set"])
    text = "".join(
        _CLASSES.get(piece, "") if number % 2 else re.sub(r"([\\\[\]^&~|])", r"\\\1", _RANGE.sub(_in_order, piece))
        for number, piece in enumerate(pieces)
    )
    if not text:
        return ("." if match["not"] else "(?!)"), match.end()
    return f"[{'^' if match['not'] else ''}{text}]", match.end()


def _in_order(found: re.Match[str]) -> str:
    """Return a range of characters; nothing for one that ends before it begins, which no character is in."""
    return found[0] if found[1] <= found[2] else ""
