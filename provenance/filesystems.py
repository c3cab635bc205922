"""Which file systems a database can lie on."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

NETWORK_KINDS = frozenset(
    {
        "9p", "acfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "fhgfs", "fuse.ceph", "fuse.cephfs",
        "fuse.davfs2", "fuse.gcsfuse", "fuse.glusterfs", "fuse.goofys", "fuse.mount-s3", "fuse.rclone",
        "fuse.s3fs", "fuse.sshfs", "gfs", "gfs2", "glusterfs", "gpfs", "lustre", "mmfs", "ncpfs", "nfs", "nfs4",
        "ocfs2", "orangefs", "panfs", "pvfs2", "smb3", "smbfs", "virtiofs", "wekafs",
    }
)  # fmt: skip
"""Kinds, as the kernel names them, whose locks or shared memory do not reach all who use them."""

MOUNTS = "/proc/mounts"
_OCTAL = re.compile(r"\\([0-7]{3})")


def network_kind(path: str, mounts: Iterable[str] | None = None) -> str | None:
    """Return the kind of the network file system that a path is on, None when it is a local one.

    `mounts` are lines in the form of /proc/mounts; without that file (not on Linux) nothing is
    known and None is returned. The path need not exist.
    """
    if mounts is None:
        try:
            with open(MOUNTS, encoding="utf-8", errors="surrogateescape") as stream:
                mounts = stream.readlines()
        except OSError:
            return None
    real = os.path.realpath(path)
    found, longest = "", -1
    for line in mounts:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = _OCTAL.sub(lambda match: chr(int(match[1], 8)), fields[1])
        # A later mount on the same point hides the earlier one.
        if _is_below(real, point) and len(point) >= longest:
            found, longest = fields[2], len(point)
    return found if found in NETWORK_KINDS else None


def _is_below(path: str, point: str) -> bool:
    return point == "/" or path == point or path.startswith(point.rstrip("/") + "/")
