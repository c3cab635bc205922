"""A server that carries out runs in processes of its own, which it kills when it is told to.

It has everything imported, so that a controller costs a fork. One command a line comes by
standard input, one answer a line goes to standard output, both as JSON; see `driver.py`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from typing import Any

from recrate import api, runs
from recrate.core.cwl import javascript  # noqa: F401 - so that no child has to import it
from recrate.core.machine.events import OnError
from recrate.errors import RecrateError
from recrate.provenance import recorder
from recrate.provenance.states import Keep


def main() -> None:
    """Carry out commands until there are no more."""
    for line in sys.stdin:
        command = json.loads(line)
        print(json.dumps(_forked(command)), flush=True)


def _forked(command: dict[str, Any]) -> dict[str, Any]:
    """Carry out a command in a child; return what it answered, and how it ended."""
    reading, writing = os.pipe()
    begun = time.monotonic()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _child(command, writing)
    os.close(writing)
    if command.get("seconds") is not None:
        time.sleep(command["seconds"])
        os.kill(pid, signal.SIGKILL)
    with os.fdopen(reading) as stream:
        text = stream.read()
    _, status = os.waitpid(pid, 0)
    answer = json.loads(text) if text else {}
    return {**answer, "status": os.waitstatus_to_exitcode(status), "took": time.monotonic() - begun}


def _child(command: dict[str, Any], writing: int) -> None:
    if os.environ.get("RECRATE_FAULTS_SHOW") is None:
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1):
            os.dup2(null, descriptor)
    counting = _Counting(command.get("commit"), command.get("after", False), command.get("clock"))
    counting.install()
    try:
        answer = _answer(command)
    except RecrateError as error:
        answer = {"error": error.render(), "kind": type(error).__name__}
    answer["commits"] = counting.count
    os.write(writing, json.dumps(answer).encode())
    os._exit(0)


def _answer(command: dict[str, Any]) -> dict[str, Any]:
    if command["do"] == "resume":
        result = asyncio.run(runs.resume_async(command["run"], store=command["options"]["store"]))
    else:
        said = dict(command["options"])
        said["keep"] = Keep(said.get("keep", "all"))
        said["on_error"] = OnError(said.get("on_error", "stop"))
        options = api.RunOptions(**said)
        prepared = api.prepare(command["document"], command.get("inputs"), options)
        result = asyncio.run(api.execute(prepared, options, api.Silent()))
    return {"id": result.id, "state": result.state.value, "outputs": result.outputs}


class _Counting:
    """Counts transactions of the recorder; kills this process right before or after one of them.

    With `clock`, so many seconds are added to the clock from the fifth one on.
    """

    def __init__(self, fatal: int | None, after: bool, clock: float | None) -> None:
        self.count = 0
        self.fatal = fatal
        self.after = after
        self.clock = clock

    def install(self) -> None:
        """Stand in for the recorder's own write."""
        write = recorder._Writer.write

        def counted(writer: Any, changes: Any) -> None:
            batch = list(changes)
            self.count += bool(batch)
            if self.clock and self.count == 5:
                _set_clock(self.clock)
            if self.count == self.fatal and not self.after:
                os.kill(os.getpid(), signal.SIGKILL)
            write(writer, batch)
            if self.count == self.fatal:
                os.kill(os.getpid(), signal.SIGKILL)

        recorder._Writer.write = counted  # type: ignore[method-assign]


def _set_clock(seconds: float) -> None:
    """Let the clock of this process be another one, as if somebody had set it."""
    real = time.time
    time.time = lambda: real() + seconds


if __name__ == "__main__":
    main()
