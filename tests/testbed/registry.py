"""A registry of images that serves one small image read-only, as far as `docker pull` needs it.

It speaks the OCI distribution specification: GET and HEAD of manifests (by tag or digest) and blobs.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import platform
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Registry:
    """Where the image is, and the digest that it must be pulled with."""

    host: str
    digest: str


@contextlib.contextmanager
def registry(rootfs: Path, repository: str) -> Iterator[Registry]:
    """Serve a root file system as the image `HOST/repository` with every tag, on a free port of the loopback."""
    blobs, digest = _image(rootfs.read_bytes())
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(repository, blobs, digest))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Registry(f"127.0.0.1:{server.server_port}", digest)
    finally:
        server.shutdown()
        server.server_close()


def _image(rootfs: bytes) -> tuple[dict[str, bytes], str]:
    """Return all blobs of an image with one layer, the manifest among them, and the manifest's digest."""
    blobs: dict[str, bytes] = {}

    def keep(content: bytes, kind: str) -> dict[str, Any]:
        blobs[_sha256(content)] = content
        return {"mediaType": kind, "size": len(content), "digest": _sha256(content)}

    history = {"created": "1970-01-01T00:00:00Z", "created_by": "tests"}
    config = {
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Cmd": ["sh"]},
        "rootfs": {"type": "layers", "diff_ids": [_sha256(rootfs)]},
        "history": [history],
    }
    layer = keep(gzip.compress(rootfs, mtime=0), "application/vnd.docker.image.rootfs.diff.tar.gzip")
    about = keep(json.dumps(config).encode(), "application/vnd.docker.container.image.v1+json")
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": about, "layers": [layer]}
    return blobs, str(keep(json.dumps(manifest).encode(), MANIFEST)["digest"])


def _sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _handler(repository: str, blobs: dict[str, bytes], digest: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            wanted, content = self.path.rpartition("/")[2], b"{}"
            if self.path.startswith(f"/v2/{repository}/manifests/"):
                wanted = wanted if wanted.startswith("sha256:") else digest
                found = blobs.get(wanted)
            elif self.path.startswith(f"/v2/{repository}/blobs/"):
                found = blobs.get(wanted)
            else:
                found = content if self.path == "/v2/" else None
            self.send_response(200 if found is not None else 404)
            self.send_header("Content-Type", MANIFEST if "/manifests/" in self.path else "application/octet-stream")
            self.send_header("Content-Length", str(len(found or b"")))
            if found is not None and found is not content:
                self.send_header("Docker-Content-Digest", wanted)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(found or b"")

        do_HEAD = do_GET

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    return Handler
