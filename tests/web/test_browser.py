"""The pages in a real browser."""

from __future__ import annotations

import http.server
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from storebed.looked_at import HOSTILE

from recrate.provenance import ids, queries
from recrate.provenance.store import open_store

from .browser import FOREIGN, Watched, missing, started, violations
from .conftest import Served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

pytestmark = pytest.mark.skipif(missing() is not None, reason=missing() or "")

PATIENCE = 30_000
WAITING: dict[str, Any] = {
    "cwlVersion": "v1.2",
    "class": "Workflow",
    "requirements": {"ScatterFeatureRequirement": {}},
    "inputs": {"words": "string[]", "gate": "string"},
    "outputs": {"said": {"type": "File[]", "outputSource": "say/said"}},
    "steps": {
        "say": {
            "run": {
                "class": "CommandLineTool",
                "baseCommand": ["sh", "-c"],
                "arguments": [
                    f"echo '{HOSTILE}' >&2; while ! test -e \"$1/first\"; do sleep 0.1; done; echo second >&2; "
                    'while ! test -e "$1/last"; do sleep 0.1; done; echo "$0"'
                ],
                "inputs": {
                    "word": {"type": "string", "inputBinding": {"position": 1}},
                    "gate": {"type": "string", "inputBinding": {"position": 2}},
                },
                "outputs": {"said": "stdout"},
            },
            "scatter": "word",
            "in": {"word": "words", "gate": "gate"},
            "out": ["said"],
        }
    },
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with started() as browser:
        yield browser


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context()
    yield context
    context.close()


@pytest.fixture
def watched(context: BrowserContext) -> Watched:
    return Watched(context)


@pytest.fixture(scope="module")
def report(folder: Path) -> str:
    """The address of the report of the run that failed."""
    path = folder / "bad.html"
    words = [sys.executable, "-m", "recrate", "report", "bad", "-o", str(path), "--store", str(folder / "store.db")]
    subprocess.run(words, check=True, capture_output=True)
    return path.as_uri()


def pages(folder: Path) -> list[str]:
    with open_store(str(folder / "store.db")) as store:
        run = queries.resolve(store.database, queries.Kind.RUN, "good")
        job = ids.job_id(run, "/shout[2]")
        token = queries.outputs(store.database, queries.get_job(store.database, job))["loud"].id
    return [
        "/", "/runs/good", "/runs/bad", "/runs/good/jobs", f"/jobs/{job}", f"/tokens/{token}", "/search?q=plot",
        "/compare?first=good&second=bad", "/query?q=runs", "/nothing",
    ]  # fmt: skip


def test_pages_load_without_complaints_and_fetch_from_nowhere_else(
    watched: Watched, served: Served, folder: Path
) -> None:
    for path in pages(folder):
        watched.page.goto(served.url + path)
        assert watched.page.title().endswith("Recrate")
    assert [one for one in watched.problems if "404" not in one] == []
    assert all(url.startswith((served.url, "data:")) for url in watched.requests)


def test_a_report_loads_from_the_disk_without_complaints(watched: Watched, report: str) -> None:
    watched.page.goto(report)
    assert watched.page.locator("svg.flow a.box").count() == 5
    assert watched.problems == []
    assert all(url == report or url.startswith("data:") for url in watched.requests)


def test_a_report_can_be_read_where_no_script_runs(browser: Browser, report: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report)
    assert "exit code 1" in page.locator("#failures").inner_text()
    page.locator("#jobs details.job summary").first.click()
    assert page.locator("#jobs details.job pre.command").first.is_visible()
    context.close()


def test_the_graph_shows_and_leads_to_the_jobs(watched: Watched, served: Served) -> None:
    watched.page.goto(f"{served.url}/runs/good")
    boxes = watched.page.locator("svg.flow a.box")
    assert boxes.count() == 5
    for box in boxes.all():
        shape = box.bounding_box()
        assert shape is not None
        assert min(shape["width"], shape["height"]) > 10
    watched.page.locator("svg.flow a.box", has_text="shout").click()
    watched.page.wait_for_url("**/jobs?step=*")
    assert watched.page.locator("table.list tbody tr").count() == 3


def test_figures_are_seen(watched: Watched, served: Served) -> None:
    watched.page.goto(f"{served.url}/runs/good")
    image = watched.page.locator("#figures img")
    assert image.evaluate("image => image.complete && image.naturalWidth > 0")


def test_hostile_names_values_and_logs_stay_text(watched: Watched, served: Served, folder: Path, report: str) -> None:
    for address in [report, *(served.url + path for path in pages(folder))]:
        watched.page.goto(address)
        assert watched.page.locator("main script, main i").count() == 0
    assert not any("dialog" in problem for problem in watched.problems)


@pytest.mark.parametrize("scheme, rules", [("light", []), ("dark", ["color-contrast"])])
def test_pages_are_accessible(
    browser: Browser, served: Served, folder: Path, report: str, scheme: Any, rules: list[str]
) -> None:
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    found = []
    for address in [report, *(served.url + path for path in pages(folder))]:
        page.goto(address)
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        try:
            found += [f"{address}: {one}" for one in violations(page, rules)]
        except LookupError as error:
            pytest.skip(str(error))
    context.close()
    assert "\n".join(found) == ""


def test_narrow_screens_need_no_scrolling_to_the_side(
    browser: Browser, served: Served, folder: Path, report: str
) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 700})
    page = context.new_page()
    for address in [report, *(served.url + path for path in pages(folder))]:
        page.goto(address)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, address
    context.close()


def test_the_keyboard_is_enough(watched: Watched, report: str) -> None:
    page = watched.page
    page.goto(report)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    page.locator("svg.flow a.box").nth(1).focus()
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash").startswith("#")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("#theme").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before


def test_jobs_are_found_by_typing(watched: Watched, report: str) -> None:
    page = watched.page
    page.goto(report)
    everything = page.locator("#jobs .job:visible").count()
    page.locator("#only-failed").check()
    assert page.locator("#jobs .job:visible").count() == 1 < everything
    page.locator("#find-job").fill("nothing")
    assert page.locator("#jobs .job:visible").count() == 0
    assert page.locator("#found").inner_text() == "0 shown"


# --- runs that go on ------------------------------------------------------------------


@contextmanager
def going_on(folder: Path, name: str) -> Iterator[Path]:
    """Start a run whose jobs wait for files in the folder that is given."""
    gate = folder / name
    gate.mkdir()
    (gate / "workflow.cwl").write_text(json.dumps(WAITING))
    (gate / "job.json").write_text(json.dumps({"words": ["one", "two"], "gate": str(gate)}))
    words = [sys.executable, "-m", "recrate", "run", "-q", str(gate / "workflow.cwl"), str(gate / "job.json")]
    words += ["--name", name, "--store", str(folder / "store.db"), "--work", str(gate / "work"), "--jobs", "1"]
    process = subprocess.Popen([*words, "--outdir", str(gate / "out")], env={**os.environ}, stderr=subprocess.DEVNULL)
    (gate / "pid").write_text(str(process.pid))
    try:
        yield gate
    finally:
        (gate / "first").touch()
        (gate / "last").touch()
        process.wait(60)


def go_until(page: Any, url: str, shown: str) -> None:
    """Load a page again and again until it shows something: what is not in the store yet no stream tells of."""
    for _ in range(PATIENCE // 200):
        page.goto(url)
        if page.locator(shown).count():
            return
        page.wait_for_timeout(200)
    raise AssertionError(f"{url} does not show {shown}")


def wait_for_run(page: Any, url: str) -> None:
    """Go to the page of a run that goes on, once the store knows it."""
    go_until(page, url, ".run-head .state.is-running")


def test_a_run_is_seen_to_go_on_and_end(watched: Watched, served: Served, folder: Path) -> None:
    page = watched.page
    with going_on(folder, "live") as gate:
        wait_for_run(page, f"{served.url}/runs/live")
        page.evaluate("window.sameDocument = true")
        page.locator("#about details summary").first.click()
        page.locator(".run-head .state.is-running").wait_for(timeout=PATIENCE)
        page.locator(".live-mark:visible").wait_for(timeout=PATIENCE)
        (gate / "first").touch()
        (gate / "last").touch()
        page.locator(".run-head .state.is-completed").wait_for(timeout=PATIENCE)
        page.locator("#outputs .file").nth(1).wait_for(timeout=PATIENCE)
        assert page.evaluate("window.sameDocument"), "the page was not loaded again"
        assert page.locator("#about details[open]").count() == 1, "what was unfolded stays so"
    assert [one for one in watched.problems if "404" not in one] == []


def test_the_list_of_runs_shows_a_new_one_by_itself(watched: Watched, served: Served, folder: Path) -> None:
    page = watched.page
    page.goto(served.url)
    page.locator(".live-mark:visible").wait_for(timeout=PATIENCE)
    with going_on(folder, "newcomer"):
        page.get_by_role("link", name="newcomer").wait_for(timeout=PATIENCE)


def test_a_log_is_seen_to_grow(watched: Watched, served: Served, folder: Path) -> None:
    page = watched.page
    with going_on(folder, "talking") as gate:
        go_until(page, f"{served.url}/runs/talking/jobs?state=running", "a:text-is('/say[0]')")
        page.get_by_role("link", name="/say[0]").click()
        log = page.locator("pre.growing").first
        log.filter(has_text=HOSTILE).wait_for(timeout=PATIENCE)
        (gate / "first").touch()
        log.filter(has_text="second").wait_for(timeout=PATIENCE)
    assert not any("dialog" in problem for problem in watched.problems)


def test_a_run_is_cancelled_and_resumed_by_whoever_has_the_token(
    watched: Watched, served: Served, folder: Path
) -> None:
    page = watched.page
    with going_on(folder, "stopped") as gate:
        wait_for_run(page, f"{served.url}/runs/stopped")
        assert page.get_by_role("button", name="Cancel the run").count() == 0, "who has no token is not offered it"
        page.goto(f"{served.url}/runs/stopped?token={served.token}")
        assert "token" not in page.url
        page.get_by_role("button", name="Cancel the run").click()
        page.locator(".run-head .state.is-cancelled").wait_for(timeout=PATIENCE)
        (gate / "first").touch()
        (gate / "last").touch()
        page.get_by_role("button", name="Resume the run").click()
        for _ in range(60):
            page.goto(f"{served.url}/runs/stopped")
            if page.locator(".run-head .state.is-completed").count():
                return
            page.wait_for_timeout(500)
    raise AssertionError("the run did not go on")


def test_a_run_whose_controller_was_killed_is_said_to_be_and_can_be_ended(
    watched: Watched, served: Served, folder: Path
) -> None:
    page = watched.page
    with going_on(folder, "orphan") as gate:
        wait_for_run(page, f"{served.url}/runs/orphan")
        os.kill(int((gate / "pid").read_text()), signal.SIGKILL)
        page.goto(f"{served.url}/runs/orphan?token={served.token}")
        page.locator(".run-head .state.is-interrupted").wait_for(timeout=PATIENCE)
        assert page.get_by_role("button", name="Resume the run").count() == 1
        page.get_by_role("button", name="Cancel the run").click()
        page.locator(".run-head .state.is-cancelled").wait_for(timeout=PATIENCE)


# --- other sites ----------------------------------------------------------------------


@contextmanager
def another_site(folder: Path, text: str) -> Iterator[int]:
    """Serve a page of somebody else's at another port of this machine."""
    folder.mkdir(exist_ok=True)
    (folder / "index.html").write_text(text)
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_another_origin_can_neither_act_nor_read(watched: Watched, served: Served, folder: Path) -> None:
    page = watched.page
    action = f"{served.url}/runs/held/cancel"
    attack = f"""<form id="f" method="post" action="{action}" target="t"></form><iframe name="t"></iframe><script>
    window.results = [];
    const tried = (address, options) => fetch(address, options).then(
        (answer) => results.push(answer.type), () => results.push("refused"));
    document.getElementById("f").submit();
    tried("{action}", {{method: "POST", credentials: "include", mode: "no-cors"}});
    tried("{served.url}/runs/held", {{credentials: "include"}});
    </script>"""
    with going_on(folder, "held"), another_site(folder / "attack", attack) as port:
        page.goto(f"{served.url}/?token={served.token}")
        wait_for_run(page, f"{served.url}/runs/held")
        for host in ("127.0.0.1", FOREIGN):  # the first is of the same site, so that cookies are sent
            page.goto(f"http://{host}:{port}/")
            page.wait_for_function("window.results.length === 2", timeout=PATIENCE)
            assert "refused" in page.evaluate("window.results")
        page.goto(f"{served.url}/runs/held")
        assert page.locator(".run-head .state.is-running").count() == 1
        with open_store(str(folder / "store.db")) as store:
            run = queries.resolve(store.database, queries.Kind.RUN, "held")
            assert store.database.one("SELECT asked FROM lease WHERE run_id = ?", (run,)) == (None,)


def test_a_name_that_resolves_to_this_machine_is_not_answered(watched: Watched, served: Served) -> None:
    port = served.url.rpartition(":")[2]
    answer = watched.page.goto(f"http://{FOREIGN}:{port}/")
    assert answer is not None
    assert answer.status == 421
