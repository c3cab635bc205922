"""`recrate report`."""

from __future__ import annotations

import os

from .conftest import Commands


def test_a_report_is_one_file_named_after_the_run(recrate: Commands) -> None:
    recrate("run", "-q", "workflow.cwl", "job.json", "--name", "first")
    assert recrate("report", "first").stdout == "first.html\n"
    text = (recrate.folder / "first.html").read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>")
    assert text.rstrip().endswith("</html>")
    assert recrate("report", "last", "-o", "-").stdout.startswith("<!DOCTYPE html>")


def test_a_report_that_cannot_be_written_leaves_nothing(recrate: Commands) -> None:
    recrate("run", "-q", "tool.cwl", "--set", "text=a.txt", "--name", "first")
    before = set(os.listdir(recrate.folder))
    assert "cannot write" in recrate("report", "first", "-o", "nowhere/page.html", code=2).stderr
    assert "no run is called" in recrate("report", "nothing", "-o", "page.html", code=2).stderr
    assert set(os.listdir(recrate.folder)) == before
