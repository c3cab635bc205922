"""Templates to HTML."""

from __future__ import annotations

import pytest

from recrate.views.rendering import environment, link, percent, px


@pytest.mark.parametrize("address", ["data/a.txt", "#jobs", "https://orcid.org/0", "mailto:a@b", "./a:b", "a%3Ab", ""])
def test_a_page_links_to_places(address: str) -> None:
    assert link(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "java\nscript:alert(1)",
        " javascript:alert(1)",
        "\x01javascript:alert(1)",
    ],
)
def test_a_page_links_to_nothing_that_acts(address: str) -> None:
    assert link(address) == ""


def test_templates_escape_whatever_they_are_given() -> None:
    assert environment().from_string("{{ text }}").render(text="<b>\"'&") == "&lt;b&gt;&#34;&#39;&amp;"


def test_lengths_are_short() -> None:
    assert (percent(0.5), percent(1 / 3), px(2.0), px(2.345)) == ("50%", "33.333%", "2", "2.3")
