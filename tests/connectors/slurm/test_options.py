"""Options of sbatch: from the keys of a service and from what a job needs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recrate.connectors.base import Launch
from recrate.connectors.slurm.options import (
    arguments,
    clean_name,
    job_options,
    known_keys,
    option_name,
    read_service,
)
from recrate.errors import DocumentInvalid


def launch(**needs: object) -> Launch:
    return Launch("t", "job", "/d", "/d/script", **needs)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("account", "account"),
        ("cpusPerTask", "cpus-per-task"),
        ("acctgFreq", "acctg-freq"),
        ("ignorePBS", "ignore-pbs"),
        ("mincpus", "mincpus"),
        ("useMinNodes", "use-min-nodes"),
        ("memPerCpu", "mem-per-cpu"),
        ("getUserEnv", "get-user-env"),
        ("bbf", "bbf"),
        ("containerId", "container-id"),
    ],
)
def test_a_key_is_the_long_option_in_camel_case(key: str, name: str) -> None:
    assert option_name(key) == name


def test_texts_numbers_and_flags_become_words() -> None:
    read = read_service(
        "gpu", {"partition": "gpu", "cpusPerTask": 8, "exclusive": True, "spreadJob": False, "waitAllNodes": True}
    )
    assert list(arguments(read.options)) == [
        "--partition=gpu",
        "--cpus-per-task=8",
        "--exclusive",
        "--wait-all-nodes=1",
    ]


def test_every_key_of_the_format_is_known() -> None:
    keys = """account acctgFreq array batch bb bbf begin clusterConstraint clusters constraint container containerId
    cpuFreq deadline distribution exclude export extraNodeInfo file gpuBind gpuFreq gpus gpusPerNode gpusPerSocket
    gpusPerTask gres gresFlags hint jobName licenses mailType mailUser mcsLabel mem memBind memPerCpu memPerGpu network
    nodefile nodelist nodes openMode partition power prefer priority profile propagate qos reservation signal switches
    time timeMin tresPerTask wckey contiguous ignorePBS noKill noRequeue overcommit oversubscribe reboot requeue
    spreadJob useMinNodes waitAllNodes coreSpec coresPerSocket cpusPerGpu cpusPerTask delayBoot mincpus nice ntasks
    ntasksPerCore ntasksPerGpu ntasksPerNode ntasksPerSocket socketsPerNode threadSpec threadsPerCore tmp exclusive
    getUserEnv exportFile gid uid"""
    assert set(keys.split()) <= known_keys()


@pytest.mark.parametrize(
    "keys",
    [
        {"partitoin": "x"},
        {"partition": ["x"]},
        {"partition": True},
        {"cpusPerTask": "many"},
        {"exclusive": 3},
        {"requeue": "yes"},
        {"comment": "a\nb", "mem": "1\n2"},
        {"group": 0},
        {"group": True},
        {"flags": ["--output=x"]},
        {"flags": ["-o", "x"]},
        {"flags": ["-W"]},
        {"flags": "script.sh"},
        {"flags": 3},
    ],
)
def test_what_cannot_be_is_refused_with_the_name_of_the_service(keys: dict[str, object]) -> None:
    with pytest.raises(DocumentInvalid, match="service 'gpu'"):
        read_service("gpu", keys)


def test_keys_without_effect_are_remarked_on() -> None:
    read = read_service("gpu", {"array": "1-10", "comment": "mine"})
    assert read.options == {}
    assert len(read.remarks) == 2
    assert "array" in read.remarks[0]


def test_further_options_are_taken_as_they_are() -> None:
    assert read_service("gpu", {"flags": ["--nice", "--x-y=a b;c"]}).flags == ("--nice", "--x-y=a b;c")
    assert read_service("gpu", {"flags": "--nice -t5"}).flags == ("--nice", "-t5")


def test_what_a_job_needs_is_asked_for() -> None:
    asked = job_options({}, [launch(cores=2.5, ram=300, gpus=1, time_limit=61)])
    assert asked == {"cpusPerTask": 3, "mem": "300M", "gpus": "1", "time": "3", "noRequeue": True}


def test_what_nobody_asked_for_is_left_to_the_cluster() -> None:
    assert job_options({}, [launch()]) == {"noRequeue": True}


def test_what_the_service_says_comes_before_what_a_job_needs_but_for_the_time() -> None:
    service = {"cpusPerTask": 8, "memPerCpu": "1G", "gres": "gpu:a100:2", "time": "10:00:00"}
    asked = job_options(service, [launch(cores=2, ram=300, gpus=1, time_limit=600)])
    assert asked == {**service, "time": "11", "noRequeue": True}
    assert job_options(service, [launch()])["time"] == "10:00:00"


def test_the_cores_of_a_job_with_several_tasks_are_the_services_business() -> None:
    assert "cpusPerTask" not in job_options({"ntasks": 4}, [launch(cores=2)])
    assert job_options({"ntasks": 1}, [launch(cores=2)])["cpusPerTask"] == 2


def test_a_group_has_time_for_all_and_memory_for_the_largest() -> None:
    asked = job_options({}, [launch(ram=100, time_limit=60), launch(ram=200, time_limit=120)])
    assert (asked["mem"], asked["time"]) == ("200M", "4")


def test_a_group_with_a_member_without_limit_has_none() -> None:
    assert "time" not in job_options({}, [launch(time_limit=60), launch()])


def test_slurm_starts_no_job_twice_unless_the_user_wants_it() -> None:
    assert list(arguments(job_options({}, [launch()]))) == ["--no-requeue"]
    assert list(arguments(job_options({"requeue": True}, [launch()]))) == ["--requeue"]


@given(st.text())
def test_a_cleaned_name_is_a_plain_word(text: str) -> None:
    name = clean_name(text)
    assert 0 < len(name) <= 64
    assert name.isascii()
    assert not set(name) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+-")
    assert not name.startswith("-")
