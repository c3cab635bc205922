"""Telling a binding file from a CWL document, which both are YAML, without reading either in full."""

from __future__ import annotations

import re

_VERSION = re.compile(r"""^\s*\{?\s*["']?version["']?\s*:""", re.MULTILINE)
START = 1 << 16
"""So many bytes are looked at."""


def is_binding_file(path: str) -> bool:
    """Tell whether a file is a binding file: it has a `version`, and is no CWL document."""
    try:
        with open(path, "rb") as stream:
            start = stream.read(START).decode("utf-8", "replace")
    except (OSError, ValueError):
        return False
    return "cwlVersion" not in start and _VERSION.search(start) is not None
