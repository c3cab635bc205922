"""The contexts that are part of the package."""

from __future__ import annotations

import pytest

from recrate.crates import contexts


def test_every_context_is_there_and_has_terms() -> None:
    for url, content in contexts.all_contexts():
        assert content.startswith(b"{")
        assert contexts.context_terms(url), url


@pytest.mark.parametrize(
    "url",
    [
        "https://w3id.org/ro/crate/1.1/context",
        "http://w3id.org/ro/crate/1.3/context",
        "https://w3id.org/ro/terms/workflow-run",
        "https://w3id.org/ro/terms/workflow-run/context",
        "https://W3ID.org/ro/terms/sapporo/",
    ],
)
def test_a_context_is_known_in_all_its_spellings(url: str) -> None:
    assert contexts.is_known(url) and contexts.context_bytes(url)


@pytest.mark.parametrize("url", ["https://evil.example/context", "file:///etc/passwd", "", "https://w3id.org/ro/crate"])
def test_others_are_not_known(url: str) -> None:
    assert not contexts.is_known(url) and contexts.context_bytes(url) is None


def test_terms_of_both_lines_are_told_apart() -> None:
    old = contexts.context_terms("https://w3id.org/ro/crate/1.1/context")
    new = contexts.context_terms("https://w3id.org/ro/crate/1.3/context")
    assert old is not None and new is not None
    assert old["FormalParameter"] != new["FormalParameter"]
