"""Why a host cannot be reached or logged in to: one line that says which host, and what to do."""

from __future__ import annotations

import errno
import socket

from ...errors import PlaceFailed, PlaceSilent
from .settings import Connection

_REACH = {
    errno.ECONNREFUSED: "nothing answers at its port",
    errno.EHOSTUNREACH: "there is no route to it",
    errno.ENETUNREACH: "there is no network that leads to it",
    errno.ETIMEDOUT: "it gives no answer",
}
REACH_HINT = "is the host up, and its name, its port and the way to it (`tunnel`, ProxyJump) right?"


def failure_of(name: str, connection: Connection, error: Exception) -> PlaceFailed:
    """Return the error for users of a connection that could not be made."""
    import asyncssh

    where = f"{name}: {connection.address}"
    match error:
        case PlaceFailed():
            return error
        case asyncssh.HostKeyNotVerifiable():
            return PlaceFailed(
                f"{where} cannot be trusted: its host key is not in known_hosts, or has changed",
                hint=f"log in once by hand, `ssh {connection.hostname}`, and compare its key",
            )
        case asyncssh.PermissionDenied():
            return PlaceFailed(f"{where} does not let {_user(connection)} log in", hint=_login_hint(connection))
        case asyncssh.KeyExchangeFailed() | asyncssh.ProtocolNotSupported() | asyncssh.ProtocolError():
            return PlaceFailed(f"{where} speaks an SSH that we do not: {error.reason}")
        case asyncssh.KeyImportError() | asyncssh.KeyEncryptionError():
            return PlaceFailed(
                f"{name}: the private key {connection.key or 'of the configuration'!s} cannot be used: {error}",
                hint="if it has a passphrase, give it by `sshKeyPassphraseFile`, or use an agent",
            )
        case asyncssh.ConfigParseError():
            return PlaceFailed(f"{name}: the configuration of SSH cannot be used: {error}")
        case TimeoutError():
            return PlaceSilent(f"{where} gives no answer", hint=REACH_HINT)
        case socket.gaierror():
            return PlaceFailed(f"{where} is not known: {error.strerror}", hint="check the name of the host")
        case asyncssh.Error():
            return PlaceSilent(f"{where} cannot be reached: {error.reason}", hint=REACH_HINT)
        case OSError():
            reason = _REACH.get(error.errno or 0, error.strerror or str(error))
            return PlaceSilent(f"{where} cannot be reached: {reason}", hint=REACH_HINT)
        case _:
            return PlaceFailed(f"{where} cannot be reached: {error}")


def is_passing(error: Exception) -> bool:
    """Tell whether it may help to try again."""
    import asyncssh

    lasting = (
        asyncssh.HostKeyNotVerifiable,
        asyncssh.PermissionDenied,
        asyncssh.KeyExchangeFailed,
        asyncssh.KeyImportError,
        asyncssh.KeyEncryptionError,
        asyncssh.ConfigParseError,
        FileNotFoundError,
        PermissionError,
        PlaceFailed,
    )
    return not isinstance(error, lasting)


def _user(connection: Connection) -> str:
    return repr(connection.username) if connection.username else "this user"


def _login_hint(connection: Connection) -> str:
    if connection.key is not None:
        if _lacks_passphrase(connection):
            return f"the key {connection.key} has a passphrase: give it by `sshKeyPassphraseFile`, or use an agent"
        return f"is the key {connection.key} the right one, and authorized there for this user (`username`)?"
    if connection.password_file is not None:
        return f"is the password in {connection.password_file} right, and are passwords allowed there?"
    return f"try `ssh {connection.hostname}`; name a key (`sshKey`) or a user (`username`), or load an agent"


def _lacks_passphrase(connection: Connection) -> bool:
    import asyncssh

    try:
        asyncssh.read_private_key(connection.key or "")
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        return connection.passphrase_file is None and str(error).startswith("Passphrase")
    except OSError:
        return False
    return False
