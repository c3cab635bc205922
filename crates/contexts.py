"""The JSON-LD contexts of RO-Crate and of the vocabularies of run crates, as files of this package.

They were published under CC0. Nothing is ever fetched: a context that is not here is not known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import urlsplit

_RO = "https://w3id.org/ro"
_BASES = {f"ro-crate-{version}.jsonld": f"{_RO}/crate/{version}" for version in ("1.0", "1.1", "1.2", "1.3")}
_VOCABULARIES = {
    f"{name}.jsonld": f"{_RO}/terms/{name}" for name in ("workflow-run", "compss", "sapporo", "test", "wfexs")
}
FILES: Mapping[str, str] = {
    **{f"{base}/context": name for name, base in _BASES.items()},
    **{f"{base}/context": name for name, base in _VOCABULARIES.items()},
    **{base: name for name, base in _VOCABULARIES.items()},
}
"""By URL of a context, without a slash at its end: the name of the file that it is in. Crates name
the context of a vocabulary also by the URL of the vocabulary itself."""
SCHEMA_ORG = frozenset({"https://schema.org", "https://schema.org/docs/jsonldcontext.json"})
"""Contexts of schema.org, all terms of which the contexts of RO-Crate have too."""


def normal(url: str) -> str:
    """Return the URL of a context in the one form in which it stands in `FILES`."""
    try:
        parts = urlsplit(url)
    except ValueError:  # such as a bracket that is not closed
        return url
    if parts.scheme.lower() not in ("http", "https"):
        return url
    return f"https://{parts.netloc.lower()}{parts.path}".removesuffix("/")


def is_known(url: str) -> bool:
    """Tell whether what the terms of a context mean is known here."""
    return normal(url) in FILES or normal(url) in SCHEMA_ORG


def context_bytes(url: str) -> bytes | None:
    """Return the document of a context as it was published, None when it is not among ours."""
    name = FILES.get(normal(url))
    return None if name is None else resources.files(__package__).joinpath("contexts", name).read_bytes()


def context_terms(url: str) -> Mapping[str, Any] | None:
    """Return the terms of a context: the value of its `@context`; None when it is not among ours."""
    name = FILES.get(normal(url))
    return None if name is None else _terms(name)


@cache
def _terms(name: str) -> Mapping[str, Any]:
    text = resources.files(__package__).joinpath("contexts", name).read_text(encoding="utf-8")
    terms: Mapping[str, Any] = json.loads(text)["@context"]
    return terms


def all_contexts() -> Iterator[tuple[str, bytes]]:
    """Yield the URL and the document of each context that is here."""
    for url in FILES:
        content = context_bytes(url)
        assert content is not None
        yield url, content
