"""The script that a queue runs: a user's template, or a plain one, around the program of `node`.

An array has one script for all elements. The attempts of each element stand in a table of it, so
that nothing but the script has to reach the node. A variable holds them, and the command is one
simple command, so that a template may put `srun` or a container before it.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Sequence

from ...data_classes import dataclass
from ...errors import DocumentInvalid, PlaceFailed, Where
from ..wrapper import encode, quote
from .node import PROGRAM, QUEUED

PLAIN = "#!/bin/sh\n\n{{ streamflow_command }}\n"
COMMAND = '/bin/sh -c "$recrate_program" recrate "$recrate_attempts"'
HERE_VARIABLES = ("streamflow_workdir", "streamflow_environment")
"""A template that uses one of these is about one attempt, so that no array is made with it."""
_SHELL = re.compile(r"#!\s*(?:/usr)?(?:/local)?/bin/(?:env\s+)?(?:ba|da|k|z)?sh\b")
_ASIDE = re.compile(r"\s*(?:#.*)?")


@dataclass(frozen=True, slots=True)
class Member:
    """An attempt that a queue's job carries out."""

    directory: str
    time_limit: float | None = None
    """Seconds."""


Group = Sequence[Member]
"""Attempts that one queue's job carries out, one after the other."""


@dataclass(frozen=True, slots=True)
class Template:
    """The text of a user's script, in the language of Jinja2, and the file that it is from."""

    text: str = PLAIN
    file: str | None = None

    @property
    def is_for_many(self) -> bool:
        """Tell whether one script can serve several attempts."""
        return _SHELL.match(self.text) is not None and not any(name in self.text for name in HERE_VARIABLES)


def read_template(path: str) -> Template:
    """Return the template in a file. Raises PlaceFailed where it cannot be read."""
    try:
        with open(path, encoding="utf-8") as stream:
            return Template(stream.read(), path)
    except (OSError, UnicodeDecodeError) as error:
        raise PlaceFailed(f"the template {path!r} cannot be read: {error}") from error


def batch_text(template: Template, elements: Sequence[Group], index: str) -> bytes:
    """Return the script of a submission. `index` is the variable that holds the number of an element.

    Raises DocumentInvalid for a template that cannot be used.
    """
    table = _table(elements, index)
    if template.text == PLAIN:
        return encode("\n".join(["#!/bin/sh", *table, 'set -- "$recrate_attempts"', PROGRAM]))
    head, rest = _parted(rendered(template, elements[0][0].directory))
    return encode("\n".join([head, f"recrate_program={quote(PROGRAM)}", *table, rest]))


def _table(elements: Sequence[Group], index: str) -> list[str]:
    """Return the lines that say which attempts an element carries out; what their directories share stands once.

    Each element reads all of them, so they are what a shell reads the quickest: words of one command.
    """
    shared = _shared([member.directory for group in elements for member in group])
    lines, words = [f"export recrate_below={quote(shared)}"], [quote(_words(group, shared)) for group in elements]
    if len(elements) == 1:
        return [*lines, f"recrate_attempts={words[0]}"]
    return [*lines, f"set -- {' '.join(words)}", f'shift "${index}"', "recrate_attempts=$1", "set --"]


def _shared(directories: Sequence[str]) -> str:
    """Return the directory, with a slash, that all of some directories are below."""
    return os.path.commonpath([os.path.dirname(directory) for directory in directories]).rstrip("/") + "/"


def _words(group: Group, shared: str) -> str:
    return " ".join(f"{quote(member.directory[len(shared) :])} {math.ceil(member.time_limit or 0)}" for member in group)


def _parted(text: str) -> tuple[str, str]:
    """Return the leading lines of a script that are comments, where a queue reads its options, and the rest."""
    lines = text.split("\n")
    count = next((number for number, line in enumerate(lines) if not _ASIDE.fullmatch(line)), len(lines))
    return "\n".join(lines[:count]), "\n".join(lines[count:])


def rendered(template: Template, directory: str, command: str = COMMAND) -> str:
    """Return the text of a template for the attempt in a directory. Raises DocumentInvalid where it cannot be used."""
    if "streamflow_command" not in template.text:
        raise _invalid(template, "it does not contain `{{streamflow_command}}`, so that no job would run", 0)
    if _SHELL.match(template.text) is None:
        raise _invalid(template, "its first line must name a POSIX shell, such as `#!/bin/sh`", 1)
    return _jinja(template, directory, command)


def _jinja(template: Template, directory: str, command: str) -> str:
    try:
        from jinja2 import StrictUndefined, TemplateError
        from jinja2.sandbox import SandboxedEnvironment
    except ImportError as error:
        raise DocumentInvalid(
            "a template needs the package jinja2", hint="pip install 'recrate[ui]'", where=Where(template.file or "")
        ) from error
    environment = SandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    values = {
        "streamflow_command": command,
        "streamflow_environment": "",
        "streamflow_workdir": quote(f"{directory}/out"),
    }
    try:
        return environment.from_string(template.text).render(values)
    except TemplateError as error:
        raise _invalid(template, str(error), getattr(error, "lineno", None) or 0) from error


def _invalid(template: Template, problem: str, line: int) -> DocumentInvalid:
    return DocumentInvalid(
        f"the template cannot be used: {problem}", where=Where(template.file or "template", line, 1 if line else 0)
    )


def intent_text(note: str, elements: Sequence[Group], claim: str) -> bytes:
    """Return a program that writes down, in the directory of each attempt, what is about to be submitted.

    It prints the number of each attempt that was claimed before or given up, which must not be
    submitted again, and fails when it cannot write.
    """
    calls = [
        f"intend {number} {quote(member.directory)} {place}" for number, (place, member) in enumerate(_placed(elements))
    ]
    return encode("\n".join([_INTEND.replace("NOTE", quote(note)).replace("CLAIM", claim), *calls, "exit 0", ""]))


def _placed(elements: Sequence[Group]) -> Iterator[tuple[str, Member]]:
    """Yield each attempt with its element and, where its job carries out several, its place among them."""
    for element, group in enumerate(elements):
        for number, member in enumerate(group):
            yield (f"{element} {number}" if group[1:] else str(element)), member


_INTEND = f"""
intend() {{
  if [ -e "$2/CLAIM" ]; then
    echo "$1"
  else
    {{ echo NOTE $3 $4 >"$2/{QUEUED}"; }} || exit 1
  fi
}}
"""
