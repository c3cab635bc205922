"""The `config` of an `ssh` deployment: how its hosts are reached. Keys are those of the binding file's format."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any

from ...data_classes import dataclass
from ...errors import DocumentInvalid

MAX_SESSIONS = 10
"""What OpenSSH's server allows by default (sshd_config(5), MaxSessions)."""
CONNECT_SECONDS = 30.0
TRIES = 3
RETRY_SECONDS = 5.0
PATIENCE_SECONDS = 600.0
_CONNECTION_KEYS = frozenset({
    "hostname", "username", "sshKey", "sshKeyPassphraseFile", "passwordFile", "checkHostKey", "tunnel",
})  # fmt: skip
_KEYS = _CONNECTION_KEYS - {"hostname"} | {
    "nodes", "dataTransferConnection", "maxConcurrentSessions", "maxConnections", "connectTimeout", "retries",
    "retryDelay", "services", "sharedPaths", "transferBufferSize", "file", "patience", "sshConfig",
}  # fmt: skip
IDLE_KEYS = ("sharedPaths", "transferBufferSize")
"""Keys of the format that change nothing here."""


@dataclass(frozen=True, slots=True)
class Connection:
    """How one host is logged in to. What is None is found as OpenSSH does: configuration, agent, default keys."""

    hostname: str
    port: int | None = None
    username: str | None = None
    key: str | None = None
    """Path of a private key."""
    passphrase_file: str | None = None
    password_file: str | None = None
    check_host_key: bool = True
    tunnel: Connection | None = None
    """The host by way of which this one is reached; it may have one itself."""

    @property
    def address(self) -> str:
        """Return what the host is called in messages: `host` or `host:port`."""
        return self.hostname if self.port is None else f"{self.hostname}:{self.port}"


@dataclass(frozen=True, slots=True)
class Settings:
    """How the hosts of a deployment are used."""

    nodes: tuple[Connection, ...]
    data: Connection | None = None
    """The host that bulk copies go through."""
    sessions: int = MAX_SESSIONS
    """Sessions of one connection at a time."""
    connections: int = 1
    """Connections to one host at a time."""
    connect_seconds: float = CONNECT_SECONDS
    tries: int = TRIES
    retry_seconds: float = RETRY_SECONDS
    patience: float = PATIENCE_SECONDS
    """Seconds without a way to a host after which its jobs are given up."""
    config_files: tuple[str, ...] | None = None
    """Configurations to read instead of the user's own; none at all when empty."""
    templates: Mapping[str, str] = field(default_factory=dict)
    """Paths of command templates by service; the empty name is the default."""
    remarks: tuple[str, ...] = ()
    """One line for each key that changes nothing."""


def read_settings(name: str, options: Mapping[str, Any]) -> Settings:
    """Return the settings of a deployment. Raises DocumentInvalid with the key that is wrong."""
    reader = _Reader(name, options)
    unknown = sorted(set(options) - _KEYS)
    if unknown:
        raise reader.wrong(unknown[0], "is not a key of an ssh deployment")
    nodes = options.get("nodes")
    if not isinstance(nodes, Sequence) or isinstance(nodes, str) or not nodes:
        raise reader.wrong("nodes", "must be a list of at least one host")
    common = Connection("", **reader.login(options, None))
    services = options.get("services") or {}
    if not isinstance(services, Mapping) or not all(isinstance(path, str) for path in services.values()):
        raise reader.wrong("services", "must give the path of a template for each name")
    default = {"": reader.text("file")} if options.get("file") is not None else {}
    return Settings(
        nodes=tuple(reader.connection("nodes", node, common) for node in nodes),
        data=reader.optional_connection("dataTransferConnection", options, common),
        sessions=int(reader.number("maxConcurrentSessions", MAX_SESSIONS)),
        connections=int(reader.number("maxConnections", 1)),
        connect_seconds=reader.number("connectTimeout", CONNECT_SECONDS),
        tries=int(reader.number("retries", TRIES, least=0)),
        retry_seconds=reader.number("retryDelay", RETRY_SECONDS, least=0),
        patience=reader.number("patience", PATIENCE_SECONDS, least=0),
        config_files=reader.config_files(),
        templates={**default, **{str(key): _expanded(path) for key, path in services.items()}},
        remarks=tuple(f"{name}: {key!r} changes nothing here" for key in IDLE_KEYS if key in options),
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    name: str
    options: Mapping[str, Any]

    def wrong(self, key: str, why: str) -> DocumentInvalid:
        return DocumentInvalid(f"{self.name}: {key!r} {why}")

    def text(self, key: str) -> str:
        value = self.options[key]
        if not isinstance(value, str):
            raise self.wrong(key, f"must be a text, not {value!r}")
        return _expanded(value)

    def number(self, key: str, default: float, least: float = 1) -> float:
        value = self.options.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < least:
            raise self.wrong(key, f"must be a number, at least {least:g}, not {value!r}")
        return value

    def config_files(self) -> tuple[str, ...] | None:
        value = self.options.get("sshConfig")
        if value is None:
            return None
        files = [value] if isinstance(value, str) else value
        if not isinstance(files, Sequence) or not all(isinstance(path, str) for path in files):
            raise self.wrong("sshConfig", f"must be a path or a list of paths, not {value!r}")
        return tuple(_expanded(path) for path in files)

    def optional_connection(self, key: str, options: Mapping[str, Any], common: Connection) -> Connection | None:
        return None if options.get(key) is None else self.connection(key, options[key], common)

    def connection(self, key: str, value: Any, common: Connection | None) -> Connection:
        """Return a connection; what it does not say itself is taken from `common`."""
        given: Mapping[str, Any] = {"hostname": value} if isinstance(value, str) else value
        if not isinstance(given, Mapping) or not isinstance(given.get("hostname"), str) or not given["hostname"]:
            raise self.wrong(key, f"must be a host or have a hostname, not {value!r}")
        unknown = sorted(set(given) - _CONNECTION_KEYS)
        if unknown:
            raise self.wrong(key, f"has the unknown key {unknown[0]!r}")
        host, port = self.split(key, given["hostname"])
        return Connection(host, port, **self.login(given, common))

    def login(self, given: Mapping[str, Any], common: Connection | None) -> dict[str, Any]:
        """Return the fields of a connection but its host."""
        found: dict[str, Any] = {}
        for key, field_name in _TEXTS.items():
            value = given.get(key, getattr(common, field_name) if common else None)
            if value is not None and not isinstance(value, str):
                raise self.wrong(key, f"must be a text, not {value!r}")
            found[field_name] = value if key == "username" or value is None else _expanded(value)
        check = given.get("checkHostKey", common.check_host_key if common else True)
        if not isinstance(check, bool):
            raise self.wrong("checkHostKey", f"must be true or false, not {check!r}")
        tunnel = common.tunnel if common and "tunnel" not in given else None
        if given.get("tunnel") is not None:
            # A host on the way is logged in to as the one behind it, unless it says otherwise.
            own = Connection("", **{**found, "check_host_key": check})
            tunnel = self.connection("tunnel", given["tunnel"], own)
        return {**found, "check_host_key": check, "tunnel": tunnel}

    def split(self, key: str, text: str) -> tuple[str, int | None]:
        """Return host and port of `host`, `host:port` or `[address]:port`."""
        host, port = host_and_port(text)
        if port is None:
            return host, None
        if not port.isdigit() or not 0 < int(port) < 65536:
            raise self.wrong(key, f"has the port {port!r}, which is no number of a port")
        return host, int(port)


_TEXTS = {
    "username": "username",
    "sshKey": "key",
    "sshKeyPassphraseFile": "passphrase_file",
    "passwordFile": "password_file",
}


def _expanded(path: str) -> str:
    return os.path.expanduser(path)


def host_and_port(text: str) -> tuple[str, str | None]:
    """Return the parts of `host`, `host:port` or `[address]:port`; the port is as it stands there."""
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host and not host.endswith("]")):
        return text.strip("[]"), None
    return host.strip("[]"), port
