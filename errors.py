"""Errors for users: what was wrong, where, and what to do about it.

RecrateError
├── UsageError            the command line, an option or a setting is wrong        exit 2
├── DocumentInvalid       a CWL document or a binding file breaks its rules        exit 1
├── CrateFailed           a crate could not be written                             exit 1
├── CrateInvalid          a crate breaks the rules of its format, or is not safe   exit 1
│   └── NoRun             a crate is about no run                                  exit 1
├── InputInvalid          the values given for a run do not fit the workflow       exit 1
├── Unsupported           valid, but needs something that is not to be had here    exit 33
├── ExpressionFailed      a parameter reference or JavaScript expression failed    exit 1
├── OutputInvalid         a job ended, but not with the outputs it promised        exit 1
├── FileElsewhere         the controller must read a file that another place has   exit 1
├── PlaceFailed           a deployment or location could not do its part           exit 1
│   ├── PlaceRefused      it says that it will never do what it is asked for        exit 1
│   └── PlaceSilent       it gives no answer, which may pass                       exit 1
├── PublishFailed         a server did not take a crate                            exit 1
├── StoreFailed           the provenance store could not be opened, read, written  exit 1
│   └── RunIsHeld         another controller holds the lease of the run            exit 1
└── RunFailed             a run ended without its outputs                          exit 1

A message is one line. `cli` catches `RecrateError`, prints `render()` and leaves with
`exit_code`; any other exception is a bug of ours.
"""

from __future__ import annotations

from typing import ClassVar

from .data_classes import dataclass


@dataclass(frozen=True, slots=True)
class Where:
    """A place in a user's document; lines and columns count from 1, 0 means unknown."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}"


class RecrateError(Exception):
    """Something that the user can understand and act on.

    Args:
        problem: one sentence without a full stop that says what was wrong.
        where: the place in the user's document, when there is one.
        hint: what to do about it, when that is known.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, problem: str, *, where: Where | None = None, hint: str | None = None) -> None:
        super().__init__(problem)
        self.problem = problem
        self.where = where
        self.hint = hint

    def render(self) -> str:
        """Return the error as one line: `file:line:column: problem (hint)`."""
        place = f"{self.where}: " if self.where else ""
        hint = f" ({self.hint})" if self.hint else ""
        return " ".join(f"{place}{self.problem}{hint}".split())

    def __str__(self) -> str:
        return self.render()


class UsageError(RecrateError):
    """The command line, an option or a setting is wrong."""

    exit_code = 2


class DocumentInvalid(RecrateError):
    """A CWL document or a binding file breaks the rules of its format."""


class CrateFailed(RecrateError):
    """A crate could not be written."""


class CrateInvalid(RecrateError):
    """A crate breaks the rules of its format, or is not safe to be read."""


class NoRun(CrateInvalid):
    """A crate is about no run; perhaps it holds a workflow alone."""


class InputInvalid(RecrateError):
    """The values given for a run do not fit the workflow."""


class Unsupported(RecrateError):
    """Valid, but it needs something that is not to be had here.

    The exit code 33 is the one that CWL runners use for it.
    """

    exit_code = 33


class ExpressionFailed(RecrateError):
    """A parameter reference or a JavaScript expression failed or ran out of its limits."""


class OutputInvalid(RecrateError):
    """A job ended, but not with the outputs that its description promises."""


class FileElsewhere(RecrateError):
    """The controller must read a file that another place has: at `location`, whose host names the place."""

    def __init__(self, location: str, *, where: Where | None = None) -> None:
        super().__init__(f"{location!r} names another host", where=where)
        self.location = location


class PlaceFailed(RecrateError):
    """A deployment or a location could not do its part."""


class PlaceRefused(PlaceFailed):
    """A place says that it will never do what it is asked for: there is no use in asking again."""


class PlaceSilent(PlaceFailed):
    """A place gives no answer, which may pass: it is worth to ask it again."""


class PublishFailed(RecrateError):
    """A server that crates are published at did not take one."""


class StoreFailed(RecrateError):
    """The provenance store could not be opened, read or written."""


class RunIsHeld(StoreFailed):
    """Another controller holds the lease of the run."""


class RunFailed(RecrateError):
    """A run ended without its outputs."""
