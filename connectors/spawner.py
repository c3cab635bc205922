"""A program that starts attempts for a controller, and sees them to their end (see `launcher`, which runs it).

It is executed by itself, with an empty environment but for `PATH`: so it imports nothing of Recrate, and
little else. Messages come and go by a socket that keeps them apart (SOCK_SEQPACKET), which is its standard
input; they are tuples, as `marshal` writes them:

    (number, made, after, token, directory, workdir, argv, environment, stdin, stdout, stderr)   start an attempt
    (number,)                                                                    do not, if it still waits

    ("started", number, process, start)                                         it runs in this process
    ("failed", number, errno)                                                   it could not be started
    ("ended", process, code, peak, cpu, started, ended)                         it is over

and what it says comes as lists of such tuples, since several gather in one turn. A stream is a path and whether
it is written at its end; what is made before is a path and the target of a link, or nothing for a directory;
paths and words are bytes. `code` is negative for a signal, `peak` is the peak
resident memory in KiB, `cpu` is in seconds, and instants are seconds since boot. An attempt that is
to come `after` another one (its token, or nothing) is started as soon as that one has ended with
code 0; when it ends in another way, it is not started (ECANCELED).

For each attempt it does what the script of `connectors.wrapper` does, at a third of the cost: it makes the
claim, starts the command in a session of its own, kills what the command left of its process group, and
leaves the result record. When the controller is gone it goes on until the last attempt is over.

The peak memory of a process counts from the one that executed it, so it is never less than that of this
program: about 9 MB.
"""

from __future__ import annotations

import errno
import marshal
import os
import select
import signal
import time
from dataclasses import dataclass
from typing import Any

PR_SET_CHILD_SUBREAPER = 36
DEFAULTS = (signal.SIGINT, signal.SIGPIPE, signal.SIGTERM, signal.SIGHUP, signal.SIGXFSZ)
MESSAGE_BYTES = 1 << 18
REPORTS_AT_ONCE = 500
CLAIM = b"/claim"
RESULT = b"/result"
SIGNAL_BASE = 128
TICK_NANOSECONDS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Running:
    """An attempt that was started here."""

    directory: bytes
    token: bytes
    started: float


class Supervisor:
    """Attempts that were started here and are not over."""

    def __init__(self, identity: str) -> None:
        self.identity = f"supervisor {identity}\n".encode()
        self.running: dict[int, Running] = {}
        self.waiting: dict[bytes, tuple[Any, ...]] = {}
        """Requests by the token of the attempt that each comes after."""
        self.reports: list[tuple[Any, ...]] = []
        self.programs: dict[tuple[bytes, bytes], bytes] = {}

    def handle(self, message: bytes) -> None:
        """Carry out one request, now or later."""
        number, *rest = marshal.loads(message)
        if not rest:
            self._withdraw(number)
            return
        made, after, *request = rest
        try:
            _make(made)
        except OSError as error:
            self.reports.append(("failed", number, error.errno or errno.EIO))
            return
        if any(running.token == after for running in self.running.values()):
            self.waiting[after] = (number, *request)
        else:
            self._start(number, *request)

    def _withdraw(self, number: int) -> None:
        for after, request in self.waiting.items():
            if request[0] == number:
                del self.waiting[after]
                self.reports.append(("failed", number, errno.ECANCELED))
                return

    def _start(self, number: int, token: bytes, directory: bytes, *task: Any) -> None:
        try:
            claim = os.open(directory + CLAIM, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        except OSError as error:
            self.reports.append(("failed", number, error.errno or errno.EIO))
            return
        try:
            self._claimed(claim, number, token, directory, task)
        except OSError as error:
            os.unlink(directory + CLAIM)
            self.reports.append(("failed", number, error.errno or errno.EIO))
        finally:
            os.close(claim)

    def _claimed(self, claim: int, number: int, token: bytes, directory: bytes, task: tuple[Any, ...]) -> None:
        """Start an attempt that is ours, and write down its process. Raises OSError when it does not run."""
        os.write(claim, self.identity)
        before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
        pid = self._spawned(*task)
        start = _start_between(before, time.clock_gettime_ns(time.CLOCK_BOOTTIME)) or start_of(pid)
        try:
            os.write(claim, f"{pid}\n{pid}\n{start}\n".encode())
        except OSError:
            _kill(pid)
            os.waitpid(pid, 0)
            raise
        self.running[pid] = Running(directory, token, before / 1e9)
        self.reports.append(("started", number, pid, start))

    def _spawned(
        self,
        workdir: bytes,
        argv: tuple[bytes, ...],
        environment: dict[bytes, bytes],
        stdin: bytes,
        stdout: tuple[bytes, bool],
        stderr: tuple[bytes, bool],
    ) -> int:
        os.chdir(workdir)
        try:
            return os.posix_spawn(
                self._program(argv[0], environment[b"PATH"]),
                argv,
                environment,
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, stdout[0], _writing(stdout[1]), 0o666),
                    (os.POSIX_SPAWN_OPEN, 2, stderr[0], _writing(stderr[1]), 0o666),
                ],
                setsid=True,
                setsigdef=DEFAULTS,
            )
        finally:
            os.chdir("/")

    def _program(self, name: bytes, path: bytes) -> bytes:
        """Return the file that a command's name means, looked for as a shell does. Raises FileNotFoundError."""
        if b"/" in name:
            return name
        known = self.programs.get((name, path))
        if known is not None:
            return known
        for folder in path.split(b":"):
            file = (folder or b".") + b"/" + name
            if os.path.isfile(file) and os.access(file, os.X_OK):
                if folder.startswith(b"/"):
                    self.programs[name, path] = file
                return file
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)

    def collect(self) -> None:
        """Wait for all children that have ended; of attempts among them the end is written down."""
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT | os.WNOHANG)
            except ChildProcessError:
                return
            if ended is None:
                return
            running = self.running.pop(ended.si_pid, None)
            if running is None:
                os.waitpid(ended.si_pid, 0)
            else:
                self._over(ended.si_pid, running)

    def _over(self, pid: int, running: Running) -> None:
        # Until it is waited for, nobody else can get the number of its process group.
        _kill(pid)
        _, status, usage = os.wait4(pid, 0)
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        code = os.waitstatus_to_exitcode(status)
        try:
            write_record(running.directory, running.token, code, usage, running.started, now)
        except OSError:
            pass  # No room, or no directory any more: the controller hears of the end, if it is there.
        cpu = usage.ru_utime + usage.ru_stime
        self.reports.append(("ended", pid, code, usage.ru_maxrss, cpu, running.started, now))
        heir = self.waiting.pop(running.token, None)
        if heir is not None and code == 0:
            self._start(*heir)
        elif heir is not None:
            self.reports.append(("failed", heir[0], errno.ECANCELED))

    def report(self) -> bool:
        """Send what has gathered; False when the controller is gone."""
        try:
            while self.reports:
                os.write(0, marshal.dumps(self.reports[:REPORTS_AT_ONCE]))
                del self.reports[:REPORTS_AT_ONCE]
        except OSError:
            self.reports.clear()
            return False
        return True


def write_record(directory: bytes, token: bytes, code: int, usage: Any, started: float, ended: float) -> None:
    """Write the result record of an attempt, in the form that `connectors.wrapper` describes. Raises OSError.

    `usage` is what wait4(2) tells of the process, and `code` is negative for a signal.
    """
    shown = code if code >= 0 else SIGNAL_BASE - code
    text = (
        f"recrate-result 1\ncode {shown}\nstarted {started:.2f}\nended {ended:.2f}\nrss {usage.ru_maxrss}\n"
        f"0m0.0s 0m0.0s\n0m{usage.ru_utime:.6f}s 0m{usage.ru_stime:.6f}s\nend "
    )
    descriptor = os.open(directory + RESULT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        os.write(descriptor, text.encode() + token + b"\n")
    finally:
        os.close(descriptor)


def _start_between(before: int, after: int) -> str:
    """Return what `start_of` would, when two instants that are so close leave no choice; else ''.

    To read it of a process that is just beginning takes as long as half a start.
    """
    tick = before // TICK_NANOSECONDS
    return str(tick) if tick == after // TICK_NANOSECONDS else ""


def start_of(pid: int) -> str:
    """Return when a process started, in clock ticks since boot; '-' where that is not told."""
    try:
        with open(f"/proc/{pid}/stat", "rb", buffering=0) as stream:
            return stream.read().rpartition(b")")[2].split()[19].decode()
    except (OSError, IndexError):
        return "-"


def boot_id() -> str:
    """Return what tells this boot of the machine from others; '-' where nothing does."""
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as stream:
            return stream.read().strip() or "-"
    except OSError:
        return "-"


def _make(things: tuple[tuple[bytes, bytes], ...]) -> None:
    """Make directories and links in order. Raises OSError."""
    for path, target in things:
        if target:
            os.symlink(target, path)
        else:
            _make_directory(path)


def _make_directory(path: bytes) -> None:
    try:
        os.mkdir(path)
    except FileNotFoundError:
        os.makedirs(path, exist_ok=True)
    except FileExistsError:
        return


def _writing(at_end: bool) -> int:
    return os.O_WRONLY | os.O_CREAT | (os.O_APPEND if at_end else os.O_TRUNC)


def _kill(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _become_their_parent() -> None:
    """Be the parent of all processes below this one that have lost their own (prctl(2))."""
    import ctypes

    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def main() -> None:
    """Serve the controller until it is gone and all attempts are over."""
    _become_their_parent()
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    supervisor = Supervisor(f"{os.getpid()} {start_of(os.getpid())} {boot_id()}")
    poll = select.poll()
    poll.register(0, select.POLLIN)
    poll.register(reading, select.POLLIN)
    supervisor.reports.append(("ready",))
    is_served = True
    while (supervisor.report() and is_served) or supervisor.running:
        ready = {descriptor for descriptor, _ in poll.poll()}
        if reading in ready:
            os.read(reading, MESSAGE_BYTES)
            supervisor.collect()
        if 0 in ready:
            message = _received()
            if message:
                supervisor.handle(message)
            else:
                supervisor.waiting.clear()
                poll.unregister(0)
                is_served = False


def _received() -> bytes:
    try:
        return os.read(0, MESSAGE_BYTES)
    except OSError:
        return b""


if __name__ == "__main__":
    main()
