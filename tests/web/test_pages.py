"""The pages, as they come from the server."""

from __future__ import annotations

import io
import json
import re
import urllib.parse
import urllib.request
import zipfile
from pathlib import Path

import pytest
from storebed.looked_at import HOSTILE

from recrate.provenance import ids, queries
from recrate.provenance.store import open_store
from recrate.web.live import _after

from .conftest import Served, serving


@pytest.fixture(scope="module")
def known(folder: Path) -> dict[str, str]:
    """Ids of the run `good`."""
    with open_store(str(folder / "store.db")) as store:
        database = store.database
        run = queries.resolve(database, queries.Kind.RUN, "good")
        job = queries.resolve(database, queries.Kind.JOB, "good/draw")
        plot = queries.outputs(database, queries.get_job(database, job))["plot"]
        (file,) = queries.files_of(database, plot.id)
        step = ids.step_id(run, "/shout")
        attempt = queries.attempts(database, job)[0].id
    return {"run": run, "job": job, "token": plot.id, "sha256": str(file.sha256), "step": step, "attempt": attempt}


PAGES = (
    "/", "/?text=goo&state=completed", "/runs/{run}", "/runs/good", "/runs/bad", "/runs/{run}/jobs",
    "/runs/{run}/jobs?step={step}&state=completed&page=9", "/jobs/{job}", "/tokens/{token}", "/contents/{sha256}",
    "/compare", "/compare?first=good&second=bad", "/search", "/search?q={sha256}", "/search?q=plot", "/query",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_there_and_shows_hostile_names_as_text(served: Served, known: dict[str, str], path: str) -> None:
    answer = served.ask(path.format(**known))
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert HOSTILE not in answer.text
    assert re.findall(r"<script[^>]*>", answer.text) == [
        '<script src="/assets/page.js" defer>', '<script src="/assets/live.js" defer>',
    ]  # fmt: skip
    assert not re.search(r"\sstyle=|\son\w+=", answer.text), "the policy would not let it count"


def test_a_part_of_a_page_is_its_content_alone(served: Served) -> None:
    whole, part = served.ask("/runs/good"), served.ask("/runs/good?part=1")
    assert "<html" not in part.text
    assert part.text.strip() in whole.text


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/runs/nothing",
        "/jobs/zz",
        "/tokens/0",
        "/contents/zz",
        "/assets/base.html",
        "/assets/..%2f..%2fviews%2frun.py",
        "/attempts/x/stdout",
        "/runs/%3Cscript%3E",
    ],
)
def test_what_is_not_there_is_said_in_words(served: Served, path: str) -> None:
    answer = served.ask(path)
    assert answer.status == 404
    assert "Traceback" not in answer.text
    assert "<script>" not in answer.text


def test_search_finds_by_hash_by_file_name_and_by_id(served: Served, known: dict[str, str]) -> None:
    for text in (known["sha256"], known["sha256"][:8], "plot.sv"):
        assert f"/tokens/{known['token']}" in served.ask(f"/search?q={text}").text
    assert f"/jobs/{known['job']}" in served.ask(f"/search?q={known['job']}").text
    assert f"/runs/{known['run']}" in served.ask("/search?q=GOOD").text
    assert "Nothing on record" in served.ask("/search?q=%25").text


def test_lineage_is_shown_both_ways(served: Served, known: dict[str, str], folder: Path) -> None:
    plot = served.ask(f"/tokens/{known['token']}").text
    assert "/shout: 3 jobs" in plot
    assert "Nothing used it" in plot
    with open_store(str(folder / "store.db")) as store:
        (word,) = queries.inputs(store.database, ids.job_id(known["run"], "/shout[0]")).values()
    first = served.ask(f"/tokens/{word.id}").text
    assert "/shout: 1 job" in first
    assert "/draw: 1 job" in first


def test_two_runs_are_compared_by_what_they_made(served: Served) -> None:
    page = served.ask("/compare?first=good&second=bad").text
    assert "2 of 2 outputs differ" in page
    same = served.ask("/compare?first=good&second=good").text
    assert "All 2 outputs are equal" in same
    assert "differs" not in same


def test_two_runs_are_compared_by_what_is_in_their_files(served: Served) -> None:
    same = served.ask("/compare/contents?first=good&second=good").text
    assert "<h1>Identical</h1>" in same
    other = served.ask("/compare/contents?first=good&second=bad").text
    assert "<h1>Missing</h1>" in other
    assert "only the first side has it" in other
    assert served.ask("/compare/contents?first=good").status == 404


def test_the_content_of_a_file_comes_to_be_kept_never_to_be_shown(served: Served, known: dict[str, str]) -> None:
    answer = served.ask(f"/contents/{known['sha256']}/file")
    assert answer.text.startswith("<svg")
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="plot.svg"')


def test_the_report_and_the_crate_can_be_taken_away(served: Served) -> None:
    report = served.ask("/reports/good")
    assert report.text.startswith("<!DOCTYPE html>")
    assert 'filename="good.html"' in report.headers["Content-Disposition"]
    with urllib.request.urlopen(f"{served.url}/crates/good", timeout=60) as answer:
        archive = zipfile.ZipFile(io.BytesIO(answer.read()))
    assert any(name.endswith("ro-crate-metadata.json") for name in archive.namelist())


def test_a_query_by_name_or_as_text_is_answered(served: Served) -> None:
    assert "1 row<" in served.ask("/query?q=runs&run=good").text
    assert re.search(r"\d+ rows<", served.ask("/query?q=runs").text)
    text = urllib.parse.quote("ASK { ?s ?p ?o }")
    assert "yes" in served.ask(f"/query?q={text}&run=good").text


@pytest.mark.parametrize(
    "query", ["/etc/passwd", "SELECT ?x WHERE { SERVICE <http://evil.example> { ?x ?y ?z } }", "-", "--list"]
)
def test_a_query_reads_no_file_and_no_network(served: Served, query: str) -> None:
    page = served.ask(f"/query?q={urllib.parse.quote(query)}").text
    assert 'role="alert"' in page
    assert "root:" not in page


def test_a_log_is_given_from_where_one_was(served: Served, known: dict[str, str], folder: Path) -> None:
    with open_store(str(folder / "store.db")) as store:
        attempt = queries.attempts(store.database, ids.job_id(known["run"], "/shout[2]"))[0]
    whole = json.loads(served.ask(f"/attempts/{attempt.id}/stderr").text)
    assert whole == {"text": f"{HOSTILE}\n", "next": len(HOSTILE) + 1, "grows": False}
    rest = json.loads(served.ask(f"/attempts/{attempt.id}/stderr?from={len(HOSTILE) - 1}").text)
    assert rest["text"] == ">\n"


def test_of_a_log_that_grows_whole_lines_are_given(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\ntwo\nthr")
    assert _after(str(path), 0, whole_lines=True) == (b"one\ntwo\n", 8)
    assert _after(str(path), 8, whole_lines=True) == (b"", 8)
    assert _after(str(path), 8, whole_lines=False) == (b"thr", 11)
    assert _after(str(path), None, whole_lines=True) == (b"one\ntwo\n", 8)
    assert _after(str(tmp_path / "none"), None, whole_lines=True) == (b"", 0)


def test_beats_end_when_nothing_more_will_happen(served: Served) -> None:
    assert served.ask("/runs/good/live").text.endswith("event: end\ndata:\n\n")


def test_a_server_that_ends_lets_go_of_those_who_listen(folder: Path) -> None:
    with serving(folder) as page, urllib.request.urlopen(f"{page.url}/live", timeout=60) as stream:
        assert stream.readline() == b": connected\n"
        page.stop()
        assert stream.read() == b"\n"
