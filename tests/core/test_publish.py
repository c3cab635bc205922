"""Final outputs are brought to the output directory."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from recrate.core.contents import Contents
from recrate.core.publish import Publisher
from recrate.core.uris import to_uri
from recrate.core.values import public
from recrate.errors import InputInvalid, OutputInvalid


def file_value(path: Path, **fields: Any) -> dict[str, Any]:
    return {"class": "File", "location": to_uri(str(path)), "basename": path.name, **fields}


@pytest.fixture
def made(tmp_path: Path) -> Path:
    path = tmp_path / "work" / "plot.svg"
    path.parent.mkdir()
    path.write_text("<svg/>")
    return path


def publisher(tmp_path: Path, owned: Path | None = None) -> Publisher:
    return Publisher(str(tmp_path / "out"), Contents(), str(owned) if owned else None)


def test_a_file_is_copied_and_described(tmp_path: Path, made: Path) -> None:
    contents = Contents()
    value = file_value(made)
    contents.complete(value)
    placed = public(publisher(tmp_path).publish(value))
    target = tmp_path / "out" / "plot.svg"
    assert target.read_text() == "<svg/>"
    assert placed == {
        "class": "File",
        "location": to_uri(str(target)),
        "path": str(target),
        "basename": "plot.svg",
        "nameroot": "plot",
        "nameext": ".svg",
        "size": 6,
        "checksum": "sha1$" + hashlib.sha1(b"<svg/>").hexdigest(),
    }
    assert made.exists()


def test_a_file_of_the_run_gets_a_second_name_when_its_own_will_not_stay(tmp_path: Path, made: Path) -> None:
    publisher(tmp_path, owned=made.parent).publish({"plot": file_value(made)})
    assert (tmp_path / "out" / "plot.svg").samefile(made)


def test_bringing_again_what_was_brought_half_changes_nothing(tmp_path: Path, made: Path) -> None:
    for owned in (None, made.parent):
        first = publisher(tmp_path, owned=owned).publish({"plot": file_value(made)})
        (tmp_path / "out" / "plot.svg").unlink()
        (tmp_path / "out" / "plot.svg").write_text("<sv")
        assert publisher(tmp_path, owned=owned).publish({"plot": file_value(made)}) == first
        assert (tmp_path / "out" / "plot.svg").read_text() == "<svg/>"


def test_a_file_that_stands_twice_is_brought_once(tmp_path: Path, made: Path) -> None:
    first, second = publisher(tmp_path, owned=made.parent).publish([file_value(made), file_value(made)])
    assert first["location"] == second["location"]
    assert made.exists()


def test_an_array_that_is_the_value_of_two_outputs_is_brought_once(tmp_path: Path, made: Path) -> None:
    array = [file_value(made)]
    placed = publisher(tmp_path).publish({"one": array, "two": array, "three": {"inner": list(array)}})
    assert placed["one"] == placed["two"] == placed["three"]["inner"]
    assert [path.name for path in (tmp_path / "out").iterdir()] == [made.name]


def test_no_description_of_an_array_is_kept_beside_the_new_one(tmp_path: Path, made: Path) -> None:
    array = [file_value(made), 7]
    placed = publisher(tmp_path).publish({"files": array})
    assert placed["files"] is array and array[0]["path"] == str(tmp_path / "out" / made.name) and array[1] == 7


def test_files_of_the_same_name_do_not_overwrite_each_other(tmp_path: Path, made: Path) -> None:
    other = tmp_path / "other" / "plot.svg"
    other.parent.mkdir()
    other.write_text("other")
    placed = publisher(tmp_path).publish([file_value(made), file_value(other)])
    assert [item["basename"] for item in placed] == ["plot.svg", "plot_2.svg"]
    assert (tmp_path / "out" / "plot_2.svg").read_text() == "other"


def test_literals_are_written(tmp_path: Path) -> None:
    placed = publisher(tmp_path).publish({"class": "File", "basename": "a.txt", "contents": "hé"})
    assert (tmp_path / "out" / "a.txt").read_text() == "hé"
    assert placed["size"] == 3
    assert "contents" not in placed


def test_a_directory_literal_is_made_of_its_listing(tmp_path: Path, made: Path) -> None:
    value = {
        "class": "Directory",
        "basename": "all",
        "listing": [file_value(made), {"class": "Directory", "basename": "sub", "listing": []}],
    }
    placed = publisher(tmp_path).publish(value)
    assert (tmp_path / "out" / "all" / "plot.svg").read_text() == "<svg/>"
    assert [item["basename"] for item in placed["listing"]] == ["plot.svg", "sub"]
    assert placed["listing"][0]["size"] == 6


def test_secondary_files_lie_beside_their_primary(tmp_path: Path, made: Path) -> None:
    index = made.with_suffix(".svg.idx")
    index.write_text("index")
    placed = publisher(tmp_path).publish(file_value(made, secondaryFiles=[file_value(index)]))
    assert placed["secondaryFiles"][0]["path"] == str(tmp_path / "out" / "plot.svg.idx")


def test_an_output_directory_that_cannot_be_made_is_said_in_one_line(tmp_path: Path, made: Path) -> None:
    (tmp_path / "out").write_text("a file is in the way")
    with pytest.raises(OutputInvalid, match="output directory") as caught:
        publisher(tmp_path).publish(file_value(made))
    assert "\n" not in caught.value.render()


def test_a_wrong_checksum_of_an_input_is_refused(made: Path) -> None:
    with pytest.raises(InputInvalid, match="not sha1"):
        Contents().complete(file_value(made, checksum="sha1$" + "0" * 40))


def test_a_file_that_changed_is_hashed_again(tmp_path: Path) -> None:
    import os

    path = tmp_path / "a"
    path.write_text("one")
    os.utime(path, (1, 1))
    contents = Contents()
    first = contents.digest(str(path))
    path.write_text("two")
    assert contents.digest(str(path)) != first


def test_the_hash_of_a_directory_depends_on_names_and_contents_alone(tmp_path: Path) -> None:
    digests = []
    for name in ("a", "b"):
        folder = tmp_path / name
        (folder / "sub").mkdir(parents=True)
        (folder / "sub" / "x").write_text("1")
        value: dict[str, Any] = {"class": "Directory", "location": to_uri(str(folder))}
        Contents().complete(value)
        digests.append(value["sha256"])
    assert digests[0] == digests[1]
    (tmp_path / "b" / "sub" / "x").rename(tmp_path / "b" / "sub" / "y")
    value = {"class": "Directory", "location": to_uri(str(tmp_path / "b"))}
    Contents().complete(value)
    assert value["sha256"] != digests[0]
