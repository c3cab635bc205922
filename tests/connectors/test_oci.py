"""The command line of a container job: what it says, and that no name can change its meaning."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recrate.connectors.oci import (
    ContainerJob,
    EngineFacts,
    EngineKind,
    EngineOptions,
    Mount,
    client_environment,
    mount_option,
    run_argv,
)
from recrate.errors import InputInvalid, Unsupported

DOCKER = EngineFacts(
    EngineKind.DOCKER,
    "/usr/bin/docker",
    "20.10",
    1000,
    100,
    limits_memory=True,
    limits_swap=True,
    limits_cpus=True,
    cpus=4,
)
PODMAN = EngineFacts(EngineKind.PODMAN, "/usr/bin/podman", "4.3", 1000, 100)
JOB = ContainerJob("t0", "sha256:ab", ("echo", "a b"), "/out", name="/fold[3]", mounts=(Mount("/w/out", "/out", True),))


def before_image(argv: list[str]) -> list[str]:
    return argv[: argv.index(JOB.image)]


def test_the_whole_command_line_of_a_plain_job() -> None:
    assert run_argv(DOCKER, JOB) == [
        "/usr/bin/docker",
        "run",
        "--rm",
        "--interactive",
        "--pull=never",
        "--log-driver=none",
        "--name=recrate-t0",
        "--label=recrate.token=t0",
        "--label=recrate.job=/fold[3]",
        "--user=1000:100",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        "--network=none",
        "--read-only",
        "--tmpfs=/tmp:rw,exec,nosuid,nodev,mode=1777",
        "--tmpfs=/var/tmp:rw,exec,nosuid,nodev,mode=1777",
        "--mount=type=bind,source=/w/out,target=/out",
        "--workdir=/out",
        "sha256:ab",
        "echo",
        "a b",
    ]


@pytest.mark.parametrize(
    ("facts", "job", "present"),
    [
        (replace(DOCKER, rootless=True), JOB, ["--user=0:0"]),
        (replace(DOCKER, remapped=True), JOB, ["--userns=host", "--user=1000:100"]),
        (replace(DOCKER, selinux=True), JOB, ["--security-opt=label=disable"]),
        (replace(DOCKER, init=True), JOB, ["--init"]),
        (replace(DOCKER, bridge=False), replace(JOB, network=True), ["--network=host"]),
        (DOCKER, replace(JOB, memory=300, cpus=1.5), ["--memory=300m", "--memory-swap=300m", "--cpus=1.5"]),
        (DOCKER, replace(JOB, cpus=64), ["--cpus=4"]),
        (DOCKER, replace(JOB, gpus=2), ["--gpus=2"]),
        (DOCKER, replace(JOB, gpu_devices=("0", "3")), ['--gpus="device=0,3"']),
        (DOCKER, replace(JOB, gpu_devices=("0",)), ["--gpus=device=0"]),
        (DOCKER, replace(JOB, environment={"A": "b c", "E": ""}), ["--env=A=b c", "--env=E="]),
        (PODMAN, JOB, ["--user=1000:100", "--read-only-tmpfs=false"]),
        (replace(PODMAN, rootless=True), JOB, ["--userns=keep-id", "--user=1000:100"]),
        (replace(PODMAN, ulimits=("nofile=9:9",)), JOB, ["--ulimit=nofile=9:9"]),
        (PODMAN, replace(JOB, gpus=2), ["--device=nvidia.com/gpu=0", "--device=nvidia.com/gpu=1"]),
        (PODMAN, replace(JOB, gpu_devices=("3",)), ["--device=nvidia.com/gpu=3"]),
    ],
)
def test_what_is_asked_is_on_the_command_line(facts: EngineFacts, job: ContainerJob, present: list[str]) -> None:
    options = before_image(run_argv(facts, job))
    assert [option for option in options if option in present] == present


@pytest.mark.parametrize(
    ("facts", "job", "absent"),
    [
        (DOCKER, JOB, "--init"),
        (DOCKER, JOB, "--memory"),
        (DOCKER, JOB, "--cpus"),
        (DOCKER, JOB, "--gpus"),
        (DOCKER, JOB, "--entrypoint"),
        (DOCKER, replace(JOB, network=True), "--network"),
        (PODMAN, replace(JOB, memory=300, cpus=2), "--memory"),
        (PODMAN, replace(JOB, memory=300, cpus=2), "--cpus"),
        (replace(DOCKER, limits_swap=False), replace(JOB, memory=300), "--memory-swap"),
        (DOCKER, replace(JOB, mounts=(Mount("/a", "/tmp/", True),)), "--tmpfs=/tmp:"),
    ],
)
def test_what_is_not_asked_or_cannot_be_done_is_left_out(facts: EngineFacts, job: ContainerJob, absent: str) -> None:
    assert not [option for option in before_image(run_argv(facts, job)) if option.startswith(absent)]


def test_options_of_the_user_stand_where_the_engine_reads_them() -> None:
    options = EngineOptions(("--context", "lab"), ("--shm-size=1g",), "lan", False, ("CHOWN",), True)
    argv = run_argv(DOCKER, replace(JOB, network=True), options)
    assert argv[1:4] == ["--context", "lab", "run"]
    assert argv[argv.index(JOB.image) - 1] == "--shm-size=1g"
    assert {"--network=lan", "--cap-add=CHOWN", "--init"} <= set(argv)
    assert "--read-only" not in argv


def test_an_empty_command_line_leaves_the_command_to_the_image() -> None:
    assert run_argv(DOCKER, replace(JOB, argv=()))[-1] == JOB.image


def test_the_value_of_a_secret_is_not_on_the_command_line() -> None:
    job = replace(JOB, environment={"KEY": "s3cret", "LANG": "C"}, secrets=frozenset({"KEY"}))
    argv = run_argv(DOCKER, job)
    assert "--env=KEY" in argv and "--env=LANG=C" in argv
    assert not [argument for argument in argv if "s3cret" in argument]
    assert client_environment(job) == {"KEY": "s3cret"}


@pytest.mark.parametrize("name", ["HOME", "PATH", "DOCKER_HOST", "LD_PRELOAD", "CONTAINERS_CONF", "XDG_RUNTIME_DIR"])
def test_a_secret_cannot_steer_the_client(name: str) -> None:
    with pytest.raises(InputInvalid, match=name):
        run_argv(DOCKER, replace(JOB, environment={name: "x"}, secrets=frozenset({name})))


@pytest.mark.parametrize("name", ["", "A=B", "=A", "A\0"])
def test_a_variable_needs_a_possible_name(name: str) -> None:
    with pytest.raises(InputInvalid):
        run_argv(DOCKER, replace(JOB, environment={name: "x"}))


@pytest.mark.parametrize("token", ["", "a/b", "a b", "-x", "a\n", "ä"])
def test_a_token_that_is_no_name_is_refused(token: str) -> None:
    with pytest.raises(Unsupported):
        run_argv(DOCKER, replace(JOB, token=token))


@pytest.mark.parametrize("path", ["relative", "", "/a\r\nb", "/caf\udce9"])
def test_a_path_that_the_engine_would_change_is_refused_in_one_line(path: str) -> None:
    for mount in (Mount(path, "/x"), Mount("/x", path)):
        with pytest.raises(Unsupported) as caught:
            run_argv(DOCKER, replace(JOB, mounts=(mount,)))
        assert "\n" not in caught.value.render()


def test_no_value_of_a_variable_is_in_an_error() -> None:
    job = replace(JOB, environment={"KEY": "s3cret\udce9"}, secrets=frozenset({"KEY"}))
    with pytest.raises(Unsupported) as caught:
        run_argv(DOCKER, job)
    assert "s3cret" not in caught.value.render() and "KEY" in caught.value.render()


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)))
PATHS = TEXTS.map(lambda text: f"/{text}").filter(lambda path: "\r\n" not in path)


@given(source=PATHS, target=PATHS, writable=st.booleans())
def test_any_path_comes_back_out_of_a_mount_option(source: str, target: str, writable: bool) -> None:
    # Python's reader takes a lone CR outside of quotes as the end of a record, as Go's does not
    (fields,) = csv.reader(io.StringIO(mount_option(Mount(source, target, writable)), newline=""))
    assert fields == ["type=bind", f"source={source}", f"target={target}", *([] if writable else ["readonly"])]


@given(argv=st.lists(TEXTS), value=TEXTS, name=TEXTS, source=PATHS)
def test_no_text_becomes_an_option(argv: list[str], value: str, name: str, source: str) -> None:
    job = replace(JOB, argv=tuple(argv), environment={"X": value}, name=name, mounts=(Mount(source, "/x"),))
    made = run_argv(DOCKER, job)
    plain = run_argv(DOCKER, replace(job, argv=(), environment={"X": ""}, name="", mounts=(Mount("/", "/x"),)))
    assert made[len(plain) :] == argv
    assert [option.split("=")[0] for option in made[: len(plain)]] == [option.split("=")[0] for option in plain]
