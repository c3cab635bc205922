"""Signatures in the format of OpenSSH (PROTOCOL.sshsig): made by asyncssh, checked by it, and taken apart.

`NAMESPACE` keeps a signature of a crate from being taken for one of anything else.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...data_classes import dataclass
from ...errors import UsageError

if TYPE_CHECKING:
    from asyncssh import SSHKey

NAMESPACE = "recrate"
LARGEST = 64 << 10
"""Bytes of a signature."""
_MAGIC = b"SSHSIG"
_BEGIN = b"-----BEGIN SSH SIGNATURE-----"
_END = b"-----END SSH SIGNATURE-----"


class NoSignature(Exception):
    """These bytes are no signature; the text says why."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a signature says of itself.

    Attributes:
        key: the public key, or certificate, as OpenSSH writes it in a line.
        namespace: what it was made for.
    """

    key: bytes
    namespace: str

    def public_key(self) -> SSHKey:
        """Return the key; of a certificate the one that it certifies. Raises NoSignature."""
        import asyncssh

        try:
            if b"-cert-v01@" in self.key.split(b" ")[0]:
                return asyncssh.import_certificate(self.key).key
            return asyncssh.import_public_key(self.key)
        except (asyncssh.KeyImportError, ValueError) as error:
            raise NoSignature(f"its key cannot be read: {error}") from None


def take_apart(signature: bytes) -> Parts:
    """Return what a signature says of itself. Raises NoSignature when it is none."""
    lines = signature.strip().splitlines()
    if len(signature) > LARGEST or len(lines) < 3 or lines[0] != _BEGIN or lines[-1] != _END:
        raise NoSignature("it is no SSH signature")
    try:
        blob = base64.b64decode(b"".join(lines[1:-1]), validate=True)
        if blob[:6] != _MAGIC or struct.unpack_from(">I", blob, 6) != (1,):
            raise NoSignature("it is a signature of an unknown version")
        fields = list(_strings(blob[10:]))
        key, namespace = fields[0], fields[1].decode()
        (kind,) = (next(_strings(key)),)
    except (binascii.Error, struct.error, UnicodeDecodeError, IndexError, StopIteration):
        raise NoSignature("it is a damaged SSH signature") from None
    return Parts(kind + b" " + base64.b64encode(key), namespace)


def _strings(blob: bytes) -> Iterator[bytes]:
    """Yield strings as SSH encodes them, a length and the bytes (RFC 4251, section 5), until they end."""
    at = 0
    while at < len(blob):
        (length,) = struct.unpack_from(">I", blob, at)
        at += 4 + length
        if at > len(blob):
            raise struct.error("a string breaks off")
        yield blob[at - length : at]


def is_valid(content: bytes, signature: bytes, key: SSHKey) -> bool:
    """Tell whether a key made a signature of a content, whoever it belongs to."""
    import asyncssh

    line = b"anybody " + key.export_public_key("openssh")
    try:
        return asyncssh.validate_sshsig(content, signature, "anybody", line)
    except ValueError:
        return False


class Signers:
    """An allowed signers file (ssh-keygen(1), "ALLOWED SIGNERS"): whose keys sign what."""

    def __init__(self, text: str, name: str) -> None:
        import asyncssh
        from asyncssh.sshsig import import_allowed_signers

        try:
            self._signers = import_allowed_signers(text)
        except (ValueError, asyncssh.KeyImportError) as error:
            raise UsageError(f"{name} is no list of allowed signers: {error}") from None
        rows = (line.split() for line in text.splitlines())
        names = [name for row in rows if row and row[0][0] != "#" for name in row[0].strip('"').split(",")]
        self._principals = list(dict.fromkeys(name for name in names if not name.startswith("!")))

    def principal_of(self, content: bytes, signature: bytes) -> str | None:
        """Return whose signature of a content this is; None when it is nobody's who may sign it.

        Who is named by a pattern, such as `*@example.org`, is called by the pattern.
        """
        return next((name for name in self._principals if self.is_of(name, content, signature)), None)

    def is_of(self, principal: str, content: bytes, signature: bytes) -> bool:
        """Tell whether a signature of a content is that of a principal, and may be."""
        import asyncssh

        try:
            return asyncssh.validate_sshsig(content, signature, principal, self._signers)
        except ValueError:
            return False
