"""What a command opened, out of what strace notes; and what of it nobody declared."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recrate.connectors.wrapper import Script
from recrate.core.plan import Stage
from recrate.core.tracing import OPENED, Tracer, find_tracer, read_by, told
from recrate.core.uris import to_uri
from recrate.errors import Unsupported


@pytest.mark.parametrize(
    "line, path",
    [
        ('openat(AT_FDCWD</w>, "a", O_RDONLY|O_CLOEXEC) = 3</w/a>', "/w/a"),
        ('openat(AT_FDCWD</w>, "a", O_RDWR) = 3</w/a>', "/w/a"),
        ('open("/w/a", O_RDONLY) = 11</w/a>', "/w/a"),
        ('openat2(5</w>, "a", {flags=O_RDONLY, resolve=0}, 24) = 3</w/a>', "/w/a"),
        ('openat(AT_FDCWD</w>, "a", O_RDONLY) = 3</w/a\\74b\\76\\303\\251\\n\\"\\\\>', '/w/a<b>é\n"\\'),
        ('openat(AT_FDCWD</w>, "a", O_RDONLY) = 3</w/\\377>', os.fsdecode(b"/w/\xff")),
        ('execve("/opt/x/tool", ["tool", ""...], 0x7ff /* 3 vars */) = 0', "/opt/x/tool"),
    ],
)
def test_what_was_read_or_executed_is_told(line: str, path: str) -> None:
    assert read_by([[f"{line}\n"]]) == {path}


@pytest.mark.parametrize(
    "line",
    [
        'openat(AT_FDCWD</w>, "a", O_RDONLY) = -1 ENOENT (No such file or directory)',
        'openat(AT_FDCWD</w>, ".", O_RDONLY|O_DIRECTORY|O_CLOEXEC) = 3</w>',
        'openat(AT_FDCWD</w>, "a", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</w/a>',
        'openat(AT_FDCWD</w>, "a", O_WRONLY|O_APPEND) = 3</w/a>',
        'openat(AT_FDCWD</w>, "/dev/stdin", O_RDONLY) = 3<pipe:[123]>',
        'execve("/opt/x/tool", ["tool"], 0x7ff /* 3 vars */) = -1 ENOENT (No such file or directory)',
        "--- SIGCHLD {si_signo=SIGCHLD, si_code=CLD_EXITED, si_pid=1, si_uid=0, si_status=0} ---",
        "+++ exited with 0 +++",
    ],
)
def test_what_was_not_read_is_not_told(line: str) -> None:
    assert read_by([[f"{line}\n"]]) == set()


def test_what_a_process_made_and_another_one_read_is_not_told() -> None:
    made = 'openat(AT_FDCWD</w>, "a", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</tmp/a>\n'
    read = 'openat(AT_FDCWD</w>, "a", O_RDONLY) = 3</tmp/a>\n'
    assert read_by([[read], [made]]) == set()


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert all(path.startswith("/") for path in read_by([text.splitlines()]))


def test_many_files_are_told_by_their_directories() -> None:
    many = [f"/opt/python/lib/{n // 10}/{n}.py" for n in range(1000)]
    assert told(["/data/ref.txt", *many]) == ("/data/ref.txt", "/opt/python/lib/")
    assert told(many[:3]) == tuple(many[:3])


NAMES = st.text("abc", min_size=1, max_size=3)
PATHS = st.lists(NAMES, min_size=1, max_size=5).map(lambda names: "/" + "/".join(names))


@given(st.lists(PATHS, unique=True, min_size=1, max_size=60), st.integers(1, 8))
def test_each_file_is_among_what_is_told_unless_that_would_be_too_much(paths: list[str], most: int) -> None:
    shown = told(sorted(paths), most)
    assert len(shown) <= most
    if len(shown) < most:
        assert all(any(path == one or (one.endswith("/") and path.startswith(one)) for one in shown) for path in paths)


# -- with strace itself ------------------------------------------------------------------------


@pytest.fixture
def tracer() -> Tracer:
    try:
        return find_tracer()
    except Unsupported as error:
        pytest.skip(error.render())


def traced(tracer: Tracer, folder: Path, command: str, *stages: Stage) -> tuple[int, str, tuple[str, ...]]:
    """Carry out a command; return its exit code, what it printed, and what it read that nobody declared."""
    (folder / "attempt" / "out").mkdir(parents=True)
    task = Script("t", "job", str(folder / "attempt"), str(folder / "attempt" / "out"), shell=command)
    done = subprocess.run(
        tracer.traced(task).command, cwd=task.workdir, capture_output=True, text=True, timeout=60, check=False
    )
    found = tracer.undeclared(str(folder / "attempt"), stages)
    assert not list((folder / "attempt").glob(f"{OPENED}*"))
    return done.returncode, done.stdout + done.stderr, found.paths if found else ()


def test_what_a_job_reads_beside_its_inputs_is_told(tracer: Tracer, tmp_path: Path) -> None:
    for name in ("input.txt", "refé.txt", "other.txt"):
        (tmp_path / name).write_text(f"{name}\n")
    command = f"echo x > made; cat made '{tmp_path}/input.txt' '{tmp_path}/refé.txt'; ls '{tmp_path}' >/dev/null"
    stage = Stage("/in/input.txt", to_uri(str(tmp_path / "input.txt")))
    code, text, paths = traced(tracer, tmp_path, command, stage)
    assert (code, text) == (0, "x\ninput.txt\nrefé.txt\n")
    assert paths == (str(tmp_path / "refé.txt"),)


def test_an_input_is_known_by_its_real_path_and_what_is_in_a_directory_too(tracer: Tracer, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("a\n")
    (tmp_path / "link").symlink_to(tmp_path / "data")
    stage = Stage("/in/link", to_uri(str(tmp_path / "link")), directory=True)
    assert traced(tracer, tmp_path, f"cat {tmp_path}/link/a.txt {tmp_path}/data/a.txt", stage)[2] == ()


@pytest.mark.parametrize("command, code", [("exit 3", 3), ("kill -9 $$", -9), ("exec no-such-program", 127)])
def test_how_a_command_ends_is_as_without(tracer: Tracer, tmp_path: Path, command: str, code: int) -> None:
    assert traced(tracer, tmp_path, command)[0] == code


def test_what_a_job_puts_in_the_place_of_the_notes_is_left_alone(tracer: Tracer, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text('openat(AT_FDCWD</>, "x", O_RDONLY) = 3</etc/shadow>\n')
    (tmp_path / "attempt").mkdir()
    os.mkfifo(tmp_path / "attempt" / f"{OPENED}.1")
    (tmp_path / "attempt" / f"{OPENED}.2").symlink_to(secret)
    assert tracer.undeclared(str(tmp_path / "attempt"), ()) is None
    assert secret.exists()


def test_what_is_ignored_is_said(tmp_path: Path) -> None:
    try:
        tracer = find_tracer([str(tmp_path / "ours")])
    except Unsupported as error:
        pytest.skip(error.render())
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "a").write_text("a\n")
    assert traced(tracer, tmp_path, f"cat {tmp_path}/ours/a")[2] == ()


def test_without_strace_it_says_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unsupported, match="--audit needs strace, which is not here"):
        find_tracer()
