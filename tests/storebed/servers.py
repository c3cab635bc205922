"""A private PostgreSQL server for the tests."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

USER = "recrate"


def find_program(name: str) -> str | None:
    """Return the path of a program of PostgreSQL, None when it is not installed."""
    places = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), Path("/usr/local/bin")]
    found = [str(place / name) for place in places if (place / name).is_file()]
    return found[0] if found else shutil.which(name)


def missing_program() -> str | None:
    """Return why no server can be started here, None when one can."""
    for name in ("initdb", "pg_ctl"):
        if find_program(name) is None:
            return f"PostgreSQL's {name} is not installed"
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        return "PostgreSQL refuses to run as root and setpriv is not installed"
    return None


@dataclass(frozen=True)
class Server:
    """A server that can be stopped and started. `url` names its database, without any query."""

    url: str
    prefix: list[str]
    control: list[str | None]
    options: str

    def start(self) -> None:
        _run(self.prefix, *self.control, "-o", self.options, "start")

    def stop(self) -> None:
        """Stop it as a crash would."""
        _run(self.prefix, *self.control, "-m", "immediate", "stop")


@contextmanager
def running_server() -> Iterator[str]:
    """Start a server; give the URL of its database, without any query."""
    with stoppable_server() as server:
        yield server.url


@contextmanager
def stoppable_server() -> Iterator[Server]:
    """Start a server that tests may stop; it runs when it is given back."""
    with tempfile.TemporaryDirectory(prefix="recrate-pg-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)
        data, sockets = f"{folder}/data", f"{folder}/sockets"
        for path in (data, sockets):
            os.mkdir(path, 0o700)
        as_user = _as_other_user(data, sockets) if os.geteuid() == 0 else []
        port = _free_port()
        _run(as_user, find_program("initdb"), "-D", data, "-A", "trust", "--no-sync", "-U", USER, "-E", "UTF8")
        options = f"-p {port} -k {sockets} -c fsync=off -c listen_addresses=127.0.0.1"
        control = [find_program("pg_ctl"), "-D", data, "-w", "-l", f"{data}/log"]
        server = Server(f"postgresql://{USER}@127.0.0.1:{port}/postgres", as_user, control, options)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _as_other_user(*paths: str) -> list[str]:
    for path in paths:
        shutil.chown(path, "postgres", "postgres")
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"]


def _run(prefix: list[str], *words: str | None) -> None:
    subprocess.run([*prefix, *(word for word in words if word)], check=True, cwd="/tmp", stdout=subprocess.DEVNULL)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
