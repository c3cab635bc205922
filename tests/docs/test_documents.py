"""What the documentation shows is what happens."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from docs.markdown_blocks import Block, Command, blocks, commands, documents, local_links, matches

ROOT = Path(__file__).parents[2]
DOCUMENTS = documents(ROOT)
WITH_CONSOLE = [path for path in DOCUMENTS if "```console" in (ROOT / path).read_text(encoding="utf-8")]
LIMIT_SECONDS = 120


@dataclass(frozen=True)
class Shell:
    """Runs what a document shows, in a directory that has the examples."""

    directory: Path

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run a command; its standard error comes with its output, as on a terminal."""
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.directory / "home"),
            "RECRATE_STORE": str(self.directory / "store.db"),
            "LANG": "C.UTF-8",
            "COLUMNS": "100",
        }
        return subprocess.run(
            ["sh", "-c", command],
            cwd=self.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "home").mkdir()
    return Shell(tmp_path)


def complaint(shell: Shell, command: Command, code: int) -> str | None:
    """Run a command and return what is not as the document says."""
    ended = shell.run(command.text)
    if ended.returncode != code:
        return f"$ {command.text}\nexit code {ended.returncode}, not {code}:\n{ended.stdout}"
    if not matches(ended.stdout, command.shown):
        return f"$ {command.text}\nprinted:\n{ended.stdout}\nbut the document shows:\n{command.shown}"
    return None


def play(block: Block, shell: Shell) -> list[str]:
    """Do what a block shows and return the complaints."""
    if "file" in block.comments:
        (shell.directory / block.comments["file"]).write_text(block.text, encoding="utf-8")
    if block.language != "console" or "not run" in block.comments:
        return []
    code = int(block.comments.get("exit", 0))
    return [text for command in commands(block) if (text := complaint(shell, command, code))]


@pytest.mark.parametrize("path", WITH_CONSOLE, ids=str)
def test_a_document_shows_what_happens(path: Path, shell: Shell) -> None:
    for block in blocks((ROOT / path).read_text(encoding="utf-8")):
        complaints = play(block, shell)
        assert not complaints, f"{path}:{block.line}:\n" + "\n".join(complaints)


@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_every_console_block_can_be_read(path: Path) -> None:
    for block in blocks((ROOT / path).read_text(encoding="utf-8")):
        if block.language == "console":
            assert commands(block)


@pytest.mark.parametrize("path", DOCUMENTS, ids=str)
def test_links_lead_somewhere(path: Path) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    lost = [target for target in local_links(text) if not (ROOT / path.parent / target).exists()]
    assert lost == []


# --- the checks themselves can fail ---------------------------------------------------


def only_block(text: str) -> Block:
    (block,) = blocks(text)
    return block


def test_a_wrong_output_and_a_wrong_exit_code_are_found(shell: Shell) -> None:
    assert play(only_block("```console\n$ echo a\na\n$ echo b\n```"), shell) == []
    assert "printed:\na" in play(only_block("```console\n$ echo a\nb\n```"), shell)[0]
    assert "exit code 3" in play(only_block("```console\n$ exit 3\n```"), shell)[0]
    assert play(only_block("<!-- exit: 3 -->\n```console\n$ exit 3\n```"), shell) == []


def test_a_block_that_is_not_to_be_run_is_not_run(shell: Shell) -> None:
    assert play(only_block("<!-- not run: it is slow -->\n```console\n$ touch ran\n```"), shell) == []
    assert not (shell.directory / "ran").exists()


def test_a_file_that_is_shown_is_there_for_what_follows(shell: Shell) -> None:
    text = "<!-- file: a.txt -->\n```\nline\n```\nthen\n```console\n$ cat \\\n> a.txt\nline\n```\n"
    assert [play(block, shell) for block in blocks(text)] == [[], []]


@pytest.mark.parametrize(
    "printed, shown, same",
    [("a\nb\nc\n", "a\n...\nc\n", True), ("a  \n", "a\n", True), ("ab\n", "a\n", False), ("x 12 y\n", "x ... y", True)],
)
def test_three_dots_stand_for_any_text(printed: str, shown: str, same: bool) -> None:
    assert matches(printed, shown) is same


def test_links_in_code_are_not_followed() -> None:
    assert local_links("[a](b.md#c) [w](https://x) ![i](i.svg)\n```\n[no](no.md)\n```\n") == ["b.md", "i.svg"]
