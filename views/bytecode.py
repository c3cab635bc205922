"""Compiled templates, kept beside them as Python keeps its modules: compiling them takes longer than filling them."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib.util import cache_from_source
from pickle import UnpicklingError

from jinja2.bccache import Bucket, BytecodeCache

from ..core.replacing import replacing


class BesideTemplates(BytecodeCache):
    """Keeps what the templates of a folder were compiled to in its `__pycache__`, where that may be written.

    It stands where Python would put it (`PYTHONPYCACHEPREFIX`), and nowhere if Python would write
    nothing (`PYTHONDONTWRITEBYTECODE`). Jinja looks itself whether it fits: to the text of the
    template, to Python's version and to its own format.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """Return the name of a template: one folder, one cache."""
        return name

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read what a template was compiled to; nothing when it is not there, or not whole."""
        with suppress(OSError, EOFError, UnpicklingError), open(self._path(bucket), "rb") as stream:
            bucket.load_bytecode(stream)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write what a template was compiled to, whole or not at all; nothing where that is not allowed."""
        if sys.dont_write_bytecode:
            return
        path = self._path(bucket)
        with suppress(OSError):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with replacing(path) as part, open(part, "wb") as stream:
                bucket.write_bytecode(stream)

    def _path(self, bucket: Bucket) -> str:
        return cache_from_source(os.path.join(self._folder, f"{bucket.key}.py"))
