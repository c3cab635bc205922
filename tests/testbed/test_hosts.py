"""The hosts of the testbed are what tests take them for, and nothing of them is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from testbed.hosts import SCRIPT, Hosts


def reaches(hosts: Hosts, host: str, *options: str) -> bool:
    argv = ["ssh", "-F", str(hosts.ssh_config), "-o", "ConnectTimeout=1", *options, host, "true"]
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0


def test_a_host_has_disks_and_a_name_of_its_own(hosts: Hosts) -> None:
    hosts.start("cloud")
    assert hosts.ssh("cloud", "hostname; id -un") == b"cloud\nalice\n"
    Path("/tmp/recrate-here").touch()
    assert hosts.ssh("cloud", "ls /tmp/recrate-here 2>/dev/null || echo none") == b"none\n"
    Path("/tmp/recrate-here").unlink()


def test_the_second_cluster_is_reached_through_the_bastion_alone_and_has_no_python(hosts: Hosts) -> None:
    hosts.start("bastion", "hpcb")
    assert reaches(hosts, "hpcb")
    assert not reaches(hosts, "hpcb", "-J", "none")
    assert hosts.ssh("hpcb", "command -v python3 || echo none; id -un") == b"none\nbob\n"


def test_two_clusters_run_jobs(hosts: Hosts) -> None:
    hosts.start("bastion", "hpca", "hpcb")
    for host in ("hpca", "hpcb"):
        assert hosts.ssh(host, "srun -n1 hostname").startswith(b"n")
        assert hosts.ssh(host, "sinfo -h -o %D -t idle -p main").strip() in (b"1", b"2")


def test_a_cable_is_pulled_and_plugged(hosts: Hosts) -> None:
    hosts.start("cloud")
    with hosts.cut("cloud"):
        assert not reaches(hosts, "cloud")
    assert reaches(hosts, "cloud")


def test_what_goes_to_a_host_is_delayed(hosts: Hosts) -> None:
    hosts.start("cloud")
    with hosts.delayed("cloud", 60):
        begun = time.monotonic()
        assert reaches(hosts, "cloud")
        assert time.monotonic() - begun > 0.5


def test_a_frozen_host_hangs_and_goes_on(hosts: Hosts) -> None:
    hosts.start("cloud")
    with hosts.frozen("cloud"):
        assert not reaches(hosts, "cloud")
    assert reaches(hosts, "cloud")


def test_a_program_that_is_slow_to_read_gets_all_of_its_input(hosts: Hosts) -> None:
    hosts.start("cloud")
    content = b"x" * 1_000_000
    assert hosts.inside("cloud", "sh", "-c", "sleep 1; cat", stdin=content) == content


def test_a_killed_host_comes_back_with_empty_disks(hosts: Hosts) -> None:
    hosts.start("host1")
    hosts.ssh("host1", "echo x >/scratch/x")
    hosts.kill("host1")
    assert not reaches(hosts, "host1")
    hosts.boot("host1")
    assert hosts.ssh("host1", "ls /scratch") == b""


def test_a_disk_is_full_for_a_while(hosts: Hosts) -> None:
    hosts.start("cloud")
    with hosts.filled("cloud"), pytest.raises(subprocess.CalledProcessError):
        hosts.ssh("cloud", "echo x >/small/x")
    hosts.ssh("cloud", "echo x >/small/x; rm /small/x")


def test_a_testbed_is_gone_even_when_its_process_is_killed(hosts: Hosts) -> None:
    program = (
        "import os, sys; sys.path.insert(0, sys.argv[1])\n"
        "from testbed.hosts import make_hosts\n"
        "with make_hosts() as bed:\n"
        "    bed.start('cloud'); print(bed.folder, flush=True); os.kill(os.getpid(), 9)\n"
    )
    argv = [sys.executable, "-c", program, str(SCRIPT.parents[2])]
    folder = Path(subprocess.run(argv, capture_output=True, text=True, check=False).stdout.strip())
    deadline = time.monotonic() + 10
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.exists()
    commands = [Path(f"/proc/{number}/cmdline") for number in os.listdir("/proc") if number.isdigit()]
    assert not [path for path in commands if path.exists() and str(folder) in path.read_text(errors="replace")]
