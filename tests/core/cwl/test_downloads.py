"""Files of the web: fetched when allowed, kept, and fetched again only when they changed."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from recrate.core.cwl.downloads import Downloads
from recrate.core.cwl.job_order import load_job_order
from recrate.core.uris import to_path
from recrate.errors import InputInvalid, Unsupported


class Site(ThreadingHTTPServer):
    """A web site on a private port that notes what it is asked."""

    content = b"one"
    tag = '"1"'
    asked: list[tuple[str, int]]


class Handler(BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        if "missing" in self.path:
            return self.answer(404)
        if self.headers.get("If-None-Match") == self.server.tag:
            return self.answer(304)
        return self.answer(200)

    def answer(self, code: int) -> None:
        self.server.asked.append((self.path, code))
        self.send_response(code)
        body = self.server.content if code == 200 else b""
        self.send_header("Content-Length", str(len(body) + (5 if "cut" in self.path else 0)))
        self.send_header("ETag", self.server.tag)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    server = Site(("127.0.0.1", 0), Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def url(site: Site, path: str) -> str:
    return f"http://127.0.0.1:{site.server_port}/{path}"


def test_a_file_is_fetched_once_and_again_when_it_changed(site: Site, tmp_path: Path) -> None:
    downloads = Downloads(str(tmp_path), allowed=True)
    path = downloads.fetch(url(site, "d/a%20b.txt?x=1"))
    assert Path(path).name == "a b.txt"
    assert Path(path).read_bytes() == b"one"
    assert downloads.fetch(url(site, "d/a%20b.txt?x=1")) == path
    assert [code for _, code in site.asked] == [200, 304]
    site.content, site.tag = b"two!", '"2"'
    downloads.fetch(url(site, "d/a%20b.txt?x=1"))
    assert Path(path).read_bytes() == b"two!"
    assert downloads.fetch(url(site, "d/a%20b.txt?x=2")) != path


def test_files_of_a_job_are_fetched_wherever_they_stand(site: Site, tmp_path: Path) -> None:
    given = {
        "f": {
            "class": "File",
            "location": url(site, "x.fa"),
            "format": "http://e/1",
            "secondaryFiles": [{"class": "File", "location": url(site, "x.fai")}],
        },
        "r": {"l": [{"class": "File", "location": url(site, "y"), "basename": "named"}]},
        "text": url(site, "no"),
    }
    values = load_job_order(given, allow_network=True, downloads=str(tmp_path)).values
    assert Path(to_path(values["f"]["location"])).read_bytes() == b"one"
    assert values["f"]["basename"] == "x.fa"
    assert values["f"]["secondaryFiles"][0]["basename"] == "x.fai"
    assert values["r"]["l"][0]["basename"] == "named"
    assert values["text"] == url(site, "no")
    assert len(site.asked) == 3


def test_what_cannot_be_fetched_is_told_in_one_line(site: Site, tmp_path: Path) -> None:
    downloads = Downloads(str(tmp_path), allowed=True)
    with pytest.raises(InputInvalid, match="404 Not Found"):
        downloads.fetch(url(site, "missing"))
    with pytest.raises(InputInvalid, match="cannot fetch") as caught:
        downloads.fetch(url(site, "cut"))
    assert "3 of 8 bytes" in caught.value.render()
    assert [entry.name for entry in tmp_path.rglob("*") if entry.is_file()] == []
    with pytest.raises(InputInvalid, match="Connection refused"):
        downloads.fetch("http://127.0.0.1:9/x")


def test_nothing_is_fetched_without_leave(site: Site, tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="not allowed"):
        Downloads(str(tmp_path)).localised({"class": "File", "location": url(site, "x")})
    with pytest.raises(Unsupported, match="only files"):
        Downloads(str(tmp_path), allowed=True).localised([{"class": "Directory", "location": url(site, "x/")}])
    assert site.asked == []


@pytest.mark.parametrize("path", ["", "..", "%2e%2e/", "a/%2e%2e"])
def test_no_name_leads_out_of_the_directory(site: Site, tmp_path: Path, path: str) -> None:
    found = Path(Downloads(str(tmp_path), allowed=True).fetch(url(site, path)))
    assert found.resolve().parent.parent == tmp_path
    assert found.read_bytes() == b"one"
