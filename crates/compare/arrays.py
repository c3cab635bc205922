"""Arrays of numbers: in NumPy's files, in HDF5, and columns of Parquet."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .base import Lacking, Sample, Unreadable
from .tolerance import Tolerances
from .verdict import Difference

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


def difference(first: Array, second: Array, tolerances: Tolerances, name: str = "") -> Difference | None:
    """Return the first element in which two arrays differ, with how many there are."""
    import numpy as np

    place = name or "the array"
    if first.shape != second.shape:
        return Difference.between(f"shape of {place}", first.shape, second.shape)
    if first.dtype.kind != second.dtype.kind:
        return Difference.between(f"type of {place}", first.dtype, second.dtype)
    if first.dtype.names is not None:
        return _records(first, second, tolerances, place)
    if first.dtype.kind in "fc":
        relative, absolute = tolerances.bounds(name.rpartition("/")[2])
        bound = absolute + relative * np.maximum(np.abs(first), np.abs(second))
        with np.errstate(invalid="ignore"):
            apart = ~((first == second) | (np.abs(first - second) <= bound) | (np.isnan(first) & np.isnan(second)))
    else:
        apart = first != second
    if not np.any(apart):
        return None
    at = tuple(int(each) for each in np.argwhere(apart)[0])
    where = f"{place}{list(at) if at else ''}"
    found = Difference.between(where, first[at], second[at])
    return Difference(f"{found.text}; {int(np.count_nonzero(apart))} of {first.size} elements differ")


def _records(first: Array, second: Array, tolerances: Tolerances, place: str) -> Difference | None:
    if first.dtype.names != second.dtype.names:
        return Difference.between(f"fields of {place}", first.dtype.names, second.dtype.names)
    for field in first.dtype.names or ():
        found = difference(first[field], second[field], tolerances, f"{place}/{field}")
        if found is not None:
            return found
    return None


def named_difference(
    first: Mapping[str, Callable[[], Array]], second: Mapping[str, Callable[[], Array]], tolerances: Tolerances
) -> Difference | None:
    """Return the first difference of two collections of arrays, each of which is read when it is its turn."""
    for name in sorted(first.keys() ^ second.keys()):
        return Difference(f"{name}: there is one on one side only")
    for name, read in first.items():
        found = difference(read(), second[name](), tolerances, name)
        if found is not None:
            return found
    return None


class Numpy:
    """Compares `.npy` and `.npz`. Pickled objects in them are never loaded."""

    name = "NumPy"

    def accepts(self, sample: Sample) -> bool:
        """Tell whether a file begins as one of NumPy's, or is a zip file named `.npz`."""
        return sample.head.startswith(b"\x93NUMPY") or (sample.ending == ".npz" and sample.head.startswith(b"PK"))

    def compare(self, first: Path, second: Path, tolerances: Tolerances) -> Difference | None:
        """Return the first element that differs."""
        with _loaded(first) as one, _loaded(second) as other:
            return named_difference(one, other, tolerances)


@contextmanager
def _loaded(path: Path) -> Iterator[Mapping[str, Callable[[], Array]]]:
    np = _numpy()
    try:
        loaded = np.load(path, allow_pickle=False, mmap_mode=None if zipfile.is_zipfile(path) else "r")
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise Unreadable(f"NumPy does not read it: {error}") from error
    if isinstance(loaded, np.ndarray):
        yield {"": lambda: loaded}
        return
    with loaded:
        yield {name: _member(loaded, name) for name in loaded.files}


def _member(loaded: Any, name: str) -> Callable[[], Array]:
    def read() -> Array:
        try:
            array: Array = loaded[name]
        except (ValueError, OSError, zipfile.BadZipFile) as error:
            raise Unreadable(f"NumPy does not read {name}: {error}") from error
        return array

    return read


class Hdf5:
    """Compares HDF5: datasets and attributes; when and in which order they were written does not count."""

    name = "HDF5"

    def accepts(self, sample: Sample) -> bool:
        """Tell whether a file begins as HDF5 does."""
        return sample.head.startswith(b"\x89HDF\r\n\x1a\n")

    def compare(self, first: Path, second: Path, tolerances: Tolerances) -> Difference | None:
        """Return the first element or attribute that differs."""
        try:
            import h5py
        except ImportError as error:
            raise Lacking("h5py") from error
        with ExitStack() as stack:
            try:
                one, other = (stack.enter_context(h5py.File(path, "r")) for path in (first, second))
                return named_difference(_datasets(one), _datasets(other), tolerances)
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise Unreadable(f"h5py does not read it: {error}") from error


def _datasets(file: Any) -> dict[str, Callable[[], Array]]:
    """Return what reads each dataset and each attribute; links to other files are not followed."""
    import h5py
    import numpy as np

    found: dict[str, Callable[[], Array]] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = lambda: np.asarray(item[()])
        found.update(attributes(name, item))

    def attributes(name: str, item: Any) -> dict[str, Callable[[], Array]]:
        return {f"{name}@{key}": partial(_attribute, item, key) for key in item.attrs}

    file.visititems(visit)
    return found | attributes("", file)


def _attribute(item: Any, key: str) -> Array:
    import numpy as np

    return np.asarray(item.attrs[key])


class Parquet:
    """Compares Parquet: names and values of columns, and not how they are stored."""

    name = "Parquet"

    def accepts(self, sample: Sample) -> bool:
        """Tell whether a file begins as Parquet does."""
        return sample.head.startswith(b"PAR1")

    def compare(self, first: Path, second: Path, tolerances: Tolerances) -> Difference | None:
        """Return the first column and row that differ."""
        try:
            import pyarrow.parquet as parquet
        except ImportError as error:
            raise Lacking("pyarrow") from error
        try:
            one, other = parquet.ParquetFile(first), parquet.ParquetFile(second)
            names = [file.schema_arrow.names for file in (one, other)]
            if names[0] != names[1]:
                return Difference.between("columns", names[0], names[1])
            return named_difference(_columns(one), _columns(other), tolerances)
        except (OSError, ValueError, KeyError) as error:
            raise Unreadable(f"pyarrow does not read it: {error}") from error


def _columns(file: Any) -> dict[str, Callable[[], Array]]:
    def column(name: str) -> Callable[[], Array]:
        def read() -> Array:
            array: Array = file.read(columns=[name]).column(0).to_numpy()
            return array

        return read

    return {name: column(name) for name in file.schema_arrow.names}


def _numpy() -> Any:
    try:
        import numpy
    except ImportError as error:
        raise Lacking("numpy") from error
    return numpy
