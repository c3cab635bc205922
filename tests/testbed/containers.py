"""Real container engines for tests: a private dockerd, a private podman, images without a registry.

Nothing of the machine's own engines is used or changed. All that dockerd starts lives in
namespaces of its own and dies with the process that asked for it, however that one ends.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from testbed import make_image

START_SECONDS = 30
CGROUPS = Path("/sys/fs/cgroup")
SYSTEM_PATHS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Unavailable(Exception):
    """An engine that cannot be had here, and why."""


@dataclass(frozen=True, slots=True)
class Testbed:
    """A private engine: the program, and the variables by which it is reached."""

    program: str
    environment: Mapping[str, str]

    def run(self, *arguments: str, stdin: bytes = b"", check: bool = True) -> subprocess.CompletedProcess[bytes]:
        """Run the engine's client."""
        argv, environment = [self.program, *arguments], {**os.environ, **self.environment}
        done = subprocess.run(argv, input=stdin, env=environment, capture_output=True, check=False, timeout=300)
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(argv)}: {done.stderr.decode(errors='replace').strip()}")
        return done

    def import_image(self, name: str, kind: str, cache: Path | None = None) -> None:
        """Make an image of a kind (see `make_image`) from this machine's programs and name it."""
        self.run("import", *make_image.changes(kind), str(image_archive(kind, cache)), name)


def cache_directory() -> Path:
    """Return where image archives are kept: RECRATE_TEST_CACHE, or below the XDG cache."""
    given = os.environ.get("RECRATE_TEST_CACHE")
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(given) if given else Path(base) / "recrate-tests"


def image_archive(kind: str, cache: Path | None = None) -> Path:
    """Return the archive of a kind of image, made once a machine and kept until `make_image` changes."""
    directory = cache or cache_directory()
    directory.mkdir(parents=True, exist_ok=True)
    made_by = Path(make_image.__file__)
    path = directory / f"image-{kind}.tar"
    with open(directory / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists() or path.stat().st_mtime < made_by.stat().st_mtime:
            part = path.with_suffix(".part")
            with open(part, "wb") as stream:
                subprocess.run([sys.executable, str(made_by), kind], stdout=stream, check=True)
            part.rename(path)
    return path


@contextlib.contextmanager
def dockerd() -> Iterator[Testbed]:
    """Run a dockerd with its own storage and socket. Raises Unavailable."""
    require("docker", "dockerd", "containerd", "unshare", "setpriv")
    directory = Path(tempfile.mkdtemp(prefix="recrate-dockerd-", dir="/tmp"))
    group = directory.name
    process: subprocess.Popen[bytes] | None = None
    try:
        with open(directory / "log", "wb") as log:
            process = subprocess.Popen(
                _dockerd_command(directory, group), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        testbed = Testbed(_program("docker"), {"DOCKER_HOST": f"unix://{directory}/socket", "DOCKER_CONTEXT": ""})
        _await_docker(testbed, process, directory / "log")
        yield testbed
    finally:
        if process is not None:
            process.kill()
            process.wait()
        _remove(directory, group)


def _dockerd_command(directory: Path, group: str) -> list[str]:
    namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--propagation=slave", "--mount-proc"]
    places = [f"--{name}={directory}/{name}" for name in ("data-root", "exec-root", "pidfile")]
    network = ["--bridge=none", "--iptables=false", "--ip6tables=false"]
    daemon = ["dockerd", *places, f"--host=unix://{directory}/socket", *network, f"--cgroup-parent=/{group}"]
    return [_program("setpriv"), "--pdeathsig=KILL", *namespaces, *daemon]


def _await_docker(testbed: Testbed, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if testbed.run("version", check=False).returncode == 0:
            return
        time.sleep(0.05)
    words = log.read_text(errors="replace").strip().splitlines() or ["it said nothing"]
    raise Unavailable(f"dockerd does not start here: {words[-1]}")


@contextlib.contextmanager
def podman() -> Iterator[Testbed]:
    """Give a podman with its own storage, and a runtime that works here. Raises Unavailable."""
    require("podman", "conmon")
    directory = Path(tempfile.mkdtemp(prefix="recrate-podman-", dir="/tmp"))
    testbed = Testbed(_program("podman"), _podman_environment(directory))
    try:
        testbed.import_image("localhost/probe:1", "busybox")
        failure = _choose_runtime(testbed, directory)
        if failure:
            raise Unavailable(f"podman cannot run containers here: {failure}")
        yield testbed
    finally:
        testbed.run("rm", "--all", "--force", "--time=0", check=False)
        testbed.run("rmi", "--all", "--force", check=False)
        _remove(directory, "libpod_parent")


def _podman_environment(directory: Path) -> dict[str, str]:
    storage, containers = directory / "storage.conf", directory / "containers.conf"
    storage.write_text(f'[storage]\ndriver = "overlay"\ngraphroot = "{directory}/root"\nrunroot = "{directory}/run"\n')
    _configure(containers, directory, "crun")
    return {"CONTAINERS_STORAGE_CONF": str(storage), "CONTAINERS_CONF": str(containers)}


def _configure(path: Path, directory: Path, runtime: str) -> None:
    engine = (
        f'cgroup_manager = "cgroupfs"\nevents_logger = "none"\nruntime = "{runtime}"\ntmp_dir = "{directory}/tmp"\n'
    )
    path.write_text(f"[engine]\n{engine}")


def _choose_runtime(testbed: Testbed, directory: Path) -> str | None:
    """Configure the first runtime that works; return None, or why none does."""
    failure = b"neither crun nor runc is installed"
    for runtime in ("crun", "runc"):
        if not shutil.which(runtime, path=SYSTEM_PATHS):
            continue
        _configure(directory / "containers.conf", directory, runtime)
        limits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"]
        tried = testbed.run("run", "--rm", "--network=none", *limits, "localhost/probe:1", "true", check=False)
        if tried.returncode == 0:
            return None
        failure = tried.stderr.strip()
    return failure.decode(errors="replace").splitlines()[-1]


def require(*programs: str) -> None:
    """Raise Unavailable unless we are root and all programs are installed."""
    if os.geteuid() != 0:
        raise Unavailable("a private container engine needs root here")
    for program in programs:
        _program(program)


def _program(name: str) -> str:
    path = shutil.which(name) or shutil.which(name, path=SYSTEM_PATHS)
    if path is None:
        raise Unavailable(f"{name} is not installed")
    return path


def _remove(directory: Path, group: str) -> None:
    """Remove what an engine left: mounts, files, control groups."""
    umount_and_remove(directory)
    for top in [CGROUPS / group, *CGROUPS.glob(f"*/{group}")]:
        for path in sorted([top, *top.glob("**/")], reverse=True):
            with contextlib.suppress(OSError):
                path.rmdir()


def umount_and_remove(directory: Path) -> None:
    """Remove a directory, after what is mounted below it was unmounted."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in reversed([mount for mount in mounts if mount.startswith(f"{directory}/")]):
        subprocess.run(["umount", "--lazy", mount], capture_output=True, check=False)
    shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def given(*engines: Testbed) -> Iterator[None]:
    """Put the variables of engines into this process's environment for as long as the block runs."""
    wanted = {name: value for engine in engines for name, value in engine.environment.items()}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
