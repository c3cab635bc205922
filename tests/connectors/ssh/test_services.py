"""A service of an `ssh` deployment puts a template around the commands of its jobs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from testbed.hosts import Hosts
from testbed.reaching import Reached, reached

from recrate.connectors.base import Ending
from recrate.connectors.kit import PlaceUnderTest
from recrate.errors import DocumentInvalid

TEMPLATE = """#!/bin/bash
export FROM_THE_TEMPLATE=yes-$BASH_VERSION
cd {{ streamflow_workdir }}
{{ streamflow_command }}
"""


@pytest.fixture
def cloud(hosts: Hosts, tmp_path: Path) -> Iterator[Reached]:
    hosts.start("cloud")
    (tmp_path / "py.jinja2").write_text(TEMPLATE)
    (tmp_path / "empty.jinja2").write_text("#!/bin/sh\necho nothing\n")
    services = {"py": str(tmp_path / "py.jinja2"), "empty": str(tmp_path / "empty.jinja2")}
    with reached(hosts, "cloud", services=services) as host:
        yield host


@pytest.fixture
def place(cloud: Reached) -> PlaceUnderTest:
    return cloud.place()


async def test_a_service_is_a_location_with_the_files_of_its_host(place: PlaceUnderTest) -> None:
    found = {location.name: (location.service, location.storage) for location in await place.connector.locations()}
    assert found == {"site": (None, None), "site#py": ("py", "site"), "site#empty": ("empty", "site")}


async def test_a_job_runs_within_the_template(place: PlaceUnderTest) -> None:
    launch = await place.staged("job", "sh", "-c", 'echo "$FROM_THE_TEMPLATE" >seen; exit 3')
    handle = await place.connector.launch("site#py", launch)
    ended = await place.connector.wait("site#py", handle)
    assert (ended.ending, ended.exit_code) == (Ending.EXITED, 3)
    assert place.peek(f"{launch.directory}/out/seen").startswith(b"yes-5")


async def test_a_job_is_ended_with_the_template_around_it(cloud: Reached, place: PlaceUnderTest) -> None:
    launch = await place.staged("job", "sleep", "613")
    handle = await place.connector.launch("site#py", launch)
    await place.connector.find("site#py", launch)
    await place.connector.cancel("site#py", handle)
    assert (await place.connector.wait("site#py", handle)).ending is Ending.CANCELLED
    assert b"sleep 613" not in cloud.inside("ps", "-eo", "args")


async def test_a_template_without_the_command_is_refused(place: PlaceUnderTest) -> None:
    with pytest.raises(DocumentInvalid, match="does not contain"):
        await place.connector.launch("site#empty", await place.staged("job", "true"))
