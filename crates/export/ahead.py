"""Small files copied by another process, while this one describes those before them.

A second core is put to use: of many small files, copying takes as long as all that is said of them. The process is
this module as a program. It is told the folder of the crate, then lists of files, each as a line of JSON, and
answers each list with a line. What it leaves is copied by this process: what is large, gone or not what it was, and
everything when the process fails.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TypeAlias, TypeVar

from ..apart import has_second_core, start
from .contents import Copied, copy_small
from .target import Folder, Target

FEW_FILES = 2_000
"""No more files are copied in less time than it is worth to start a process for."""
_AT_ONCE = 250
_AHEAD = 8
"""How many lists of files are told before the first one must be answered."""

Request: TypeAlias = tuple[str, str | None, str]
"""Where a file lies, its SHA-256 in hex when it is known, and its path in the crate."""
Answer: TypeAlias = tuple[int, str, bool] | None
"""The bytes of a file that was copied, its SHA-256, and whether it looks like text."""
T = TypeVar("T")


class Ahead:
    """The process, once it is worth it. To be used in a `with`."""

    def __init__(self, target: Target) -> None:
        self._folder = str(target.root) if isinstance(target, Folder) and has_second_core() else None
        self._process: subprocess.Popen[bytes] | None = None
        # Its thread waits for the process: what is to be copied is told while what was copied is described.
        self._asking = ThreadPoolExecutor(1, "copies")

    def copied(self, items: Iterable[T], ask: Callable[[T], Request | None]) -> Iterator[tuple[T, Copied | None]]:
        """Yield each of some items, with the file that was copied for it; None when none was.

        Args:
            items: what files are copied for.
            ask: returns which file that is; None when it is not to be copied here.
        """
        waiting = iter(items)
        if self._folder is None:
            yield from ((item, None) for item in waiting)
            return
        few = list(islice(waiting, FEW_FILES))
        yield from ((item, None) for item in few)
        if len(few) == FEW_FILES:
            self._begin(self._folder)
        asked: deque[tuple[list[T], Future[list[Copied | None]]]] = deque()
        while some := list(islice(waiting, _AT_ONCE)):
            asked.append((some, self._asking.submit(self._answers, [ask(item) for item in some])))
            if len(asked) > _AHEAD:
                yield from _answered(*asked.popleft())
        while asked:
            yield from _answered(*asked.popleft())

    def _begin(self, folder: str) -> None:
        self._process = start(__name__, subprocess.PIPE)
        if self._process is not None:
            assert self._process.stdin is not None
            with suppress(OSError):
                self._process.stdin.write(_line(folder))

    def _answers(self, requests: Sequence[Request | None]) -> list[Copied | None]:
        """Have files copied, and wait for it."""
        answers = iter(self._answers_of([request for request in requests if request is not None]))
        return [_copied(request, next(answers)) if request is not None else None for request in requests]

    def _answers_of(self, requests: Sequence[Request]) -> Sequence[Answer]:
        answer = b""
        if self._process is not None:
            assert self._process.stdin is not None and self._process.stdout is not None
            with suppress(OSError):
                self._process.stdin.write(_line(requests))
                self._process.stdin.flush()
                answer = self._process.stdout.readline()
        if answer.endswith(b"\n"):
            answers: list[Answer] = json.loads(answer)
            return answers
        self._end()
        for _, _, path in requests:  # of which some may be there, one of them in part
            with suppress(OSError):
                os.unlink(f"{self._folder}/{path}")
        return [None] * len(requests)

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            with suppress(OSError):  # what it was still to be told
                self._process.communicate()
            self._process = None

    def __enter__(self) -> Ahead:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()  # so that nobody waits for it
        self._asking.shutdown(cancel_futures=True)
        self._end()


def _answered(items: Sequence[T], answers: Future[list[Copied | None]]) -> Iterator[tuple[T, Copied | None]]:
    return zip(items, answers.result(), strict=True)


def _copied(request: Request, answer: Answer) -> Copied | None:
    if answer is None:
        return None
    size, sha256, looks_like_text = answer
    return Copied(request[2], size, sha256, looks_like_text=looks_like_text)


def _line(value: object) -> bytes:
    return json.dumps(value).encode("ascii") + b"\n"


def _answer(copied: Copied | None) -> tuple[int, str | None, bool | None] | None:
    return None if copied is None else (copied.size, copied.sha256, copied.looks_like_text)


def main() -> None:
    """Copy what the standard input names."""
    target = Folder(Path(json.loads(sys.stdin.buffer.readline())))
    for line in sys.stdin.buffer:
        answers = [_answer(copy_small(target, *request)) for request in json.loads(line)]
        sys.stdout.buffer.write(_line(answers))
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
