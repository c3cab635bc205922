"""What a host tells of itself when it is first reached."""

from __future__ import annotations

import subprocess

import pytest

from recrate.connectors.probe import this_machine
from recrate.connectors.shell.facts import HELLO, parse_hello
from recrate.core.surroundings import Surroundings


def told(before: str = "") -> bytes:
    return subprocess.run(["sh", "-c", f"{before}\n{HELLO}"], capture_output=True, check=True).stdout


def test_a_shell_tells_what_we_know_of_this_machine() -> None:
    known, here = parse_hello(told()).facts, this_machine()
    assert (known.hostname, known.kernel, known.cores) == (here.hostname, here.kernel, here.cores)
    assert known.time_zone == Surroundings.here().time_zone


@pytest.mark.parametrize("mask", ["022", "077", "000"])
def test_its_umask_is_told_in_three_digits(mask: str) -> None:
    assert parse_hello(told(f"umask {mask}")).facts.umask == mask


@pytest.mark.parametrize(
    "text", [b"umask=u=rwx,g=rx\nzone=../../etc\n", b"umask=\nzone=\n", b"umask=1022\nzone=:x\n", b""]
)
def test_what_can_be_neither_is_not_known(text: bytes) -> None:
    facts = parse_hello(text).facts
    assert (facts.umask, facts.time_zone) == (None, None)
