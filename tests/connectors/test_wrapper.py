"""The script that starts an attempt, and the record it leaves."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recrate.connectors.wrapper import METRICS, RESULT, Record, Script, encode, parse_record, script_text

TOKEN = "5f0c9a"


def carried_out(folder: Path, **fields: object) -> Record | None:
    """Run a script made of these fields in a folder, and return its record."""
    (folder / "out").mkdir(exist_ok=True)
    script = Script(token=TOKEN, name="a job", directory=str(folder), workdir=str(folder / "out"), **fields)  # type: ignore[arg-type]
    (folder / "script").write_bytes(encode(script_text(script)))
    (folder / "claim").unlink(missing_ok=True)
    subprocess.run(
        ["/bin/sh", folder / "script"], env={"PATH": os.environ["PATH"]}, check=True, stdin=subprocess.DEVNULL
    )
    return parse_record((folder / RESULT).read_text(), TOKEN)


def test_the_record_has_exit_code_instants_and_cpu_time(tmp_path: Path) -> None:
    record = carried_out(tmp_path, argv=["sh", "-c", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; exit 3"])
    assert record is not None
    assert (record.code, record.signal) == (3, None)
    assert record.started is not None
    assert record.ended is not None
    assert record.started <= record.ended
    assert record.cpu_seconds is not None
    assert record.cpu_seconds > 0


def test_a_killed_command_is_recorded_with_its_signal(tmp_path: Path) -> None:
    record = carried_out(tmp_path, argv=["sh", "-c", "kill -9 $$"])
    assert record is not None
    assert (record.code, record.signal) == (137, 9)


def test_the_peak_memory_that_a_sampler_left_is_in_the_record(tmp_path: Path) -> None:
    (tmp_path / "rss").write_text("2048\n")
    record = carried_out(tmp_path, argv=["true"])
    assert record is not None
    assert record.peak_rss == 2048 * 1024


def test_what_a_command_makes_has_the_modes_that_its_umask_leaves(tmp_path: Path) -> None:
    assert carried_out(tmp_path, argv=["touch", "made"], stdout=str(tmp_path / "out" / "said"), umask="027") is not None
    assert {(tmp_path / "out" / name).stat().st_mode & 0o777 for name in ("made", "said")} == {0o640}


def test_the_record_says_whether_there_are_metrics(tmp_path: Path) -> None:
    (tmp_path / "tmp").mkdir()
    path = tmp_path / METRICS
    for said, has_metrics in (("true", False), (f": >{path}", False), (f"echo x >{path}", True)):
        record = carried_out(tmp_path, shell=said)
        assert record is not None
        assert (record.has_metrics, record.code) == (has_metrics, 0)
        assert record.cpu_seconds is not None


def test_a_script_that_cannot_claim_its_attempt_does_nothing_and_says_nothing(tmp_path: Path) -> None:
    for taken in (b"", b"123\n"):
        (tmp_path / "claim").write_bytes(taken)
        assert started_again(tmp_path) == (0, b"")
        assert not (tmp_path / RESULT).exists()
        assert (tmp_path / "claim").read_bytes() == taken
    (tmp_path / "claim").unlink()
    (tmp_path / "claim").mkdir()
    assert started_again(tmp_path) == (0, b"")
    assert not (tmp_path / RESULT).exists()


def started_again(folder: Path) -> tuple[int, bytes]:
    """Run a script whose command would leave a record; return its exit code and what it printed."""
    (folder / "out").mkdir(exist_ok=True)
    script = Script(token=TOKEN, name="a job", directory=str(folder), workdir=str(folder / "out"), argv=["true"])
    (folder / "script").write_bytes(encode(script_text(script)))
    done = subprocess.run(["/bin/sh", folder / "script"], stderr=subprocess.STDOUT, stdout=subprocess.PIPE, check=False)
    return done.returncode, done.stdout


def test_a_job_may_overwrite_files_as_its_shell_does(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    assert carried_out(tmp_path, shell=f"echo new >{tmp_path}/old", stdout=str(tmp_path / "old")) is not None
    assert (tmp_path / "old").read_text() == "new\n"


@pytest.mark.parametrize("command", ["env", "/usr/bin/env"])
def test_variables_of_a_job_are_not_taken_for_those_of_the_script(tmp_path: Path, command: str) -> None:
    mine = {"here": "/nowhere", "code": "x", "started": "never", "rss": "y"}
    record = carried_out(tmp_path, argv=[command], environment=mine, stdout=str(tmp_path / "env"))
    assert record is not None
    assert (record.code, record.peak_rss) == (0, None)
    assert {f"{name}={text}" for name, text in mine.items()} <= set((tmp_path / "env").read_text().splitlines())


@pytest.mark.parametrize("absolute", [True, False])
def test_a_command_with_a_path_is_a_program_whatever_its_name(tmp_path: Path, absolute: bool) -> None:
    """Also one that is called like a word of the shell's own."""
    (tmp_path / "out").mkdir()
    for name in ("exit", "echo", "if"):
        own = tmp_path / "out" / name
        own.write_text('#!/bin/sh\nprintf "%s|" "$MINE" "$@"\nexit 7\n')
        own.chmod(0o755)
        argv = [str(own) if absolute else f"./{name}", "a  b", "$HOME", ""]
        record = carried_out(tmp_path, argv=argv, environment={"MINE": "it's"}, stdout=str(tmp_path / "said"))
        assert record is not None
        assert record.code == 7
        assert (tmp_path / "said").read_text() == "it's|a  b|$HOME||"


def test_streams_go_where_the_script_says(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("hello\n")
    carried_out(
        tmp_path,
        argv=["sh", "-c", "cat; echo oops >&2"],
        stdin=str(tmp_path / "in.txt"),
        stdout=str(tmp_path / "out" / "it's out"),
    )
    assert (tmp_path / "out" / "it's out").read_text() == "hello\n"
    assert (tmp_path / "stderr").read_text() == "oops\n"


def test_a_missing_command_ends_with_127(tmp_path: Path) -> None:
    record = carried_out(tmp_path, argv=["no-such-command-anywhere"])
    assert record is not None
    assert record.code == 127
    assert "not found" in (tmp_path / "stderr").read_text()


def test_variables_reach_the_command_also_those_a_shell_cannot_name(tmp_path: Path) -> None:
    carried_out(
        tmp_path,
        argv=["env"],
        environment={"PLAIN": "a'b\nc", "odd.name": "$x"},
        stdout=str(tmp_path / "env"),
    )
    text = (tmp_path / "env").read_text()
    assert "PLAIN=a'b\nc\n" in text
    assert "odd.name=$x\n" in text


@given(words=st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8")), max_size=5))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_arguments_arrive_as_they_are(tmp_path: Path, words: list[str]) -> None:
    record = carried_out(tmp_path, argv=["printf", "%s\\0", *words, "end"], stdout=str(tmp_path / "args"))
    assert record is not None
    assert (tmp_path / "args").read_bytes() == "\0".join([*words, "end", ""]).encode()


def test_file_names_that_are_not_utf8_reach_the_command(tmp_path: Path) -> None:
    name = os.fsdecode(os.fsencode(str(tmp_path)) + b"/\xff\xfe")
    Path(name).write_text("content")
    carried_out(tmp_path, argv=["cat", name], stdout=str(tmp_path / "copy"))
    assert (tmp_path / "copy").read_text() == "content"


def test_a_nul_byte_in_a_command_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        script_text(Script(token=TOKEN, name="x", directory="/d", workdir="/d", argv=["a\0b"]))


COMPLETE = "recrate-result 1\ncode 0\nstarted 1.5\nended 2.5\nrss -\n0m0.00s 0m0.00s\n1m0.25s 0m0.50s\nend 5f0c9a\n"


def test_a_complete_record_is_read() -> None:
    assert parse_record(COMPLETE, TOKEN) == Record(0, None, 1.5, 2.5, 60.75, None)


@pytest.mark.parametrize("length", range(0, len(COMPLETE), 7))
def test_a_record_that_is_cut_short_does_not_count(length: int) -> None:
    assert parse_record(COMPLETE[:length], TOKEN) is None


def test_a_record_of_another_attempt_does_not_count() -> None:
    assert parse_record(COMPLETE, "another") is None
    assert parse_record(COMPLETE, "0c9a") is None
