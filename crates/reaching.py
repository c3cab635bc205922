"""Opening files below a folder by descriptors, never through a link: what is swapped meanwhile leads nowhere else."""

from __future__ import annotations

import os
import threading
from dataclasses import field

from ..data_classes import dataclass

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


@dataclass(slots=True)
class Reach:
    """Opens files below a folder. The folder of the last file stays open, since its neighbours are asked for next."""

    root: str
    """Without links."""
    _folder: str = ""
    _descriptor: int | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    """No thread closes the folder in which another one opens a file."""

    def open(self, path: str) -> int:
        """Return a descriptor of a file. Raises OSError, for one that is a link or behind one too."""
        folder, _, name = path.rpartition("/")
        with self._lock:
            if self._descriptor is None or folder != self._folder:
                self._enter(folder)
            return os.open(name, _FILE, dir_fd=self._descriptor)

    def close(self) -> None:
        """Let go of the folder."""
        with self._lock:
            self._leave()

    def _enter(self, folder: str) -> None:
        self._leave()
        descriptor = os.open(self.root, _FOLDER)
        for name in folder.split("/") if folder else ():
            try:
                below = os.open(name, _FOLDER, dir_fd=descriptor)
            finally:
                os.close(descriptor)
            descriptor = below
        self._folder, self._descriptor = folder, descriptor

    def _leave(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
