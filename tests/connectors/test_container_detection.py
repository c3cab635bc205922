"""What is concluded from the answers of container engines that are not at hand for a test."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from recrate.connectors.base import Completed
from recrate.connectors.container import detect, probe
from recrate.connectors.oci import EngineKind, EngineOptions
from recrate.errors import PlaceFailed, Unsupported

LIMITS = """Limit                     Soft Limit           Hard Limit           Units
Max processes             96365                96365                processes
Max open files            1024                 20000                files
"""
WEAK = "CapEff:\t000001fffeffffff\n"
STRONG = "CapEff:\t000001ffffffffff\n"
SERVER = '{"Components":[{"Name":"docker-init","Version":"0.19.0"}]}'


@dataclass
class Host:
    """A machine with made-up engines: what its commands print, by the words that are in the command."""

    programs: tuple[str, ...] = ("docker", "podman")
    host: str = LIMITS + STRONG
    version: str = "Docker version 28"
    docker_info: dict[str, Any] = field(default_factory=lambda: {"ServerVersion": "28.1", "NCPU": 8})
    podman_info: dict[str, Any] = field(default_factory=dict)
    server: str = SERVER
    bridge: bool = True
    asked: list[Sequence[str]] = field(default_factory=list)

    async def __call__(self, argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> Completed:
        self.asked.append(argv)
        if argv[0] == "/bin/sh":
            path = f"/opt/{argv[-1]}" if argv[-1] in self.programs else ""
            return Completed(0, f"501\n20\n{path}\n{self.host}".encode(), b"")
        if "--version" in argv:
            return Completed(0, (self.version if "docker" in argv[0] else "podman version 5.0").encode(), b"")
        if "info" in argv:
            return self.info("podman" in argv[0] or "podman" in self.version)
        if "network" in argv:
            return Completed(0 if self.bridge else 1, b"", b"")
        return Completed(0, self.server.encode(), b"")

    def info(self, podman: bool) -> Completed:
        return Completed(0, json.dumps(self.podman_info if podman else self.docker_info).encode(), b"")


def podman_info(rootless: bool, cgroups: str, controllers: Sequence[str], selinux: bool = False) -> dict[str, Any]:
    security = {"rootless": rootless, "selinuxEnabled": selinux}
    host = {"security": security, "cgroupVersion": cgroups, "cgroupControllers": controllers, "cpus": 4}
    return {"host": host, "version": {"Version": "5.0"}}


async def test_docker_comes_before_podman_unless_one_is_preferred() -> None:
    assert (await detect(Host())).facts.kind is EngineKind.DOCKER
    assert (await detect(Host(programs=("podman",), podman_info=podman_info(True, "v2", [])))).facts.version == "5.0"
    preferred = await detect(Host(podman_info=podman_info(True, "v2", [])), "podman")
    assert preferred.facts.kind is EngineKind.PODMAN


async def test_podman_under_the_name_of_docker_is_known_for_what_it_is() -> None:
    host = Host(version="podman version 5.0", podman_info=podman_info(True, "v2", ["cpu"]))
    facts = await probe(host, "docker")
    assert (facts.kind, facts.program, facts.rootless) == (EngineKind.PODMAN, "/opt/docker", True)


async def test_docker_tells_how_it_treats_users_and_limits() -> None:
    security = ["name=seccomp,profile=default", "name=rootless", "name=selinux"]
    info = {"ServerVersion": "28.1", "NCPU": 8, "MemoryLimit": True, "CpuCfsQuota": True, "SecurityOptions": security}
    facts = await probe(Host(docker_info=info), "docker")
    assert (facts.rootless, facts.selinux, facts.remapped) == (True, True, False)
    assert (facts.limits_memory, facts.limits_swap, facts.limits_cpus, facts.cpus) == (True, False, True, 8)
    assert (facts.uid, facts.gid) == (501, 20)
    remapping = await probe(Host(docker_info={"ServerVersion": "1", "SecurityOptions": ["name=userns"]}), "docker")
    assert remapping.remapped


@pytest.mark.parametrize("server", ["{}", "", '{"Components":[{"Name":"docker-init","Version":"N/A"}]}'])
async def test_no_init_is_used_where_docker_has_none(server: str) -> None:
    assert (await probe(Host(), "docker")).init
    assert not (await probe(Host(server=server), "docker")).init


async def test_a_docker_without_a_bridge_is_noticed() -> None:
    assert not (await probe(Host(bridge=False), "docker")).bridge


@pytest.mark.parametrize(
    ("info", "limits"),
    [
        (podman_info(False, "v1", ["memory", "cpu"]), (True, True)),
        (podman_info(True, "v1", ["memory", "cpu"]), (False, False)),
        (podman_info(True, "v2", ["memory"]), (True, False)),
        (podman_info(True, "v2", []), (False, False)),
    ],
)
async def test_podman_limits_what_its_control_groups_allow(info: dict[str, Any], limits: tuple[bool, bool]) -> None:
    facts = await probe(Host(podman_info=info), "podman")
    assert (facts.limits_memory, facts.limits_cpus) == limits


@pytest.mark.parametrize(
    ("rootless", "host", "ulimits"),
    [
        (False, LIMITS + WEAK, ("nofile=20000:20000", "nproc=32768:32768")),
        (False, LIMITS + STRONG, ()),
        (True, LIMITS + WEAK, ()),
        (False, "", ()),
    ],
)
async def test_podman_of_a_root_that_may_not_raise_limits_states_them(
    rootless: bool, host: str, ulimits: tuple[str, ...]
) -> None:
    facts = await probe(Host(host=host, podman_info=podman_info(rootless, "v1", [])), "podman")
    assert facts.ulimits == ulimits


async def test_the_users_global_arguments_are_given_to_every_question() -> None:
    host = Host()
    await detect(host, "docker", EngineOptions(global_arguments=("--context", "lab")))
    questions = [argv for argv in host.asked if argv[0] == "/opt/docker" and "--version" not in argv]
    assert questions and all(argv[1:3] == ["--context", "lab"] for argv in questions)


async def test_a_daemon_that_reports_errors_in_its_facts_is_dead() -> None:
    dead = {"ServerErrors": ["Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?"]}
    with pytest.raises(PlaceFailed, match="Cannot connect"):
        await probe(Host(docker_info=dead), "docker")


async def test_all_engines_that_do_not_work_are_named() -> None:
    with pytest.raises(Unsupported) as caught:
        await detect(Host(programs=("docker",), docker_info={}))
    assert "docker's daemon does not answer" in caught.value.problem
    assert "podman is not installed" in caught.value.problem
    assert caught.value.exit_code == 33
