"""A run as one static page, and as the preview of a crate."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from storebed.looked_at import FIGURE, HOSTILE

from recrate.errors import UsageError
from recrate.provenance import queries
from recrate.provenance.database import Database
from recrate.provenance.queries import Kind
from recrate.provenance.rows import FileRow
from recrate.views.jobs import Fact
from recrate.views.limits import Limits
from recrate.views.report import CrateFacts, PageLink, preview, report

EMPTY = {"meta", "link", "br", "img", "input", "hr"}


class Page(HTMLParser):
    """What is on a page: its elements with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.source = text
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"{tag} is closed where it is not open"

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("script", "style"):
            self.text += data

    def of(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


def run_id(database: Database, name: str) -> str:
    return queries.resolve(database, Kind.RUN, name)


def page_of(database: Database, name: str, limits: Limits | None = None) -> Page:
    return Page("".join(report(database, run_id(database, name), limits=limits)))


def test_the_page_of_a_run_is_well_formed_and_says_what_happened(database: Database) -> None:
    page = page_of(database, "good")
    assert page.open == []
    for said in (
        "completed",
        "2 steps",
        "4 jobs",
        "/shout[1]",
        "/draw",
        "Words <script>",
        "peak memory",
        "exit code 0",
    ):
        assert said in page.text
    anchors = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    links = [a["href"] for a in page.of("a")]
    assert links
    assert all(link.startswith("#") for link in links)
    assert {link[1:] for link in links} <= anchors
    assert len(anchors) == sum("id" in attributes for _, attributes in page.elements), "an id stands twice"


@pytest.mark.parametrize("name", ["good", "bad"])
def test_names_values_and_logs_cannot_inject_markup(database: Database, name: str) -> None:
    page = page_of(database, name)
    assert HOSTILE not in page.source
    assert HOSTILE in page.text
    assert len(page.of("script")) == 1
    assert not page.of("i")


def test_the_page_fetches_nothing_and_allows_its_own_script_and_style_alone(database: Database) -> None:
    page = page_of(database, "good")
    (policy,) = [meta["content"] for meta in page.of("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page.source, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not any("style" in attributes for _, attributes in page.elements), "the policy would not let it count"
    sources = [attributes["src"] for _, attributes in page.elements if "src" in attributes]
    assert sources
    assert all(source.startswith("data:image/") for source in sources)
    assert not page.of("link")


def test_figures_are_in_the_page(database: Database) -> None:
    sources = [image["src"] for image in page_of(database, "good").of("img")]
    assert f"data:image/svg+xml;base64,{base64.b64encode(FIGURE.encode()).decode()}" in sources


def figures_of(page: Page) -> list[str]:
    """Return the pictures that are files of the run."""
    return [image["src"] for image in page.of("img") if not image["alt"].startswith("Charts of")]


def test_a_file_that_is_not_what_it_was_is_not_shown(database: Database, folder: Path) -> None:
    before = figures_of(page_of(database, "good"))
    places = [path for path in folder.rglob("plot.svg") if not path.is_symlink()]
    for path in places:
        path.write_text(FIGURE.replace("9", "8"))
    try:
        assert before
        assert figures_of(page_of(database, "good")) == []
    finally:
        for path in places:
            path.write_text(FIGURE)


def test_the_page_of_a_run_that_failed_begins_with_the_reason(database: Database) -> None:
    page = page_of(database, "bad")
    assert "What failed" in page.text
    text = page.text[page.text.index("What failed", page.text.index("About")) :]
    assert text.index("exit code 1") < text.index("Course")
    assert HOSTILE in page.text[page.text.index("the last lines of") :], "its standard error is shown"
    assert "not started" in page.text


def test_what_is_shown_is_bounded(database: Database) -> None:
    page = page_of(
        database, "good", Limits(drawn=2, steps=1, jobs=1, details=2, bars=1, files=1, figures=10, preview=10)
    )
    assert "2 more jobs not shown here" in page.text
    assert "1 more step not shown here" in page.text
    assert not page.of("marker"), "no graph is drawn"
    assert "and 2 more files" in page.text
    assert "Figures" not in page.text
    assert page.open == []


def test_a_run_that_is_not_there_is_an_error(database: Database) -> None:
    with pytest.raises(UsageError):
        list(report(database, "0" * 16))


def test_the_preview_of_a_crate_links_to_its_files(database: Database) -> None:
    def place(row: FileRow) -> str | None:
        return f"outputs/{row.basename}" if row.basename == "plot.svg" else None

    facts = CrateFacts(
        title="A crate",
        description=f"Made for a test {HOSTILE}",
        facts=[Fact("license", "Apache-2.0", "https://spdx.org/licenses/Apache-2.0")],
        files=[PageLink("the metadata", "ro-crate-metadata.json")],
        link=place,
    )
    texts = ["".join(preview(database, run_id(database, "good"), facts)) for _ in range(2)]
    page = Page(texts[0])
    assert texts[0] == texts[1]
    links = {link["href"] for link in page.of("a")}
    assert {"outputs/plot.svg", "ro-crate-metadata.json", "https://spdx.org/licenses/Apache-2.0"} <= links
    assert "A crate" in page.text
    assert HOSTILE not in page.source
