"""Another process copies small files into a crate; what it leaves is said to be left, and nothing of it is there."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from recrate.crates.export import ahead
from recrate.crates.export.ahead import Ahead, Request
from recrate.crates.export.contents import Copied
from recrate.crates.export.target import Folder, MetadataOnly, target_at

from .conftest import SAY, Exporter, Runner, output, workflow


@pytest.fixture(autouse=True)
def is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "has_second_core", lambda: True)
    monkeypatch.setattr(ahead, "FEW_FILES", 0)
    monkeypatch.setattr(ahead, "_AT_ONCE", 2)


@pytest.fixture
def crate(tmp_path: Path) -> Path:
    made = tmp_path / "crate"
    made.mkdir()
    return made


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def requests(tmp_path: Path, count: int) -> list[Request]:
    """Return the wish to have so many files copied."""
    made: list[Request] = []
    for number in range(count):
        place = tmp_path / f"st\u00f6re\n{number}"
        place.write_bytes(b"%d" % number)
        made.append((str(place), digest(b"%d" % number), f"outputs/{number}/\u00e4 file\n"))
    return made


def copied(crate: Path, wanted: list[Request | None]) -> list[Copied | None]:
    with Ahead(Folder(crate)) as process:
        found = list(process.copied(wanted, lambda request: request))
    assert [item for item, _ in found] == wanted
    return [one for _, one in found]


def test_small_files_are_copied_in_their_order(crate: Path, tmp_path: Path) -> None:
    wanted = requests(tmp_path, 7)
    assert copied(crate, [*wanted]) == [
        Copied(path, 1, sha256, looks_like_text=True) for _, sha256, path in wanted
    ]  # fmt: skip
    for number, (_, _, path) in enumerate(wanted):
        assert (crate / path).read_bytes() == b"%d" % number


def test_what_is_large_gone_changed_or_no_file_is_left(crate: Path, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(b"\0" * ((1 << 20) + 1))
    changed = tmp_path / "changed"
    changed.write_bytes(b"new")
    os.mkfifo(tmp_path / "pipe")
    wanted: list[Request | None] = [
        (str(large), None, "a"),
        (str(tmp_path / "gone"), None, "b"),
        (str(changed), digest(b"old"), "c"),
        (str(tmp_path / "pipe"), None, "d"),
        (str(tmp_path), None, "e"),
        None,
        (str(changed), None, "g"),
    ]
    assert copied(crate, wanted) == [None] * 6 + [Copied("g", 3, digest(b"new"), looks_like_text=True)]
    assert [path.name for path in crate.iterdir()] == ["g"]


@pytest.mark.parametrize("program", ["/bin/false", "/no/such/python", ""])
def test_when_it_fails_all_is_left(crate: Path, tmp_path: Path, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", program)
    assert copied(crate, [*requests(tmp_path, 5)]) == [None] * 5


def test_when_it_is_killed_nothing_of_what_it_left_is_there(crate: Path, tmp_path: Path) -> None:
    wanted = requests(tmp_path, 40)
    done = []
    with Ahead(Folder(crate)) as process:
        for number, (_, one) in enumerate(process.copied(wanted, lambda request: request)):
            done.append(one is not None)
            if number == 0 and process._process is not None:
                os.kill(process._process.pid, signal.SIGKILL)
    assert done[0] and not done[-1]
    assert [(crate / path).exists() for _, _, path in wanted] == done


def test_a_crate_that_cannot_be_written_is_left(tmp_path: Path) -> None:
    (tmp_path / "crate").write_bytes(b"")  # so that no folder can be made in it
    assert copied(tmp_path / "crate", [*requests(tmp_path, 3)]) == [None] * 3


def test_it_can_be_left_before_its_end(crate: Path, tmp_path: Path) -> None:
    with Ahead(Folder(crate)) as process:
        next(process.copied(requests(tmp_path, 40), lambda request: request))


@pytest.mark.parametrize("case", ["one core", "few files", "an archive", "metadata alone"])
def test_there_is_no_other_process(case: str, crate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "start", lambda *_: pytest.fail("a process was started"))
    wanted = requests(tmp_path, 3)
    with target_at(tmp_path / "a.zip", 0) as archive, open(tmp_path / "metadata", "wb") as stream:
        target = {"an archive": archive, "metadata alone": MetadataOnly("x", stream)}.get(case, Folder(crate))
        if case == "one core":
            monkeypatch.setattr(ahead, "has_second_core", lambda: False)
        if case == "few files":
            monkeypatch.setattr(ahead, "FEW_FILES", 4)
        with Ahead(target) as process:
            assert list(process.copied(wanted, lambda request: request)) == [(one, None) for one in wanted]


def test_a_crate_is_the_same_with_it(run: Runner, export: Exporter, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"text {number}" for number in range(12)]
    step = {"run": SAY, "scatter": "text", "in": {"text": "texts"}, "out": ["out"]}
    run(workflow({"texts": "string[]"}, {"all": output("File[]", "say/out")}, {"say": step}), {"texts": texts})
    with_it = export()
    monkeypatch.setattr(ahead, "has_second_core", lambda: False)
    assert contents(with_it.path) == contents(export().path)


def contents(folder: Path) -> list[tuple[Path, bytes]]:
    return sorted(_files(folder))


def _files(folder: Path) -> Iterator[tuple[Path, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.relative_to(folder), path.read_bytes()
