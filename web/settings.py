"""How the page is served, and who may use it."""

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Iterable
from dataclasses import field

from ..data_classes import dataclass

_TOKEN_BYTES = 24


@dataclass(frozen=True, slots=True)
class Settings:
    """One serving of the page.

    Attributes:
        host: address that is listened on.
        port: the port, once it is known.
        asks_for_token: who only looks needs the token too; actions always do.
        names: host names, beside addresses, that requests may be for.
        token: what whoever may act has.
    """

    host: str
    port: int
    asks_for_token: bool
    names: frozenset[str]
    token: str = field(default_factory=lambda: secrets.token_urlsafe(_TOKEN_BYTES), repr=False)

    @property
    def cookie(self) -> str:
        """Name of the cookie with the token. Cookies are shared by all ports of a host: the name holds ours."""
        return f"recrate-{self.port}"

    def is_ours(self, host: str) -> bool:
        """Tell whether a request for a host, as its header `Host` says, may be answered.

        A page of somebody else's whose name suddenly resolves to this machine (DNS rebinding) comes with
        that name; addresses cannot be resolved anew, so that those are taken whatever they are.
        """
        name = host_of(host)
        return name in self.names or is_address(name)

    @property
    def url(self) -> str:
        """Where a browser on this machine finds the page."""
        host = self.host if self.host not in ("0.0.0.0", "::", "") else "127.0.0.1"
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"


def settings_of(host: str, port: int, *, require_token: bool = False, names: Iterable[str] = ()) -> Settings:
    """Return the settings for a host; what is not reached from this machine alone asks for the token."""
    own = {"localhost", host, socket.gethostname(), socket.getfqdn(), *names}
    return Settings(host, port, require_token or not is_loopback(host), frozenset(name.lower() for name in own))


def host_of(header: str) -> str:
    """Return the host of a `Host` header or an authority, without its port, in lower case."""
    text = header.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0]


def is_address(name: str) -> bool:
    """Tell whether a host is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Tell whether an address to listen on can be reached from this machine alone."""
    return host == "localhost" or (is_address(host) and ipaddress.ip_address(host).is_loopback)
