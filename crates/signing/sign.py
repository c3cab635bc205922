"""Signing a crate: the manifest and a signature are put into its folder or archive; nothing else of it changes."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from ...data_classes import dataclass
from ...errors import CrateInvalid, Where
from ..changing import change_files
from ..read import LIMITS, Crate, open_crate
from ..safety import Limits, shown
from .manifest import (
    LARGEST,
    PATH,
    SIGNATURES,
    Differences,
    differences,
    is_signature,
    manifest_of,
    read_manifest,
    signed_paths,
)
from .sshsig import is_valid

if TYPE_CHECKING:
    from .keys import SigningKey

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Signed:
    """A signature that was made.

    Attributes:
        path: of the crate.
        signature: path of the signature in it.
        fingerprint: of the key.
        files: how many files are signed.
        is_new: false when the same key had signed the same content before.
    """

    path: str
    signature: str
    fingerprint: str
    files: int
    is_new: bool = True


def sign_crate(path: str, key: SigningKey, *, renew: bool = False, limits: Limits = LIMITS) -> Signed:
    """Sign all files of a crate, beside the signatures of others.

    Args:
        path: a folder or a zip archive.
        key: the key to sign with.
        renew: when the crate was changed since it was signed, sign what it is now, and drop all signatures of what
            it was.
        limits: how large the crate may be.

    Raises:
        CrateInvalid: it is no crate, is not safe, or was changed since it was signed.
        CrateFailed: the signature cannot be written.
        SigningFailed: the key does not sign.
    """
    with open_crate(path, keep=lambda entity: False, limits=limits) as crate:
        content, old = _manifest(crate, renew)
        name = f"{SIGNATURES}{hashlib.sha256(key.public.public_data).hexdigest()[:16]}.sig"
        made = Signed(path, name, key.fingerprint, sum(1 for _ in signed_paths(crate)))
        if name in crate.paths() and name not in old and _is_signed(crate, name, content, key):
            return Signed(path, name, key.fingerprint, made.files, is_new=False)
        change_files(crate, {PATH: content, name: key.sign(content)}, old)
    return made


def _manifest(crate: Crate, renew: bool) -> tuple[bytes, frozenset[str]]:
    """Return the manifest to sign, and the files of earlier signatures that do not fit it."""
    there = frozenset(filter(is_signature, crate.paths()))
    if PATH not in there:
        return manifest_of(crate), there
    content = read_signed(crate)
    found = differences(crate, read_manifest(content, Where(f"{crate.path}/{PATH}")))
    if not found:
        return content, frozenset()
    if not renew:
        raise CrateInvalid(
            f"it was changed since it was signed: {summary(found)}",
            where=Where(crate.path),
            hint="--renew signs what it is now, and drops the signatures of what it was",
        )
    return manifest_of(crate), there


def read_signed(crate: Crate) -> bytes:
    """Return the bytes of the manifest of a crate. Raises CrateInvalid."""
    if crate.size(PATH) > LARGEST:
        raise CrateInvalid(f"its manifest has more than {LARGEST >> 20} MiB", where=Where(crate.path))
    with crate.open(PATH) as stream:
        return stream.read()


def summary(found: Differences) -> str:
    """Return in a few words how a crate differs from what was signed."""
    said = [
        f"{what}: {', '.join(map(shown, paths[:_SHOWN]))}{', ...' if len(paths) > _SHOWN else ''}"
        for what, paths in (("changed", found.changed), ("added", found.added), ("removed", found.removed))
        if paths
    ]
    return "; ".join(said)


def _is_signed(crate: Crate, name: str, content: bytes, key: SigningKey) -> bool:
    with crate.open(name) as stream:
        return is_valid(content, stream.read(), key.public)
