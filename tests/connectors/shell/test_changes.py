"""Changes of several jobs become few programs, whatever their names and contents."""

from __future__ import annotations

import subprocess
from pathlib import Path

from recrate.connectors.base import ActionKind, FileAction
from recrate.connectors.kit import ODD_NAMES
from recrate.connectors.shell.changes import INLINE_BYTES, is_mergeable, merged, steps


def job(folder: Path, content: bytes = b"echo it's\n") -> list[FileAction]:
    """Return how the directory of a job is made ready."""
    return [
        FileAction(ActionKind.MAKE_DIRECTORY, str(folder)),
        FileAction(ActionKind.MAKE_DIRECTORY, f"{folder}/out"),
        FileAction(ActionKind.LINK, f"{folder}/in", "/elsewhere"),
        FileAction(ActionKind.WRITE, f"{folder}/script", content=content, mode=0o700),
    ]


def carried_out(actions: list[FileAction]) -> int:
    """Carry changes out here; return of how many programs they were."""
    count = 0
    for step in steps(actions):
        subprocess.run(["sh", "-c", step.program], input=step.stdin or b"", check=True)
        count += 1
    return count


def test_jobs_with_odd_names_are_made_ready_by_one_program(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ODD_NAMES]
    assert carried_out(merged([job(folder, str(folder).encode("utf-8", "surrogateescape")) for folder in folders])) == 1
    for folder in folders:
        assert (folder / "script").read_bytes() == str(folder).encode("utf-8", "surrogateescape")
        assert (folder / "script").stat().st_mode & 0o777 == 0o700
        assert (folder / "out").is_dir() and (folder / "in").readlink() == Path("/elsewhere")


def test_a_hundred_jobs_take_a_few_commands(tmp_path: Path) -> None:
    programs = [step.program for step in steps(merged([job(tmp_path / str(number)) for number in range(100)]))]
    assert len(programs) <= 6
    assert sum(text.count("\nmkdir ") + text.count("\nchmod ") for text in programs) <= 8


def test_many_large_scripts_are_several_programs(tmp_path: Path) -> None:
    content = b"# " + b"x" * 10_000
    assert 5 <= carried_out(merged([job(tmp_path / str(number), content) for number in range(40)])) <= 20
    assert all((tmp_path / str(number) / "script").read_bytes() == content for number in range(40))


def test_files_of_other_modes_get_their_own(tmp_path: Path) -> None:
    modes = {"a": 0o700, "b": 0o600, "c": 0o600, "d": 0o755}
    carried_out([FileAction(ActionKind.WRITE, str(tmp_path / name), mode=mode) for name, mode in modes.items()])
    assert {name: (tmp_path / name).stat().st_mode & 0o777 for name in modes} == modes


def test_what_has_copies_or_is_large_is_not_put_together_with_others() -> None:
    assert is_mergeable(job(Path("/x")))
    assert not is_mergeable([FileAction(ActionKind.COPY, "/x/in/d", "/y"), *job(Path("/x"))])
    assert not is_mergeable(job(Path("/x"), b"x" * (INLINE_BYTES + 1)))


def test_what_is_made_twice_or_below_what_is_a_link_stays_in_order() -> None:
    first = FileAction(ActionKind.WRITE, "/x/in/a", content=b"1")
    assert is_mergeable([first, FileAction(ActionKind.WRITE, "/x/in/b")])
    assert not is_mergeable([first, FileAction(ActionKind.LINK, "/x/in/a", "/y")])
    assert not is_mergeable([FileAction(ActionKind.LINK, "/x/in", "/y"), first])
