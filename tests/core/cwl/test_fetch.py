"""References between documents, and reading what they name."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from recrate.core.cwl import fetch
from recrate.core.cwl.fetch import Fetcher, join, split_reference
from recrate.core.uris import to_path, to_uri
from recrate.errors import DocumentInvalid, Where

BASE = "file:///a/b/wf.cwl"

REFERENCES = [
    ("tool.cwl", "file:///a/b/tool.cwl"),
    ("../x/tool.cwl", "file:///a/x/tool.cwl"),
    ("./tool.cwl#main", "file:///a/b/tool.cwl#main"),
    ("#main/step", "file:///a/b/wf.cwl#main/step"),
    ("/abs/t.cwl", "file:///abs/t.cwl"),
    ("file:///abs/t.cwl#x", "file:///abs/t.cwl#x"),
    ("file:/abs/t.cwl", "file:///abs/t.cwl"),
    ("a:b.cwl", "file:///a/b/a%3Ab.cwl"),
    ("with space.cwl", "file:///a/b/with%20space.cwl"),
    ("with%20space.cwl", "file:///a/b/with%20space.cwl"),
    ("100%.cwl", "file:///a/b/100%25.cwl"),
    ("🕺.cwl", "file:///a/b/%F0%9F%95%BA.cwl"),
    ("what?.cwl", "file:///a/b/what%3F.cwl"),
    ("hash%23.cwl#x", "file:///a/b/hash%23.cwl#x"),
    ("https://w.org/t.cwl#m", "https://w.org/t.cwl#m"),
]


@pytest.mark.parametrize("reference, uri", REFERENCES)
def test_a_reference_is_resolved_from_the_document_it_stands_in(reference: str, uri: str) -> None:
    assert join(BASE, reference) == uri


def test_references_in_a_document_of_the_web_stay_there() -> None:
    assert join("https://w.org/d/wf.cwl", "../t.cwl#m") == "https://w.org/t.cwl#m"


@pytest.mark.parametrize("name", ["a b.cwl", "a:b.cwl", "100%25.cwl", "🕺.cwl", "q?.cwl", "semi;colon.cwl"])
def test_a_path_on_the_command_line_names_that_file(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("")
    uri, fragment = split_reference(str(tmp_path / name))
    assert (to_path(uri), fragment) == (str(tmp_path / name), "")


def test_a_fragment_is_what_follows_the_hash_unless_a_file_is_called_so(tmp_path: Path) -> None:
    assert split_reference(f"{tmp_path}/t.cwl#main") == (to_uri(f"{tmp_path}/t.cwl"), "main")
    (tmp_path / "t.cwl#main").write_text("")
    assert split_reference(f"{tmp_path}/t.cwl#main") == (to_uri(f"{tmp_path}/t.cwl#main"), "")
    assert split_reference("http://w.org/t.cwl#main") == ("http://w.org/t.cwl", "main")


def refused(fetcher: Fetcher, uri: str) -> DocumentInvalid:
    with pytest.raises(DocumentInvalid) as caught:
        fetcher.read(uri, Where("wf.cwl", 3, 4))
    assert str(caught.value.where) == "wf.cwl:3:4" and "\n" not in caught.value.render()
    return caught.value


def test_a_missing_file_and_a_directory_are_said_to_be_so(tmp_path: Path) -> None:
    assert "no such file" in refused(Fetcher(), to_uri(f"{tmp_path}/none.cwl")).problem
    assert "is a directory" in refused(Fetcher(), to_uri(str(tmp_path))).problem


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file_is_said_to_be_so(tmp_path: Path) -> None:
    path = tmp_path / "t.cwl"
    path.touch(mode=0)
    assert "permission denied" in refused(Fetcher(), to_uri(str(path))).problem


@pytest.mark.parametrize("uri", ["ftp://h/x.cwl", "file://elsewhere/x.cwl", "s3://b/x", "file:///a%00b"])
def test_other_schemes_and_hosts_are_refused(uri: str) -> None:
    refused(Fetcher(allow_network=True), uri)


def test_the_network_is_left_alone_unless_it_is_allowed() -> None:
    error = refused(Fetcher(fetch=lambda uri: b"x"), "https://w.org/t.cwl")
    assert "not allowed" in error.problem and error.hint is not None and "--enable-net" in error.hint


def test_an_allowed_address_is_read_once() -> None:
    calls: list[str] = []

    def answer(uri: str) -> bytes:
        calls.append(uri)
        return b"text"

    fetcher = Fetcher(allow_network=True, fetch=answer)
    assert fetcher.text("https://w.org/t") == fetcher.text("https://w.org/t") == "text"
    assert calls == ["https://w.org/t"] and fetcher.sources == {"https://w.org/t": b"text"}


def test_a_server_that_fails_is_one_line() -> None:
    def fail(uri: str) -> bytes:
        raise TimeoutError("timed out")

    assert "timed out" in refused(Fetcher(allow_network=True, fetch=fail), "https://w.org/t").problem


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "MAX_BYTES", 10)
    (tmp_path / "t").write_bytes(b"x" * 11)
    assert "larger than" in refused(Fetcher(), to_uri(f"{tmp_path}/t")).problem


# --- a real server ------------------------------------------------------------------------------


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a server that has `/t.cwl`, and at `/cut` breaks off."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path not in ("/t.cwl", "/cut"):
                self.send_error(404, "not here")
                return
            self.send_response(200)
            self.send_header("Content-Length", "5" if self.path == "/t.cwl" else "500")
            self.end_headers()
            self.wfile.write(b"a: 1\n")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_a_document_of_the_web_is_read(server: str) -> None:
    assert Fetcher(allow_network=True).text(f"{server}/t.cwl") == "a: 1\n"


@pytest.mark.parametrize("path, reason", [("/none", "not here"), ("/cut", "broke off 495 bytes")])
def test_a_server_that_has_it_not_or_breaks_off_is_one_line(server: str, path: str, reason: str) -> None:
    assert reason in refused(Fetcher(allow_network=True), server + path).problem.lower()


def test_a_server_that_is_not_there_is_one_line() -> None:
    assert "refused" in refused(Fetcher(allow_network=True), "http://127.0.0.1:1/t.cwl").problem.lower()
