"""A program that starts attempts for a controller, and waits for them (see `launcher`, which runs it).

It is executed by itself, with an empty environment but for `PATH`: so it imports nothing of Recrate, and
little else. Requests come by standard input and reports go to standard output, one a line:

    NUMBER DIRECTORY SCRIPT                       start the script of an attempt
    started NUMBER LEADER PROCESS START PEAK      the leader has ended and let PROCESS go on
    failed NUMBER ERRNO                           the shell could not be started
    ended PROCESS CODE PEAK                       the attempt is over; CODE is negative for a signal

Paths are written in hexadecimal digits, so that any name is safe. PROCESS is 0 when the claim of
the attempt does not say that this leader let a process go on: then the controller looks why. CODE is `-` for
one whose own leader has waited for it. PEAK is the peak resident memory in KiB.

It is the parent of all processes below it that have lost their own (prctl(2)), and knows by
SIGCHLD that one has ended. An attempt's process group is killed before the attempt is waited for:
until then nobody else can get its number. It ends as soon as the controller's end of
standard input is closed, and what it started goes on.
"""

from __future__ import annotations

import ctypes
import errno
import os
import select
import signal
import sys

PR_SET_CHILD_SUBREAPER = 36
DEFAULTS = (signal.SIGINT, signal.SIGPIPE, signal.SIGTERM, signal.SIGHUP, signal.SIGXFSZ)
READ_BYTES = 1 << 16


class Spawner:
    """Attempts that were started here and have not been waited for."""

    def __init__(self, claim: str, apart: str) -> None:
        self.claim = claim
        self.apart = apart
        self.path = {"PATH": os.environ.get("PATH", os.defpath)}
        self.leaders: dict[int, tuple[str, str]] = {}
        """Number of the request and directory of the attempt, by leader."""
        self.attempts: dict[int, int] = {}
        """Process group by process."""
        self.reports: list[str] = []

    def start(self, line: bytes) -> None:
        """Carry out one request."""
        number, directory, script = line.split()
        folder = bytes.fromhex(directory.decode())
        try:
            leader = self._spawned(folder, bytes.fromhex(script.decode()))
        except OSError as error:
            self.reports.append(f"failed {number.decode()} {error.errno or errno.EIO}")
        else:
            self.leaders[leader] = (number.decode(), os.fsdecode(folder))

    def _spawned(self, folder: bytes, script: bytes) -> int:
        append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        return os.posix_spawn(
            "/bin/sh",
            [b"/bin/sh", script, os.fsencode(self.apart)],
            self.path,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, folder + b"/stderr", append, 0o644),
            ],
            setsid=True,
            setsigdef=DEFAULTS,
        )

    def collect(self) -> None:
        """Wait for all children that have ended."""
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT | os.WNOHANG)
            except ChildProcessError:
                return
            if ended is None:
                return
            pid = ended.si_pid
            if pid not in self.leaders and pid not in self.attempts:
                self._find_leader(pid)
            if pid in self.leaders:
                self._started(pid)
            else:
                self._over(pid)

    def _find_leader(self, pid: int) -> None:
        """See to the leader of an attempt first: its process may have ended before it, or look so."""
        leader = os.getpgid(pid)
        if leader in self.leaders:
            os.waitid(os.P_PID, leader, os.WEXITED | os.WNOWAIT)
            self._started(leader)

    def _started(self, leader: int) -> None:
        """Report what a leader that has ended let go on, and wait for the leader."""
        number, directory = self.leaders.pop(leader)
        process = _claimed(f"{directory}/{self.claim}", leader)
        start = _start_of(process) if process else None
        if process == 0:
            _kill(leader)
        elif start is not None:
            self.attempts[process] = leader
        _, _, usage = os.wait4(leader, 0)
        self.reports.append(f"started {number} {leader} {process} {start or '-'} {usage.ru_maxrss}")
        if process and start is None:
            self.reports.append(f"ended {process} - {usage.ru_maxrss}")

    def _over(self, pid: int) -> None:
        leader = self.attempts.pop(pid, None)
        if leader is not None:
            _kill(leader)
        _, status, usage = os.wait4(pid, 0)
        if leader is not None:
            self.reports.append(f"ended {pid} {os.waitstatus_to_exitcode(status)} {usage.ru_maxrss}")

    def report(self) -> None:
        """Send what has gathered."""
        rest = "".join(f"{line}\n" for line in self.reports).encode()
        self.reports.clear()
        while rest:
            rest = rest[os.write(1, rest) :]


def _claimed(path: str, leader: int) -> int:
    """Return the process that a leader wrote into its claim; 0 where it did not."""
    try:
        with open(path, "rb") as stream:
            lines = stream.read().split(b"\n")[:-1]
    except OSError:
        return 0
    well = len(lines) > 1 and lines[0] == str(leader).encode() and lines[1].isdigit()
    return int(lines[1]) if well else 0


def _start_of(pid: int) -> str | None:
    """Return when a child started, in clock ticks since boot; None when it is none of ours."""
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT | os.WNOHANG)
    except ChildProcessError:
        return None
    try:
        with open(f"/proc/{pid}/stat", "rb") as stream:
            return stream.read().rpartition(b")")[2].split()[19].decode()
    except (OSError, IndexError):
        return ""


def _kill(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def main(claim: str, apart: str) -> None:
    """Serve the controller until it closes its end."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        sys.exit("this kernel would not give us the attempts to wait for")
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    spawner = Spawner(claim, apart)
    poll = select.poll()
    poll.register(0, select.POLLIN)
    poll.register(reading, select.POLLIN)
    spawner.reports.append("ready")
    rest = b""
    while True:
        spawner.report()
        ready = {descriptor for descriptor, _ in poll.poll()}
        if reading in ready:
            os.read(reading, READ_BYTES)
            spawner.collect()
        if 0 in ready:
            got = os.read(0, READ_BYTES)
            if not got:
                return
            *lines, rest = (rest + got).split(b"\n")
            for line in lines:
                spawner.start(line)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except BrokenPipeError:
        sys.exit(0)
