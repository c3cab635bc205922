"""Forms with a file, as HTTP sends them (RFC 7578), streamed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from secrets import token_hex

from ..export.target import stream_of
from .transport import Body


def file_chunks(path: Path) -> Iterator[bytes]:
    """Yield the content of a file in pieces."""
    with path.open("rb", buffering=0) as stream:
        yield from stream_of(stream)


def form(fields: Sequence[tuple[str, str]], file_field: str, name: str, path: Path) -> Body:
    """Return a form with texts and one file, which is read when it is sent. Raises OSError."""
    boundary = token_hex(16)
    before = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(field)}"\r\n\r\n{value}\r\n'.encode()
        for field, value in fields
    )
    before += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{_quoted(file_field)}"; filename="{_quoted(name)}"\r\n'
        "Content-Type: application/zip\r\n\r\n"
    ).encode()
    after = f"\r\n--{boundary}--\r\n".encode()

    def content() -> Iterator[bytes]:
        yield before
        yield from file_chunks(path)
        yield after

    length = len(before) + path.stat().st_size + len(after)
    return Body(f"multipart/form-data; boundary={boundary}", length, content)


def _quoted(name: str) -> str:
    """Return a name as it stands between quotes; these and ends of lines are percent-encoded, as browsers do."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
