"""Hostile crates are refused in one line, and touch nothing."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from cratebed.building import archive, folder, head, metadata
from cratebed.hostile import HOSTILE, Make
from hypothesis import given, settings
from hypothesis import strategies as st

from recrate.crates import read
from recrate.crates.read import Crate, open_crate
from recrate.crates.safety import Limits, leads_out
from recrate.errors import CrateInvalid


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever connects to anything fails the test."""

    def refuse(*_: Any) -> Any:
        raise AssertionError("something was to be fetched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize("make, said", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_crate_is_refused_in_one_line(make: Make, said: str, tmp_path: Path) -> None:
    crate = make(tmp_path / "crate")
    with pytest.raises(CrateInvalid, match=said) as caught:
        open_crate(str(crate)).close()
    line = caught.value.render()
    assert line.isprintable() and len(line) < 600


@pytest.mark.parametrize("make, said", HOSTILE.values(), ids=HOSTILE)
def test_it_is_refused_as_well_where_little_of_it_is_kept(make: Make, said: str, tmp_path: Path) -> None:
    if said == "part of itself":
        pytest.skip("what is a part of what is only known of what is kept")
    with pytest.raises(CrateInvalid):
        open_crate(str(make(tmp_path / "crate")), keep=lambda entity: False).close()


@pytest.mark.parametrize(
    "limits, said",
    [
        (Limits(files=3), "more than 3"),
        (Limits(total_bytes=10), "unpacks to more"),
        (Limits(metadata_bytes=100), "larger than"),
        (Limits(graph_bytes=100), "larger than"),
        (Limits(small_bytes=10, ratio=0), "times its size"),
    ],
)
def test_limits_are_kept(limits: Limits, said: str, tmp_path: Path) -> None:
    files = {f"{number}.txt": "x" * 2000 for number in range(9)}
    crate = archive(tmp_path / "crate.zip", head(files), files)
    with pytest.raises(CrateInvalid, match=said):
        open_crate(str(crate), limits=limits)


def test_an_entity_that_is_too_large_is_not_read_to_its_end(tmp_path: Path) -> None:
    crate = folder(tmp_path / "crate", [*head(), {"@id": "#x", "text": "x" * 1_000_000}])
    with pytest.raises(CrateInvalid, match="one entity"):
        open_crate(str(crate), limits=Limits(entity_bytes=200_000))


def test_markup_in_a_name_is_only_text(tmp_path: Path) -> None:
    name = "[red]<script>alert(1)</script>\u202etxt.exe"
    crate = folder(tmp_path / "crate", head(["x"], name=name), {"x": "x"})
    with open_crate(str(crate)) as opened:
        assert opened.root.text("name") == name


def test_a_link_within_the_crate_is_a_file(tmp_path: Path) -> None:
    crate = folder(tmp_path / "crate", head(["a", "b"]), {"a": "text"})
    (crate / "b").symlink_to("a")
    with open_crate(str(crate)) as opened, opened.open("b") as stream:
        assert stream.read() == b"text"


def test_a_link_that_is_made_after_the_look_is_not_followed(tmp_path: Path) -> None:
    crate = folder(tmp_path / "crate", head(["a"]), {"a": "text"})
    with open_crate(str(crate)) as opened:
        (crate / "a").unlink()
        (crate / "a").symlink_to("/etc/passwd")
        with pytest.raises(CrateInvalid, match="link out of the crate"):
            opened.open("a")


def test_a_folder_that_becomes_a_link_after_the_look_is_not_followed(tmp_path: Path) -> None:
    crate = folder(tmp_path / "crate", head(["one/a", "two/hostname"]), {"one/a": "text", "two/hostname": "text"})
    with open_crate(str(crate)) as opened:
        opened.open("one/a").close()
        (crate / "two").rename(tmp_path / "away")
        (crate / "two").symlink_to("/etc")
        with pytest.raises(CrateInvalid, match="cannot be read"):
            opened.open("two/hostname")


def test_files_of_many_folders_are_opened_in_any_order(tmp_path: Path) -> None:
    files = {path: path for path in ("a", "one/a", "one/b", "one/two/a", "three/a")}
    crate = folder(tmp_path / "crate", head(files), files)
    (crate / "three/link").symlink_to("../one/two/a")
    with open_crate(str(crate)) as opened:
        for path in ["one/two/a", "a", "three/a", "one/b", "one/a", "one/two/a"]:
            assert content(opened, path) == path
        assert content(opened, "three/link") == "one/two/a"


def content(crate: Crate, path: str) -> str:
    with crate.open(path) as stream:
        return stream.read().decode()


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["./", "@id", "File"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["@id", "@type", "about", "hasPart", "name", "@value", "@list", "conformsTo", "x:y"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def opens_or_is_refused(folder_of_crate: Path, content: bytes) -> None:
    (folder_of_crate / "ro-crate-metadata.json").write_bytes(content)
    try:
        with open_crate(str(folder_of_crate)) as crate:
            for entity in crate.entities.values():
                assert crate.path_of(entity.id) is None or (folder_of_crate / entity.id).exists()
                crate.related(entity, "hasPart", "about", "name")
            assert isinstance(crate.profiles, tuple)
    except CrateInvalid as refused:
        said = refused.render()
        if not said.isprintable():
            raise


@settings(max_examples=300, deadline=None)
@given(value=VALUES)
def test_any_json_is_read_or_refused(value: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    opens_or_is_refused(shared(tmp_path_factory), json.dumps(value).encode())


@settings(max_examples=300, deadline=None)
@given(graph=st.lists(st.dictionaries(st.sampled_from(["@id", "@type", "hasPart", "name"]), VALUES, max_size=4)))
def test_any_graph_is_read_or_refused(graph: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    opens_or_is_refused(shared(tmp_path_factory), metadata([*head(), *graph]))


@settings(max_examples=200, deadline=None)
@given(at=st.integers(0, 2000), text=st.binary(max_size=4))
def test_any_damage_is_noticed_or_harmless(at: int, text: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    whole = metadata([*head(["a"]), {"@id": "a", "@type": "File"}])
    cut = at % len(whole)
    opens_or_is_refused(shared(tmp_path_factory), whole[:cut] + text + whole[cut + 1 :])


def shared(factory: pytest.TempPathFactory) -> Path:
    path = factory.getbasetemp() / "fuzzed"
    path.mkdir(exist_ok=True)
    return path


PARTS = st.sampled_from(["..", ".", "a", "%2e", "%2E%2e", "/", "\\", "%2f", "%5c", "C:", " ", "\0", "é"])


@settings(max_examples=300, deadline=None)
@given(parts=st.lists(PARTS, max_size=6), opener=st.just(read._spellings))
def test_no_identifier_becomes_a_path_that_leads_out(parts: list[str], opener: Any) -> None:
    try:
        paths = list(opener("".join(parts)))
    except CrateInvalid:
        return
    for path in paths:
        assert leads_out(path) is None
        assert not path.startswith("/") and ".." not in path.split("/")
