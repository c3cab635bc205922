"""Where the things of an attempt lie, in the job's view and on the place."""

from __future__ import annotations

from pathlib import Path

import pytest

from recrate.connectors.base import ActionKind
from recrate.connectors.files import carry_out
from recrate.core.layout import CONTAINER_INPUTS, Layout, Mount, stage
from recrate.core.plan import ImageSpec, Stage
from recrate.core.uris import to_path, to_uri
from recrate.errors import InputInvalid

IMAGE = ImageSpec("debian")


@pytest.mark.parametrize(
    "name", ["plain", "with space", "a#b:c?d%41", 'it\'s "quoted"', "new\nline", "\udcff\udcfe", "☺"]
)
def test_a_path_survives_its_uri(name: str) -> None:
    assert to_path(to_uri(f"/data/{name}")) == f"/data/{name}"


@pytest.mark.parametrize("uri", ["http://host/a", "file://other/a", "/a"])
def test_what_is_no_file_of_this_machine_has_no_path(uri: str) -> None:
    with pytest.raises(ValueError, match=r"URI|host"):
        to_path(uri)


def test_without_a_container_paths_are_seen_as_they_are() -> None:
    layout = Layout.of("/work/a", None)
    assert (layout.outdir, layout.inputs, layout.tmpdir) == ("/work/a/out", "/work/a/in", "/work/a/tmp")
    assert layout.on_place("/work/a/out/x") == "/work/a/out/x"
    assert layout.on_place("/elsewhere") is None


def test_in_a_container_paths_are_mapped_both_ways() -> None:
    layout = Layout.of("/work/a", ImageSpec("x", output_directory="/results/"))
    assert layout.on_place("/results/b/c") == "/work/a/out/b/c"
    assert layout.from_place("/work/a/out/b/c") == "/results/b/c"
    assert layout.on_place("/resultsother") is None


def test_inputs_are_links_and_writable_ones_copies(tmp_path: Path) -> None:
    source = tmp_path / "data.txt"
    source.write_text("content")
    layout = Layout.of(str(tmp_path / "a"), None)
    staging = stage(
        layout,
        [
            Stage(f"{layout.inputs}/0/data.txt", location=to_uri(str(source))),
            Stage(f"{layout.outdir}/sub/mine.txt", location=to_uri(str(source)), writable=True),
            Stage(f"{layout.outdir}/written", contents="text"),
            Stage(f"{layout.outdir}/empty", directory=True),
        ],
    )
    carry_out(staging.actions)
    assert (tmp_path / "a/in/0/data.txt").is_symlink()
    (tmp_path / "a/out/sub/mine.txt").write_text("changed")
    assert source.read_text() == "content"
    assert (tmp_path / "a/out/written").read_text() == "text"
    assert list((tmp_path / "a/out/empty").iterdir()) == []
    assert staging.mounts == ()


def test_in_a_container_inputs_are_mounted_read_only_onto_place_holders(tmp_path: Path) -> None:
    source = tmp_path / "data.txt"
    source.write_text("content")
    layout = Layout.of(str(tmp_path / "a"), IMAGE)
    staging = stage(layout, [Stage(f"{CONTAINER_INPUTS}/data.txt", location=to_uri(str(source)))])
    (tmp_path / "a/in").mkdir(parents=True)
    carry_out(staging.actions)
    assert (tmp_path / "a/in/data.txt").read_text() == ""
    assert Mount(str(source), f"{CONTAINER_INPUTS}/data.txt", writable=False) in staging.mounts
    assert Mount(str(tmp_path / "a/in"), CONTAINER_INPUTS, writable=False) in staging.mounts
    assert [mount.writable for mount in staging.mounts[:2]] == [True, True]


def test_what_a_container_sees_outside_of_its_directories_is_mounted_alone(tmp_path: Path) -> None:
    layout = Layout.of(str(tmp_path / "a"), IMAGE)
    staging = stage(layout, [Stage("/etc/app/settings.ini", contents="a=1")])
    carry_out(staging.actions)
    mount = next(mount for mount in staging.mounts if mount.target == "/etc/app/settings.ini")
    assert Path(mount.source).read_text() == "a=1"


def test_only_files_of_this_machine_can_be_staged() -> None:
    with pytest.raises(InputInvalid, match="cannot be staged"):
        stage(Layout.of("/a", None), [Stage("/a/in/x", location="http://host/x")])


def test_in_place_inputs_are_not_copied() -> None:
    layout = Layout.of("/a", None)
    staging = stage(layout, [Stage("/a/out/x", location="file:///d/x", writable=True, in_place=True)])
    assert [action.kind for action in staging.actions] == [ActionKind.LINK]
