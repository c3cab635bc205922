"""Verifying a crate: is it signed, by whom, and is it what was signed?"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Any

from ...data_classes import dataclass
from ...errors import UsageError, Where
from ..read import LIMITS, Crate, open_crate
from ..safety import Limits
from .manifest import PATH, Differences, differences, is_signature, read_manifest
from .sign import read_signed, summary
from .sshsig import LARGEST, NAMESPACE, NoSignature, Signers, is_valid, take_apart

VARIABLE = "RECRATE_ALLOWED_SIGNERS"
"""The environment variable that names the file of allowed signers."""


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature in a crate.

    Attributes:
        path: where it is in the crate.
        fingerprint: of the key that made it; None when that cannot be read.
        principal: whose it is, as the allowed signers say; None: nobody's that is known.
        problem: why it does not count; None when the key did sign the manifest.
    """

    path: str
    fingerprint: str | None = None
    principal: str | None = None
    problem: str | None = None

    def __str__(self) -> str:
        if self.problem is not None:
            return f"{self.path}: {self.problem}"
        return f"{self.principal or 'somebody who is not among the allowed signers'}, with the key {self.fingerprint}"


@dataclass(frozen=True, slots=True)
class Verification:
    """What the signatures of a crate are worth. Without a valid one nothing was compared."""

    signatures: tuple[Signature, ...] = ()
    found: Differences = field(default_factory=Differences)

    @property
    def is_signed(self) -> bool:
        """Whether at least one signature is valid, whoever made it."""
        return any(one.problem is None for one in self.signatures)

    @property
    def is_intact(self) -> bool:
        """Whether it is signed, and all its files are those that were signed."""
        return self.is_signed and not self.found

    @property
    def principals(self) -> tuple[str, ...]:
        """Who has signed it, of those who may."""
        return tuple(one.principal for one in self.signatures if one.principal is not None)

    def sentences(self) -> Iterator[str]:
        """Yield what there is to say, a sentence each."""
        if not self.signatures:
            yield "it is not signed"
        for one in self.signatures:
            yield f"signature that does not count: {one}" if one.problem else f"signed by {one}"
        if self.is_signed:
            yield f"changed since: {summary(self.found)}" if self.found else "all files are as they were signed"

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON can say it."""
        return {
            "signed": self.is_signed,
            "intact": self.is_intact,
            "signatures": [{name: getattr(one, name) for name in Signature.__slots__} for one in self.signatures],
            "changed": list(self.found.changed),
            "added": list(self.found.added),
            "removed": list(self.found.removed),
        }


def verify_crate(
    path: str, signers: Signers | None = None, *, principal: str | None = None, limits: Limits = LIMITS
) -> Verification:
    """Verify the signatures of a crate.

    Args:
        path: a folder or a zip archive.
        signers: who may sign, with which keys; None: nobody is known.
        principal: only a signature of this one of them is told to be theirs.
        limits: how large the crate may be.

    Raises:
        CrateInvalid: it is no crate, or not safe.
    """
    with open_crate(path, keep=lambda entity: False, limits=limits) as crate:
        return verify_open_crate(crate, signers, principal=principal)


def verify_open_crate(crate: Crate, signers: Signers | None = None, *, principal: str | None = None) -> Verification:
    """As `verify_crate`, of a crate that is open. Raises CrateInvalid when a file cannot be read."""
    paths = sorted(path for path in crate.paths() if is_signature(path) and path != PATH)
    if not paths:
        return Verification()
    if PATH not in set(crate.paths()):
        return Verification(tuple(Signature(path, problem="the manifest that it is of is gone") for path in paths))
    content = read_signed(crate)
    signatures = tuple(_signature(crate, path, content, signers, principal) for path in paths)
    if all(one.problem is not None for one in signatures):
        return Verification(signatures)
    said = read_manifest(content, Where(f"{crate.path}/{PATH}"))
    return Verification(signatures, differences(crate, said))


def _signature(crate: Crate, path: str, content: bytes, signers: Signers | None, principal: str | None) -> Signature:
    if crate.size(path) > LARGEST:
        return Signature(path, problem="it is no SSH signature")
    with crate.open(path) as stream:
        signature = stream.read()
    try:
        parts = take_apart(signature)
        key = parts.public_key()
    except NoSignature as why:
        return Signature(path, problem=str(why))
    fingerprint = key.get_fingerprint()
    if parts.namespace != NAMESPACE:
        return Signature(path, fingerprint, problem=f"it was made for {parts.namespace!r}, not for {NAMESPACE!r}")
    if not is_valid(content, signature, key):
        return Signature(path, fingerprint, problem="it is not of this manifest")
    if signers is None:
        return Signature(path, fingerprint)
    if principal is not None:
        return Signature(path, fingerprint, principal if signers.is_of(principal, content, signature) else None)
    return Signature(path, fingerprint, signers.principal_of(content, signature))


def read_signers(path: str | None, environment: Mapping[str, str] | None = None) -> Signers | None:
    """Return the allowed signers: of a file, else of the one that `VARIABLE` names, else of `~/.ssh/allowed_signers`.

    None when nothing is named and the last is not there. Raises UsageError when a file cannot be read.
    """
    variables = os.environ if environment is None else environment
    named = path or variables.get(VARIABLE)
    place = named or os.path.expanduser("~/.ssh/allowed_signers")
    try:
        with open(place, encoding="utf-8") as stream:
            return Signers(stream.read(), place)
    except FileNotFoundError:
        if named is None:
            return None
        raise UsageError(f"there is no list of allowed signers at {place}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the allowed signers cannot be read from {place}: {error}") from None


__all__ = ["Signature", "Verification", "read_signers", "verify_crate", "verify_open_crate"]
