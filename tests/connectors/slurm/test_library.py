"""Slurm by PySlurm: against a stand-in with the names of PySlurm 25.11, since none fits a Slurm that is here."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from recrate.connectors.base import Launch
from recrate.connectors.queues.manager import Phase, Submission
from recrate.connectors.slurm.connector import SlurmConnector
from recrate.connectors.slurm.library import SlurmLibrary
from recrate.errors import DocumentInvalid, PlaceFailed, Unsupported


class RPCError(Exception):
    """As `pyslurm.RPCError`."""


def job(number: int, state: str, **more: Any) -> SimpleNamespace:
    fields = {
        "id": number,
        "state": state,
        "state_reason": "None",
        "user_id": os.getuid(),
        "comment": "recrate:5f",
        "allocated_nodes": "n1",
        "exit_code": 0,
        "exit_code_signal": 0,
        "requeue_count": 0,
        "run_time": 5,
        "start_time": 1000,
        "end_time": None,
    }
    return SimpleNamespace(**{**fields, **more})


class StandIn:
    """The part of the module `pyslurm` that is used."""

    RPCError = RPCError

    def __init__(self) -> None:
        self.submitted: list[dict[str, Any]] = []
        self.cancelled: list[int] = []
        self.jobs: dict[int, Any] = {}
        self.accounted: dict[int, Any] = {}
        self.refuses: str | None = None
        config = SimpleNamespace(accounting_storage_type="accounting_storage/slurmdbd")
        self.slurmctld = SimpleNamespace(Config=SimpleNamespace(load=lambda: config))
        self.Jobs = SimpleNamespace(load=lambda: self.jobs)
        self.db = SimpleNamespace(
            JobFilter=lambda ids: ids,
            Jobs=SimpleNamespace(load=lambda ids: {n: self.accounted[n] for n in ids if n in self.accounted}),
        )

    def JobSubmitDescription(self, **fields: Any) -> Any:
        def submit() -> int:
            if self.refuses is not None:
                raise RPCError(self.refuses)
            self.submitted.append(fields)
            return 40 + len(self.submitted)

        return SimpleNamespace(submit=submit)

    def Job(self, number: int) -> Any:
        def cancel() -> None:
            if self.refuses is not None:
                raise RPCError(self.refuses)
            self.cancelled.append(number)

        return SimpleNamespace(cancel=cancel)


@pytest.fixture
def library() -> StandIn:
    return StandIn()


@pytest.fixture
def manager(library: StandIn) -> SlurmLibrary:
    return SlurmLibrary("hpca", library)


async def test_a_submission_has_the_names_of_pyslurm(library: StandIn, manager: SlurmLibrary) -> None:
    launch = Launch("t", "a job", "/d", "/d/script", time_limit=60, cores=2, ram=300)
    asked = manager.options({"partition": "a,b", "exclusive": True, "constraint": "ssd"}, [launch])
    ids = await manager.submit(Submission("a job", "recrate:5f", b"#!/bin/sh\n", asked))
    assert ids == ["41"]
    assert library.submitted == [
        {
            "name": "a_job",
            "comment": "recrate:5f",
            "script": "#!/bin/sh\n",
            "working_directory": "/",
            "standard_in": "/dev/null",
            "standard_output": "/dev/null",
            "standard_error": "/dev/null",
            "partitions": ["a", "b"],
            "resource_sharing": "no",
            "constraints": "ssd",
            "time_limit": "2",
            "is_requeueable": False,
        }
    ]


async def test_an_option_that_pyslurm_does_not_know_is_refused(manager: SlurmLibrary) -> None:
    with pytest.raises(DocumentInvalid, match="'hint' cannot be set through PySlurm"):
        manager.options({"hint": "x"}, [Launch("t", "j", "/d", "/d/script")])


async def test_jobs_of_the_user_are_listed_with_state_and_reason(library: StandIn, manager: SlurmLibrary) -> None:
    library.jobs = {
        1: job(1, "PENDING", state_reason="PartitionTimeLimit"),
        2: job(2, "RUNNING"),
        3: job(3, "COMPLETED"),
        4: job(4, "RUNNING", user_id=os.getuid() + 1),
        5: job(5, "PENDING", state_reason="BeginTime", requeue_count=1),
    }
    active = await manager.listed(["1", "2", "3", "4", "9"])
    assert {number: each.phase for number, each in active.items()} == {
        "1": Phase.NEVER,
        "2": Phase.RUNNING,
        "3": Phase.COMPLETED,
    }
    assert [each.phase for each in await manager.remembered() if each.native_id == "5"] == [Phase.REQUEUED]
    assert (active["2"].note, active["2"].ran) == ("recrate:5f", 5)
    assert "its time limit is above the partition's" in (manager.in_words(active["1"]) or "")


async def test_the_accounts_know_what_the_controller_has_forgotten(library: StandIn, manager: SlurmLibrary) -> None:
    await manager.look()
    stats = SimpleNamespace(total_cpu_time=7, disk_read=10, disk_write=20)
    steps = {"batch": SimpleNamespace(stats=SimpleNamespace(max_resident_memory=4096))}
    library.accounted = {
        6: job(6, "OUT_OF_MEMORY", nodelist="n1", cancelled_by=None, end_time=1009, stats=stats, steps=steps),
        7: job(7, "CANCELLED", nodelist="n1", cancelled_by="root", end_time=1009, stats=stats, steps={}),
    }
    library.jobs = {7: job(7, "CANCELLED")}
    details = await manager.details(["6", "7", "8"])
    assert {number: each.phase for number, each in details.items()} == {
        "6": Phase.OUT_OF_MEMORY,
        "7": Phase.CANCELLED,
    }
    assert details["7"].by == "the user root"
    figures = (await manager.usage(["6"]))["6"]
    assert (figures.cpu_seconds, figures.peak_rss, figures.bytes_read, figures.bytes_written) == (7, 4096, 10, 20)


async def test_cancelling_what_is_over_is_no_error(library: StandIn, manager: SlurmLibrary) -> None:
    await manager.cancel(["6", "7"])
    assert library.cancelled == [6, 7]
    library.refuses = "Job/step already completing or completed"
    await manager.cancel(["6"])
    library.refuses = "Access/permission denied"
    with pytest.raises(PlaceFailed, match="hpca: Slurm says: Access/permission denied"):
        await manager.cancel(["6"])


async def test_what_slurm_refuses_is_said_with_what_to_do(library: StandIn, manager: SlurmLibrary) -> None:
    library.refuses = "Invalid partition name specified"
    with pytest.raises(PlaceFailed, match=r"hpca: Slurm says: Invalid partition.*sinfo -s"):
        await manager.submit(Submission("a", "n", b"#!/bin/sh\n", {}))


def test_without_the_package_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyslurm", None)
    with pytest.raises(Unsupported, match=r"needs the package pyslurm.*recrate\[slurm\]"):
        SlurmConnector("hpca", {"via": "pyslurm"})
