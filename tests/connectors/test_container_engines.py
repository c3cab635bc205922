"""Docker and podman as real engines: what a job sees, what it may do, and that nothing stays behind."""

from __future__ import annotations

import asyncio
import functools
import os
import stat
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from testbed import containers
from testbed.registry import registry

from recrate.connectors.base import Completed
from recrate.connectors.container import ContainerEngine, detect
from recrate.connectors.images import Image, ImageFacts
from recrate.connectors.oci import ContainerJob, EngineOptions, Mount, client_environment
from recrate.errors import PlaceFailed, Unsupported

from .running import run

DEBIAN = Image("docker.io/debian:stable-slim", pull="docker.io/debian:stable-slim")
BASH = Image("docker.io/bash:4.4", pull="docker.io/bash:4.4")


@pytest.fixture(params=["docker", "podman"])
def testbed(request: pytest.FixtureRequest) -> Iterator[containers.Testbed]:
    chosen: containers.Testbed = request.getfixturevalue(f"{request.param}_testbed")
    with containers.given(chosen):
        yield chosen


@pytest.fixture
def outdir(tmp_path: Path) -> Path:
    path = tmp_path / "out"
    path.mkdir()
    return path


def job_of(image: ImageFacts, outdir: Path, *argv: str, mounts: tuple[Mount, ...] = ()) -> ContainerJob:
    return ContainerJob(
        uuid.uuid4().hex, image.reference, argv, "/out", "/job", (Mount(str(outdir), "/out", True), *mounts)
    )


async def run_job(engine: ContainerEngine, job: ContainerJob, stdin: bytes = b"") -> Completed:
    return await run(engine.argv(job), stdin=stdin, env=client_environment(job))


async def in_debian(testbed: containers.Testbed, outdir: Path, *argv: str, mounts: tuple[Mount, ...] = ()) -> Completed:
    engine = await detect(run, testbed.program)
    image = await engine.ensure_image(DEBIAN)
    return await run_job(engine, job_of(image, outdir, *argv, mounts=mounts))


async def test_detection_tells_what_the_engine_is(testbed: containers.Testbed) -> None:
    facts = (await detect(run, testbed.program)).facts
    assert facts.program == testbed.program
    assert facts.kind.value in testbed.program
    assert (facts.uid, facts.gid) == (os.getuid(), os.getgid())
    assert facts.version[0].isdigit()
    assert facts.runtime == f"{facts.kind.value} {facts.version}"
    assert facts.cpus


async def test_streams_and_exit_code_are_those_of_the_job(testbed: containers.Testbed, outdir: Path) -> None:
    engine = await detect(run, testbed.program)
    image = await engine.ensure_image(DEBIAN)
    job = job_of(image, outdir, "sh", "-c", "rev; echo oops >&2; exit 42")
    done = await run_job(engine, job, b"abc\n")
    assert (done.code, done.stdout, done.stderr) == (42, b"cba\n", b"oops\n")
    assert await engine.find(job.token) is None, "--rm left the container"


async def test_a_megabyte_of_bytes_arrives_as_it_is(testbed: containers.Testbed, outdir: Path) -> None:
    engine = await detect(run, testbed.program)
    image = await engine.ensure_image(DEBIAN)
    content = os.urandom(1 << 20)
    assert (await run_job(engine, job_of(image, outdir, "cat"), content)).stdout == content


async def test_outputs_belong_to_the_calling_user(testbed: containers.Testbed, outdir: Path) -> None:
    done = await in_debian(testbed, outdir, "sh", "-c", "id -u; id -g; echo x > made")
    assert done.stdout.split() == [str(os.getuid()).encode(), str(os.getgid()).encode()]
    assert ((outdir / "made").stat().st_uid, (outdir / "made").read_text()) == (os.getuid(), "x\n")


async def test_a_job_has_no_capability_and_gets_no_new_privilege(testbed: containers.Testbed, outdir: Path) -> None:
    done = await in_debian(testbed, outdir, "grep", "-E", "^(Cap|NoNewPrivs)", "/proc/self/status")
    values = dict(line.split(":\t") for line in done.stdout.decode().splitlines())
    assert values.pop("NoNewPrivs") == "1"
    assert set(values) >= {"CapPrm", "CapEff", "CapBnd"}
    assert {name: int(value, 16) for name, value in values.items()} == dict.fromkeys(values, 0)


async def test_a_job_has_no_network_but_itself(testbed: containers.Testbed, outdir: Path) -> None:
    done = await in_debian(testbed, outdir, "cat", "/proc/net/dev")
    assert [line.split(":")[0].strip() for line in done.stdout.decode().splitlines() if ":" in line] == ["lo"]


async def test_a_job_that_asks_has_the_network(testbed: containers.Testbed, outdir: Path) -> None:
    engine = await detect(run, testbed.program, EngineOptions(network="host"))
    image = await engine.ensure_image(DEBIAN)
    inside = await run_job(engine, replace(job_of(image, outdir, "cat", "/proc/net/dev"), network=True))
    assert inside.stdout.count(b"\n") == Path("/proc/net/dev").read_text().count("\n")


async def test_only_the_mounts_and_scratch_are_writable(
    testbed: containers.Testbed, outdir: Path, tmp_path: Path
) -> None:
    (tmp_path / "input").write_text("kept\n")
    attempt = 'for f in /x /etc/x /in /usr/x /tmp/x /var/tmp/x /out/x; do (echo y > $f) 2>/dev/null && echo "$f"; done'
    mounts = (Mount(str(tmp_path / "input"), "/in"),)
    done = await in_debian(testbed, outdir, "sh", "-c", f"{attempt}; cat /in", mounts=mounts)
    assert done.stdout.decode().split() == ["/tmp/x", "/var/tmp/x", "/out/x", "kept"]
    assert (tmp_path / "input").read_text() == "kept\n"


async def test_programs_in_scratch_can_be_run(testbed: containers.Testbed, outdir: Path) -> None:
    done = await in_debian(testbed, outdir, "sh", "-c", "cp /usr/bin/echo /tmp/e && /tmp/e ran")
    assert done.stdout == b"ran\n"


@pytest.mark.parametrize(
    "name",
    [
        "a b",
        "a,b",
        "a:b",
        'a"b',
        '"',
        "a'b",
        "a\nb",
        "a\\b",
        "a=b",
        "readonly",
        "é",
        "$(id)",
        "a\rb",
        " a ",
        "a%b",
        "-x",
    ],
)
async def test_odd_names_are_mounted_as_they_are(
    testbed: containers.Testbed, outdir: Path, tmp_path: Path, name: str
) -> None:
    source = tmp_path / "in" / name
    source.parent.mkdir()
    source.write_text(name)
    target = f"/data/{name}"
    done = await in_debian(testbed, outdir, "cat", target, mounts=(Mount(str(source), target),))
    assert (done.code, done.stdout, done.stderr) == (0, name.encode(), b"")


async def test_arguments_and_variables_arrive_unchanged(testbed: containers.Testbed, outdir: Path) -> None:
    values = ["", "a b", "$HOME", "`id`", "a\nb", "--rm", "'\"", "é", "*"]
    engine = await detect(run, testbed.program)
    image = await engine.ensure_image(DEBIAN)
    script = 'printf "%s\\0" "$@"; printf "%s\\0" "$V0" "$V1" "$V2" "$V3" "$V4" "$V5" "$V6" "$V7" "$V8"'
    job = job_of(image, outdir, "sh", "-c", script, "sh", *values)
    job = replace(job, environment={f"V{number}": value for number, value in enumerate(values)})
    done = await run_job(engine, job)
    assert done.stdout.decode().split("\0")[:-1] == values + values


async def test_a_secret_reaches_the_job_but_not_the_command_line(testbed: containers.Testbed, outdir: Path) -> None:
    engine = await detect(run, testbed.program)
    image = await engine.ensure_image(DEBIAN)
    job = job_of(image, outdir, "sh", "-c", 'printf %s "$KEY"')
    job = replace(job, environment={"KEY": "s3cret value"}, secrets=frozenset({"KEY"}))
    assert "s3cret" not in " ".join(engine.argv(job))
    assert (await run_job(engine, job)).stdout == b"s3cret value"


async def test_the_entry_point_of_the_image_is_kept(testbed: containers.Testbed, outdir: Path) -> None:
    engine = await detect(run, testbed.program)
    image = await engine.ensure_image(BASH)
    assert (image.entrypoint, image.command) == (("/entrypoint",), ("bash",))
    done = await run_job(engine, job_of(image, outdir, "-c", "echo $BASH_VERSION moo"))
    assert done.stdout.endswith(b"moo\n") and done.stdout[:1].isdigit()
    assert (await run_job(engine, job_of(image, outdir), b"echo from the image\n")).stdout == b"from the image\n"


async def test_the_limit_of_memory_is_enforced(
    testbed: containers.Testbed, outdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(outdir.parent)  # where conmon leaves an empty file `oom`
    engine = await detect(run, testbed.program)
    if not engine.facts.limits_memory:
        pytest.skip("this engine cannot limit memory here")
    image = await engine.ensure_image(DEBIAN)
    greedy = job_of(image, outdir, "sh", "-c", "head -c 200m /dev/zero | tail -c 199m > /dev/null")
    assert (await run_job(engine, replace(greedy, memory=50, cpus=1))).code == 137
    assert (await run_job(engine, replace(greedy, memory=1000))).code == 0


async def test_a_job_found_after_a_crash_can_be_ended(testbed: containers.Testbed, outdir: Path) -> None:
    engine = await detect(run, testbed.program)
    image = await engine.ensure_image(DEBIAN)
    job = job_of(image, outdir, "sh", "-c", "echo > started; sleep 1000")
    assert await engine.find(job.token) is None
    client = await asyncio.create_subprocess_exec(*engine.argv(job), stdin=asyncio.subprocess.DEVNULL)
    while not (outdir / "started").exists():
        await asyncio.sleep(0.02)
    client.kill()
    await client.wait()
    found = await (await detect(run, testbed.program)).find(job.token)
    assert found is not None and not found.ended
    assert await engine.remove(job.token)
    assert await engine.find(job.token) is None
    assert not await engine.remove(job.token)


async def test_ending_a_job_ends_its_client_with_a_code(testbed: containers.Testbed, outdir: Path) -> None:
    engine = await detect(run, testbed.program)
    image = await engine.ensure_image(DEBIAN)
    job = job_of(image, outdir, "sh", "-c", "echo > started; sleep 1000")
    running = asyncio.create_task(run_job(engine, job))
    while not (outdir / "started").exists():
        await asyncio.sleep(0.02)
    await engine.remove(job.token)
    assert (await running).code == 137


async def test_a_command_that_is_not_in_the_image_is_explained(testbed: containers.Testbed, outdir: Path) -> None:
    engine = await detect(run, testbed.program)
    image = await engine.ensure_image(DEBIAN)
    done = await run_job(engine, job_of(image, outdir, "no-such-program"))
    assert done.code == 127
    words = engine.explain(done.code, done.stderr)
    assert words is not None and "no-such-program" in words and "\n" not in words, done.stderr
    own = await run_job(engine, job_of(image, outdir, "sh", "-c", "echo no >&2; exit 127"))
    assert engine.explain(own.code, own.stderr) is None


async def test_a_source_that_is_gone_is_explained(testbed: containers.Testbed, outdir: Path) -> None:
    engine = await detect(run, testbed.program)
    image = await engine.ensure_image(DEBIAN)
    done = await run_job(engine, job_of(image, outdir, "true", mounts=(Mount("/no/such/file", "/in"),)))
    words = engine.explain(done.code, done.stderr)
    assert words is not None and "/no/such/file" in words


async def test_an_image_is_recorded_with_id_and_platform(testbed: containers.Testbed) -> None:
    engine = await detect(run, testbed.program)
    image = await engine.ensure_image(DEBIAN)
    listed = testbed.run("image", "inspect", "--format={{.Id}}", DEBIAN.name).stdout.decode().strip()
    assert image.id.removeprefix("sha256:") == listed.removeprefix("sha256:")
    assert image.platform.startswith("linux/")
    assert (image.tag, image.engine) == ("stable-slim", engine.facts.runtime)


async def test_a_tag_that_moves_changes_nothing_for_a_known_image(testbed: containers.Testbed, outdir: Path) -> None:
    testbed.run("tag", DEBIAN.name, "docker.io/library/moving:1")
    engine = await detect(run, testbed.program)
    image = await engine.ensure_image(Image("docker.io/library/moving:1"))
    testbed.run("tag", BASH.name, "docker.io/library/moving:1")
    done = await run_job(engine, job_of(image, outdir, "ls", "/entrypoint"))
    assert done.code == 2, "the job ran in the image that the tag was moved to"


async def test_short_names_mean_what_docker_means(testbed: containers.Testbed) -> None:
    engine = await detect(run, testbed.program)
    ids = {(await engine.ensure_image(Image(name))).id for name in ("debian:stable-slim", "library/debian:stable-slim")}
    assert ids == {(await engine.ensure_image(DEBIAN)).id}


async def test_an_image_is_found_by_its_id(testbed: containers.Testbed) -> None:
    engine = await detect(run, testbed.program)
    wanted = (await engine.ensure_image(DEBIAN)).id
    for name in (wanted, wanted.removeprefix("sha256:"), wanted.removeprefix("sha256:")[:12]):
        assert (await engine.ensure_image(Image(name))).id == wanted


async def test_a_root_file_system_is_imported_from_a_uri(
    testbed: containers.Testbed, tmp_path: Path, outdir: Path
) -> None:
    archive = tmp_path / "root fs.tar"
    archive.symlink_to(containers.image_archive("busybox"))
    engine = await detect(run, testbed.program)
    image = await engine.ensure_image(Image("imported:1", import_=archive.as_uri()), offline=True)
    assert (await run_job(engine, job_of(image, outdir, "echo", "hi"))).stdout == b"hi\n"
    unnamed = await engine.ensure_image(Image("", import_=archive.as_uri()))
    assert (await run_job(engine, job_of(unnamed, outdir, "echo", "hi"))).stdout == b"hi\n"


@pytest.mark.parametrize("name", ["", "loaded:1", "docker.io/library/saved:1"])
async def test_an_archive_of_an_image_is_loaded(testbed: containers.Testbed, tmp_path: Path, name: str) -> None:
    archive = tmp_path / "saved.tar"
    testbed.run("tag", BASH.name, "docker.io/library/saved:1")
    testbed.run("save", "--output", str(archive), "docker.io/library/saved:1")
    testbed.run("rmi", "docker.io/library/saved:1")
    engine = await detect(run, testbed.program)
    image = await engine.ensure_image(Image(name, load=str(archive)), offline=True)
    assert image.id == (await engine.ensure_image(BASH)).id


async def test_a_dockerfile_is_built_once_and_again_when_it_changes(testbed: containers.Testbed, outdir: Path) -> None:
    engine = await detect(run, testbed.program)
    first = Image("", file=f"FROM {DEBIAN.name}\nENV COLOUR=blue\n")
    image = await engine.ensure_image(first)
    assert (await run_job(engine, job_of(image, outdir, "sh", "-c", "echo $COLOUR"))).stdout == b"blue\n"
    assert (await (await detect(run, testbed.program)).ensure_image(first, offline=True)).id == image.id
    named = await engine.ensure_image(Image("tool:1", file=first.file))
    changed = await engine.ensure_image(Image("tool:1", file=f"FROM {DEBIAN.name}\nENV COLOUR=red\n"))
    assert named.id != changed.id
    assert (await run_job(engine, job_of(changed, outdir, "sh", "-c", "echo $COLOUR"))).stdout == b"red\n"


@pytest.mark.parametrize(
    ("image", "offline", "said"),
    [
        (Image("localhost:1/none:1", pull="localhost:1/none:1"), False, "could not pull"),
        (Image("localhost:1/none:1", pull="localhost:1/none:1"), True, "offline"),
        (Image("x:1", load="/no/such.tar"), False, "could not load /no/such.tar"),
        (Image("x:1", import_="file:///no/such.tar"), False, "could not import"),
        (Image("x:1", file="FROM nowhere.invalid/x\n"), False, "could not build"),
        (Image("Not A Name", pull="Not A Name"), False, "Not A Name"),
        (Image("x:1", load="ftp://a/b.tar"), False, "no image can be read from"),
    ],
)
async def test_an_image_that_cannot_be_had_gives_one_line(
    testbed: containers.Testbed, image: Image, offline: bool, said: str
) -> None:
    engine = await detect(run, testbed.program)
    with pytest.raises(PlaceFailed) as caught:
        await engine.ensure_image(image, offline=offline)
    assert said in caught.value.render()
    assert "\n" not in caught.value.problem


async def test_a_hundred_callers_of_one_image_ask_the_engine_once(testbed: containers.Testbed) -> None:
    asked: list[Sequence[str]] = []

    async def counting(argv: Sequence[str], *, stdin: bytes = b"", timeout: float | None = None) -> Completed:
        asked.append(argv)
        return await run(argv, stdin=stdin, timeout=timeout)

    engine = await detect(counting, testbed.program)
    asked.clear()
    images = await asyncio.gather(*(engine.ensure_image(DEBIAN) for _ in range(100)))
    assert len(set(images)) == 1
    assert len(asked) == 1


async def test_a_pulled_image_is_recorded_with_its_digest(
    testbed: containers.Testbed, outdir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with registry(containers.image_archive("busybox"), "lab/tool") as served:
        (tmp_path / "registries.conf").write_text(f'[[registry]]\nlocation = "{served.host}"\ninsecure = true\n')
        monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(tmp_path / "registries.conf"))
        engine = await detect(run, testbed.program)
        by_tag = await engine.ensure_image(Image(f"{served.host}/lab/tool:7", pull=f"{served.host}/lab/tool:7"))
        pinned = f"{served.host}/lab/tool@{served.digest}"
        by_digest = await engine.ensure_image(Image(pinned, pull=pinned))
        renamed = await engine.ensure_image(Image("ours:1", pull=f"{served.host}/lab/tool:7"))
        with pytest.raises(PlaceFailed, match="could not pull"):
            await engine.ensure_image(Image(f"{served.host}/lab/none:7"))
    assert (by_tag.digest, by_tag.tag) == (served.digest, "7")
    assert (by_digest.id, by_digest.digest, by_digest.tag) == (by_tag.id, served.digest, None)
    assert renamed.id == by_tag.id
    assert by_tag.platform == (await engine.ensure_image(DEBIAN)).platform
    assert (await run_job(engine, job_of(by_digest, outdir, "echo", "hi"))).stdout == b"hi\n"


async def test_a_dead_daemon_gives_one_clear_line(docker_testbed: containers.Testbed, tmp_path: Path) -> None:
    dead = functools.partial(run, env={"DOCKER_HOST": f"unix://{tmp_path}/socket"})
    with pytest.raises(Unsupported) as caught:
        await detect(dead, docker_testbed.program)
    line = caught.value.render()
    assert "daemon" in line and str(tmp_path) in line and "\n" not in caught.value.problem
    assert caught.value.exit_code == 33


async def test_a_missing_program_gives_one_clear_line(tmp_path: Path) -> None:
    bare = functools.partial(run, env={"PATH": str(tmp_path)})
    for name in ("id", "cat", "ls"):
        (tmp_path / name).symlink_to(f"/bin/{name}" if Path(f"/bin/{name}").exists() else f"/usr/bin/{name}")
    with pytest.raises(Unsupported, match="docker is not installed; podman is not installed"):
        await detect(bare)
    with pytest.raises(Unsupported, match="podman is not installed"):
        await detect(bare, "podman")


async def test_a_daemon_that_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "docker"
    program.write_text("#!/bin/sh\nexec sleep 100\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr("recrate.connectors.container.ANSWER_SECONDS", 0.2)
    with pytest.raises(Unsupported, match="did not answer"):
        await detect(run, str(program))
