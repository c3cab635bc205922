"""The page, served by the command itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPMessage
from pathlib import Path

import pytest
from storebed.looked_at import make_runs


@dataclass(frozen=True)
class Answer:
    """What came back for a request."""

    status: int
    headers: HTTPMessage
    text: str


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        """Follow nothing."""


@dataclass(frozen=True)
class Served:
    """A page that is served, and the token that it printed."""

    url: str
    token: str
    folder: Path
    stop: Callable[[], None]

    def ask(self, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Answer:
        request = urllib.request.Request(self.url + path, headers=dict(headers or {}), method=method)
        opener = urllib.request.build_opener(_Stay)
        try:
            with opener.open(request, timeout=60) as answer:
                return Answer(answer.status, answer.headers, answer.read().decode("utf-8", "replace"))
        except urllib.error.HTTPError as refused:
            with refused:
                return Answer(refused.code, refused.headers, refused.read().decode("utf-8", "replace"))


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Served]:
    """Serve the store of a folder at any free port."""
    words = [sys.executable, "-m", "recrate", "ui", "--port", "0", "--store", str(folder / "store.db"), *options]
    log = folder / "ui.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors, text=True, env={**os.environ}) as process,
    ):
        assert process.stdout is not None
        found = re.search(r"(http://\S+?)/\?token=(\S+)", process.stdout.readline())
        try:
            assert found is not None, "it did not say where it is"
            yield Served(found[1], found[2], folder, process.terminate)
        finally:
            process.terminate()
            process.wait(20)
            assert log.read_text() == "", "whatever happens to a page, its server has nothing to complain of"


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a store: see `make_runs`."""
    folder = tmp_path_factory.mktemp("web")
    make_runs(folder)
    return folder


@pytest.fixture(scope="session")
def served(folder: Path) -> Iterator[Served]:
    with serving(folder) as page:
        yield page
