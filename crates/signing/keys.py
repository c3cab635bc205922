"""Keys to sign with: in a file, encrypted or not, or held by an ssh-agent."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ...data_classes import dataclass
from ...errors import RecrateError, Unsupported, UsageError
from .sshsig import NAMESPACE

if TYPE_CHECKING:
    from asyncssh import SSHAgentClient, SSHKey

USUAL = ("id_ed25519", "id_ecdsa", "id_rsa")
"""Names of keys in `~/.ssh` that are tried in this order."""
AskPassphrase = Callable[[str], str]
"""Asks for the passphrase of the key in a file."""


class SigningFailed(RecrateError):
    """No signature could be made."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that can sign.

    Attributes:
        public: its public part.
        private: its private part; None: an agent holds it.
    """

    public: SSHKey
    private: SSHKey | None = None

    @property
    def fingerprint(self) -> str:
        """Its fingerprint, such as `SHA256:...`."""
        return self.public.get_fingerprint()

    def sign(self, content: bytes) -> bytes:
        """Return a signature of a content, for `NAMESPACE`. Raises SigningFailed."""
        import asyncssh

        if self.private is None:
            return asyncio.run(_sign_by_agent(self.public, content))
        return asyncssh.create_sshsig(self.private, content, namespace=NAMESPACE)


def load_key(path: str | None, ask: AskPassphrase) -> SigningKey:
    """Return the key to sign with.

    Args:
        path: file of a private key, or of a public one whose private key an agent holds; None: the first of an
            agent, else the first of the usual ones.
        ask: asks for the passphrase of an encrypted key that no agent holds.

    Raises:
        UsageError: there is none, or it cannot be read.
    """
    if path is None:
        held = _keys_of_agent()
        if held:
            return SigningKey(held[0])
        folder = Path.home() / ".ssh"
        usual = next((folder / name for name in USUAL if (folder / name).exists()), None)
        if usual is None:
            raise UsageError("there is no key to sign with", hint="name one with --key; `ssh-keygen` makes one")
        path = str(usual)
    public = _public_key(path)
    if public is not None and any(held.public_data == public.public_data for held in _keys_of_agent()):
        return SigningKey(public)
    if path.endswith(".pub"):
        raise UsageError(f"{path} is a public key, and no agent holds its private one", hint="add it with `ssh-add`")
    return _private_key(path, ask)


def _private_key(path: str, ask: AskPassphrase) -> SigningKey:
    import asyncssh

    try:
        try:
            key = asyncssh.read_private_key(path)
        except asyncssh.KeyImportError as error:
            if not str(error).startswith("Passphrase"):
                raise
            key = asyncssh.read_private_key(path, ask(path))
    except asyncssh.KeyEncryptionError as error:
        if "bcrypt" in str(error):
            raise Unsupported(
                f"to read the encrypted key {path} takes the package bcrypt", hint="or `ssh-add`"
            ) from None
        raise UsageError(f"this is not the passphrase of {path}") from None
    except OSError as error:
        raise UsageError(f"the key {path} cannot be read: {error.strerror}") from None
    except (asyncssh.KeyImportError, ValueError) as error:
        raise UsageError(f"{path} is no private key that can sign: {error}") from None
    return SigningKey(key.convert_to_public(), key)


def _public_key(path: str) -> SSHKey | None:
    """Return the public key in a file or beside it; None when there is none."""
    import asyncssh

    for place in (path, f"{path}.pub"):
        if place.endswith(".pub") and os.path.exists(place):
            try:
                return asyncssh.read_public_key(place)
            except (OSError, asyncssh.KeyImportError) as error:
                raise UsageError(f"{place} is no public key: {error}") from None
    return None


# -- ssh-agent -------------------------------------------------------------------------------------


def _keys_of_agent() -> list[SSHKey]:
    """Return the public keys that an agent holds; none when there is no agent."""
    return asyncio.run(_listed()) if os.environ.get("SSH_AUTH_SOCK") else []


async def _listed() -> list[SSHKey]:
    import asyncssh

    async with _agent() as agent:
        pairs = [] if agent is None else await agent.get_keys()
        lines = [pair.algorithm + b" " + base64.b64encode(pair.public_data) for pair in pairs if not pair.has_cert]
        return [asyncssh.import_public_key(line) for line in lines]


@asynccontextmanager
async def _agent() -> AsyncIterator[SSHAgentClient | None]:
    import asyncssh

    try:
        agent = await asyncssh.connect_agent()
    except OSError:
        yield None
        return
    try:
        yield agent
    finally:
        agent.close()


async def _sign_by_agent(public: SSHKey, content: bytes) -> bytes:
    import asyncssh
    from asyncssh.agent import SSHAgentKeyPair

    loop = asyncio.get_running_loop()
    async with _agent() as agent:
        pairs = [] if agent is None else await agent.get_keys()
        pair = next((one for one in pairs if one.public_data == public.public_data), None)
        if not isinstance(pair, SSHAgentKeyPair):
            raise SigningFailed(f"no ssh-agent holds {public.get_fingerprint()} any more")
        held: SSHAgentKeyPair = pair

        def sign(data: bytes) -> bytes:
            return asyncio.run_coroutine_threadsafe(held.sign_async(data), loop).result()

        # asyncssh makes signatures with keys that answer at once, and an agent does not.
        held.sign = sign  # type: ignore[method-assign]
        try:
            return await asyncio.to_thread(asyncssh.create_sshsig, held, content, namespace=NAMESPACE)
        except (ValueError, OSError) as error:
            raise SigningFailed(f"the ssh-agent refused to sign: {error}") from None
