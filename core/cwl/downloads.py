"""Files of the web that are given as inputs: fetched once, and kept in a directory of their own.

What was fetched before is used again only when the server says that it has not changed
(RFC 9110, section 13: `ETag`, `Last-Modified`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from ...data_classes import dataclass
from ...errors import InputInvalid, Unsupported
from ...hashing import hash_text
from ..uris import to_uri
from ..values import FileValue, Value, is_directory, is_file
from .fetch import ALLOW_HINT

TIMEOUT_SECONDS = 60.0
"""For each answer of a web server."""
NOT_MODIFIED = 304
_WEB = ("http://", "https://")


@dataclass(frozen=True, slots=True)
class Downloads:
    """Fetches files of the web.

    Attributes:
        folder: where they are kept; None: in the user's cache directory.
        allowed: whether the network may be used.
    """

    folder: str | None = None
    allowed: bool = False

    def localised(self, value: Value) -> Value:
        """Return a copy of a value in which each File of the web is a file of this machine.

        Raises InputInvalid when one cannot be fetched, Unsupported when the network is not
        allowed or a Directory is on the web.
        """
        if isinstance(value, list):
            return [self.localised(item) for item in value]
        if not isinstance(value, Mapping):
            return value
        changed = {name: self.localised(item) for name, item in value.items()}
        location = changed.get("location")
        if isinstance(location, str) and location.startswith(_WEB):
            if is_directory(value):
                raise Unsupported(f"the directory {location!r} is on the network, from where only files can be fetched")
            if is_file(value):
                return self._local(changed, location)
        return changed

    def _local(self, item: FileValue, url: str) -> FileValue:
        if not self.allowed:
            raise Unsupported(f"{url!r} is on the network, which is not allowed", hint=ALLOW_HINT)
        path = self.fetch(url)
        return {**item, "location": to_uri(path), "basename": item.get("basename") or os.path.basename(path)}

    def fetch(self, url: str) -> str:
        """Return the path of a local copy of what is at an http(s) URL. Raises InputInvalid."""
        from http.client import HTTPException
        from urllib.error import HTTPError
        from urllib.request import Request, urlopen

        folder = os.path.join(self.folder or default_folder(), hash_text(url)[:32])
        path = os.path.join(folder, _name(url))
        headers = _conditions(folder, path)
        try:
            os.makedirs(folder, exist_ok=True)
            with urlopen(Request(url, headers=headers), timeout=TIMEOUT_SECONDS) as answer:
                _store(answer, answer.headers, folder, path)
        except HTTPError as error:
            error.close()
            if error.code != NOT_MODIFIED:
                raise InputInvalid(f"cannot fetch {url!r}: {error.code} {error.reason}") from error
        except (OSError, HTTPException, ValueError) as error:
            raise InputInvalid(f"cannot fetch {url!r}: {getattr(error, 'reason', None) or error}") from error
        return path


def default_folder() -> str:
    """Return the directory below the user's cache directory in which files of the web are kept."""
    from platformdirs import user_cache_dir

    return os.path.join(user_cache_dir("recrate"), "downloads")


def _name(url: str) -> str:
    name = os.path.basename(unquote(urlsplit(url).path, errors="surrogateescape").rstrip("/")).replace("\0", "")
    return name if name not in ("", ".", "..") else "download"


def _state(folder: str) -> str:
    return folder + ".json"


def _conditions(folder: str, path: str) -> dict[str, str]:
    """Return the headers that ask for a file only if it is not the one that is there."""
    if not os.path.exists(path):
        return {}
    try:
        with open(_state(folder), encoding="utf-8") as stream:
            known = json.load(stream)
    except (OSError, ValueError):
        return {}
    names = {"etag": "If-None-Match", "modified": "If-Modified-Since"}
    return {header: str(known[key]) for key, header in names.items() if known.get(key)}


def _store(answer: IO[bytes], headers: Any, folder: str, path: str) -> None:
    """Write an answer to a file, all of it or nothing. Raises OSError."""
    import shutil
    import tempfile

    said = headers.get("Content-Length")
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as stream:
        try:
            shutil.copyfileobj(answer, stream, 1 << 20)
            if said is not None and stream.tell() != int(said):
                raise OSError(f"the connection ended after {stream.tell()} of {said} bytes")
        except BaseException:
            os.unlink(stream.name)
            raise
    os.chmod(stream.name, 0o644)
    os.replace(stream.name, path)
    with open(_state(folder), "w", encoding="utf-8") as state:
        json.dump({"etag": headers.get("ETag"), "modified": headers.get("Last-Modified")}, state)
