"""What the official validator would fetch, laid out for it beforehand: it is never let out to the network."""

from __future__ import annotations

import atexit
import io
import shutil
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from .. import contexts


class Offline:
    """A folder with the contexts in the form in which the validator keeps what it has fetched.

    There is one for the whole process: the validator has but one place for them, too.
    """

    def __init__(self) -> None:
        from requests_cache import CachedSession

        self.folder = Path(tempfile.mkdtemp(prefix="recrate-validator-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.cache = self.folder / "contexts"
        self._session = CachedSession(str(self.cache), backend="sqlite", expire_after=-1)
        self._served: set[str] = set()
        self.serve(contexts.FILES)

    def serve(self, urls: Iterable[str]) -> None:
        """Lay out the documents at these URLs of contexts, as far as this package has them."""
        for url in urls:
            content = contexts.context_bytes(url)
            if content is not None and url not in self._served:
                self._save(url, content)
                self._served.add(url)

    def _save(self, url: str, content: bytes) -> None:
        from requests import Request, Response
        from urllib3 import HTTPResponse

        kind = {"Content-Type": "application/ld+json"}
        answer = Response()
        answer.status_code = 200
        answer.url = url
        answer.headers.update(kind)
        answer.raw = HTTPResponse(io.BytesIO(content), status=200, headers=kind, preload_content=False)
        answer.request = Request("GET", url).prepare()
        self._session.cache.save_response(answer)


@cache
def offline() -> Offline:
    """Return the one place of this process."""
    return Offline()
