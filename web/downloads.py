"""Files to take away: the report of a run, its crate, and single contents."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterator
from typing import BinaryIO
from urllib.parse import quote

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse

from ..errors import RecrateError, UsageError
from ..hashing import CHUNK_BYTES, digest_stream
from ..provenance import queries
from ..provenance.queries import Kind
from ..provenance.store import open_store
from ..views.report import report as pages
from ..views.words import clean
from .pages import connections

LARGEST = 2 << 30
"""Bytes of a content that is given out: it is read twice."""
_exporting = threading.Lock()
"""One crate is made at a time: it takes a processor, and room on the disk."""


def report(request: Request) -> Response:
    """Give the page of a run as one file."""
    with connections(request).reading() as database:
        run_id = queries.resolve(database, Kind.RUN, request.path_params["run"])
        name = queries.get_run(database, run_id).name
        text = "".join(pages(database, run_id))
    return Response(text, media_type="text/html", headers=_attached(f"{name}.html"))


def crate(request: Request) -> Response:
    """Make the crate of a run that is over and give it."""
    with connections(request).reading() as database:
        run_id = queries.resolve(database, Kind.RUN, request.path_params["run"])
        name = queries.get_run(database, run_id).name
    if not _exporting.acquire(blocking=False):
        return PlainTextResponse("recrate: another crate is being made; try again soon\n", 503, {"Retry-After": "5"})
    try:
        return _exported(request, run_id, name)
    finally:
        _exporting.release()


def _exported(request: Request, run_id: str, name: str) -> Response:
    from ..crates.export import export_run

    folder = tempfile.mkdtemp(prefix="recrate-ui-")
    try:
        with open_store(connections(request).store.url.target) as store:
            path = export_run(store, run_id, os.path.join(folder, "crate.zip")).path
    except RecrateError as error:
        shutil.rmtree(folder, ignore_errors=True)
        return PlainTextResponse(f"recrate: {error.render()}\n", 409)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    cleaning = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
    return FileResponse(path, media_type="application/zip", headers=_attached(f"{name}.zip"), background=cleaning)


def content(request: Request) -> Response:
    """Give a content that lies on this machine, when it is still what is on record; never anything else."""
    sha256 = request.path_params["sha256"]
    with connections(request).reading() as database:
        placed = queries.replicas_of(database, sha256, limit=20)
        names = [one.basename for one in queries.files_of_content(database, sha256, limit=1)]
    for one in placed:
        stream = _opened(one.replica.path, one.replica.size, sha256)
        if stream is not None:
            # Given to be kept, never to be shown: what it holds must not act as a page of ours.
            headers = _attached(next(iter(names), "content")) | {"Content-Length": str(one.replica.size)}
            return StreamingResponse(_chunks(stream), media_type="application/octet-stream", headers=headers)
    raise UsageError("this content does not lie on this machine any more, or is too large to be given out")


def _opened(path: str, size: int | None, sha256: str) -> BinaryIO | None:
    """Return an open file that holds a content, None when it does not."""
    if size is None or size > LARGEST:
        return None
    try:
        stream = open(path, "rb")  # noqa: SIM115 - it is closed when it was sent
    except OSError:
        return None
    try:
        status = os.fstat(stream.fileno())
        if stat.S_ISREG(status.st_mode) and status.st_size == size and digest_stream(stream).sha256 == sha256:
            stream.seek(0)
            return stream
    except OSError:
        pass  # it cannot be read: as good as not there
    stream.close()
    return None


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    with stream:
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk


def _attached(name: str) -> dict[str, str]:
    plain = "".join(char if char.isascii() and (char.isalnum() or char in "._-") else "_" for char in name)
    extended = quote(clean(name), safe="")
    return {"Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{extended}"}
