"""What work over SSH costs, beside OpenSSH's own programs, on a host of the testbed: `python -m benchmarks.ssh`.

    jobs        1,000 trivial jobs with everything that an engine needs of each, beside `ssh true` by a ControlMaster
    large       one file of 1 GB, hashed at both ends, beside `scp`
    small       10,000 files of 1 kB, beside `tar | ssh tar`; then hashed there

Needs root. Each is measured a few times in turn and the least is told, since the machine may be busy.
"""

from __future__ import annotations

import argparse
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

HOST = "cloud"
AT_ONCE = 64


def least(times: int, work: Callable[[], Any]) -> float:
    """Return the least seconds that something took."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return min(taken)


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


def measure_jobs(hosts: Hosts, times: int, count: int) -> None:
    """Print what jobs cost."""
    control = str(hosts.folder / "control")
    ssh = ["ssh", "-F", str(hosts.ssh_config), "-S", control]
    subprocess.run([*ssh, "-M", "-f", "-N", HOST], check=True)
    loop = f"for i in $(seq {count}); do {' '.join(ssh)} -n {HOST} true; done"
    by_master = least(times, lambda: subprocess.run(["sh", "-c", loop], check=True))
    print(f"{count} x ssh true by a ControlMaster   {by_master:8.2f} s")
    subprocess.run([*ssh, "-O", "exit", HOST], check=True, capture_output=True)
    for at_once in (1, AT_ONCE):

        def work(at_once: int = at_once) -> None:
            async def all_jobs() -> None:
                made = connector(hosts, HOST)
                await jobs(made, count, at_once, f"/scratch/jobs-{time.time_ns()}")
                await made.undeploy()

            asyncio.run(all_jobs())

        print(f"{count} jobs, {at_once:3} at once              {least(times, work):8.2f} s")


def measure_large(hosts: Hosts, times: int, folder: Path, megabytes: int) -> None:
    """Print what a large file costs, each way."""
    path = folder / "large"
    with path.open("wb") as stream:
        for _ in range(megabytes):
            stream.write(os.urandom(1 << 20))
    there, scp = "/scratch/large", ["scp", "-q", "-F", str(hosts.ssh_config)]

    def up() -> None:
        async def work() -> None:
            made = connector(hosts, HOST)
            assert await made.write("site", there, LocalConnector().read("local", str(path))) is not None
            await made.undeploy()

        asyncio.run(work())

    def down() -> None:
        async def work() -> None:
            made = connector(hosts, HOST)
            assert await LocalConnector().write("local", f"{path}.back", made.read("site", there)) is not None
            await made.undeploy()

        asyncio.run(work())

    for name, work, argv in (
        ("up", up, [*scp, str(path), f"{HOST}:{there}"]),
        ("down", down, [*scp, f"{HOST}:{there}", f"{path}.back"]),
    ):
        by_scp = least(times, lambda argv=argv: subprocess.run(argv, check=True))
        ours = least(times, work)
        print(
            f"{megabytes} MiB {name:4}  scp {by_scp:6.2f} s  recrate, hashed {ours:6.2f} s  ratio {by_scp / ours:5.2f}"
        )


def measure_small(hosts: Hosts, times: int, folder: Path, count: int) -> None:
    """Print what many small files cost."""
    names = []
    for number in range(count):
        name = f"{number % 100}/{number}"
        (folder / "small" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "small" / name).write_bytes(os.urandom(1000))
        names.append(name)
    unpack = "mkdir -p /scratch/t && tar -xf - -C /scratch/t"
    pipe = f"tar -cf - -C {folder} small | ssh -F {hosts.ssh_config} {HOST} '{unpack}'"
    by_tar = least(times, lambda: subprocess.run(["sh", "-c", pipe], check=True))
    folders = sorted({name.partition("/")[0] for name in names})

    def work(hashed: bool) -> None:
        async def all_of_it() -> None:
            made = connector(hosts, HOST)
            await made.unpack("site", "/scratch/r", LocalConnector().pack("local", f"{folder}/small", folders))
            if hashed:
                assert None not in await made.digests("site", [f"/scratch/r/{name}" for name in names])
            await made.undeploy()

        asyncio.run(all_of_it())

    plain, hashed = least(times, lambda: work(False)), least(times, lambda: work(True))
    print(f"{count} files  tar | ssh tar {by_tar:6.2f} s  recrate {plain:6.2f} s  and hashed there {hashed:6.2f} s")


def main() -> None:
    """Measure all, or what is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=["jobs", "large", "small", []], help="all when nothing is named")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="small sizes: does it still work?")
    options = parser.parse_args()
    chosen = options.what or ["jobs", "large", "small"]
    share = 20 if options.quick else 1
    os.environ["TB_SCRATCH"] = "3g"
    folder = Path(tempfile.mkdtemp(prefix="recrate-ssh-", dir="/dev/shm"))
    try:
        with make_hosts() as hosts:
            hosts.start(HOST)
            if "jobs" in chosen:
                measure_jobs(hosts, options.times, 1000 // share)
            if "large" in chosen:
                measure_large(hosts, options.times, folder, 1000 // share)
            if "small" in chosen:
                measure_small(hosts, options.times, folder, 10_000 // share)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
