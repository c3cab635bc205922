"""Hosts for tests, each with its own network, processes and disks: `with make_hosts() as hosts:`.

    hosts.start("cloud")                # bastion, cloud, hpca, hpcb, host1 ... host9 (see host_scripts/tb)
    hosts.inside("cloud", "id", "-un")  # as root, past any connector
    with hosts.cut("cloud"): ...        # also frozen, delayed, limited; kill, boot, fill

`hosts.ssh_config` leads OpenSSH, and whoever reads its configuration, to the hosts. All is gone when the
`with` block ends or the process dies, however it does.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

SCRIPT = Path(__file__).parent / "host_scripts" / "tb"
SEARCH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
PROGRAMS = ("bash", "ip", "unshare", "nsenter", "ssh", "ssh-keygen", "sshd")
SLURM_PROGRAMS = ("slurmctld", "slurmd", "sbatch", "munged")
CLUSTERS = ("hpca", "hpcb")
START_SECONDS = 60
RUN_SECONDS = 300
DOWN_SECONDS = 60
USERS = {"hpcb": "bob"}


class Unavailable(Exception):
    """Hosts that cannot be had here, and why."""


@dataclass(frozen=True, slots=True)
class Hosts:
    """A running testbed: its hosts, and what can happen to them."""

    folder: Path
    _environment: dict[str, str] = field(default_factory=dict)

    @property
    def ssh_config(self) -> Path:
        """Return the configuration for OpenSSH that knows the hosts that were started."""
        return self.folder / "ssh_config"

    @property
    def identity(self) -> Path:
        """Return the private key that every host accepts."""
        return self.folder / "id"

    @property
    def known_hosts(self) -> Path:
        """Return the keys of the hosts that were started."""
        return self.folder / "known_hosts"

    def address(self, host: str) -> str:
        """Return the address of a host on the testbed's network."""
        return (self.folder / "hosts" / host / "ip").read_text().strip()

    def user(self, host: str) -> str:
        """Return the ordinary user of a host."""
        return USERS.get(host, "alice")

    def start(self, *hosts: str) -> None:
        """Start hosts that do not run yet; those that run stay as they are. Raises Unavailable."""
        if set(hosts) & set(CLUSTERS):
            _require(*SLURM_PROGRAMS)
        self._tb("up", *hosts)

    def inside(self, host: str, *argv: str, stdin: bytes = b"", user: str | None = None) -> bytes:
        """Return what a command prints on a host; it runs there as root, or as a user, past any connector."""
        as_user = ("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups") if user else ()
        return self._tb("in", host, *as_user, *argv, stdin=stdin)

    def ssh(self, host: str, command: str, stdin: bytes = b"") -> bytes:
        """Return what a command line prints on a host when OpenSSH carries it there."""
        argv = ["ssh", "-F", str(self.ssh_config), host, command]
        return subprocess.run(argv, input=stdin, capture_output=True, check=True, timeout=START_SECONDS).stdout

    def cut(self, host: str) -> contextlib.AbstractContextManager[None]:
        """Pull the network cable of a host, or of a compute node such as `hpca-n1`, for a while."""
        return self._for_a_while(host, "cut", "restore")

    def frozen(self, host: str) -> contextlib.AbstractContextManager[None]:
        """Stop every process of a host for a while: its kernel still answers."""
        return self._for_a_while(host, "freeze", "thaw")

    @contextlib.contextmanager
    def delayed(self, host: str, milliseconds: float) -> Iterator[None]:
        """Delay what goes to and from a host for a while, each way."""
        self._tb("delay", host, f"{milliseconds:g}")
        try:
            yield
        finally:
            self._tb("delay", host, "0")

    @contextlib.contextmanager
    def limited(self, host: str, rate: str) -> Iterator[None]:
        """Limit the bandwidth of a host for a while, both ways, to a rate such as `8mbit`."""
        self._tb("rate", host, rate)
        try:
            yield
        finally:
            self._tb("rate", host, "off")

    def kill(self, host: str) -> None:
        """Cut the power of a host, whose disks are lost then, or of a compute node, whose shared disks stay."""
        self._tb("kill", host)

    def boot(self, host: str) -> None:
        """Start a host or a compute node that was killed."""
        self._tb("boot", host)

    @contextlib.contextmanager
    def filled(self, host: str, directory: str = "/small") -> Iterator[None]:
        """Fill the disk that a directory of a host is on, for a while."""
        path = f"{directory}/.filled"
        self.inside(host, "sh", "-c", 'cat /dev/zero >"$1" 2>/dev/null || :', "sh", path)
        try:
            yield
        finally:
            self.inside(host, "rm", "-f", path)

    @contextlib.contextmanager
    def _for_a_while(self, host: str, begin: str, end: str) -> Iterator[None]:
        self._tb(begin, host)
        try:
            yield
        finally:
            self._tb(end, host)

    def _tb(self, *arguments: str, stdin: bytes = b"") -> bytes:
        return _run(self.folder, *arguments, stdin=stdin, environment=self._environment)


@contextlib.contextmanager
def make_hosts(roles: dict[str, str] | None = None, bases: dict[str, str] | None = None) -> Iterator[Hosts]:
    """Make a testbed without hosts yet. Raises Unavailable.

    `roles` gives hosts other roles, and `bases` other root file systems to be built on (see host_scripts/tb).
    """
    _require(*PROGRAMS)
    _require_namespaces()
    folder = Path(tempfile.mkdtemp(prefix="recrate-hosts-", dir="/tmp"))
    environment = {f"TB_ROLES_{host}": text for host, text in (roles or {}).items()}
    environment |= {f"TB_BASE_{host}": path for host, path in (bases or {}).items()}
    with _taken_down(folder):
        yield Hosts(folder, environment)


@contextlib.contextmanager
def _taken_down(folder: Path) -> Iterator[None]:
    """Take a testbed down at the end of the block, or when this process dies: a guard sees its pipe close."""
    program = 'trap "" HUP INT TERM; cat >/dev/null; exec bash "$1" "$2" down'
    guard = subprocess.Popen(
        ["sh", "-c", program, "sh", str(SCRIPT), str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        _completed(guard, DOWN_SECONDS)


def _run(folder: Path, *arguments: str, stdin: bytes = b"", environment: dict[str, str] | None = None) -> bytes:
    with tempfile.TemporaryFile() as given:  # and no pipe: waiting again would not feed the rest of it
        given.write(stdin)
        given.seek(0)
        process = subprocess.Popen(
            ["bash", str(SCRIPT), str(folder), *arguments],
            env={**os.environ, **(environment or {})},
            stdin=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    stdout, stderr = _completed(process, RUN_SECONDS)
    if process.returncode != 0:
        raise RuntimeError(f"tb {' '.join(arguments)}: {stderr.decode(errors='replace').strip()}")
    return stdout


def _completed(process: subprocess.Popen[bytes], seconds: float) -> tuple[bytes, bytes]:
    """Return what a process printed when it has ended. Raises TimeoutExpired, and kills it."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            stdout, stderr = process.communicate(timeout=0.5)
            return stdout or b"", stderr or b""
        except subprocess.TimeoutExpired:
            reap_inner_orphans()
            if time.monotonic() > deadline:
                process.kill()
                raise


def reap_inner_orphans() -> None:
    """Wait for children that ended inside a host: no host is gone while one of its processes is a zombie.

    Where this process adopts orphans, as an engine in it may have asked, those of the programs that
    entered a host become its children.
    """
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            said = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
            if said["PPid"] == str(os.getpid()) and said["State"].startswith("Z") and len(said["NSpid"].split()) > 1:
                os.waitpid(int(status.parent.name), os.WNOHANG)


def _require(*programs: str) -> None:
    missing = [name for name in programs if shutil.which(name, path=SEARCH) is None]
    if missing:
        raise Unavailable(f"not installed: {', '.join(missing)}")


def _require_namespaces() -> None:
    if os.getuid() != 0:
        raise Unavailable("hosts of their own need root")
    argv = ["unshare", "--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--mount-proc", "mount", "-t", "tmpfs"]
    done = subprocess.run([*argv, "try", "/mnt"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(f"no namespaces here: {done.stderr.strip()}")


@contextlib.contextmanager
def or_skip(skip: Callable[[str], object]) -> Iterator[None]:
    """Call `skip` with the reason when hosts cannot be had; RECRATE_REQUIRE_HOSTS=1 makes that a failure."""
    try:
        yield
    except Unavailable as reason:
        if os.environ.get("RECRATE_REQUIRE_HOSTS"):
            raise
        skip(str(reason))
