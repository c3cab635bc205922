"""A podman on a host behind SSH that reaches no registry gets its images from the controller."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from testbed import containers, registry
from testbed.hosts import Hosts
from testbed.reaching import Reached, reached

from recrate.connectors.carrying import Carrier
from recrate.connectors.engines import Engine, detect_engine
from recrate.connectors.images import Image
from recrate.connectors.oci import ContainerJob, EngineOptions
from recrate.errors import PlaceFailed

OPTIONS = EngineOptions(
    global_arguments=("--root=/scratch/podman", "--runroot=/run/podman", "--cgroup-manager=cgroupfs"),
    run_arguments=("--cgroups=disabled",),
)


@pytest.fixture(scope="module")
def cloud(hosts: Hosts) -> Iterator[Reached]:
    """A host whose root has a podman with a storage of its own."""
    if shutil.which("podman") is None:
        pytest.skip("podman is not installed")
    hosts.start("cloud")
    with reached(hosts, "cloud", username="root") as host:
        yield host


@pytest.fixture
async def engine(cloud: Reached) -> Engine:
    carrier = Carrier(cloud.connector, "site")
    return await detect_engine(carrier.run, carrier, wanted="podman", here=False, options=OPTIONS)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[registry.Registry]:
    """A registry that the controller alone reaches, without TLS."""
    if shutil.which("skopeo") is None:
        pytest.skip("skopeo is not installed")
    folder = tmp_path_factory.mktemp("registry")
    with (
        registry.registry(containers.image_archive("bash"), "lab/tool") as found,
        pytest.MonkeyPatch.context() as patch,
    ):
        (folder / "registries.conf").write_text(f'[[registry]]\nlocation = "{found.host}"\ninsecure = true\n')
        patch.setenv("CONTAINERS_REGISTRIES_CONF", str(folder / "registries.conf"))
        patch.setenv("DOCKER_HOST", "unix:///nowhere")
        patch.setenv("XDG_RUNTIME_DIR", str(folder))
        yield found


async def printed(cloud: Reached, engine: Engine, image: str) -> str:
    """Return what a job printed in a container on the host."""
    job = ContainerJob("t0ken", image, ("sh", "-c", "echo $((6 * 7))"), "/tmp")
    done = await cloud.connector.run("site", engine.argv(job))
    assert done.code == 0, done.stderr
    return done.stdout.decode().strip()


async def test_an_image_is_carried_by_its_digest_and_once(
    cloud: Reached, engine: Engine, served: registry.Registry
) -> None:
    image = Image("", pull=f"{served.host}/lab/tool@{served.digest}")
    assert await engine.find_image(image) is None
    facts = await engine.ensure_image(image)
    assert (facts.digest, facts.name) == (served.digest, image.pull)
    assert await printed(cloud, engine, facts.reference) == "42"
    later = Carrier(cloud.connector, "site")
    again = await detect_engine(later.run, later, wanted="podman", here=False, options=OPTIONS)
    assert await again.find_image(image) == facts


async def test_what_was_sent_is_removed_when_it_was_loaded(
    cloud: Reached, engine: Engine, served: registry.Registry
) -> None:
    await engine.ensure_image(Image("", pull=f"{served.host}/lab/tool:1"))
    assert (await cloud.connector.run("site", ["ls", "/root/.cache/recrate/images"])).stdout == b""


async def test_an_archive_of_the_controller_is_loaded_there(cloud: Reached, engine: Engine) -> None:
    facts = await engine.ensure_image(Image("mine:2", import_=containers.image_archive("bash").as_uri()))
    assert facts.tag == "2"
    assert await printed(cloud, engine, facts.reference) == "42"


async def test_an_image_that_neither_can_get_is_one_line(engine: Engine, served: registry.Registry) -> None:
    with pytest.raises(PlaceFailed) as raised:
        await engine.ensure_image(Image("", pull=f"{served.host}/lab/missing:1"))
    assert "podman could not pull the image" in raised.value.problem
    assert "can be got neither by site nor here" in raised.value.problem
