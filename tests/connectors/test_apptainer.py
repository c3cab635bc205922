"""A real apptainer on a host behind SSH that reaches no registry: images are carried there, jobs keep to themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from testbed import containers
from testbed.hosts import make_hosts, or_skip
from testbed.newer_debian import newer_debian
from testbed.reaching import Reached, reached

from recrate.connectors.base import ActionKind, Ended, Ending, FileAction, Launch
from recrate.connectors.carrying import Carrier
from recrate.connectors.engines import Engine, detect_engine
from recrate.connectors.images import Image
from recrate.connectors.oci import ContainerJob, Mount
from recrate.connectors.wrapper import Script, encode, script_text
from recrate.errors import PlaceFailed, Unsupported

OUTDIR = "/var/spool/cwl"


@pytest.fixture(scope="module")
def newer() -> Iterator[Reached]:
    with or_skip(pytest.skip), make_hosts(bases={"host1": str(newer_debian())}) as hosts:
        hosts.start("host1")
        with reached(hosts, "host1") as host:
            yield host


@pytest.fixture
def carrier(newer: Reached) -> Carrier:
    return Carrier(newer.connector, "site")


@pytest.fixture
async def engine(carrier: Carrier) -> Engine:
    return await detect_engine(carrier.run, carrier, here=False)


@pytest.fixture
async def bash(engine: Engine) -> str:
    """The reference of an image of bash on the host."""
    return (await engine.ensure_image(Image("bash", import_=containers.image_archive("bash").as_uri()))).reference


class Jobs:
    """Runs jobs in containers on the host."""

    def __init__(self, host: Reached, engine: Engine) -> None:
        self.place = host.place()
        self.engine = engine

    async def ended(self, image: str, *argv: str, mounts: tuple[Mount, ...] = (), **fields: Any) -> Ended:
        """Return how a job ended."""
        folder = self.place.path("job")
        environment = {"HOME": OUTDIR, **fields.pop("environment", {})}
        mounts = (Mount(f"{folder}/out", OUTDIR, writable=True), *mounts)
        job = ContainerJob(folder, image, argv, OUTDIR, mounts=mounts, environment=environment, **fields)
        client = self.engine.client_environment(job)
        script = Script(folder, "job", folder, f"{folder}/out", self.engine.argv(job), environment=client)
        actions = [
            FileAction(ActionKind.MAKE_DIRECTORY, f"{folder}/out"),
            FileAction(ActionKind.WRITE, f"{folder}/script", content=encode(script_text(script)), mode=0o700),
        ]
        await self.place.connector.prepare("site", actions)
        return await self.place.ended(Launch(folder, "job", folder, f"{folder}/script"))

    def said(self, name: str = "job/stdout") -> str:
        """Return what a job printed, or a file of it."""
        return self.place.peek(self.place.path(name)).decode("utf-8", "surrogateescape")


@pytest.fixture
def jobs(newer: Reached, engine: Engine) -> Jobs:
    return Jobs(newer, engine)


async def test_apptainer_is_found_where_there_is_no_other_engine(engine: Engine, bash: str) -> None:
    facts = await engine.find_image(Image("bash", import_=containers.image_archive("bash").as_uri()))
    assert facts is not None
    assert facts.engine.startswith("apptainer 1.")
    assert facts.id.startswith("sha256:")
    assert facts.platform == "linux/amd64"
    assert facts.reference == bash


async def test_a_job_sees_its_own_directory_and_environment_and_nothing_of_the_host(jobs: Jobs, bash: str) -> None:
    program = 'pwd; echo "$HOME|$A"; ls -d /scratch /home/*; echo out >file; env | grep -c SSH_; id -u'
    ended = await jobs.ended(bash, "sh", "-c", program, environment={"A": "$(id) `id` 'x' \"y\", z=1"})
    assert (ended.ending, ended.exit_code) == (Ending.EXITED, 0), jobs.said("job/stderr")
    assert jobs.said().splitlines() == [OUTDIR, f"{OUTDIR}|$(id) `id` 'x' \"y\", z=1", "0", "2000"]
    assert jobs.said("job/out/file") == "out\n"


async def test_arguments_of_a_job_are_not_changed(jobs: Jobs, bash: str) -> None:
    odd = ["a b", "it's", 'say "x"', "new\nline", "$HOME;&|", "-n", "", "☃"]
    await jobs.ended(bash, "sh", "-c", 'for a; do printf "%s\\0" "$a"; done', "sh", *odd)
    assert jobs.said().split("\0")[:-1] == odd
    with pytest.raises(Unsupported, match="apptainer cannot be given argument 2 of the command: it is not UTF-8"):
        await jobs.ended(bash, "echo", "\udcff")


async def test_inputs_are_mounted_whatever_their_names_and_cannot_be_written(jobs: Jobs, bash: str) -> None:
    source = jobs.place.path("in put, with: all", "file")
    jobs.place.plant(source, b"content")
    mount = Mount(source, "/var/lib/cwl/inputs/file, one", writable=False)
    program = 'cat "$1"; echo x 2>/dev/null >"$1" || echo refused'
    ended = await jobs.ended(bash, "sh", "-c", program, "sh", mount.target, mounts=(mount,))
    assert ended.exit_code == 0, jobs.said("job/stderr")
    assert jobs.said() == "contentrefused\n"


async def test_exit_codes_and_signals_of_a_job_are_passed_on(jobs: Jobs, bash: str) -> None:
    assert (await jobs.ended(bash, "sh", "-c", "exit 3")).exit_code == 3


async def test_a_job_without_network_has_none(jobs: Jobs, bash: str) -> None:
    await jobs.ended(bash, "sh", "-c", "grep -c : /proc/net/dev; cat /proc/net/dev | grep -c eth0", network=False)
    without = jobs.said().split()
    assert without == ["1", "0"], jobs.said("job/stderr")


async def test_an_image_is_got_once(newer: Reached, carrier: Carrier, bash: str) -> None:
    before = newer.inside("ls", "-l", "--time-style=full-iso", await carrier.directory())
    again = await detect_engine(carrier.run, carrier, wanted="apptainer", here=False)
    facts = await again.ensure_image(Image("bash", import_=containers.image_archive("bash").as_uri()))
    assert facts.reference == bash
    assert newer.inside("ls", "-l", "--time-style=full-iso", await carrier.directory()) == before


async def test_an_image_that_the_place_cannot_pull_is_carried_there(
    newer: Reached, carrier: Carrier, engine: Engine, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    with or_skip(pytest.skip), containers.podman() as testbed:
        for name, text in testbed.environment.items():
            monkeypatch.setenv(name, text)
        testbed.import_image("docker.io/library/only-here:1", "bash")
        facts = await engine.ensure_image(Image("only-here:1", pull="only-here:1"))
        assert facts.tag == "1"
        await jobs.ended(facts.reference, "sh", "-c", "echo carried")
        assert jobs.said() == "carried\n"
        left = newer.inside("ls", await carrier.directory()).decode().split()
        assert not [name for name in left if name.startswith("arriving") or "part" in name]


async def test_an_image_that_nobody_can_get_says_why(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(
        PlaceFailed, match=r"could not get docker://docker\.io/library/nowhere.*skopeo is not installed"
    ):
        await engine.ensure_image(Image("nowhere:1", pull="nowhere:1"))


async def test_what_the_engine_says_is_told_from_what_the_job_says(jobs: Jobs, engine: Engine, bash: str) -> None:
    ended = await jobs.ended(bash, "no-such-program")
    assert "no-such-program" in (engine.explain(ended.exit_code or 0, jobs.said("job/stderr").encode()) or "")
    assert engine.explain(255, b"my own FATAL error\n") is None


async def test_a_place_without_any_engine_says_so(carrier: Carrier) -> None:
    with pytest.raises(Unsupported, match="no container engine works here: docker is not installed"):
        await detect_engine(carrier.run, carrier, wanted="docker", here=False)
