"""Draw pictures of the program at work:  python docs/make_screens.py

Runs commands on a terminal of its own, in a directory of its own with the examples, and writes
what they leave on the screen to `docs/images/*.svg`. Run it when the look of a command changed.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.text import Text

DOCS = Path(__file__).resolve().parent
COLUMNS, ROWS = 116, 50
HOME = "/home/ada"
"""Stands in the pictures where the temporary directory was."""

SCREENS = {
    "run": "recrate run examples/penguins/workflow.cwl examples/penguins/job.yml --outdir penguins-results",
    "failure": "recrate run examples/failing/workflow.cwl",
}

CONTROL = re.compile(r"\x1b\[(?P<parameters>[?\d;]*)(?P<final>[A-Za-ln-z])|\x1b\][^\x07]*\x07|\r|\n")


@dataclass(slots=True)
class Screen:
    """What a terminal shows after some output, as far as programs that redraw whole lines go.

    Colours stay in the lines as they were sent.
    """

    lines: list[str] = field(default_factory=lambda: [""])
    row: int = 0

    def feed(self, output: str) -> None:
        """Take in what a program printed."""
        position = 0
        for control in CONTROL.finditer(output):
            self._write(output[position : control.start()])
            self._obey(control)
            position = control.end()
        self._write(output[position:])

    def _write(self, text: str) -> None:
        self.lines[self.row] += text

    def _obey(self, control: re.Match[str]) -> None:
        if control[0] == "\n":
            self.row += 1
            if self.row == len(self.lines):
                self.lines.append("")
        elif control["final"] == "A":
            self.row = max(0, self.row - int(control["parameters"] or 1))
        elif control["final"] == "K":
            self.lines[self.row] = ""


def shown_by(command: str, directory: Path) -> list[str]:
    """Return the lines on the terminal after a command was run there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(directory),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
    }
    program = subprocess.Popen(
        ["sh", "-c", command], cwd=directory, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    screen = Screen()
    screen.feed(read_all(ours).decode(errors="replace"))
    program.wait()
    return [line.replace(str(directory), HOME) for line in screen.lines]


def read_all(descriptor: int) -> bytes:
    """Return all that comes from a terminal until its last program has gone."""
    parts = []
    while True:
        try:
            part = os.read(descriptor, 65536)
        except OSError:  # Linux says EIO when the other side is closed
            part = b""
        if not part:
            os.close(descriptor)
            return b"".join(parts)
        parts.append(part)


def picture(command: str, lines: list[str]) -> str:
    """Return an SVG of a terminal with a command and what it left there."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.assemble(("$ ", "bold green"), (command, "bold")))
    for line in lines:
        console.print(Text.from_ansi(line))
    svg = console.export_svg(title="recrate", unique_id="screen")
    return re.sub(r"\s*@font-face \{.*?\}", "", svg, flags=re.DOTALL)  # nothing is fetched to look at a picture


def main() -> None:
    """Draw all screens."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name).resolve()
        shutil.copytree(DOCS.parent / "examples", directory / "examples")
        for title, command in SCREENS.items():
            target = DOCS / "images" / f"{title}.svg"
            target.write_text(picture(command, shown_by(command, directory)), encoding="utf-8")
            print(target)


if __name__ == "__main__":
    main()
