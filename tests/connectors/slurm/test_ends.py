"""Every way in which a job of Slurm can end, or not begin, provoked on a real cluster without accounting."""

from __future__ import annotations

import asyncio

import pytest
from testbed.hosts import Hosts

from recrate.connectors.base import Ended, Ending, Handle, Launch
from recrate.connectors.slurm.connector import SlurmConnector
from recrate.errors import PlaceFailed

from .clusters import Cluster, in_queue

PATIENCE_SECONDS = 60.0
TIMEOUT_SECONDS = 130.0
HOG = "x=$(head -c 200000000 /dev/zero | tr '\\0' x); sleep 1"


async def end_of(connector: SlurmConnector, handle: Handle, patience: float = PATIENCE_SECONDS) -> Ended:
    return await asyncio.wait_for(connector.wait(connector.name, handle), patience)


async def until_waiting_for(connector: SlurmConnector, handle: Handle, words: str) -> str:
    """Return what an attempt waits for, as soon as these words are in it."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            text = connector.waiting_for(connector.name, handle)
            if text is not None and words in text:
                return text
            await asyncio.sleep(0.05)


async def until_running(cluster: Cluster, launch: Launch) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not cluster.exists(f"{launch.directory}/stdout"):
            await asyncio.sleep(0.05)


@pytest.fixture(scope="module", autouse=True)
def slow(hosts: Hosts) -> tuple[Launch, Handle]:
    """A job whose time limit in Slurm is a minute, which Slurm looks at each half minute: it runs beside the others."""
    hosts.start("hpca")
    cluster = Cluster(hosts, "hpca")

    async def launch() -> tuple[Launch, Handle]:
        connector = cluster.connector({"services": {"minute": {"time": "1", "nodelist": "n1"}}})
        launched = await cluster.launched(connector, "sh", "-c", "echo partial; sleep 600", service="minute")
        await connector.undeploy()
        return launched

    return asyncio.run(launch())


@pytest.mark.parametrize("code", [0, 3, 127])
async def test_an_exit_code(cluster: Cluster, connector: SlurmConnector, code: int) -> None:
    ended = await end_of(connector, (await cluster.launched(connector, "sh", "-c", f"exit {code}"))[1])
    assert (ended.ending, ended.exit_code, ended.message) == (Ending.EXITED, code, None)


async def test_a_signal(cluster: Cluster, connector: SlurmConnector) -> None:
    ended = await end_of(connector, (await cluster.launched(connector, "sh", "-c", "kill -11 $$"))[1])
    assert (ended.ending, ended.signal) == (Ending.SIGNALLED, 11)


async def test_out_of_memory(cluster: Cluster, connector: SlurmConnector) -> None:
    ended = await end_of(connector, (await cluster.launched(connector, "sh", "-c", HOG, ram=50))[1])
    assert ended.ending is Ending.OUT_OF_MEMORY
    assert "OUT_OF_MEMORY" in (ended.message or "")


async def test_out_of_memory_of_a_part_that_the_command_does_not_notice(
    cluster: Cluster, connector: SlurmConnector
) -> None:
    command = f"({HOG}); exit 0"
    ended = await end_of(connector, (await cluster.launched(connector, "sh", "-c", command, ram=50))[1])
    assert ended.ending is Ending.OUT_OF_MEMORY


async def test_cancelled_by_us(cluster: Cluster, connector: SlurmConnector) -> None:
    launch, handle = await cluster.launched(connector, "sleep", "600")
    await until_running(cluster, launch)
    await connector.cancel(connector.name, handle)
    ended = await end_of(connector, handle)
    assert (ended.ending, ended.message) == (Ending.CANCELLED, None)
    assert ended.figures.started is not None


async def test_cancelled_by_somebody_else_though_its_command_ends_well(
    cluster: Cluster, connector: SlurmConnector
) -> None:
    launch, handle = await cluster.launched(connector, "sh", "-c", "trap 'exit 0' TERM; sleep 600 & wait")
    await until_running(cluster, launch)
    cluster.admin("scancel", handle.native_id)
    ended = await end_of(connector, handle)
    assert ended.ending is Ending.CANCELLED
    assert f"job {handle.native_id} on n" in (ended.message or "")


async def test_cancelled_while_it_waits(cluster: Cluster) -> None:
    connector = cluster.connector({"services": {"later": {"begin": "now+1hour"}}})
    launch, handle = await cluster.launched(connector, "touch", "ran", service="later")
    assert "BeginTime" in await until_waiting_for(connector, handle, "BeginTime")
    await connector.cancel("hpca/later", handle)
    ended = await end_of(connector, handle)
    assert ended.ending is Ending.CANCELLED
    assert not cluster.exists(f"{launch.directory}/claim")


async def test_an_element_of_an_array_cancelled_by_somebody_else_while_it_waits(cluster: Cluster) -> None:
    connector = cluster.connector({"services": {"later": {"begin": "now+1hour"}}})
    made = await asyncio.gather(*(cluster.launched(connector, "true", service="later") for _ in range(3)))
    await until_waiting_for(connector, made[1][1], "BeginTime")
    cluster.admin("scancel", made[1][1].native_id)
    ended = await end_of(connector, made[1][1])
    assert ended.ending is Ending.LOST
    assert "had not begun: it may have been cancelled" in (ended.message or "")
    await asyncio.gather(*(connector.cancel("hpca/later", made[number][1]) for number in (0, 2)))


async def test_the_time_limit_of_the_job_itself(cluster: Cluster, connector: SlurmConnector) -> None:
    ended = await end_of(connector, (await cluster.launched(connector, "sleep", "600", time_limit=1))[1])
    assert ended.ending is Ending.TIMED_OUT


async def test_held_and_released(cluster: Cluster) -> None:
    connector = cluster.connector({"services": {"held": {"flags": ["--hold"]}}})
    _, handle = await cluster.launched(connector, "true", service="held")
    text = await until_waiting_for(connector, handle, "Held")
    assert text == (
        f"Slurm job {handle.native_id} is PENDING: JobHeldUser: held by its user (`scontrol release` lets it go on)"
    )
    cluster.admin("scontrol", "release", handle.native_id)
    assert (await end_of(connector, handle)).exit_code == 0
    assert connector.waiting_for("hpca/held", handle) is None


async def test_held_by_an_administrator(cluster: Cluster) -> None:
    connector = cluster.connector({"services": {"later": {"begin": "now+1hour"}}})
    _, handle = await cluster.launched(connector, "true", service="later")
    cluster.admin("scontrol", "hold", handle.native_id)
    assert "held by an administrator" in await until_waiting_for(connector, handle, "JobHeldAdmin")
    await connector.cancel("hpca/later", handle)
    assert (await end_of(connector, handle)).ending is Ending.CANCELLED


async def test_a_node_that_fails(cluster: Cluster) -> None:
    connector = cluster.connector({"services": {"n2": {"nodelist": "n2"}}})
    launch, handle = await cluster.launched(connector, "sh", "-c", "echo partial; sleep 600", service="n2")
    await until_running(cluster, launch)
    cluster.hosts.kill("hpca-n2")
    try:
        cluster.admin("scontrol", "update", "nodename=n2", "state=down", "reason=test")
        ended = await end_of(connector, handle)
    finally:
        cluster.hosts.boot("hpca-n2")
        cluster.await_idle("n2")
    assert ended.ending is Ending.NODE_FAILED
    assert "on n2 ended as NODE_FAIL" in (ended.message or "")
    assert "NodeDown" in (ended.message or "")


async def test_a_node_that_is_drained_is_waited_for(cluster: Cluster) -> None:
    connector = cluster.connector({"services": {"n2": {"nodelist": "n2"}}})
    cluster.admin("scontrol", "update", "nodename=n2", "state=drain", "reason=test")
    try:
        _, handle = await cluster.launched(connector, "true", service="n2")
        assert "drained" in await until_waiting_for(connector, handle, "ReqNodeNotAvail")
    finally:
        cluster.admin("scontrol", "update", "nodename=n2", "state=resume")
    assert (await end_of(connector, handle)).exit_code == 0


async def test_preempted(cluster: Cluster) -> None:
    services = {"low": {"nodelist": "n2", "exclusive": True}, "high": {"partition": "urgent", "nodelist": "n2"}}
    connector = cluster.connector({"services": services})
    launch, handle = await cluster.launched(connector, "sleep", "600", service="low")
    await until_running(cluster, launch)
    _, second = await cluster.launched(connector, "true", service="high")
    ended = await end_of(connector, handle)
    assert ended.ending is Ending.PREEMPTED
    assert "PREEMPTED" in (ended.message or "")
    assert (await end_of(connector, second)).exit_code == 0


async def test_requeued(cluster: Cluster) -> None:
    connector = cluster.connector({"services": {"again": {"requeue": True}}})
    launch, handle = await cluster.launched(connector, "sh", "-c", "echo x >>../count; sleep 600", service="again")
    await until_running(cluster, launch)
    cluster.admin("scontrol", "requeue", handle.native_id)
    ended = await end_of(connector, handle)
    assert ended.ending is Ending.REQUEUED
    assert f"job {handle.native_id}" in (ended.message or "")
    assert cluster.peek(f"{launch.directory}/count") == b"x\n"
    async with asyncio.timeout(PATIENCE_SECONDS):
        while handle.native_id in await in_queue(connector):
            await asyncio.sleep(0.1)


async def test_a_job_that_can_be_requeued_is_so_before_it_began(cluster: Cluster) -> None:
    connector = cluster.connector({"services": {"later": {"begin": "now+1hour", "requeue": True}}})
    _, handle = await cluster.launched(connector, "true", service="later")
    await until_waiting_for(connector, handle, "BeginTime")
    cluster.admin("scontrol", "update", f"jobid={handle.native_id}", "starttime=now")
    assert (await end_of(connector, handle)).exit_code == 0


@pytest.mark.parametrize(
    ("keys", "needs", "reason"),
    [
        ({"partition": "short", "time": "100"}, {}, "its time limit is above the partition's"),
        ({}, {"cores": 50}, "no node of the partition has what it asks for"),
        ({"nodes": "50"}, {}, "no node of the partition has what it asks for"),
        ({"dependency": "afternotok:1"}, {}, "DependencyNeverSatisfied"),
    ],
)
async def test_a_job_that_can_never_run_is_withdrawn(
    cluster: Cluster, keys: dict[str, object], needs: dict[str, object], reason: str
) -> None:
    if "dependency" in keys:
        first = cluster.admin("sbatch", "--parsable", "--output=/dev/null", "--wrap=true").strip()
        keys = {"dependency": f"afternotok:{first}"}
    connector = cluster.connector({"services": {"never": keys}})
    _, handle = await cluster.launched(connector, "true", service="never", **needs)
    with pytest.raises(PlaceFailed, match="can never run") as raised:
        await end_of(connector, handle)
    assert reason in raised.value.render()
    assert handle.native_id not in await in_queue(connector)


@pytest.mark.parametrize(
    ("keys", "needs", "problem", "hint"),
    [
        ({"partition": "nope"}, {}, "invalid partition specified: nope", "sinfo -s"),
        ({"reservation": "nope"}, {}, "reservation is invalid", "scontrol show reservation"),
        ({"constraint": "nope"}, {}, "Invalid feature", "constraint"),
        ({}, {"gpus": 1}, "generic resource", "gres"),
        ({}, {"ram": 900_000}, "Memory specification", "sinfo -N -l"),
        ({"time": "x;y"}, {}, "Invalid --time", "sinfo"),
    ],
)
async def test_a_job_that_slurm_refuses_says_why_and_what_to_do(
    cluster: Cluster, keys: dict[str, object], needs: dict[str, object], problem: str, hint: str
) -> None:
    connector = cluster.connector({"services": {"bad": keys}})
    with pytest.raises(PlaceFailed) as raised:
        await cluster.launched(connector, "true", service="bad", **needs)
    text = raised.value.render()
    assert text.startswith("hpca: sbatch says: ")
    assert problem in text
    assert hint in text
    assert "\n" not in text


async def test_a_template_that_fails_before_the_command_is_no_success(cluster: Cluster, tmp_path: object) -> None:
    path = f"{tmp_path}/job.jinja2"
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("#!/bin/sh\necho no such module >&2\nexit 7\n{{ streamflow_command }}\n")
    connector = cluster.connector({"services": {"t": {"file": path}}})
    _, handle = await cluster.launched(connector, "true", service="t")
    ended = await end_of(connector, handle)
    assert ended.ending is Ending.LOST
    assert "ended as FAILED, exit code 7 (NonZeroExitCode), and left no result record, before the command began" in (
        ended.message or ""
    )


async def test_a_template_that_fails_after_the_command_is_no_success(cluster: Cluster, tmp_path: object) -> None:
    path = f"{tmp_path}/job.jinja2"
    with open(path, "w", encoding="utf-8") as stream:
        stream.write("#!/bin/sh\n{{ streamflow_command }}\nexit 7\n")
    connector = cluster.connector({"services": {"t": {"file": path}}})
    _, handle = await cluster.launched(connector, "true", service="t")
    ended = await end_of(connector, handle)
    assert (ended.ending, ended.exit_code) == (Ending.EXITED, 7)


async def test_the_time_limit_of_slurm(cluster: Cluster, slow: tuple[Launch, Handle]) -> None:
    """It comes last, since it takes a minute and a half."""
    later = cluster.connector({"services": {"minute": {"time": "1"}}})
    found = await later.find("hpca/minute", slow[0])
    ended = found if isinstance(found, Ended) else await end_of(later, slow[1], TIMEOUT_SECONDS)
    assert ended.ending is Ending.TIMED_OUT
    assert "on n1 ended as TIMEOUT" in (ended.message or "")
