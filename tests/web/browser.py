"""A real browser: Debian's chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FOREIGN = "evil.example"
"""A name that the browser resolves to this machine."""


def missing() -> str | None:
    """Return why there is no browser here, None when there is one."""
    if find_spec("playwright") is None:
        return "Playwright is not installed"
    if program() is None:
        return "chromium is not installed"
    return None


def program() -> str | None:
    """Return the path of the browser."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


@contextmanager
def started() -> Iterator[Browser]:
    """Start the browser."""
    from playwright.sync_api import sync_playwright

    words = [f"--host-resolver-rules=MAP {FOREIGN} 127.0.0.1", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=words)
        yield browser
        browser.close()


class Watched:
    """A page, and all that went wrong on it: errors of scripts, of the console, of requests, and dialogs."""

    def __init__(self, context: BrowserContext) -> None:
        self.page: Page = context.new_page()
        self.problems: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self._note(message.type in ("error", "warning"), message.text))
        self.page.on("pageerror", lambda error: self._note(True, str(error)))
        self.page.on("requestfailed", self._failed)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("dialog", lambda dialog: (self._note(True, f"dialog {dialog.message}"), dialog.dismiss()))

    def _note(self, counts: bool, text: str) -> None:
        if counts:
            self.problems.append(text)

    def _failed(self, request: Any) -> None:
        # A stream or a request that ends because the page is left is no problem.
        self._note("ERR_ABORTED" not in (request.failure or ""), f"{request.url}: {request.failure}")


def violations(page: Page, rules: Sequence[str] = ()) -> list[str]:
    """Return what axe-core finds wrong with a page for those who cannot see, hear or point; by some rules, or by all.

    Raises LookupError when axe-core is not installed.
    """
    found = find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        raise LookupError("axe-core is not installed (PyPI: axe-playwright-python)")
    page.evaluate((Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8"))
    options = {"runOnly": list(rules)} if rules else {}
    result: dict[str, Any] = page.evaluate("options => axe.run(options)", options)
    return [
        f"{one['id']}: {node['html'][:200]} {node['failureSummary']}"
        for one in result["violations"]
        for node in one["nodes"]
    ]
