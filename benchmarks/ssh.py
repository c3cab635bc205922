"""What work over SSH costs, beside OpenSSH's own programs, on a host of the testbed: `python -m benchmarks.ssh`.

    jobs        1,000 trivial jobs with everything that an engine needs of each, beside `ssh true` by a ControlMaster
    engine      the same number of jobs by `recrate run`, from its start to the results on this machine
    large       one file of 1 GB, hashed at both ends, beside `scp`
    small       10,000 files of 1 kB, beside `tar` into `ssh tar`; then hashed there

Needs root. Each is measured a few times in turn and the least is told, since the machine may be busy. Our
connection is open from the beginning, as it is during a run, but for the engine.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from testbed.hosts import Hosts, make_hosts
from testbed.reaching import connector

from recrate.connectors.base import ActionKind, FileAction, Launch
from recrate.connectors.local import LocalConnector
from recrate.connectors.ssh.connector import SshConnector
from recrate.connectors.wrapper import SCRIPT, Script, encode, script_text

from .bound import ARRAY, Bench
from .places import Line, asked, least, tell

HOST = "cloud"
AT_ONCE = 64


def called(*argv: str) -> Callable[[], Any]:
    """Return what runs a command."""
    return lambda: subprocess.run(argv, check=True)


async def job(made: SshConnector, folder: str) -> None:
    """Carry out one trivial job as the engine does: prepare, launch, await, list what it left."""
    text = encode(script_text(Script(folder, "job", folder, f"{folder}/out", ("true",))))
    actions = [FileAction(ActionKind.MAKE_DIRECTORY, f"{folder}/{name}") for name in ("out", "in", "tmp")]
    actions.append(FileAction(ActionKind.WRITE, f"{folder}/{SCRIPT}", content=text, mode=0o700))
    await made.prepare("site", actions)
    handle = await made.launch("site", Launch(folder, "job", folder, f"{folder}/{SCRIPT}"))
    assert (await made.wait("site", handle)).exit_code == 0
    await asyncio.to_thread(made.tree("site", f"{folder}/out").list)


async def jobs(made: SshConnector, count: int, at_once: int, folder: str) -> None:
    """Carry out many jobs, so many at once."""
    room = asyncio.Semaphore(at_once)

    async def one(number: int) -> None:
        async with room:
            await job(made, f"{folder}/{number}")

    await asyncio.gather(*(one(number) for number in range(count)))


def by_control_master(hosts: Hosts, count: int) -> Callable[[], Any]:
    """Return what logs in once and has so many commands carried out one after the other."""
    control = str(hosts.folder / "control")
    ssh = ["ssh", "-F", str(hosts.ssh_config), "-S", control]
    commands = f"for i in $(seq {count}); do {' '.join(ssh)} -n {HOST} true; done"

    def work() -> None:
        subprocess.run([*ssh, "-M", "-f", "-N", HOST], check=True)
        subprocess.run(["sh", "-c", commands], check=True)
        subprocess.run([*ssh, "-O", "exit", HOST], check=True, capture_output=True)

    return work


def measure_jobs(hosts: Hosts, made: SshConnector, times: int, count: int) -> list[Line]:
    """Tell what jobs cost, many at a time and one by one."""
    works: list[Callable[[], Any]] = [by_control_master(hosts, count)]
    for at_once in (1, AT_ONCE):

        def work(at_once: int = at_once) -> None:
            asyncio.run(jobs(made, count, at_once, f"/scratch/jobs-{time.time_ns()}"))

        works.append(work)
    by_master, one_by_one, together = least(times, *works)
    beside = "`ssh true` by a ControlMaster"
    return [
        Line.now(f"{count:,} jobs over SSH, {AT_ONCE} at a time", together, beside, by_master, "2 x"),
        Line.now(f"{count:,} jobs over SSH, one by one", one_by_one, beside, by_master, "2 x"),
    ]


def measure_engine(hosts: Hosts, times: int, folder: Path, count: int) -> list[Line]:
    """Tell what a run of many jobs on a host takes."""
    bench = Bench(hosts, folder)
    reached = {"cloud": bench.deployments(1, extended=True)["cloud"]}
    binding = bench.written("engine", ARRAY, count, {"/make": {"deployment": "cloud"}}, reached)
    [by_master] = least(times, by_control_master(hosts, count))
    ours = [bench.ours(binding) for _ in range(times)]
    return [Line.of(f"a run of {count:,} jobs over SSH", ours, "`ssh true` by a ControlMaster", [by_master], "2 x")]


def measure_large(hosts: Hosts, made: SshConnector, times: int, folder: Path, megabytes: int) -> list[Line]:
    """Tell what a large file costs, each way."""
    path = folder / "large"
    with path.open("wb") as stream:
        for _ in range(megabytes):
            stream.write(os.urandom(1 << 20))
    there, scp = "/scratch/large", ["scp", "-q", "-F", str(hosts.ssh_config)]
    lines: list[Line] = []

    def up() -> None:
        async def work() -> None:
            sent = LocalConnector().read("local", str(path))
            assert await made.write("site", there, sent, size=megabytes << 20) is not None

        asyncio.run(work())

    def down() -> None:
        async def work() -> None:
            assert await LocalConnector().write("local", f"{path}.back", made.read("site", there)) is not None

        asyncio.run(work())

    for name, work, argv in (
        ("up", up, [*scp, str(path), f"{HOST}:{there}"]),
        ("down", down, [*scp, f"{HOST}:{there}", f"{path}.back"]),
    ):
        by_scp, ours = least(times, called(*argv), work)
        lines.append(Line.now(f"{megabytes} MiB {name} over SSH, hashed there", ours, "`scp`", by_scp, "1.11 x"))
    return lines


def measure_small(hosts: Hosts, made: SshConnector, times: int, folder: Path, count: int) -> list[Line]:
    """Tell what many small files cost."""
    names = []
    for number in range(count):
        name = f"{number % 100}/{number}"
        (folder / "small" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "small" / name).write_bytes(os.urandom(1000))
        names.append(name)
    unpack = "mkdir -p /scratch/t && tar -xf - -C /scratch/t"
    pipe = f"tar -cf - -C {folder} small | ssh -F {hosts.ssh_config} {HOST} '{unpack}'"
    folders = sorted({name.partition("/")[0] for name in names})

    def work(hashed: bool) -> None:
        async def all_of_it() -> None:
            await made.unpack("site", "/scratch/r", LocalConnector().pack("local", f"{folder}/small", folders))
            if hashed:
                assert None not in await made.digests("site", [f"/scratch/r/{name}" for name in names])

        asyncio.run(all_of_it())

    by_tar, plain, hashed = least(times, called("sh", "-c", pipe), lambda: work(False), lambda: work(True))
    name, beside = f"{count:,} small files over SSH", "`tar` into `ssh tar`"
    return [
        Line.now(name, plain, beside, by_tar, "2 x"),
        Line.now(f"{name}, hashed there", hashed, beside, by_tar, "2 x"),
    ]


def main() -> None:
    """Measure all, or what is named."""
    names = ["jobs", "engine", "large", "small"]
    options = asked(__doc__, names).parse_args()
    chosen = options.what or names
    lines: list[Line] = []
    share = 20 if options.quick else 1
    os.environ["TB_SCRATCH"] = "3g"
    folder = Path(tempfile.mkdtemp(prefix="recrate-ssh-", dir="/dev/shm"))
    try:
        with make_hosts() as hosts:
            hosts.start(HOST)
            made = connector(hosts, HOST)
            asyncio.run(made.deploy())
            if "jobs" in chosen:
                lines += measure_jobs(hosts, made, options.times, 1000 // share)
            if "large" in chosen:
                lines += measure_large(hosts, made, options.times, folder, 1000 // share)
            if "small" in chosen:
                lines += measure_small(hosts, made, options.times, folder, 10_000 // share)
            if "engine" in chosen:
                lines += measure_engine(hosts, options.times, folder, 1000 // share)
            asyncio.run(made.undeploy())
    finally:
        shutil.rmtree(folder)
    tell(lines, quick=options.quick)


if __name__ == "__main__":
    main()
