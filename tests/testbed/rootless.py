"""A podman of an ordinary user, for tests that root starts.

The user exists in namespaces of its own only, with /etc/passwd and the ranges of subordinate
ids that podman wants; all that it starts dies with them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from testbed.containers import Unavailable, image_archive, require, umount_and_remove

UID = 2947
"""User and group id of the ordinary user."""

_BECOME = """
set -e
cd "$1"
cp /etc/passwd passwd; echo "tester:x:$2:$2::$1/home:/bin/sh" >> passwd
cp /etc/group group; echo "tester:x:$2:" >> group
echo "tester:1000000:65536" > subid
for file in passwd group; do mount --bind "$file" "/etc/$file"; done
for file in subuid subgid; do [ -e "/etc/$file" ] || : > "/etc/$file"; mount --bind subid "/etc/$file"; done
: > ready
exec sleep 2147483647
"""


@dataclass(frozen=True, slots=True)
class OrdinaryUser:
    """How to run a command as the user: put `prefix` before it. `home` is writable for the user."""

    prefix: tuple[str, ...]
    home: Path

    def run(self, *argv: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        """Run a command as the user."""
        done = subprocess.run([*self.prefix, *argv], capture_output=True, check=False, timeout=300)
        if check and done.returncode != 0:
            raise RuntimeError(f"{' '.join(argv)}: {done.stderr.decode(errors='replace').strip()}")
        return done


@contextlib.contextmanager
def rootless_podman(image: str, kind: str) -> Iterator[OrdinaryUser]:
    """Give an ordinary user with a working podman that has one image. Raises Unavailable."""
    require("podman", "conmon", "newuidmap", "nsenter", "setpriv", "unshare")
    base = Path(tempfile.mkdtemp(prefix="recrate-rootless-", dir="/tmp"))
    holder: subprocess.Popen[bytes] | None = None
    try:
        _configure(base)
        holder = _hold(base)
        user = OrdinaryUser(_prefix(base, _child_of(holder.pid)), base / "home")
        try:
            user.run("podman", "import", f"{base}/image.tar", "localhost/probe:1")
            user.run("podman", "run", "--rm", "--network=none", "localhost/probe:1", "true")
        except RuntimeError as failure:
            raise Unavailable(f"rootless podman does not work here: {str(failure).splitlines()[-1]}") from None
        shutil.copyfile(image_archive(kind), base / "image.tar")
        user.run("podman", "import", f"{base}/image.tar", image)
        yield user
    finally:
        if holder is not None:
            holder.kill()
            holder.wait()
        umount_and_remove(base)


def _configure(base: Path) -> None:
    base.chmod(0o755)
    runtime = "runc" if shutil.which("runc", path="/usr/sbin:/usr/bin:/sbin:/bin") else "crun"
    settings = base / "home" / ".config" / "containers"
    settings.mkdir(parents=True)
    (base / "run").mkdir(mode=0o700)
    engine = {"cgroup_manager": "cgroupfs", "events_logger": "none", "runtime": runtime}
    (settings / "containers.conf").write_text("[engine]\n" + "".join(f'{k} = "{v}"\n' for k, v in engine.items()))
    (settings / "storage.conf").write_text('[storage]\ndriver = "vfs"\n')
    shutil.copyfile(image_archive("busybox"), base / "image.tar")
    for path in (base / "run", *(base / "home").rglob("*"), base / "home"):
        os.chown(path, UID, UID)


def _hold(base: Path) -> subprocess.Popen[bytes]:
    """Start the process whose namespaces are the user's; return when they are ready."""
    unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"]
    command = ["setpriv", "--pdeathsig=KILL", *unshare, "sh", "-c", _BECOME, "sh", str(base), str(UID)]
    holder = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 10
    while not (base / "ready").exists():
        if holder.poll() is not None or time.monotonic() > deadline:
            holder.kill()
            said = holder.communicate()[1].decode(errors="replace").strip()
            raise Unavailable(f"no user of its own can be made here: {said}")
        time.sleep(0.01)
    return holder


def _child_of(pid: int) -> int:
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


def _prefix(base: Path, pid: int) -> tuple[str, ...]:
    enter = ["nsenter", f"--target={pid}", "--mount", "--pid", f"--wd={base}/home"]
    become = ["setpriv", f"--reuid={UID}", f"--regid={UID}", "--clear-groups"]
    variables = {
        "HOME": f"{base}/home",
        "XDG_RUNTIME_DIR": f"{base}/run",
        "USER": "tester",
        "PATH": "/usr/bin:/bin:/usr/sbin",
    }
    return (*enter, *become, "env", "-i", *(f"{name}={value}" for name, value in variables.items()))
