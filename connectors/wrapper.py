"""The script that starts an attempt: it needs a POSIX shell and nothing else.

The controller writes one script for each attempt into the attempt's directory. The script runs
the command, waits for it, and leaves a result record beside itself:

    recrate-result 1
    code 0
    started 81234.56
    ended 81234.91
    rss 204800
    0m0.00s 0m0.00s
    0m0.31s 0m0.02s
    end 5f0c...

`started` and `ended` are seconds since boot as /proc/uptime has them (or since 1970 where there
is none), `rss` is the peak resident memory in KiB that a sampler (`connectors.sampler`) has left
in the file `rss`, and the two lines after it are what the shell's `times` prints: CPU time of the
shell, then of all its children. When the command left metrics (`METRICS`), a line `metrics` follows, so
that nobody need look for them elsewhere. The last line holds the attempt's token. A record counts only
when that line is complete and the token is the attempt's own, so that no rename is needed and a
record of another attempt is never believed.

Before anything else the script claims the attempt (`connectors.claim`): it makes the file
`claim`, which can be done once. A script that cannot make it ends at once and does nothing. So
no command runs twice, and none runs after somebody else took the claim.

With the argument `apart` the script goes on in a process of its own, whose id it adds to the
claim, and returns at once: so whoever starts it is not the one whose memory is measured.

All is done by built-ins of the shell, since each program that is started costs about a
millisecond.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import field

from ..data_classes import dataclass

RESULT = "result"
SCRIPT = "script"
CLAIM = "claim"
"""Whose existence says that the attempt was started, or never will be."""
RSS = "rss"
"""Holds the peak memory of an attempt that runs for long, in KiB."""
METRICS = "tmp/metrics.jsonl"
"""Holds the numbers that the command recorded of itself. It is below the temporary directory, which
containers have at a path of their own."""
APART = "apart"
"""Argument of a script that makes it go on in a process of its own, and the first one end at once."""
SIGNAL_BASE = 128
"""A shell gives this plus the number of the signal as the exit code of a killed command."""
LARGEST_SIGNAL = 64
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Script:
    """What a script does. All paths are absolute, as the location sees them.

    Exactly one of `argv` and `shell` (a command line for /bin/sh) is the command. Streams that
    are None: stdin is /dev/null, stdout and stderr go to `stdout` and `stderr` in `directory`.
    """

    token: str
    name: str
    directory: str
    workdir: str
    argv: Sequence[str] = ()
    shell: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: str | None = None
    stdout: str | None = None
    stderr: str | None = None
    umask: str | None = None
    """Octal digits; None: as its place has it."""

    @property
    def command(self) -> tuple[str, ...]:
        """Return what is executed. Raises ValueError when there is nothing."""
        if self.shell is None and not self.argv:
            raise ValueError("there is no command to execute")
        return ("/bin/sh", "-c", self.shell) if self.shell is not None else tuple(self.argv)

    @property
    def is_plain(self) -> bool:
        """Tell whether the names of all variables are such that a shell can export them."""
        return all(map(_NAME.fullmatch, self.environment))

    def check(self) -> None:
        """Raise ValueError when no system could execute this."""
        words = (*self.command, *self.environment, *self.environment.values(), self.workdir)
        if "\0" in "".join((*words, self.stdin or "", self.stdout or "", self.stderr or "")):
            raise ValueError("a NUL byte cannot be part of a command")


@dataclass(frozen=True, slots=True)
class Record:
    """A result record, read back. Instants are in seconds of the location's own clock base."""

    code: int
    signal: int | None
    started: float | None
    ended: float | None
    cpu_seconds: float | None
    peak_rss: int | None
    """Bytes."""
    has_metrics: bool = False


def script_text(script: Script) -> str:
    """Return the text of a script. A NUL byte in a command or a path raises ValueError."""
    script.check()
    streams = (
        f"<{quote(script.stdin or '/dev/null')}"
        f" {_into(script.stdout, script.directory, 'stdout')} 2{_into(script.stderr, script.directory, 'stderr')}"
    )
    lines = ["#!/bin/sh", f"# {_comment(script.name)}", f"here={quote(script.directory)}", "rss=", *_CLAIMING]
    lines += ["carry_out() {", *([f"umask {quote(script.umask)}"] if script.umask else []), "trap : HUP INT TERM"]
    lines += [f"cd {quote(script.workdir)} || exit 125", "unset OLDPWD"]
    lines += ["read -r started rest </proc/uptime || started=$(date +%s)", *_carried_out(script, streams), "code=$?"]
    lines += ["read -r ended rest </proc/uptime || ended=$(date +%s)"]
    lines += [f'[ -f "$here/{RSS}" ] && read -r rss <"$here/{RSS}"', _record(script.token), "}"]
    lines += [f'if [ "$1" = {APART} ]; then carry_out & echo "$!" >>"$here/{CLAIM}"; else carry_out; fi', "exit 0", ""]
    return "\n".join(lines)


_CLAIMING = ("set -C", f'{{ echo "$$" >"$here/{CLAIM}"; }} 2>/dev/null || exit 0', "set +C")
"""With `-C` a redirection makes a file and never opens one that is there; `echo` fails, and not the shell."""


def _carried_out(script: Script, streams: str) -> list[str]:
    """Return how the command is executed, which alone gets its variables, since the script has some of its own.

    A command with a path is no built-in of the shell, which need not be copied for it then. Variables whose names
    a shell cannot export go through `env`.
    """
    plain = {name: text for name, text in script.environment.items() if _NAME.fullmatch(name)}
    odd = [f"{name}={text}" for name, text in script.environment.items() if name not in plain]
    argv = (*(["env", *odd] if odd else []), *script.command)
    command = " ".join(map(quote, argv))
    assigned = [f"{name}={quote(text)}" for name, text in plain.items()]
    if "/" in argv[0]:
        return [" ".join([*assigned, command, streams])]
    return ["(", *(f"export {each}" for each in assigned), f"exec {command} ) {streams}"]


def _into(path: str | None, directory: str, log: str) -> str:
    """Return a redirection: the job's own file anew, or the attempt's log, which may be shared."""
    return f">{quote(path)}" if path is not None else f">>{quote(f'{directory}/{log}')}"


def _record(token: str) -> str:
    fields = r'"recrate-result 1\ncode %s\nstarted %s\nended %s\nrss %s\n" "$code" "$started" "$ended" "${rss:--}"'
    metrics = f'[ -s "$here/{METRICS}" ] && echo metrics'
    return f"{{ printf {fields}; times; {metrics}; printf 'end %s\\n' {quote(token)}; }} >\"$here/{RESULT}\""


def _comment(text: str) -> str:
    return re.sub(r"[^\x20-\x7e]", "?", text)


def quote(word: str | None) -> str:
    """Quote a word for a POSIX shell; bytes that are not UTF-8 (surrogates) stay as they are."""
    return shlex.quote(word or "")


def encode(text: str) -> bytes:
    """Return the bytes of a script, file names that are not UTF-8 included."""
    return text.encode("utf-8", "surrogateescape")


def parse_record(text: str, token: str) -> Record | None:
    """Return the record of an attempt, or None when it is not complete or is another attempt's."""
    lines = text.split("\n")
    if len(lines) < 8 or lines[0] != "recrate-result 1" or not text.endswith(f"\nend {token}\n"):
        return None
    fields = dict(line.partition(" ")[::2] for line in lines[1:5])
    times = lines[5:-2]
    has_metrics = times[-1] == "metrics"
    code = int(fields["code"])
    return Record(
        code=code,
        signal=code - SIGNAL_BASE if SIGNAL_BASE < code <= SIGNAL_BASE + LARGEST_SIGNAL else None,
        started=_number(fields["started"]),
        ended=_number(fields["ended"]),
        cpu_seconds=_cpu_seconds(times[:-1] if has_metrics else times),
        peak_rss=_kibibytes(fields["rss"]),
        has_metrics=has_metrics,
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _kibibytes(text: str) -> int | None:
    """Return bytes; `-` and `0` say that nothing was measured."""
    return int(text) * 1024 or None if text.isdigit() else None


def _cpu_seconds(lines: Sequence[str]) -> float | None:
    """Return the CPU time of the children: the second line of `times`, as `1m2.34s 0m0.05s`."""
    spans = re.findall(r"(\d+)m([\d.]+)s", lines[-1]) if lines else []
    if len(spans) != 2:
        return None
    return sum(int(minutes) * 60 + float(seconds) for minutes, seconds in spans)
