"""Servers on this machine that hold to the rules of WorkflowHub and Zenodo, written after what these do.

They read archives with nothing of Recrate.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

TOKEN = "a-token-that-may-write"
READ_ONLY = "a-token-that-may-read"


@dataclass
class Refusal(Exception):
    """An answer that is no success."""

    status: int
    value: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Request:
    """What came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Site:
    """What a server of some kind does; its state is looked at by tests."""

    scheme: ClassVar[str]

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Request] = []
        self.first: list[Refusal] = []
        """Answered first, whatever is asked."""
        self.largest: int | None = None
        """Longer bodies are refused."""

    def answer(self, request: Request) -> tuple[int, Any]:
        self.requests.append(request)
        if self.first:
            raise self.first.pop(0)
        if self.largest is not None and len(request.body) > self.largest:
            raise Refusal(413)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != self.scheme or token not in (TOKEN, READ_ONLY):
            raise Refusal(401, {"message": "Unauthorized"})
        if request.method != "GET" and token == READ_ONLY:
            raise Refusal(403, {"message": "this token may only read"})
        return self.respond(request)

    def respond(self, request: Request) -> tuple[int, Any]:
        raise NotImplementedError

    def asked(self) -> list[str]:
        """Return method and path of all that was asked."""
        return [f"{one.method} {one.path}" for one in self.requests]


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    """Serve a site on this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                status, value, more = *site.answer(Request(self.command, self.path, headers, body)), {}
            except Refusal as refusal:
                status, value, more = refusal.status, refusal.value, refusal.headers
            content = b"" if value is None else json.dumps(value).encode()
            self.send_response(status)
            for name, text in {"Content-Length": str(len(content)), **more}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = handle_any

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# -- WorkflowHub -----------------------------------------------------------------------------------


class Hub(Site):
    """A server that runs SEEK: of the rules those that it has for crates."""

    scheme = "Token"
    TEAM = "12"

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[str, list[dict[str, Any]]] = {}
        """By id: what was read of each version."""

    def respond(self, request: Request) -> tuple[int, Any]:
        if request.method != "POST":
            raise Refusal(404)
        fields, content = _form(request)
        if request.path == "/workflows":
            self._check_team(fields)
            return self._entry(self._made(self._read(content)))
        if request.path == "/workflows/submit":
            return self._submit(fields, content)
        version = re.fullmatch(r"/workflows/(\d+)/create_version", request.path)
        if version is None or version[1] not in self.entries:
            raise Refusal(404, {"errors": [{"title": "Not found"}]})
        read = self._read(content)
        read["comment"] = "".join(fields.get("revision_comments", ()))
        self.entries[version[1]].append(read)
        return self._entry(version[1])

    def _check_team(self, fields: dict[str, list[str]]) -> None:
        if fields.get("workflow[project_ids][]") != [self.TEAM]:
            raise _unprocessable("Projects can't be blank, and you must be a member of each team")

    def _made(self, read: dict[str, Any]) -> str:
        identity = str(len(self.entries) + 1)
        self.entries[identity] = [read]
        return identity

    def _entry(self, identity: str) -> tuple[int, Any]:
        versions = self.entries[identity]
        attributes = {"title": versions[-1]["title"], "latest_version": len(versions)}
        return 200, {"data": {"id": identity, "type": "workflows", "attributes": attributes}}

    def _submit(self, fields: dict[str, list[str]], content: bytes) -> tuple[int, Any]:
        read = self._read(content)
        if not read["source"]:
            raise _unprocessable("source URL could not be determined")
        if not read["version"]:
            raise _unprocessable("version could not be determined")
        known = [name for name, versions in self.entries.items() if versions[0]["source"] == read["source"]]
        if not known:
            self._check_team(fields)
            return self._entry(self._made(read))
        if read["version"] not in [version["version"] for version in self.entries[known[0]]]:
            self.entries[known[0]].append(read)
        return self._entry(known[0])

    def _read(self, content: bytes) -> dict[str, Any]:
        """Read a crate by its compact terms. Raises Refusal as the server says it."""
        try:
            archive = zipfile.ZipFile(io.BytesIO(content))
            text = archive.read("ro-crate-metadata.json")
        except (zipfile.BadZipFile, KeyError):
            raise _unreadable("No metadata found!") from None
        graph = {entity["@id"]: entity for entity in json.loads(text).get("@graph", ())}
        root, names = graph.get("./"), set(archive.namelist())
        if root is None:
            raise _unreadable("no root entity")
        parts = root.get("hasPart", [])
        for part in parts if isinstance(parts, list) else [parts]:
            path = part["@id"]
            there = {path, unquote(path)} & names or any(name.startswith(unquote(path)) for name in names)
            if not urlsplit(path).scheme and not there:
                raise _unreadable(f"Local Data Entity not found in crate: {path}")
        main = root.get("mainEntity")
        workflow = graph.get(main["@id"]) if isinstance(main, dict) else None
        if workflow is None or "ComputationalWorkflow" not in workflow["@type"]:
            raise _unreadable("did not specify a main workflow.")
        if not root.get("name"):
            raise _unprocessable("Title can't be blank")
        source = root.get("isBasedOn") or root.get("url") or workflow.get("url")
        return {"title": root["name"], "source": source, "version": root.get("version"), "content": content}


def _unprocessable(detail: str) -> Refusal:
    return Refusal(422, {"errors": [{"title": "Unprocessable", "detail": detail}]})


def _unreadable(reason: str) -> Refusal:
    return _unprocessable(f"ro_crate could not be read: {reason}")


def _form(request: Request) -> tuple[dict[str, list[str]], bytes]:
    """Return the texts of a form by name, and the file `ro_crate`."""
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser(policy=HTTP).parsebytes(head + request.body)
    fields: dict[str, list[str]] = {}
    content = b""
    for part in message.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        if name == "ro_crate":
            content = part.get_payload(decode=True)
        else:
            fields.setdefault(name, []).append(part.get_payload(decode=True).decode())
    return fields, content


# -- Zenodo ----------------------------------------------------------------------------------------


class Repository(Site):
    """A server with the deposit API of Zenodo."""

    scheme = "Bearer"

    def __init__(self) -> None:
        super().__init__()
        self.drafts: dict[str, dict[str, Any]] = {}
        """By id: `metadata`, `files` (content by name), `public`."""
        self.bucket_host: Callable[[], str] = lambda: self.url
        self.wrong_checksum = False

    def respond(self, request: Request) -> tuple[int, Any]:
        bucket = re.fullmatch(r"/api/files/bucket-(\d+)/([^/]+)", request.path)
        if bucket is not None and request.method == "PUT":
            return self._put_file(self._draft(bucket[1]), unquote(bucket[2]), request.body)
        found = re.fullmatch(r"/api/deposit/depositions(?:/(\d+))?(?:/(actions|files)/([^/]+))?", request.path)
        if found is None:
            raise Refusal(404, {"message": "not found", "status": 404})
        identity, kind, name = found.groups()
        if identity is None:
            return 201, self._shown(self._new(json.loads(request.body).get("metadata", {}), {}))
        if identity not in self.drafts:
            raise Refusal(404, {"message": "PID does not exist.", "status": 404})
        match (request.method, kind, name):
            case ("GET", None, _):
                return 200, self._shown(identity)
            case ("PUT", None, _):
                self._draft(identity)["metadata"] = json.loads(request.body)["metadata"]
                return 200, self._shown(identity)
            case ("DELETE", "files", _):
                del self._draft(identity)["files"][unquote(name)]
                return 204, None
            case ("POST", "actions", "publish"):
                return 202, self._publish(identity)
            case ("POST", "actions", "newversion"):
                return 201, self._next_version(identity)
        raise Refusal(405)

    def _new(self, metadata: dict[str, Any], files: dict[str, bytes]) -> str:
        identity = str(1000 + len(self.drafts))
        self.drafts[identity] = {"metadata": metadata, "files": files, "public": False}
        return identity

    def _draft(self, identity: str) -> dict[str, Any]:
        draft = self.drafts[identity]
        if draft["public"]:
            raise Refusal(403, {"message": "Deposition has been published.", "status": 403})
        return draft

    def _shown(self, identity: str) -> dict[str, Any]:
        draft = self.drafts[identity]
        links = {"bucket": f"{self.bucket_host()}/api/files/bucket-{identity}"}
        if draft["public"]:
            links["record_html"] = f"{self.url}/records/{identity}"
        doi = f"10.5072/zenodo.{identity}"
        return {
            "id": int(identity),
            "links": links,
            "metadata": {**draft["metadata"], "prereserve_doi": {"doi": doi}},
            "files": [{"id": name, "filename": name} for name in draft["files"]],
            **({"doi": doi} if draft["public"] else {}),
        }

    def _put_file(self, draft: dict[str, Any], name: str, content: bytes) -> tuple[int, Any]:
        draft["files"][name] = content
        digest = hashlib.md5(b"?" if self.wrong_checksum else content, usedforsecurity=False).hexdigest()
        return 201, {"key": name, "checksum": f"md5:{digest}"}

    def _publish(self, identity: str) -> dict[str, Any]:
        draft = self._draft(identity)
        wanted = ("title", "description", "creators", "upload_type", "license")
        missing = [name for name in wanted if not draft["metadata"].get(name)]
        errors = [{"field": f"metadata.{name}", "messages": ["Missing data for required field."]} for name in missing]
        if not draft["files"]:
            errors.append({"field": "files", "messages": ["Minimum one file must be provided."]})
        if errors:
            raise Refusal(400, {"message": "Validation error.", "status": 400, "errors": errors})
        draft["public"] = True
        return self._shown(identity)

    def _next_version(self, identity: str) -> dict[str, Any]:
        before = self.drafts[identity]
        if not before["public"]:
            raise Refusal(403, {"message": "not published yet", "status": 403})
        draft = before.get("next") or self._new(dict(before["metadata"]), dict(before["files"]))
        before["next"] = draft
        shown = self._shown(identity)
        shown["links"]["latest_draft"] = f"{self.url}/api/deposit/depositions/{draft}"
        return shown
