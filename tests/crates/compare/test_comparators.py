"""Each type of file is compared by what it says, and not by how it is written."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from recrate.crates.compare.files import compare_files, compare_paths, overall
from recrate.crates.compare.tolerance import Tolerances, tolerances
from recrate.crates.compare.verdict import Finding, Grade
from recrate.errors import InputInvalid, UsageError

Write = Callable[[Path, Any], None]
EXACT = Tolerances()


@pytest.fixture
def compared(tmp_path: Path) -> Callable[..., Finding]:
    """Return what writes two contents into files of one name, and compares these."""

    def compare(name: str, write: Write, first: Any, second: Any, within: Tolerances = EXACT) -> Finding:
        paths = [tmp_path / side / name for side in ("a", "b")]
        for path, content in zip(paths, (first, second), strict=True):
            path.parent.mkdir(exist_ok=True)
            write(path, content)
        return compare_files(paths[0], paths[1], name, within)

    return compare


def text(path: Path, content: str) -> None:
    path.write_text(content)


def as_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content))


def npy(path: Path, content: Any) -> None:
    np = pytest.importorskip("numpy")
    np.save(path, np.asarray(content))


def npz(path: Path, content: Any) -> None:
    np = pytest.importorskip("numpy")
    np.savez(path, **content)


def hdf5(path: Path, content: Any) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        for name in sorted(content, reverse=path.parent.name == "b"):
            file.create_dataset(name, data=content[name], track_times=True)
        file.attrs["unit"] = "mm"


def parquet(path: Path, content: Any) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    compression = "snappy" if path.parent.name == "a" else "none"
    parquet.write_table(pyarrow.table(content), path, compression=compression)


def png(path: Path, content: int) -> None:
    image = pytest.importorskip("PIL.Image")
    from PIL.PngImagePlugin import PngInfo

    about = PngInfo()
    about.add_text("Software", str(path))
    image.new("RGB", (8, 8), (content, 0, 0)).save(path, pnginfo=about)


def safetensors(path: Path, content: Any) -> None:
    np = pytest.importorskip("numpy")
    save = pytest.importorskip("safetensors.numpy")
    arrays = {name: np.asarray(value, dtype="f4") for name, value in content.items()}
    save.save_file(arrays, path, metadata={"written": str(path)})


def onnx(path: Path, content: list[float]) -> None:
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    weight = helper.make_tensor("w", TensorProto.FLOAT, [len(content)], content)
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [len(content)])
    result = helper.make_tensor_value_info("y", TensorProto.FLOAT, [len(content)])
    graph = helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "g", [value], [result], [weight])
    onnx.save(helper.make_model(graph), path)


class _Pickled:
    """What `torch.save` writes for a tensor, without torch."""

    def __init__(self, *reduced: Any) -> None:
        self.reduced = reduced


class _Pickler(pickle._Pickler):  # type: ignore[misc, name-defined]
    """Writes names of modules that are not there."""

    def persistent_id(self, value: Any) -> Any:
        return value.reduced[1:] if isinstance(value, _Pickled) and value.reduced[0] == "storage" else None

    def save_global(self, value: Any, name: str | None = None) -> None:
        module, _, attribute = value.rpartition(".") if isinstance(value, str) else ("", "", "")
        self.write(f"c{module}\n{attribute}\n".encode())

    def save(self, value: Any, save_persistent_id: bool = True) -> None:
        match value:
            case _Pickled(reduced=("global", name)):
                self.save_global(name)
            case _Pickled(reduced=("call", function, arguments)):
                self.save_global(function)
                super().save(arguments)
                self.write(b"R")
            case _:
                super().save(value, save_persistent_id)


def torch_file(path: Path, content: Any) -> None:
    """Write a file as `torch.save({"w": tensor}, path)` does; other content is pickled as it is."""
    np = pytest.importorskip("numpy")
    buffer = io.BytesIO()
    values = np.asarray(content if isinstance(content, list) else [0.0], dtype="<f4")
    storage = _Pickled("storage", "storage", _Pickled("global", "torch.FloatStorage"), "0", "cpu", len(values))
    tensor = _Pickled("call", "torch._utils._rebuild_tensor_v2", (storage, 0, (len(values),), (1,), False, {}))
    _Pickler(buffer, protocol=2).dump({"w": tensor, "epoch": 3} if isinstance(content, list) else content)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("archive/data.pkl", buffer.getvalue())
        file.writestr("archive/data/0", values.tobytes())
        file.writestr("archive/version", f"3\n{path}")


def zipped(path: Path, content: dict[str, str]) -> None:
    with zipfile.ZipFile(path, "w") as file:
        for name in sorted(content, reverse=path.parent.name == "b"):
            file.writestr(zipfile.ZipInfo(name, (2020 + (path.parent.name == "b"), 1, 1, 0, 0, 0)), content[name])


def tarred(path: Path, content: dict[str, str]) -> None:
    with tarfile.open(path, "w:gz") as file:
        for name, value in content.items():
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(value), 1 if path.parent.name == "a" else 2
            file.addfile(member, io.BytesIO(value.encode()))


def gzipped(path: Path, content: str) -> None:
    path.write_bytes(gzip.compress(content.encode(), mtime=1 if path.parent.name == "a" else 2))


def _id(value: Any) -> str:
    return "" if callable(value) else str(value)[:24]


EQUIVALENT: list[tuple[str, Write, Any, Any, str]] = [
    ("log.txt", text, "ended 2026-01-02 03:04:05 in /home/ada/run", "ended 2027-11-30 13:14:15 in /tmp/run", "text"),
    ("log.txt", text, "on Mon, 2 Jan 2026 at 1:02 PM", "on Tue, 13 Feb 2027 at 11:59 AM", "text"),
    ("out.txt", text, "mean 0.3333333333\n", "mean 0.3333333334\n", "text"),
    ("a.json", as_json, {"x": 1, "y": [0.1]}, {"y": [0.1000000000001], "x": 1}, "JSON"),
    ("m.jsonl", text, '{"loss": 0.5}\n{"loss": 0.25}\n', '{"loss": 0.5000000001}\n{"loss": 0.25}', "JSON lines"),
    ("t.csv", text, "a,b\n1,x\n2.0,y\n", "a,b\n1.0,x\n2,y\n", "table"),
    ("t.tsv", text, "a\tb\n1\tx\n", "a\tb\n1.0000000001\tx\n", "table"),
    ("a.npy", npy, [1.0, 2.0], [1.0, 2.0 + 1e-9], "NumPy"),
    ("a.npz", npz, {"x": [1.0], "y": [2.0]}, {"y": [2.0], "x": [1.0 + 1e-12]}, "NumPy"),
    ("a.h5", hdf5, {"x": [1.0], "y": [2.0]}, {"x": [1.0], "y": [2.0]}, "HDF5"),
    ("a.parquet", parquet, {"x": [1.0, 2.0]}, {"x": [1.0, 2.0]}, "Parquet"),
    ("a.png", png, 200, 200, "image"),
    ("a.safetensors", safetensors, {"w": [1.0, 2.0]}, {"w": [1.0, 2.0]}, "safetensors"),
    ("a.pt", torch_file, [1.0, 2.0], [1.0, 2.000001], "PyTorch"),
    ("a.onnx", onnx, [1.0, 2.0], [1.0, 2.000001], "ONNX"),
    ("a.zip", zipped, {"x.txt": "1\n", "y.txt": "2\n"}, {"x.txt": "1\n", "y.txt": "2\n"}, "zip"),
    ("a.tar.gz", tarred, {"x.json": '{"a": 1, "b": 2}'}, {"x.json": '{"b": 2, "a": 1}'}, "tar"),
    ("a.csv.gz", gzipped, "a\n1\n", "a\n1.0\n", "compressed"),
]  # fmt: skip

DIFFERENT: list[tuple[str, Write, Any, Any, str]] = [
    ("out.txt", text, "one\ntwo\n", "one\nthree\n", "line 2: 'two' and 'three'"),
    ("out.txt", text, "one\n", "one\ntwo\n", "line 2: there is one on one side only"),
    ("out.txt", text, "version 1.2.3", "version 1.2.4", "line 1"),
    ("a.json", as_json, {"x": {"y~/": [1, 2]}}, {"x": {"y~/": [1, 3]}}, "/x/y~0~1/1: 2 and 3"),
    ("a.json", as_json, {"x": 1}, {"x": True}, "/x: 1 and True"),
    ("a.json", as_json, {"x": 1}, {}, "/x: there is one on one side only"),
    ("m.jsonl", text, "1\n2\n", "1\n", "line 2"),
    ("t.csv", text, "a,b\n1,2\n", "a,b\n1,3\n", "row 2, column b: '2' and '3'"),
    ("a.npy", npy, [[1.0, 2.0]], [[1.0, 2.5]], "the array[0, 1]: 2.0 and 2.5; 1 of 2 elements differ"),
    ("a.npy", npy, [1.0], [1.0, 2.0], "shape of the array: (1,) and (2,)"),
    ("a.npy", npy, [1.0], [1], "type of the array"),
    ("a.npz", npz, {"x": [1.0]}, {"z": [1.0]}, "there is one on one side only"),
    ("a.h5", hdf5, {"x": [1.0]}, {"x": [1.5]}, "x[0]: 1.0 and 1.5"),
    ("a.parquet", parquet, {"x": [1.0, 2.0]}, {"x": [1.0, 3.0]}, "x[1]: 2.0 and 3.0"),
    ("a.png", png, 200, 201, "pixels[0, 0, 0]: 200 and 201"),
    ("a.safetensors", safetensors, {"w": [1.0]}, {"w": [2.0]}, "w[0]: 1.0 and 2.0"),
    ("a.pt", torch_file, [1.0, 2.0], [1.0, 4.0], "w[1]: 2.0 and 4.0"),
    ("a.onnx", onnx, [1.0], [2.0], "w[0]: 1.0 and 2.0"),
    ("a.zip", zipped, {"x.txt": "1\n"}, {"x.txt": "5\n"}, "x.txt: line 1: '1' and '5'"),
    ("a.zip", zipped, {"x.txt": "1\n"}, {"y.txt": "1\n"}, "x.txt: there is one on one side only"),
    ("a.bin", lambda path, content: path.write_bytes(content), b"\0\1\2", b"\0\1\3", "byte 2: they differ"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "write", "first", "second", "by"), EQUIVALENT, ids=_id)
def test_what_says_the_same_is_equivalent(
    compared: Callable[..., Finding], name: str, write: Write, first: Any, second: Any, by: str
) -> None:
    assert compared(name, write, first, second) == Finding(Grade.EQUIVALENT, by)


@pytest.mark.parametrize(("name", "write", "first", "second", "detail"), DIFFERENT, ids=_id)
def test_the_first_difference_is_shown(
    compared: Callable[..., Finding], name: str, write: Write, first: Any, second: Any, detail: str
) -> None:
    finding = compared(name, write, first, second)
    assert finding.grade is Grade.DIFFERENT
    assert detail in finding.detail


@pytest.mark.parametrize(
    "name", ["a.json", "a.npy", "a.h5", "a.png", "a.pt", "a.zip", "a.tar", "a.gz", "a.onnx", "a.parquet"]
)
def test_what_is_the_same_is_identical_whatever_it_is(compared: Callable[..., Finding], name: str) -> None:
    assert compared(name, text, "no such format {", "no such format {").grade is Grade.IDENTICAL


@pytest.mark.parametrize(
    ("name", "head"),
    [("a.json", b"{"), ("a.npy", b"\x93NUMPY"), ("a.h5", b"\x89HDF\r\n\x1a\n"), ("a.png", b"\x89PNG\r\n\x1a\n"),
     ("a.pt", b"PK\3\4"), ("a.zip", b"PK\3\4"), ("a.tar", b""), ("a.gz", b"\x1f\x8b"), ("a.onnx", b"x"),
     ("a.parquet", b"PAR1"), ("a.safetensors", b"\xff" * 8)],
)  # fmt: skip
def test_what_is_damaged_is_different_and_no_traceback(
    compared: Callable[..., Finding], name: str, head: bytes
) -> None:
    finding = compared(name, lambda path, content: path.write_bytes(content), head + b"\0one", head + b"\0other")
    assert finding.grade is Grade.DIFFERENT and "they differ" in finding.detail


def test_code_in_weights_is_never_executed(compared: Callable[..., Finding], tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    evil = _Pickled("call", "os.system", (f"touch {mark}",))
    finding = compared("a.pt", torch_file, evil, [1.0])
    assert finding.grade is Grade.DIFFERENT and "os.system" in finding.detail
    assert not mark.exists()


def test_objects_in_arrays_are_never_loaded(compared: Callable[..., Finding]) -> None:
    np = pytest.importorskip("numpy")
    first, second = (np.array([{"a": number}], dtype=object) for number in (1, 2))
    finding = compared("a.npy", lambda path, content: np.save(path, content, allow_pickle=True), first, second)
    assert finding.grade is Grade.DIFFERENT and "NumPy does not read it" in finding.detail


def test_metrics_have_tolerances_by_name(compared: Callable[..., Finding]) -> None:
    first, second = {"accuracy": 0.91, "loss": 0.3}, {"accuracy": 0.905, "loss": 0.3}
    assert compared("a.json", as_json, first, second).grade is Grade.DIFFERENT
    assert compared("a.json", as_json, first, second, tolerances(rules=["accuracy=0.01"])).grade is Grade.EQUIVALENT
    assert compared("a.json", as_json, first, second, tolerances(rules=["accuracy=0.001"])).grade is Grade.DIFFERENT


@pytest.mark.parametrize("rule", ["accuracy", "=1", "a=b", "a=nan", "a=-1"])
def test_what_is_no_tolerance_is_refused(rule: str) -> None:
    with pytest.raises(UsageError, match="is no tolerance"):
        tolerances(rules=[rule])


def test_directories_are_compared_file_by_file(tmp_path: Path) -> None:
    for side, value in (("a", "1"), ("b", "2")):
        (tmp_path / side / "sub").mkdir(parents=True)
        (tmp_path / side / "same").write_text("same")
        (tmp_path / side / "sub" / "value").write_text(value)
        (tmp_path / side / f"only-{side}").write_text("x")
    findings = compare_paths(tmp_path / "a", tmp_path / "b", Tolerances())
    assert {name: finding.grade for name, finding in findings.items()} == {
        "same": Grade.IDENTICAL, "sub/value": Grade.DIFFERENT, "only-a": Grade.MISSING, "only-b": Grade.MISSING,
    }  # fmt: skip
    assert overall(findings) is Grade.MISSING


def test_a_file_and_a_directory_cannot_be_compared(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputInvalid, match="one of them is a directory"):
        compare_paths(tmp_path, tmp_path / "file", Tolerances())
    with pytest.raises(InputInvalid, match="there is no"):
        compare_paths(tmp_path / "none", tmp_path / "file", Tolerances())
