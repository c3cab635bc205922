"""Peak memory of attempts that run for long, kept where their wrapper finds it.

The kernel tells the peak of a process to its parent alone, and the parent may be gone by then.
So a small shell script of its own session looks at the processes of an attempt's session now
and then, and keeps in the file `rss` the highest peak that one of them had: the quantity that
wait4(2) tells. It does not depend on the controller, and ends when the wrapper has.

The script knows a process by its session, in /proc/PID/stat. Kernel threads and processes of
other users have no `exe` that it can follow, and are passed over at the cost of one system call.
"""

from __future__ import annotations

import os
import signal

from . import processes
from .wrapper import RESULT, RSS

AFTER_SECONDS = 2.0
"""An attempt that is shorter is not sampled: the controller that started it is there to be told."""

_SCRIPT = f"""
here=$1 wrapper=$2 session=$3 top=0 kept=0 pause=2
belongs() {{
  {{ read -r line <"/proc/$1/stat"; }} 2>/dev/null || return 1
  set -- ${{line##*) }}
  [ "$4" = "$session" ]
}}
measure() {{
  while read -r name number unit; do
    [ "$name" = VmHWM: ] || continue
    [ "$number" -le "$top" ] || top=$number
    return
  done
}}
set -C
{{ echo 0 >"$here/{RSS}"; }} 2>/dev/null || exit 0
set +C
while [ ! -e "$here/{RESULT}" ] && belongs "$wrapper"; do
  for folder in /proc/[0-9]*; do
    [ -e "$folder/exe" ] && belongs "${{folder#/proc/}}" && {{ measure <"$folder/status"; }} 2>/dev/null
  done
  [ "$top" -gt "$kept" ] && echo "$top" >"$here/{RSS}.new" && mv -f "$here/{RSS}.new" "$here/{RSS}" && kept=$top
  sleep "$pause"
  case $pause in 2) pause=5 ;; 5) pause=10 ;; 10) pause=20 ;; *) pause=30 ;; esac
done
"""


def start(directory: str, wrapper: int, session: int) -> int:
    """Start sampling the attempt in a directory; return the process. A second sampler of it ends at once."""
    null = [(os.POSIX_SPAWN_OPEN, number, "/dev/null", os.O_RDWR, 0) for number in range(3)]
    return os.posix_spawn(
        "/bin/sh",
        ["/bin/sh", "-c", _SCRIPT, "recrate-sampler", directory, str(wrapper), str(session)],
        {"PATH": os.environ.get("PATH", os.defpath)},
        file_actions=null,
        setsid=True,
    )


def stop(pid: int) -> None:
    """End a sampler that this process started, and what it waits for."""
    processes.kill_group(pid, signal.SIGKILL)
    processes.reap(pid)
