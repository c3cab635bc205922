"""Where crates can be published, and the token for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from enum import Enum
from ipaddress import ip_address
from urllib.parse import urlsplit

from ...data_classes import dataclass
from ...errors import UsageError

KEYRING_SERVICE = "recrate"
OTHER_VARIABLE = "RECRATE_PUBLISH_TOKEN"
"""Has the token for a server that is given by its URL, so that no other token is ever sent there."""


class Kind(Enum):
    """What a server speaks."""

    WORKFLOWHUB = "workflowhub"
    ZENODO = "zenodo"


@dataclass(frozen=True, slots=True)
class Target:
    """A server that takes crates.

    Attributes:
        url: without a slash at its end.
        variable: the environment variable that has the token.
    """

    kind: Kind
    url: str
    variable: str

    @property
    def host(self) -> str:
        """The host, with a port that is not the usual one."""
        return urlsplit(self.url).netloc


TARGETS: Mapping[str, Target] = {
    "workflowhub": Target(Kind.WORKFLOWHUB, "https://workflowhub.eu", "WORKFLOWHUB_TOKEN"),
    "dev.workflowhub": Target(Kind.WORKFLOWHUB, "https://dev.workflowhub.eu", "DEV_WORKFLOWHUB_TOKEN"),
    "zenodo": Target(Kind.ZENODO, "https://zenodo.org", "ZENODO_TOKEN"),
    "sandbox.zenodo": Target(Kind.ZENODO, "https://sandbox.zenodo.org", "SANDBOX_ZENODO_TOKEN"),
}
"""Servers by the name that `--to` takes."""


def target_of(text: str) -> Target:
    """Return the server that a name or a URL stands for; `zenodo:URL` says what a server of that URL speaks.

    Raises UsageError for an unknown name, and for a URL without TLS that is not on this machine.
    """
    if text in TARGETS:
        return TARGETS[text]
    kinds = {f"{kind.value}:": kind for kind in Kind}
    prefix = next((prefix for prefix in kinds if text.startswith(f"{prefix}http")), "")
    url = text.removeprefix(prefix).rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(f"{text!r} is no server to publish at", hint=f"known: {', '.join(TARGETS)}, or a URL")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError(f"the URL of a server has no user, query or fragment: {parts.hostname}")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise UsageError(f"{url} has no TLS, and the token would be seen on the way", hint="use https")
    guessed = Kind.ZENODO if "zenodo" in parts.hostname else Kind.WORKFLOWHUB
    return Target(kinds.get(prefix, guessed), url, OTHER_VARIABLE)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def token_for(target: Target, environment: Mapping[str, str] | None = None) -> str:
    """Return the token for a server: of the environment, else of the keyring. Raises UsageError when there is none."""
    variables = os.environ if environment is None else environment
    token = variables.get(target.variable, "").strip() or _of_keyring(target.host)
    if not token:
        raise UsageError(
            f"there is no token for {target.host}",
            hint=f"set {target.variable}, or: keyring set {KEYRING_SERVICE} {target.host}",
        )
    if not (token.isascii() and token.isprintable()):
        raise UsageError(f"the token for {target.host} has characters that no token has")
    return token


def _of_keyring(host: str) -> str:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return ""
    try:
        return (keyring.get_password(KEYRING_SERVICE, host) or "").strip()
    except KeyringError:
        return ""  # a machine without a desktop has none
