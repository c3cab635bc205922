"""Hostile words stay words, whatever shell reads them: as arguments, as names, as contents."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recrate.connectors.shell.words import LONGEST_COMMAND, batches, command_line, content, name, words
from recrate.connectors.wrapper import encode
from recrate.errors import PlaceFailed

LOGIN_SHELLS = [
    argv for argv in (["dash"], ["bash"], ["busybox", "sh"], ["csh"], ["fish"], ["zsh"]) if shutil.which(argv[0])
]
HOSTILE = "'\"`$\\;&|<>(){}[]*?!#~%^ \t\n\r-=+,:@/.é☃\x01\x7f\udcff\udcfe"
texts = st.text(st.one_of(st.sampled_from(HOSTILE), st.characters(codec="utf-8", exclude_characters="\0")), max_size=30)
quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def by_login(shell: list[str], program: str) -> bytes:
    """Return what a program prints when the command line for it is given to somebody's login shell."""
    line = command_line(program)
    assert line is not None
    assert line.isascii() and line.isprintable()
    return subprocess.run([*shell, "-c", line], capture_output=True, check=True, timeout=20).stdout


@pytest.mark.parametrize("shell", LOGIN_SHELLS, ids=" ".join)
@quick
@given(argv=st.lists(texts, min_size=1, max_size=4))
def test_arguments_arrive_as_they_are(shell: list[str], argv: list[str]) -> None:
    printed = by_login(shell, f"printf '%s\\0' {words(argv)}")
    assert printed == b"".join(encode(each) + b"\0" for each in argv)


@pytest.mark.parametrize("shell", [["dash"], ["bash"], ["busybox", "sh"]], ids=" ".join)
@quick
@given(data=st.binary(max_size=200))
def test_a_content_is_printed_byte_by_byte(shell: list[str], data: bytes) -> None:
    if shutil.which(shell[0]) is None:
        pytest.skip(f"{shell[0]} is not installed")
    program = encode(f"LC_ALL=C; export LC_ALL; {content(data)}")
    assert subprocess.run([*shell, "-s"], input=program, capture_output=True, check=True).stdout == data


@given(path=texts.filter(bool))
def test_a_path_is_no_option(path: str) -> None:
    assert not name(path).lstrip("'").startswith("-")


def test_a_nul_byte_is_refused() -> None:
    with pytest.raises(PlaceFailed, match="NUL"):
        words(["a\0b"])


def test_a_command_that_is_too_long_is_none() -> None:
    assert command_line("x" * LONGEST_COMMAND) is None


@given(st.lists(texts, max_size=50))
def test_batches_keep_the_order_and_lose_nothing(paths: list[str]) -> None:
    found = list(batches(paths, most=100, count=5))
    assert [path for group in found for path in group] == paths
    assert all(len(group) <= 5 for group in found)
