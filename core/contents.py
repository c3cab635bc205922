"""What identifies the files of the controller's machine: hashes, computed once a file.

A hash is reused while size, modification time (ns), inode and device are the same, and only
when the file was not modified within the last two seconds before it was hashed, since a file
may change again within the grain of its file system's clock.
"""

from __future__ import annotations

import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import field

from ..data_classes import dataclass
from ..errors import InputInvalid
from ..hashing import Digest, digest_file, hash_json
from .uris import is_file_uri, to_path, to_uri
from .values import FileValue, Value, walk_references

GRAIN_SECONDS = 2.0
MOST_REMEMBERED = 20_000
"""Files whose state is remembered, so that memory does not grow with the number of jobs."""
Identity = tuple[int, int, int, int]


@dataclass(slots=True)
class Contents:
    """Hashes of files of this machine, by path."""

    threads: int = 2
    _known: dict[str, tuple[Identity, Digest]] = field(default_factory=dict)
    _intact: dict[str, tuple[Identity, str]] = field(default_factory=dict)
    """What files had as their hash when they were last looked at by `is_intact` or `trust`."""

    def digest(self, path: str) -> Digest:
        """Return the digest of a file. Raises InputInvalid when it cannot be read."""
        try:
            status = os.stat(path)
            identity = _identity(status)
            known = self._known.get(path)
            if known is not None and known[0] == identity:
                return known[1]
            digest = digest_file(path)
        except OSError as error:
            raise InputInvalid(f"cannot read {path!r}: {error.strerror}") from error
        if time.time() - status.st_mtime > GRAIN_SECONDS:
            self._known[path] = (identity, digest)
        self._remember(path, identity, digest.sha256)
        return digest

    def is_unchanged(self, path: str, sha256: str) -> bool:
        """Tell, without reading it, whether a file is as it was when it was last found to have a content."""
        known = self._intact.get(path)
        if known is None or known[1] != sha256:
            return False
        try:
            return _identity(os.stat(path)) == known[0]
        except OSError:
            return False

    def is_intact(self, path: str, sha256: str, *, directory: bool = False) -> bool:
        """Tell whether a file, or a directory, is there and has a content still.

        A file that has the size, times and inode that it had when it had this content is not read
        again: this looks for what was lost or damaged, and not for a forger who sets the clock back.
        """
        try:
            if directory:
                return self.directory_digest({"location": to_uri(path)}) == sha256
            identity = _identity(os.stat(path))
            if self._intact.get(path) != (identity, sha256):
                if digest_file(path).sha256 != sha256:
                    return False
                self._remember(path, identity, sha256)
        except (OSError, InputInvalid):
            return False
        return True

    def trust(self, value: Value) -> None:
        """Take it that the files in a value, which were hashed a moment ago, have the hashes that it says."""
        for item in walk_references(value):
            location, sha256 = item.get("location"), item.get("sha256")
            if sha256 is not None and item["class"] == "File" and is_file_uri(location or ""):
                path = to_path(item["location"])
                try:
                    self._remember(path, _identity(os.stat(path)), sha256)
                except OSError:
                    continue

    def forget(self) -> None:
        """Take it of no file any more that it is intact: memory is needed for something else."""
        self._intact.clear()

    def _remember(self, path: str, identity: Identity, sha256: str) -> None:
        self._intact[path] = (identity, sha256)
        if len(self._intact) > MOST_REMEMBERED:
            del self._intact[next(iter(self._intact))]

    def complete(self, value: Value) -> None:
        """Give each File in a value that has a location its size, checksum and sha256, in place.

        Raises InputInvalid when a file is gone or does not have the checksum that it is said to have.
        """
        files = [item for item in walk_references(value) if _is_unhashed(item)]
        if len(files) == 1:
            self._complete(files[0])
        elif files:
            with ThreadPoolExecutor(self.threads) as pool:
                list(pool.map(self._complete, files))
        for item in walk_references(value):
            if item.get("class") == "Directory" and "location" in item and "sha256" not in item:
                item["sha256"] = self.directory_digest(item)

    def _complete(self, item: FileValue) -> None:
        path = to_path(item["location"])
        digest = self.digest(path)
        said = item.get("checksum")
        if said is not None and said.startswith("sha1$") and said != digest.checksum:
            raise InputInvalid(f"{path!r} has the checksum {digest.checksum}, not {said} as its description says")
        item["size"], item["checksum"], item["sha256"] = digest.size, digest.checksum, digest.sha256

    def directory_digest(self, item: FileValue) -> str:
        """Return the hash of a directory: of the sorted list of its members' names and hashes."""
        return hash_json(self._manifest(to_path(item["location"])))

    def _manifest(self, folder: str) -> list[list[str]]:
        members = []
        for current, folders, names in os.walk(folder):
            folders.sort()
            inside = os.path.relpath(current, folder)
            members += [[os.path.normpath(os.path.join(inside, name)), ""] for name in folders]
            for name in names:
                path = os.path.join(current, name)
                if stat.S_ISREG(os.stat(path).st_mode):
                    members.append([os.path.normpath(os.path.join(inside, name)), self.digest(path).sha256])
        return sorted(members)

    def listing(self, folder: str) -> list[FileValue]:
        """Return all that lies below a directory, as File and Directory objects with hashes."""
        found: list[FileValue] = []
        for name in sorted(os.listdir(folder), key=os.fsencode):
            path = os.path.join(folder, name)
            if os.path.isdir(path):
                found.append(
                    {"class": "Directory", "location": to_uri(path), "basename": name, "listing": self.listing(path)}
                )
            elif os.path.isfile(path):
                item: FileValue = {"class": "File", "location": to_uri(path), "basename": name}
                self._complete(item)
                found.append(item)
        return found


def _identity(status: os.stat_result) -> Identity:
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_dev


def _is_unhashed(item: FileValue) -> bool:
    return item.get("class") == "File" and "sha256" not in item and is_file_uri(item.get("location", ""))
