"""Slurm by slurmrestd: a real one of release 22.05, and the shapes of later releases."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from testbed.hosts import SEARCH, make_hosts, or_skip

from recrate.connectors.base import Ended, Ending, Handle
from recrate.connectors.queues.manager import Phase
from recrate.connectors.slurm.connector import SlurmConnector
from recrate.connectors.slurm.fields import REST, as_fields, megabytes, minutes
from recrate.connectors.slurm.rest import read_jobs
from recrate.errors import DocumentInvalid, PlaceFailed

from .clusters import Cluster

PATIENCE_SECONDS = 60.0
PORT = 6821
SERVE = (
    "SLURM_JWT=daemon setsid slurmrestd -s openapi/v0.0.38 -u nobody -g nogroup -a rest_auth/jwt "
    f"0.0.0.0:{PORT} </dev/null >/tmp/slurmrestd.log 2>&1 &"
)
AWAIT = f"""for i in $(seq 200); do (: </dev/tcp/127.0.0.1/{PORT}) 2>/dev/null && exit; sleep 0.05; done
cat /tmp/slurmrestd.log >&2; exit 1"""


@pytest.fixture(scope="module")
def serving() -> Iterator[Cluster]:
    """Cluster A with a slurmrestd that this machine reaches."""
    plugins = list(Path("/usr/lib").glob("*/slurm-wlm/auth_jwt.so"))
    if shutil.which("slurmrestd", path=SEARCH) is None or not plugins:
        pytest.skip("not installed: slurmrestd, slurm-wlm-jwt-plugin")
    with or_skip(pytest.skip), make_hosts() as hosts:
        hosts.start("hpca")
        cluster = Cluster(hosts, "hpca")
        cluster.admin("sh", "-c", SERVE)
        cluster.admin("bash", "-c", AWAIT)
        yield cluster


def connector(cluster: Cluster, **options: Any) -> SlurmConnector:
    address = cluster.hosts.address("hpca")
    rest = {"url": f"http://{address}:{PORT}", "user": "alice"}
    return cluster.connector({"via": "rest", "rest": rest, **options})


async def end_of(place: SlurmConnector, handle: Handle) -> Ended:
    return await asyncio.wait_for(place.wait(place.name, handle), PATIENCE_SECONDS)


async def test_attempts_become_an_array_and_end_as_they_do(serving: Cluster) -> None:
    place = connector(serving)
    made = await asyncio.gather(*(serving.launched(place, "sh", "-c", f"exit {n}", ram=60) for n in range(4)))
    assert len({handle.native_id.partition("_")[0] for _, handle in made}) == 1
    ends = await asyncio.gather(*(end_of(place, handle) for _, handle in made))
    assert [ended.exit_code for ended in ends] == [0, 1, 2, 3]


async def test_out_of_memory_and_cancelled_are_told_apart(serving: Cluster) -> None:
    place = connector(serving, services={"s": {"partition": "main", "time": "1:00:00", "nodes": "1"}})
    hog = "x=$(head -c 200000000 /dev/zero | tr '\\0' x); sleep 1"
    _, first = await serving.launched(place, "sh", "-c", hog, service="s", ram=50)
    launch, second = await serving.launched(place, "sleep", "600", service="s")
    assert (await end_of(place, first)).ending is Ending.OUT_OF_MEMORY
    while not serving.exists(f"{launch.directory}/stdout"):
        await asyncio.sleep(0.05)
    await place.cancel("hpca/s", second)
    assert (await end_of(place, second)).ending is Ending.CANCELLED


async def test_an_element_is_cancelled_and_a_later_controller_finds_the_others(serving: Cluster) -> None:
    first = connector(serving)
    made = await asyncio.gather(*(serving.launched(first, "sh", "-c", f"sleep 3; exit {n}") for n in range(3)))
    await first.cancel("hpca", made[1][1])
    later = connector(serving)
    found = await later.find("hpca", made[2][0])
    assert isinstance(found, Handle)
    assert (await end_of(later, found)).exit_code == 2
    assert (await end_of(first, made[1][1])).ending is Ending.CANCELLED


async def test_what_slurm_refuses_is_said(serving: Cluster) -> None:
    place = connector(serving, services={"s": {"partition": "nope"}})
    with pytest.raises(PlaceFailed, match=r"hpca: slurmrestd says: .*partition.*sinfo"):
        await serving.launched(place, "true", service="s")


async def test_an_option_that_slurmrestd_does_not_know_is_refused_before_anything_is_sent(serving: Cluster) -> None:
    place = connector(serving, services={"s": {"hint": "nomultithread"}})
    with pytest.raises(DocumentInvalid, match=r"'hint' cannot be set through slurmrestd.*via: commands"):
        await serving.launched(place, "true", service="s")


async def test_a_token_that_is_refused_says_so(serving: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_JWT", "not.a.token")
    with pytest.raises(PlaceFailed) as raised:
        await connector(serving).deploy()
    assert raised.value.render().startswith("hpca: slurmrestd ")
    assert "not.a.token" not in raised.value.render()


async def test_a_server_that_is_not_there_is_named(cluster: Cluster) -> None:
    rest = {"url": "http://127.0.0.1:9", "user": "alice"}
    place = cluster.connector({"via": "rest", "rest": rest})
    place.manager.new_token = _token  # type: ignore[attr-defined]
    with pytest.raises(PlaceFailed, match=r"hpca: no answer from http://127\.0\.0\.1:9: "):
        await place.deploy()


async def _token() -> str:
    return "a.b.c"


@pytest.mark.parametrize(
    "rest",
    [None, {}, {"url": "ftp://x", "user": "a"}, {"url": "http://x"}, {"url": "http://x", "user": "a", "pw": "b"}],
)
def test_settings_that_cannot_be_are_refused(rest: object) -> None:
    with pytest.raises(DocumentInvalid):
        SlurmConnector("hpca", {"via": "rest", "rest": rest})


def test_a_job_of_a_later_release_is_understood() -> None:
    """As data_parser/v0.0.40 and on write it."""
    now = int(time.time())
    job = {
        "array_job_id": {"set": True, "infinite": False, "number": 7},
        "array_task_id": {"set": True, "infinite": False, "number": 3},
        "job_id": 12,
        "job_state": ["COMPLETED", "COMPLETING"],
        "exit_code": {"return_code": {"set": True, "number": 3}, "signal": {"id": {"set": False, "number": 0}}},
        "restart_cnt": 0,
        "state_reason": "None",
        "comment": "recrate:5f",
        "nodes": "n1",
        "start_time": {"set": True, "infinite": False, "number": now},
    }
    (read,) = read_jobs(job)
    assert (read.native_id, read.phase, read.exit_code, read.signal) == ("7_3", Phase.ENDING, 3, None)
    assert (read.note, read.nodes, read.element, read.started) == ("recrate:5f", "n1", 3, now)


def test_elements_that_wait_are_listed_one_by_one() -> None:
    job = {"array_job_id": 7, "array_task_id": None, "array_task_string": "0-2", "job_state": "PENDING", "job_id": 7}
    assert [each.native_id for each in read_jobs(job)] == ["7_0", "7_1", "7_2"]


@pytest.mark.parametrize(
    ("text", "limit"),
    [("90", 90), ("1:30", 2), ("2:00:00", 120), ("1-12", 2160), ("1-0:30", 1470), ("0:01", 1), ("unlimited", None)],
)
def test_time_limits_are_minutes(text: str, limit: int | None) -> None:
    assert minutes(text) == limit


@pytest.mark.parametrize(("text", "amount"), [("512", 512), ("4G", 4096), ("1024K", 1), ("1TB", 1 << 20)])
def test_memory_is_mebibytes(text: str, amount: int) -> None:
    assert megabytes(text) == amount


@pytest.mark.parametrize("text", ["", "soon", "1:2:3:4", "-5"])
def test_what_is_no_time_limit_is_refused(text: str) -> None:
    with pytest.raises(DocumentInvalid):
        minutes(text)


def test_what_is_not_to_be_requeued_is_so_under_another_name() -> None:
    assert as_fields({"noRequeue": True, "qos": "a"}, REST, "slurmrestd") == {"requeue": False, "qos": "a"}
