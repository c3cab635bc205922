"""A Slurm of one node on this machine itself, without any network but the loopback: `with slurm_here() as slurm:`."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue")
START_SECONDS = 20.0
SEARCH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


class Unavailable(Exception):
    """Slurm cannot run here; the message is the reason."""


@dataclass(frozen=True, slots=True)
class SlurmHere:
    """A running Slurm; whoever has `environment` reaches it."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables that lead Slurm's commands to it."""
        return {"SLURM_CONF": str(self.folder / "slurm.conf")}

    def command(self, *argv: str) -> str:
        """Return what a command of Slurm prints."""
        environment = {**os.environ, **self.environment}
        return subprocess.run(argv, env=environment, capture_output=True, text=True, check=True, timeout=30).stdout


@contextlib.contextmanager
def slurm_here() -> Iterator[SlurmHere]:
    """Start munged, slurmctld and slurmd, and end them again. Raises Unavailable."""
    missing = [name for name in PROGRAMS if shutil.which(name, path=SEARCH) is None]
    if missing:
        raise Unavailable(f"not installed: {', '.join(missing)}")
    if os.getuid() != 0:
        raise Unavailable("Slurm's daemons need root")
    folder = Path(tempfile.mkdtemp(prefix="slurm-here-"))
    daemons: list[subprocess.Popen[bytes]] = []
    try:
        _configure(folder)
        for argv in _daemons(folder):
            daemons.append(_start(argv, folder))
            if argv[0] == "munged":
                _await(lambda: (folder / "munge.socket").exists(), folder)
        slurm = SlurmHere(folder)
        _await(lambda: _is_idle(slurm), folder)
        yield slurm
    finally:
        for daemon in reversed(daemons):
            daemon.terminate()
        for daemon in daemons:
            with contextlib.suppress(subprocess.TimeoutExpired):
                daemon.wait(5)
            daemon.kill()
            daemon.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _configure(folder: Path) -> None:
    (folder / "state").mkdir()
    (folder / "spool").mkdir()
    (folder / "munge.key").write_bytes(os.urandom(128))
    (folder / "munge.key").chmod(0o600)
    folder.chmod(0o755)
    (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
    (folder / "slurm.conf").write_text(_config(folder, *_free_ports(2)))


def _config(folder: Path, controller: int, node: int) -> str:
    host = socket.gethostname()
    return f"""ClusterName=here
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
MailProg=/bin/true
ReturnToService=2
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,sched_interval=1,bf_interval=1
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
KillWait=2
NodeName=n1 NodeHostname={host} NodeAddr=127.0.0.1 Port={node} CPUs=16 RealMemory=8000 State=UNKNOWN
PartitionName=main Nodes=n1 Default=YES MaxTime=1-0 DefaultTime=10 State=UP DefMemPerCPU=100
"""


def _daemons(folder: Path) -> list[list[str]]:
    munge = [f"--{name}={folder}/munge.{ending}" for name, ending in MUNGE_FILES]
    return [
        ["munged", "--foreground", "--force", *munge],
        ["slurmctld", "-D", "-c", "-f", f"{folder}/slurm.conf"],
        ["slurmd", "-D", "-N", "n1", "-f", f"{folder}/slurm.conf"],
    ]


MUNGE_FILES = (
    ("socket", "socket"),
    ("key-file", "key"),
    ("pid-file", "pid"),
    ("seed-file", "seed"),
    ("log-file", "log"),
)


def _start(argv: list[str], folder: Path) -> subprocess.Popen[bytes]:
    with open(folder / f"{argv[0]}.out", "wb") as output:
        program = shutil.which(argv[0], path=SEARCH) or argv[0]
        return subprocess.Popen([program, *argv[1:]], stdin=subprocess.DEVNULL, stdout=output, stderr=output)


def _is_idle(slurm: SlurmHere) -> bool:
    try:
        return slurm.command("sinfo", "-h", "-o", "%T").strip() == "idle"
    except subprocess.CalledProcessError:
        return False


def _await(ready: Callable[[], bool], folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not ready():
        if time.monotonic() > deadline:
            logs = " ".join(path.read_text(errors="replace")[-300:] for path in folder.glob("*.out"))
            raise Unavailable(f"Slurm did not start: {logs}")
        time.sleep(0.05)


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
