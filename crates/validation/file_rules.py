"""Rules about files: what the metadata say is there, and what is."""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import dirname

from ..graph import Entity
from ..holders import Folder
from ..read import METADATA, PREVIEW, Crate
from ..safety import is_web, shown
from ..signing.manifest import SIGNATURES
from ..tampering import ALGORITHMS, measured
from .report import Issue, Severity

_PREVIEW_FILES = "ro-crate-preview_files/"
_FILES = ("File", "MediaObject")


def check_files(crate: Crate) -> Iterator[Issue]:
    """Yield files that the metadata name and the crate lacks, the reverse, and sizes that are not so."""
    if crate.prefix and not isinstance(crate.holder, Folder):
        yield Issue(
            Severity.REQUIRED, crate.metadata, "", "recrate:metadata-at-root",
            f"the metadata are in the folder {shown(crate.prefix)} of the archive, not at its root",
        )  # fmt: skip
    folders = crate.folders()
    described: set[str] = set()
    described_folders: set[str] = set()
    for entity in crate.entities.values():
        if not _is_local_data(entity) or entity.id == crate.root.id:
            continue
        path, folder = crate.path_of(entity.id), crate.folder_in(entity.id, folders)
        if path is not None and not entity.id.endswith("/"):
            described.add(path)
            yield from _size(crate, entity, path)
        elif folder is not None and entity.is_a("Dataset", "Directory"):
            described_folders.add(folder)
        else:
            kind = "folder" if entity.is_a("Dataset") else "file"
            message = f"there is no such {kind} in the crate"
            yield Issue(Severity.REQUIRED, entity.id, "", "recrate:missing", message)
    for path in crate.paths():
        if path not in described and not _is_explained(path, described_folders):
            message = "the file is in the crate, and the metadata do not describe it"
            yield Issue(Severity.RECOMMENDED, path, "", "recrate:undescribed", message)


def _is_local_data(entity: Entity) -> bool:
    return entity.is_a(*_FILES, "Dataset") and not entity.id.startswith(("#", "_:")) and not is_web(entity.id)


def _is_explained(path: str, described_folders: set[str]) -> bool:
    """Tell whether a file needs no entity: metadata, preview, signature, or in a folder that has one."""
    if path in METADATA or path == PREVIEW or path.startswith((_PREVIEW_FILES, SIGNATURES)):
        return True
    above = dirname(path)
    while above:
        if above in described_folders:
            return True
        above = dirname(above)
    return False


def _size(crate: Crate, entity: Entity, path: str) -> Iterator[Issue]:
    said, found = entity.text("contentSize"), crate.size(path)
    if said is not None and said.isdecimal() and int(said) != found:
        message = f"the file has {found} bytes, not {shown(said)}"
        yield Issue(Severity.REQUIRED, entity.id, "contentSize", "recrate:size", message)


def check_hashes(crate: Crate) -> Iterator[Issue]:
    """Yield files whose content is not the one that the metadata give a hash of. Reads all of them."""
    for entity in crate.entities.values():
        said = {name: text.lower() for name in ALGORITHMS if (text := entity.text(name)) is not None}
        path = crate.path_of(entity.id) if said and _is_local_data(entity) else None
        if path is not None:
            found = measured(crate, path, set(said))
            for name in said:
                if said[name] != found[name]:
                    message = f"the content has the {name} {found[name]}"
                    yield Issue(Severity.REQUIRED, entity.id, name, "recrate:hash", message)
