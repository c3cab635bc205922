"""Files and directories as entities: those of the run, and those that the crate adds."""

from __future__ import annotations

import fnmatch
import mimetypes
from collections.abc import Iterable, Sequence

from .contents import Copied
from .jsonld import Entity, clean, entity, one_or_many, path_id, refs
from .names import FileKey
from .options import ExportOptions
from .source import FoundFile

# The tables of the machine must not decide what a crate says.
_TYPES = mimetypes.MimeTypes(filenames=())
for _suffix, _type in {
    ".cwl": "application/cwl", ".yml": "application/yaml", ".yaml": "application/yaml", ".md": "text/markdown",
    ".jsonl": "application/jsonl", ".fastq": "text/plain", ".fasta": "text/plain", ".toml": "application/toml",
    ".parquet": "application/vnd.apache.parquet", ".npy": "application/octet-stream",
}.items():  # fmt: skip
    _TYPES.add_type(_type, _suffix)


def encoding_of(name: str, looks_like_text: bool | None = None) -> str:
    """Return the media type of a file by its name, else by what is in it."""
    kind, encoding = _TYPES.guess_type(f"x{name[-64:]}")
    if encoding is not None:
        return {"gzip": "application/gzip", "bzip2": "application/x-bzip2", "xz": "application/x-xz"}.get(
            encoding, "application/octet-stream"
        )
    return kind or ("text/plain" if looks_like_text else "application/octet-stream")


def is_wanted(found: FoundFile, path: str, options: ExportOptions) -> bool:
    """Tell whether the contents of a file are to be in the crate, as far as that is known before it is read."""
    if options.metadata_only:
        return False
    if options.max_file_size is not None and found.size is not None and found.size > options.max_file_size:
        return False
    return not is_excluded(path, found.key.basename, options.exclude)


def is_excluded(path: str, name: str, patterns: Iterable[str]) -> bool:
    """Tell whether a pattern of a shell fits a path in the crate or a name."""
    return any(fnmatch.fnmatchcase(one, pattern) for pattern in patterns for one in (path, name))


def file_entity(
    identity: str,
    found: FoundFile,
    examples: Sequence[str],
    *,
    looks_like_text: bool | None = None,
    size: int | None = None,
    absent_since: str | None = None,
    parts: Iterable[str] = (),
) -> Entity:
    """Return the entity of a file or directory of the run.

    Args:
        identity: its `@id`.
        found: what the store says of it.
        examples: ids of the parameters that it is an example of.
        looks_like_text: whether it does, when it was looked at.
        size: bytes, when they were counted.
        parts: ids of the files in a directory.
        absent_since: for one that is not in the crate: the day of which what is said of it holds.
    """
    key: FileKey = found.key
    name = clean(key.basename)
    size = found.size if found.size is not None else size
    is_folder = key.is_folder
    return entity(
        identity,
        "Dataset" if is_folder else "File",
        name=name or "_",  # as its path has it: a literal may have no name
        description=_description(identity),
        alternateName=name if name and not identity.rstrip("/").endswith(f"/{path_id(name)}") else None,
        encodingFormat=None if is_folder else encoding_of(name, looks_like_text),
        contentSize=str(size) if size is not None and not is_folder else None,
        sha256=None if is_folder else key.digest,
        sha1=None if is_folder else found.sha1,
        exampleOfWork=refs(examples),
        sdDatePublished=absent_since,
        hasPart=refs(parts),
    )


def _description(identity: str) -> str:
    return {
        "inputs": "given to the run", "outputs": "result of the run", "intermediate": "used within the run",
    }.get(identity.partition("/")[0], "not in this crate")  # fmt: skip


def member_entity(member: Copied) -> Entity:
    """Return the entity of a file in a directory of the run."""
    name = member.path.rpartition("/")[2]
    own = clean(member.name)
    return added_entity(
        member.path,
        name,
        member.size,
        encoding=encoding_of(name, member.looks_like_text),
        sha256=member.sha256,
        alternateName=own if own != name else None,
    )


def added_entity(
    path: str, name: str, size: int, *, kind: Sequence[str] = ("File",), encoding: str | None = None, **more: object
) -> Entity:
    """Return the entity of a file that the crate itself adds."""
    return entity(
        path_id(path),
        one_or_many(kind),
        name=name,
        description=name,
        encodingFormat=encoding or encoding_of(path, True),
        contentSize=str(size),
        **more,
    )
