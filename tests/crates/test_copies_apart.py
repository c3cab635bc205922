"""Another process copies the files of a large crate; what it cannot, is copied here."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cratebed.own import RESULT, crate_of, lines_of, sample_with_result
from storebed.samples import Sample

from recrate.crates import copies_apart, keeping, rows, staging
from recrate.crates.copies_apart import CopiesApart, copy_stream
from recrate.crates.importing import import_crate
from recrate.errors import CrateInvalid
from recrate.provenance.store import Store, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "first" / "store.db")) as opened:
        yield opened


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "second" / "store.db")) as opened:
        yield opened


@pytest.fixture
def sample(store: Store) -> Sample:
    return sample_with_result(store)


@pytest.fixture(autouse=True)
def is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "has_second_core", lambda: True)
    monkeypatch.setattr(staging, "FEW_FILES", 0)


@pytest.fixture
def never_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the files be copied by the other process, or fail."""
    monkeypatch.setattr(keeping, "copy_stream", lambda *_: pytest.fail("a file was copied here"))


def a_crate(store: Store, sample: Sample, tmp_path: Path, content: bytes = RESULT) -> Path:
    crate = crate_of(store, sample.run, tmp_path / "crate", content)
    (crate / "data" / "empty folder").mkdir()
    (crate / "data" / "st\u00f6re ").write_bytes(b"x" * 3_000_000)
    return crate


def contents(folder: Path) -> dict[Path, bytes | None]:
    return {path.relative_to(folder): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def is_kept(crate: Path, other: Store, run_id: str) -> bool:
    return contents(crate) == contents(Path(other.url.target).parent / "crates" / run_id)


@pytest.mark.usefixtures("never_here")
def test_another_process_copies_all_files(store: Store, sample: Sample, other: Store, tmp_path: Path) -> None:
    crate = a_crate(store, sample, tmp_path)
    (done,) = import_crate(str(crate), other)
    assert is_kept(crate, other, sample.run)
    assert lines_of(other, sample.run) == lines_of(store, sample.run)
    assert done.crate is not None and len(done.crate.sha256) == 64


@pytest.mark.usefixtures("never_here")
def test_a_crate_with_wrong_metadata_leaves_no_copies(
    store: Store, sample: Sample, other: Store, tmp_path: Path
) -> None:
    crate = a_crate(store, sample, tmp_path)
    metadata = crate / "ro-crate-metadata.json"
    metadata.write_text(metadata.read_text().replace('"data/result.txt"', '"../result.txt"'))
    with pytest.raises(CrateInvalid, match="leads out of the crate"):
        import_crate(str(crate), other)
    assert list((tmp_path / "second" / "crates").iterdir()) == []


def test_files_that_had_other_names_are_copied_by_these(
    store: Store, sample: Sample, other: Store, tmp_path: Path
) -> None:
    crate = a_crate(store, sample, tmp_path)
    metadata = crate / "ro-crate-metadata.json"
    read = json.loads(metadata.read_text())
    (file,) = [one for one in read["@graph"] if one["@id"] == "data/result.txt"]
    file["alternateName"] = "a:b"
    read["@graph"].append({"@id": "data/", "@type": "Dataset", "name": "data"})
    metadata.write_text(json.dumps(read))
    import_crate(str(crate), other)
    kept = tmp_path / "second" / "crates" / sample.run / "data"
    assert (kept / "a:b").read_bytes() == RESULT and not (kept / "result.txt").exists()


def test_of_a_run_that_is_there_nothing_is_copied(
    store: Store, sample: Sample, other: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crate = a_crate(store, sample, tmp_path)
    import_crate(str(crate), other)
    monkeypatch.setattr(copies_apart, "begin", lambda *_: pytest.fail("a process was started"))
    (again,) = import_crate(str(crate), other)
    assert not again.is_new


@pytest.mark.parametrize("program", ["/bin/false", "/no/such/python", ""])
def test_when_it_fails_the_files_are_copied_here(
    store: Store, sample: Sample, other: Store, tmp_path: Path, program: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", program)
    crate = a_crate(store, sample, tmp_path)
    import_crate(str(crate), other)
    assert is_kept(crate, other, sample.run)


def test_when_it_is_killed_the_rest_is_copied_here(
    store: Store, sample: Sample, other: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crate = a_crate(store, sample, tmp_path)
    whole = CopiesApart.copied

    def broken_off(apart: CopiesApart) -> Iterator[tuple[str, int]]:
        """Yield the first alone; of the others parts may be there."""
        yield next(whole(apart))
        (staging,) = (tmp_path / "second" / "crates").iterdir()
        (staging / "data" / "störe ").write_bytes(b"xx")

    waited = CopiesApart.is_done
    monkeypatch.setattr(CopiesApart, "is_done", lambda apart: waited(apart) and False)
    monkeypatch.setattr(CopiesApart, "copied", broken_off)
    import_crate(str(crate), other)
    assert is_kept(crate, other, sample.run)


@pytest.mark.usefixtures("never_here")
def test_a_changed_file_is_refused_and_leaves_nothing(
    store: Store, sample: Sample, other: Store, tmp_path: Path
) -> None:
    crate = a_crate(store, sample, tmp_path, content=b"another")
    with pytest.raises(CrateInvalid, match=r"data/result.txt was changed: its sha256 is"):
        import_crate(str(crate), other)
    assert all(other.database.one(f"SELECT count(*) FROM {table.TABLE}") == (0,) for table in rows.WRITTEN)
    assert list((tmp_path / "second" / "crates").iterdir()) == []


@pytest.mark.parametrize(("limit", "value"), [("has_second_core", lambda: False), ("FEW_FILES", 2_000)])
def test_without_a_second_core_and_for_few_files_there_is_no_other_process(
    store: Store, sample: Sample, other: Store, tmp_path: Path, limit: str, value: object,
    monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    monkeypatch.setattr(staging, limit, value)
    monkeypatch.setattr(copies_apart, "begin", lambda *_: pytest.fail("a process was started"))
    crate = a_crate(store, sample, tmp_path)
    import_crate(str(crate), other)
    assert is_kept(crate, other, sample.run)


def test_a_copy_never_follows_a_link(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"new")
    (tmp_path / "precious").write_bytes(b"old")
    (tmp_path / "target").symlink_to(tmp_path / "precious")
    with open(tmp_path / "source", "rb") as source, pytest.raises(FileExistsError):
        copy_stream(source, str(tmp_path / "target"))
    assert (tmp_path / "precious").read_bytes() == b"old"
