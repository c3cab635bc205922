"""Another user of this machine is a place like any other."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator

import pytest

from recrate.connectors.kit import ConnectorTests, PlaceUnderTest
from recrate.connectors.registry import make_connector
from recrate.errors import DocumentInvalid

USER = "nobody"
PLANT = 'mkdir -p "${1%/*}" && cat >"$1"'


def as_user(*argv: str, stdin: bytes = b"") -> bytes:
    """Return what a command prints that the other user runs."""
    return subprocess.run(["runuser", "-u", USER, "--", *argv], input=stdin, capture_output=True, check=True).stdout


class TestAsUser(ConnectorTests):
    @pytest.fixture
    def place(self) -> Iterator[PlaceUnderTest]:
        if os.getuid() != 0 or shutil.which("runuser") is None:
            pytest.skip("only root becomes another user without being asked")
        directory = tempfile.mkdtemp(prefix="as-user-", dir="/tmp")
        shutil.chown(directory, USER)
        yield PlaceUnderTest(
            make_connector("as-user", "other", {"user": USER}),
            "other",
            directory,
            lambda path: as_user("cat", "--", path),
            lambda path, content: as_user("sh", "-c", PLANT, "sh", path, stdin=content) and None,
            lambda: make_connector("as-user", "other", {"user": USER}),
        )
        # A start that was cancelled may still come, do nothing, and leave a log while this goes on.
        shutil.rmtree(directory, ignore_errors=True)

    async def test_jobs_run_as_that_user(self, place: PlaceUnderTest) -> None:
        launch = await place.staged("job", "sh", "-c", "id -un >who")
        assert (await place.ended(launch)).exit_code == 0
        assert place.peek(f"{launch.directory}/out/who") == f"{USER}\n".encode()


@pytest.mark.parametrize("options", [{}, {"user": ""}, {"user": "-x"}, {"user": "a", "colour": 1}])
def test_wrong_options_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(DocumentInvalid, match=r"^other: "):
        make_connector("as-user", "other", options)
