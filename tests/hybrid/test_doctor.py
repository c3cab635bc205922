"""`recrate doctor` says in one line each which place is to be mended, and how."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from testbed.hosts import Hosts

from recrate.cli.main import main
from recrate.core import doctor
from recrate.core.binding import Binding, Deployment, Wraps
from recrate.core.health import Finding, Verdict

from .places import ssh, written


def examined(folder: Path, **deployments: Deployment) -> dict[tuple[str, str], Finding]:
    """Look at places; return the findings by place and check. Each is one line."""
    found = asyncio.run(doctor.examine(Binding(deployments=deployments), str(folder)))
    assert all("\n" not in item.text for item in found)
    assert all(item.hint for item in found if item.verdict is Verdict.BAD)
    return {(item.place, item.check): item for item in found}


def host(hosts: Hosts, name: str = "cloud", workdir: str = "/scratch/doctor", **config: Any) -> Deployment:
    described = ssh(hosts, name, **config)
    return Deployment("site", "ssh", described["config"], workdir=workdir)


def queue(service: str = "", **options: Any) -> Deployment:
    services = {"services": {service: options}} if service else {}
    return Deployment("queue", "slurm", services, wraps=Wraps("site"))


def replace_program(hosts: Hosts, name: str, program: str, script: str) -> None:
    """Put a script in the place of a program, which is `real-NAME` from then on, if there was one."""
    path, kept = f"/usr/bin/{program}", f"/usr/bin/real-{program}"
    put = f"[ -e {kept} ] || [ ! -e {path} ] || mv {path} {kept}; cat >{path}; chmod 755 {path}"
    hosts.inside(name, "sh", "-c", put, stdin=f"#!/bin/sh\n{script}\n".encode())


@pytest.fixture
def cloud(hosts: Hosts) -> Hosts:
    hosts.start("cloud")
    return hosts


def bad(found: dict[tuple[str, str], Finding]) -> dict[tuple[str, str], str]:
    return {key: item.text for key, item in found.items() if item.verdict is Verdict.BAD}


def test_a_place_that_is_well_has_nothing_to_mend_and_nothing_stays_there(cloud: Hosts, tmp_path: Path) -> None:
    found = examined(tmp_path, site=host(cloud))
    assert bad(found) == {}
    checks = {check for place, check in found if place == "site"}
    assert checks == {"reach", "shell", "write", "space", "rename", "clock", "containers"}
    assert "host cloud" in found["site", "reach"].text
    assert cloud.inside("cloud", "ls", "-A", "/scratch/doctor") == b""


def test_a_queue_is_asked_when_a_job_would_start(hosts: Hosts, tmp_path: Path) -> None:
    hosts.start("hpca")
    found = examined(tmp_path, site=host(hosts, "hpca"), queue=queue())
    assert bad(found) == {}
    assert "it would start" in found["queue", "queue"].text
    assert ("queue", "write") not in found, "its files are those of the host that it is reached through"


def test_a_partition_that_is_not_there(hosts: Hosts, tmp_path: Path) -> None:
    hosts.start("hpca")
    found = examined(tmp_path, site=host(hosts, "hpca"), queue=queue("fast", partition="nope"))
    assert list(bad(found)) == [("queue/fast", "queue")]
    assert "invalid partition" in bad(found)["queue/fast", "queue"]
    assert "sinfo" in found["queue/fast", "queue"].text


def test_a_host_that_belongs_to_no_cluster(cloud: Hosts, tmp_path: Path) -> None:
    found = examined(tmp_path, site=host(cloud), queue=queue())
    assert list(bad(found)) == [("queue", "reach")]
    assert "no host of a Slurm cluster" in (found["queue", "reach"].hint or "")


def test_a_host_without_slurm(hosts: Hosts, tmp_path: Path) -> None:
    hosts.start("host6")
    hosts.inside("host6", "sh", "-c", "rm -f /usr/bin/sbatch /usr/bin/scontrol")
    found = examined(tmp_path, site=host(hosts, "host6"), queue=queue())
    assert bad(found) == {("queue", "reach"): "queue: scontrol was not found"}
    assert "host of the cluster" in (found["queue", "reach"].hint or "")


def test_a_queue_whose_host_cannot_be_reached(cloud: Hosts, tmp_path: Path) -> None:
    found = examined(tmp_path, site=host(cloud, "cloud:2"), queue=queue())
    assert bad(found) == {
        ("site", "reach"): "site: cloud:2 cannot be reached: nothing answers at its port",
        ("queue", "reach"): "it is reached through 'site', which cannot be used",
    }


def test_a_host_whose_key_nobody_knows(cloud: Hosts, tmp_path: Path) -> None:
    (tmp_path / "known").write_text("")
    config = f"Host *\nUserKnownHostsFile {tmp_path}/known\n{cloud.ssh_config.read_text()}"
    (tmp_path / "config").write_text(config)
    found = examined(tmp_path, site=host(cloud, sshConfig=str(tmp_path / "config")))
    assert "cannot be trusted" in bad(found)["site", "reach"]
    assert "log in once by hand" in (found["site", "reach"].hint or "")


def test_a_user_who_may_not_log_in(cloud: Hosts, tmp_path: Path) -> None:
    found = examined(tmp_path, site=host(cloud, username="mallory"))
    assert "does not let 'mallory' log in" in bad(found)["site", "reach"]


def test_a_host_that_gives_no_answer(cloud: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doctor.IMPATIENT, "ssh", {"retries": 0, "connectTimeout": 2})  # type: ignore[arg-type]
    with cloud.cut("cloud"):
        found = examined(tmp_path, site=host(cloud))
    assert "cloud gives no answer" in bad(found)["site", "reach"]


def test_a_directory_for_work_that_cannot_be_made(cloud: Hosts, tmp_path: Path) -> None:
    found = examined(tmp_path, site=host(cloud, workdir="/root/work"))
    assert "cannot make the directory '/root/work' on site" in bad(found)["site", "reach"]
    assert found["site", "reach"].hint == "say another `workdir`"


def test_a_full_disk(cloud: Hosts, tmp_path: Path) -> None:
    cloud.inside("cloud", "mkdir", "-m", "777", "-p", "/small/work")
    with cloud.filled("cloud"):
        found = examined(tmp_path, site=host(cloud, workdir="/small/work"))
    assert "cannot write in /small/work" in bad(found)["site", "write"]
    assert "No space left" in bad(found)["site", "write"]
    assert bad(found)["site", "space"].startswith("0 MiB")
    assert "workdir" in (found["site", "space"].hint or "")


def test_programs_that_are_missing(hosts: Hosts, tmp_path: Path) -> None:
    hosts.start("host5")
    hosts.inside("host5", "sh", "-c", "rm -f /usr/bin/tar /usr/bin/tail")
    found = examined(tmp_path, site=host(hosts, "host5"))
    assert bad(found)["site", "shell"] == "these programs are missing: tail tar"


def test_a_disk_on_which_no_more_files_can_be_made(hosts: Hosts, tmp_path: Path) -> None:
    hosts.start("host4")
    hosts.inside("host4", "mkdir", "-p", "/few", "/none")
    hosts.inside("host4", "mount", "-t", "tmpfs", "-o", "nr_inodes=400,mode=1777", "few", "/few")
    found = examined(tmp_path, site=host(hosts, "host4", workdir="/few"))
    assert found["site", "write"].verdict is Verdict.GOOD
    assert "inodes free in /few" in bad(found)["site", "space"]
    hosts.inside("host4", "mount", "-t", "tmpfs", "-o", "nr_inodes=2000,mode=1777", "none", "/none")
    found = examined(tmp_path, site=host(hosts, "host4", workdir="/none"))
    assert found["site", "space"].verdict is Verdict.ODD
    assert "workdir" in (found["site", "space"].hint or "")


@pytest.mark.parametrize(("ahead", "said"), [(100, "ahead"), (-100, "behind")])
def test_a_clock_that_is_wrong(hosts: Hosts, tmp_path: Path, ahead: int, said: str) -> None:
    hosts.start("host5")
    replace_program(hosts, "host5", "date", f"echo $(($(/usr/bin/real-date +%s) + {ahead}))")
    found = examined(tmp_path, site=host(hosts, "host5"))["site", "clock"]
    told = re.fullmatch(rf"its clock is (\d+) s {said}", found.text)
    assert found.verdict is Verdict.ODD and told is not None
    assert int(told[1]) in (99, 100, 101), "`date` tells whole seconds"
    replace_program(hosts, "host5", "date", "echo today")
    assert "date says 'today'" in examined(tmp_path, site=host(hosts, "host5"))["site", "clock"].text
    hosts.inside("host5", "mv", "-f", "/usr/bin/real-date", "/usr/bin/date")


def test_a_quota_that_is_exceeded(hosts: Hosts, tmp_path: Path) -> None:
    """The kernel here knows no quotas: the program that tells of them is one that says what the real one does."""
    hosts.start("host6")
    replace_program(
        hosts, "host6", "quota", "echo 'Disk quotas for user alice:'; echo '  Block limit reached on /x'; exit 1"
    )
    found = examined(tmp_path, site=host(hosts, "host6"))
    assert (found["site", "write"].verdict, found["site", "write"].text) == (
        Verdict.ODD,
        "a quota is exceeded: Block limit reached on /x",
    )
    hosts.inside("host6", "rm", "/usr/bin/quota")


def test_the_command_tells_it_to_people_and_to_programs(
    cloud: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RECRATE_STORE", str(tmp_path / "store.db"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    document = {"cwlVersion": "v1.2", "class": "CommandLineTool", "inputs": {}, "outputs": {}, "baseCommand": "true"}
    good = {"cloud": ssh(cloud, "cloud"), "far": ssh(cloud, "cloud:2")}
    path = written(tmp_path, document, {}, {"/": {"deployment": "cloud"}}, good)
    assert main(["doctor", path]) == 1
    lines = capsys.readouterr().out.splitlines()
    [line] = [line for line in lines if line.startswith("bad")]
    assert lines[-1].startswith("1 to mend, ")
    assert line.startswith("bad  far: reach: far: cloud:2 cannot be reached: nothing answers at its port (is the host")
    assert main(["doctor", path, "--format", "json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is False
    assert {"place": "cloud", "check": "rename", "verdict": "ok"}.items() <= next(
        item for item in told["findings"] if (item["place"], item["check"]) == ("cloud", "rename")
    ).items()
    assert main(["doctor"]) == 0
