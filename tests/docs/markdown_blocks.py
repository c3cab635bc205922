"""What the documentation shows, taken out of its Markdown: console blocks, files, links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\s*$")
COMMENT = re.compile(r"^ *<!-- (?P<key>not run|file|exit): (?P<value>.+?) -->\s*$")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: the line of its fence (from 1), and the comments directly before it."""

    line: int
    language: str
    text: str
    comments: dict[str, str]


@dataclass(frozen=True)
class Command:
    """A command of a console block and what is shown below it; `...` stands for any text."""

    text: str
    shown: str


def blocks(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a document in their order."""
    lines = text.splitlines()
    number = 0
    while number < len(lines):
        opening = FENCE.match(lines[number])
        if opening is None:
            number += 1
            continue
        indent = opening["indent"]
        end = next(i for i in range(number + 1, len(lines)) if lines[i] == f"{indent}```")
        body = "".join(f"{line.removeprefix(indent)}\n" for line in lines[number + 1 : end])
        yield Block(number + 1, opening["language"], body, comments_before(lines, number))
        number = end + 1


def comments_before(lines: list[str], number: int) -> dict[str, str]:
    """Return the comments for the tests that stand directly above a line."""
    found = {}
    while number > 0 and (comment := COMMENT.match(lines[number - 1])):
        found[comment["key"]] = comment["value"]
        number -= 1
    return found


def commands(block: Block) -> list[Command]:
    """Return the commands of a console block; lines that start with `> ` go on with a command."""
    found: list[Command] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append(Command(line[2:], ""))
        elif not found:
            raise ValueError(f"line {block.line}: a console block starts with a command ($ ...)")
        elif line.startswith("> ") and not found[-1].shown:
            found[-1] = Command(f"{found[-1].text}\n{line[2:]}", "")
        else:
            found[-1] = Command(found[-1].text, f"{found[-1].shown}{line}\n")
    return found


def matches(printed: str, shown: str) -> bool:
    """Tell whether what was printed is what is shown; nothing shown matches everything."""
    if not shown.strip():
        return True
    pattern = ".*".join(re.escape(part) for part in tidy(shown).split("..."))
    return re.fullmatch(pattern, tidy(printed), re.DOTALL) is not None


def tidy(text: str) -> str:
    """Return a text without spaces at the ends of lines and empty lines at its ends."""
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines())


def local_links(text: str) -> list[str]:
    """Return the links of a document that lead to a file of the repository, without fragments."""
    prose = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE)
    targets = [
        target for target in LINK.findall(prose) if "://" not in target and not target.startswith(("#", "mailto:"))
    ]
    return [target.partition("#")[0] for target in targets]


def documents(root: Path) -> list[Path]:
    """Return all documents of the repository, relative to its root."""
    found = [root / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")]
    found += [*root.glob("docs/**/*.md"), *root.glob("examples/**/*.md")]
    return sorted(path.relative_to(root) for path in found)
