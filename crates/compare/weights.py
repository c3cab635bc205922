"""Weights of models: tensor by tensor, without ever executing code of the file.

A PyTorch file is a zip archive with a pickle in it. It is read here by an unpickler that knows the few names that
stand for tensors, and makes plain descriptions of them; any other name is refused, so nothing can be called.
"""

from __future__ import annotations

import io
import math
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...data_classes import dataclass
from .arrays import named_difference
from .base import Lacking, Sample, Unreadable
from .structures import difference as value_difference
from .tolerance import Tolerances
from .verdict import Difference

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

TYPES = {
    "F64": "f8", "F32": "f4", "F16": "f2", "BF16": "u2", "I64": "i8", "I32": "i4", "I16": "i2", "I8": "i1",
    "U64": "u8", "U32": "u4", "U16": "u2", "U8": "u1", "BOOL": "?",
}  # fmt: skip
"""Types of safetensors as NumPy knows them; BF16 is the upper half of F32."""
STORAGES = {
    "DoubleStorage": "F64", "FloatStorage": "F32", "HalfStorage": "F16", "BFloat16Storage": "BF16",
    "LongStorage": "I64", "IntStorage": "I32", "ShortStorage": "I16", "CharStorage": "I8", "ByteStorage": "U8",
    "BoolStorage": "BOOL",
}  # fmt: skip
MOST_PICKLE = 64 << 20


class Safetensors:
    """Compares files of safetensors."""

    name = "safetensors"

    def accepts(self, sample: Sample) -> bool:
        """Tell whether the name says so."""
        return sample.ending == ".safetensors"

    def compare(self, first: Path, second: Path, tolerances: Tolerances) -> Difference | None:
        """Return the first tensor and element that differ."""
        return named_difference(_safetensors(first), _safetensors(second), tolerances)


def _safetensors(path: Path) -> dict[str, Callable[[], Array]]:
    try:
        from safetensors import SafetensorError, deserialize
    except ImportError as error:
        raise Lacking("safetensors") from error
    try:
        tensors: list[tuple[str, dict[str, Any]]] = deserialize(path.read_bytes())  # type: ignore[no-untyped-call]
    except SafetensorError as error:
        raise Unreadable(f"safetensors does not read it: {error}") from error
    return {name: _reader(bytes(one["data"]), one["dtype"], one["shape"]) for name, one in tensors}


def _reader(data: bytes, kind: str, shape: Sequence[int]) -> Callable[[], Array]:
    return lambda: _array(data, kind).reshape(tuple(shape))


def _array(data: bytes, kind: str) -> Array:
    """Return the elements of a tensor in a row."""
    try:
        import numpy as np
    except ImportError as error:
        raise Lacking("numpy") from error
    if kind not in TYPES:
        raise Unreadable(f"tensors of type {kind} are not known")
    elements: Array = np.frombuffer(data, dtype="<" + TYPES[kind])
    return (elements.astype("<u4") << 16).view("<f4") if kind == "BF16" else elements


class PyTorch:
    """Compares files that `torch.save` wrote, since version 1.6."""

    name = "PyTorch"

    def accepts(self, sample: Sample) -> bool:
        """Tell whether a file is a zip archive with one of the names that such files have."""
        return sample.ending in (".pt", ".pth", ".ckpt", ".bin") and sample.head.startswith(b"PK")

    def compare(self, first: Path, second: Path, tolerances: Tolerances) -> Difference | None:
        """Return the first tensor and element, or other value, that differs."""
        with ExitStack() as stack:
            try:
                files = [stack.enter_context(zipfile.ZipFile(path)) for path in (first, second)]
                one, other = (_parts(file) for file in files)
            except (zipfile.BadZipFile, KeyError, EOFError) as error:
                raise Unreadable(f"it is no file of PyTorch: {error}") from error
            return value_difference(one.rest, other.rest, tolerances) or named_difference(
                one.tensors, other.tensors, tolerances
            )


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A tensor as a file describes it."""

    kind: str
    key: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Harmless(pickle.Unpickler):
    """Reads a pickle in which only containers, plain values and tensors are."""

    def find_class(self, module: str, name: str) -> Any:
        """Return a stand-in for the names that tensors consist of. Raises Unreadable for any other."""
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        if (module, name) in _STAND_INS:
            return _STAND_INS[module, name]
        raise Unreadable(f"it holds objects of {module}.{name}, which are not loaded: code could come with them")

    def persistent_load(self, pid: Any) -> Any:
        """Return the type and the name of a storage."""
        match pid:
            case ("storage", str(kind), str(key), _, _):
                return kind, key
        raise Unreadable("it refers to something that is no storage of a tensor")


def _tensor(storage: Any, offset: Any, shape: Any, strides: Any, *_: Any) -> _Tensor:
    match storage, offset, shape, strides:
        case (str(kind), str(key)), int(), tuple(), tuple():
            return _Tensor(kind, key, offset, shape, strides)
    raise Unreadable("it describes a tensor in an unknown way")


_STAND_INS: Mapping[tuple[str, str], Any] = {
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): lambda data, *_: data,
    ("collections", "OrderedDict"): OrderedDict,
    ("torch", "Size"): tuple,
}


def _unpickled(file: zipfile.ZipFile) -> Any:
    name = next((each for each in file.namelist() if each.endswith("/data.pkl")), None)
    if name is None or file.getinfo(name).file_size > MOST_PICKLE:
        raise Unreadable("it has no description of its tensors that could be read")
    try:
        return _Harmless(io.BytesIO(file.read(name))).load()
    except (pickle.UnpicklingError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        raise Unreadable(f"its description of tensors is damaged: {error}") from error


@dataclass(frozen=True, slots=True)
class _Storages:
    file: zipfile.ZipFile

    def reader(self, tensor: _Tensor) -> Callable[[], Array]:
        """Return what reads a tensor. Raises Unreadable for one that lies outside of its storage."""

        def read() -> Array:
            import numpy as np

            elements = _array(self._bytes(tensor.key), tensor.kind)
            last = tensor.offset + sum((n - 1) * step for n, step in zip(tensor.shape, tensor.strides, strict=True))
            inside = all(isinstance(n, int) and n >= 0 for n in (*tensor.shape, *tensor.strides, tensor.offset))
            if not math.prod(tensor.shape):
                return elements[:0].reshape(tensor.shape)
            if not inside or last >= len(elements):
                raise Unreadable("a tensor lies outside of its storage")
            steps = tuple(step * elements.itemsize for step in tensor.strides)
            return np.lib.stride_tricks.as_strided(elements[tensor.offset :], tensor.shape, steps, writeable=False)

        return read

    def _bytes(self, key: str) -> bytes:
        name = next((each for each in self.file.namelist() if each.endswith(f"/data/{key}")), None)
        if name is None:
            raise Unreadable(f"the storage {key} of a tensor is not there")
        return self.file.read(name)


@dataclass(frozen=True, slots=True)
class _Parts:
    """The tensors of a file by their place in it, and all other values."""

    storages: _Storages
    tensors: dict[str, Callable[[], Array]] = field(default_factory=dict)
    rest: dict[str, Any] = field(default_factory=dict)

    def add(self, value: Any, pointer: str) -> None:
        """Take a value apart."""
        if isinstance(value, _Tensor):
            self.tensors[pointer.lstrip("/")] = self.storages.reader(value)
        elif isinstance(value, (dict, list, tuple)):
            for key, item in value.items() if isinstance(value, dict) else enumerate(value):
                self.add(item, f"{pointer}/{key}")
        else:
            self.rest[pointer] = value if isinstance(value, (str, int, float, bool, type(None))) else repr(value)


def _parts(file: zipfile.ZipFile) -> _Parts:
    parts = _Parts(_Storages(file))
    parts.add(_unpickled(file), "")
    return parts


class Onnx:
    """Compares models in ONNX: their weights, and the graph that they belong to."""

    name = "ONNX"

    def accepts(self, sample: Sample) -> bool:
        """Tell whether the name says so."""
        return sample.ending == ".onnx"

    def compare(self, first: Path, second: Path, tolerances: Tolerances) -> Difference | None:
        """Return the first weight that differs, or say that the graphs do."""
        one, other = (_model(path) for path in (first, second))
        found = named_difference(_initializers(one), _initializers(other), tolerances)
        if found is not None:
            return found
        graphs = []
        for model in (one, other):
            del model.graph.initializer[:]
            graphs.append(model.graph.SerializeToString(deterministic=True))
        return None if graphs[0] == graphs[1] else Difference("the graphs of the two models differ")


def _model(path: Path) -> Any:
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise Lacking("onnx") from error
    try:
        return onnx.load(path, load_external_data=False)
    except (DecodeError, ValueError) as error:
        raise Unreadable(f"it is no model in ONNX: {error}") from error


def _initializers(model: Any) -> dict[str, Callable[[], Array]]:
    from onnx import numpy_helper

    def reader(tensor: Any) -> Callable[[], Array]:
        if tensor.external_data:
            raise Unreadable("its weights lie in another file")
        return lambda: numpy_helper.to_array(tensor)

    return {tensor.name: reader(tensor) for tensor in model.graph.initializer}
