"""Reads the files that documents are made of: local ones, and those of the web when the user allows it.

References between documents are URI references (RFC 3986) as in Schema Salad, but they are written
by people: a colon, a space, an emoji or a percent sign in a file name must not break them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from urllib.parse import urljoin

from ...errors import DocumentInvalid, Where
from ..uris import is_file_uri, to_path, to_uri
from .nodes import decode
from .tree import file_name

MAX_BYTES = 64 << 20
"""Of one document."""
TIMEOUT_SECONDS = 60.0
"""For each answer of a web server."""
ALLOW_HINT = "allow it with --enable-net, or use a local copy"

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|file:/")

FetchBytes = Callable[[str], bytes]
"""Returns the content at an http(s) URI. Raises OSError."""


def join(base: str, reference: str) -> str:
    """Return the absolute URI of a reference that stands in the document `base`; the fragment stays.

    A colon makes a scheme only before two slashes, so that `a:b.cwl` names a file.
    """
    if _ABSOLUTE.match(reference):
        address, hash_, fragment = reference.partition("#")
    else:
        path, hash_, fragment = reference.partition("#")
        address = urljoin(base, path.replace(":", "%3A")) if path else base.partition("#")[0]
    return normal(address) + hash_ + fragment


def normal(address: str) -> str:
    """Return the one spelling of a file URI; other URIs stay as they are."""
    if address.startswith("file:/") and not address.startswith("file://"):
        address = "file://" + address[len("file:") :]
    try:
        return to_uri(os.path.normpath(to_path(address))) if is_file_uri(address) else address
    except ValueError:
        return address


def split_reference(reference: str) -> tuple[str, str]:
    """Return URI and fragment of what a user named on the command line: a path or a URI, with `#id` or without.

    A file that is called so wins over a fragment.
    """
    if _ABSOLUTE.match(reference):
        address, _, fragment = reference.partition("#")
        return normal(address), fragment
    if os.path.exists(reference) or "#" not in reference:
        return to_uri(os.path.abspath(reference)), ""
    path, _, fragment = reference.rpartition("#")
    return to_uri(os.path.abspath(path)), fragment


class Fetcher:
    """Reads each file once, and keeps what it read.

    Args:
        allow_network: whether http(s) URIs may be read.
        fetch: reads an http(s) URI; for tests.
    """

    def __init__(self, *, allow_network: bool = False, fetch: FetchBytes | None = None) -> None:
        self.allow_network = allow_network
        self.fetch = fetch or fetch_bytes
        self.sources: dict[str, bytes] = {}

    def read(self, uri: str, where: Where | None = None) -> bytes:
        """Return the bytes at a URI without fragment; `where` is the place that refers to it.

        Raises DocumentInvalid when they cannot be had.
        """
        if uri not in self.sources:
            self.sources[uri] = self._file(uri, where) if is_file_uri(uri) else self._remote(uri, where)
        return self.sources[uri]

    def text(self, uri: str, where: Where | None = None) -> str:
        """Return the text at a URI."""
        return decode(self.read(uri, where), uri)

    @staticmethod
    def _file(uri: str, where: Where | None) -> bytes:
        name = file_name(uri)
        try:
            content = read_limited(to_path(uri))
        except ValueError as error:
            raise DocumentInvalid(f"cannot read {uri}: {error}", where=where) from None
        except OSError as error:
            raise DocumentInvalid(
                f"cannot read {name}: {(error.strerror or str(error)).lower()}", where=where
            ) from None
        return _small_enough(content, name, where)

    def _remote(self, uri: str, where: Where | None) -> bytes:
        if not uri.startswith(("http://", "https://")):
            raise DocumentInvalid(f"cannot read {uri}: not a file, http or https URI", where=where)
        if not self.allow_network:
            raise DocumentInvalid(f"{uri} is on the network, which is not allowed", where=where, hint=ALLOW_HINT)
        try:
            content = self.fetch(uri)
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            raise DocumentInvalid(f"cannot fetch {uri}: {reason}", where=where) from None
        return _small_enough(content, uri, where)


def _small_enough(content: bytes, name: str, where: Where | None) -> bytes:
    if len(content) > MAX_BYTES:
        raise DocumentInvalid(f"{name} is larger than {MAX_BYTES >> 20} MiB", where=where)
    return content


def read_limited(path: str) -> bytes:
    """Return the content of a file, cut after one byte more than a document may have. Raises OSError."""
    with open(path, "rb") as stream:
        return stream.read(MAX_BYTES + 1)


def fetch_bytes(uri: str) -> bytes:
    """Return the content at an http(s) URI, cut after one byte more than a document may have. Raises OSError."""
    from http.client import HTTPException
    from urllib.request import Request, urlopen

    request = Request(uri, headers={"Accept": "application/yaml, application/json, text/plain, */*;q=0.5"})
    try:
        with urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            content: bytes = answer.read(MAX_BYTES + 1)
            missing: int = answer.length or 0
    except HTTPException as error:
        raise OSError(f"no proper answer ({type(error).__name__})") from error
    if missing and len(content) <= MAX_BYTES:
        raise OSError(f"the answer broke off {missing} bytes before its end")
    return content
