"""Files as pages show them: name, size, hash, where they are, and when they are small their content."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from enum import Enum

from ..data_classes import dataclass
from ..hashing import digest_bytes
from ..provenance.rows import FileRow, ReplicaRow
from ..provenance.states import FileClass, ReplicaKind
from ..redaction import Redactor
from .limits import Limits
from .words import bytes_text, clean

FIGURES: Mapping[str, str] = {
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp",
    ".svg": "image/svg+xml",
}  # fmt: skip
"""What browsers show as an image, by the end of the name. An SVG in an image element runs no script."""
_MAGIC: Mapping[str, tuple[bytes, ...]] = {
    "image/png": (b"\x89PNG\r\n\x1a\n",), "image/jpeg": (b"\xff\xd8\xff",), "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",), "image/svg+xml": (b"<",),
}  # fmt: skip
_LONGEST_LINE = 400


class Preview(Enum):
    """What of a file's content is shown."""

    NOTHING = "nothing"
    FIGURE = "figure"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class FileView:
    """A file. `content` is a data URI of a figure, or the beginning of a text."""

    name: str
    size: str
    sha256: str
    is_directory: bool
    path: str
    href: str = ""
    preview: Preview = Preview.NOTHING
    content: str = ""
    is_cut: bool = False


Link = Callable[[FileRow], str | None]
"""From a file to where a page can point; None when there is nothing to point at."""


def no_link(row: FileRow) -> None:
    """Point nowhere."""


@dataclass(slots=True)
class FileViewer:
    """Makes views of files; counts what the figures take.

    Attributes:
        replicas: where contents lie, by hash.
        link: where the page can point for a file.
        previews: contents are shown at all.
    """

    replicas: Callable[[Sequence[str]], Mapping[str, Sequence[ReplicaRow]]]
    link: Link = no_link
    limits: Limits = field(default_factory=Limits)
    redactor: Redactor = field(default_factory=Redactor)
    previews: bool = True
    _used: int = field(default=0, init=False)

    def without_previews(self) -> FileViewer:
        """Return one that shows no contents."""
        return replace(self, previews=False)

    def views(self, rows: Sequence[FileRow]) -> list[FileView]:
        """Return the views of a few files."""
        known = self.replicas([row.sha256 for row in rows if row.sha256])
        return [self._view(row, known.get(row.sha256 or "", ())) for row in rows]

    def _view(self, row: FileRow, replicas: Sequence[ReplicaRow]) -> FileView:
        best = sorted(replicas, key=lambda one: one.kind is not ReplicaKind.OUTPUT)
        path = best[0].path if best else ""
        kind, content, is_cut = self._preview(row, [one.path for one in best])
        return FileView(
            name=clean(row.basename), size=bytes_text(row.size), sha256=row.sha256 or "",
            is_directory=row.kind is FileClass.DIRECTORY, path=clean(path), href=self.link(row) or "", preview=kind,
            content=content, is_cut=is_cut,
        )  # fmt: skip

    def _preview(self, row: FileRow, paths: Sequence[str]) -> tuple[Preview, str, bool]:
        nothing = (Preview.NOTHING, "", False)
        if not self.previews or row.kind is not FileClass.FILE or row.sha256 is None or not row.size:
            return nothing
        if row.size > self.limits.figure:
            return nothing
        content = next((found for path in paths if (found := _content(path, row.size, row.sha256)) is not None), None)
        if content is None:
            return nothing
        media = FIGURES.get(os.path.splitext(row.basename)[1].lower())
        if media is not None and content.lstrip().startswith(_MAGIC[media]):
            return self._figure(media, content) or nothing
        return self._text(content) or nothing

    def _figure(self, media: str, content: bytes) -> tuple[Preview, str, bool] | None:
        if self._used + len(content) > self.limits.figures:
            return None
        self._used += len(content)
        return Preview.FIGURE, f"data:{media};base64,{base64.b64encode(content).decode('ascii')}", False

    def _text(self, content: bytes) -> tuple[Preview, str, bool] | None:
        head = content[: self.limits.preview]
        if b"\x00" in head:
            return None
        try:
            text = head.decode("utf-8")
        except UnicodeDecodeError as error:
            if error.start < len(head) - 4:
                return None
            text = head[: error.start].decode("utf-8")
        lines = [clean(line)[:_LONGEST_LINE] for line in self.redactor.text(text).split("\n")]
        return Preview.TEXT, "\n".join(lines), len(content) > len(head)


def _content(path: str, size: int, sha256: str) -> bytes | None:
    """Return what is in a file when that is what is on record: nothing else is ever shown."""
    try:
        if os.path.getsize(path) != size or not os.path.isfile(path):
            return None
        with open(path, "rb") as stream:
            content = stream.read(size + 1)
    except OSError:
        return None
    return content if digest_bytes(content).sha256 == sha256 else None
