"""Take pictures of the pages:  python docs/make_pages.py

Runs the examples in a directory of its own, serves them by `recrate ui`, and writes what Debian's
chromium shows to `docs/images/page-*.png`. Run it when the look of a page changed. It needs
Playwright (`pip install 'recrate[test]'`) and chromium.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
PENGUINS = ("examples/penguins/workflow.cwl", "examples/penguins/job.yml")
RUNS = (
    (*PENGUINS, "--name", "penguins"),
    ("examples/words/workflow.cwl", "examples/words/job.yml", "--name", "words"),
    ("examples/failing/workflow.cwl", "--name", "division"),
)


@dataclass(frozen=True)
class Shot:
    """A picture of a page: its address, the part that is shown first, and how large the window is."""

    path: str
    anchor: str = ""
    scheme: str = "light"
    width: int = 1200
    height: int = 820


SHOTS: Mapping[str, Shot] = {
    "runs": Shot("/", height=420),
    "run": Shot("/runs/penguins", "graph", height=1000),
    "course": Shot("/runs/penguins", "timeline", height=560),
    "dark": Shot("/runs/penguins", scheme="dark"),
    "failure": Shot("/runs/division", height=720),
    "lineage": Shot("/search?q=accuracy.svg", "lineage", height=900),
    "narrow": Shot("/runs/penguins", width=400, height=820),
}


def take(browser: Any, url: str, name: str, shot: Shot) -> None:
    """Take one picture."""
    context = browser.new_context(
        viewport={"width": shot.width, "height": shot.height}, color_scheme=shot.scheme, device_scale_factor=1.5
    )
    page = context.new_page()
    page.goto(url + shot.path)
    if name == "lineage":
        page.locator("table.list td:last-child a").last.click()
    if shot.anchor:
        page.evaluate("id => document.getElementById(id).scrollIntoView()", shot.anchor)
    target = DOCS / "images" / f"page-{name}.png"
    page.screenshot(path=target)
    context.close()
    print(target)


def make_runs(folder: Path, environment: Mapping[str, str]) -> None:
    """Run the examples; one of them fails, as it should."""
    shutil.copytree(DOCS.parent / "examples", folder / "examples")
    for words in RUNS:
        command = [sys.executable, "-m", "recrate", "run", "-q", *words, "--outdir", f"results-{words[-1]}"]
        subprocess.run(command, cwd=folder, env=environment, check=False, stderr=subprocess.DEVNULL)


def main() -> None:
    """Take all pictures."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        environment = {**os.environ, "RECRATE_STORE": str(folder / "store.db"), "XDG_DATA_HOME": str(folder / "data")}
        make_runs(folder, environment)
        serving = [sys.executable, "-m", "recrate", "ui", "--port", "0"]
        with subprocess.Popen(serving, stdout=subprocess.PIPE, text=True, env=environment) as server:
            assert server.stdout is not None
            found = re.search(r"(http://\S+?)/\?token", server.stdout.readline())
            try:
                assert found is not None, "the page is not served"
                with sync_playwright() as playwright:
                    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
                    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=sandbox)
                    for name, shot in SHOTS.items():
                        take(browser, found[1], name, shot)
                    browser.close()
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
