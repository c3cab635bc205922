"""How a store is named: a path, `sqlite:///path`, or `postgresql://user:secret@host:port/name?option=value`."""

from __future__ import annotations

import os
from enum import Enum
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

from ..data_classes import dataclass
from ..errors import UsageError

_SECRET_OPTIONS = frozenset({"password", "sslpassword", "passfile", "sslkey", "oauth_client_secret"})


class Dialect(Enum):
    """A kind of database."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


@dataclass(frozen=True, slots=True)
class StoreUrl:
    """Where a store is. `target` is what the driver is given and may hold secrets, which is why
    it is not shown."""

    dialect: Dialect
    target: str
    shown: str
    """Fit for people: without secrets."""
    secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"StoreUrl({self.shown!r})"

    def scrub(self, text: str) -> str:
        """Return a text in which the secrets of this URL are masked."""
        for secret in self.secrets:
            text = text.replace(secret, "***")
        return text


def parse_store_url(url: str) -> StoreUrl:
    """Return what a store's name means. Raises UsageError for one that we do not know."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        path = os.path.abspath(os.path.expanduser(url))
        return StoreUrl(Dialect.SQLITE, path, path)
    if scheme == "sqlite":
        path = unquote(rest[1:] if rest.startswith("/") else rest)
        path = os.path.abspath(os.path.expanduser(path))
        return StoreUrl(Dialect.SQLITE, path, path)
    if scheme in ("postgresql", "postgres"):
        return _postgresql(rest)
    raise UsageError(
        f"a store cannot be at {scheme}://...",
        hint="use a path, sqlite:///PATH or postgresql://USER@HOST/NAME",
    )


def _postgresql(rest: str) -> StoreUrl:
    url = f"postgresql://{rest}"
    parts = urlsplit(url)
    account, at, hosts = parts.netloc.rpartition("@")
    user, colon, password = account.partition(":")
    options = parse_qsl(parts.query, keep_blank_values=True)
    secrets = [password, unquote(password), *(value for name, value in options if name in _SECRET_OPTIONS)]
    query = "&".join(f"{name}={'***' if name in _SECRET_OPTIONS else value}" for name, value in options)
    shown_account = f"{user}{':***' if colon else ''}{at}"
    shown = urlunsplit(("postgresql", shown_account + hosts, parts.path, query, ""))
    longest_first = sorted({secret for secret in secrets if secret}, key=len, reverse=True)
    return StoreUrl(Dialect.POSTGRESQL, url, shown, tuple(longest_first))
