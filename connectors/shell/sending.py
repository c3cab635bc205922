"""Data sent from one host straight to another, by the hosts' own `ssh`, so that nothing passes through the controller.

The sending host logs in to the other one with whatever it has: a key of its own, or the user's
agent where the way to the sending host forwards it (`ForwardAgent`).
"""

from __future__ import annotations

import re

from ...errors import PlaceFailed
from .changes import parent
from .host import Host
from .words import command_line, name, word

_ADDRESS = re.compile(r"(?P<login>(?:[^@\s-][^@\s]*@)?[A-Za-z0-9][A-Za-z0-9._-]*)(?::(?P<port>\d+))?")
_CLIENT = "ssh -o BatchMode=yes -o ConnectTimeout=10"


async def can_send(host: Host, to: str) -> bool:
    """Tell whether a host can log in at an address (`user@host`, `user@host:port`)."""
    done = await host.repeated(f"{_client(to)} true </dev/null")
    return done.code == 0


async def send(host: Host, path: str, to: str, target: str) -> None:
    """Copy a file or a whole directory of a host to a path at an address. Raises PlaceFailed.

    Whether all has arrived, the receiving side has to check.
    """
    await host.executed(send_text(path, to, target), f"send {path!r} to {to}")


def send_text(path: str, to: str, target: str) -> str:
    """Return the program that sends a file or a directory."""
    source, client = name(path), _client(to)
    file = _remote(f"mkdir -p {name(parent(target))} && cat >{name(target)}")
    folder = _remote(f"mkdir -p {name(target)} && tar -xof - -C {name(target)}")
    return (
        f"if [ -d {source} ]; then tar -cf - -C {source} . | {client} {folder}\n"
        f"else {client} {file} <{source} && mode=$(ls -ldnL {source}) && "
        f"case $mode in ???x*) {client} {_remote(f'chmod u+x {name(target)}')} </dev/null ;; esac\nfi"
    )


def _client(to: str) -> str:
    """Return the command that logs in at an address, which can be no option. Raises PlaceFailed for a wrong one."""
    found = _ADDRESS.fullmatch(to)
    if found is None:
        raise PlaceFailed(f"{to!r} is no address of a host", hint="write it as user@host or user@host:port")
    port = f"-p {found['port']} " if found["port"] else ""
    return f"{_CLIENT} {port}-- {word(found['login'])}"


def _remote(program: str) -> str:
    """Return the word that has the other host carry out a program."""
    line = command_line(program)
    if line is None:
        raise PlaceFailed("the path of a file to be sent is too long")
    return word(line)
