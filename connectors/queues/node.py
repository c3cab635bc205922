"""The program that carries out attempts on a compute node, and the files by which it is talked to.

It needs a POSIX shell, `sleep` and `date`; all else is built-ins, and the attempt's script is read
by the same shell, since each program that is started costs about a millisecond. It gets one word: the
directories of the attempts, below `$recrate_below`, and their time limits, quoted for a shell, which it
carries out one after the other. In the directory of each it leaves the file `node`:

    node n17
    clock 1795654822.406331758 20593.86
    timed out
    cancelled
    out of memory
    over

The `clock` is the node's time at some moment and its seconds since boot then, from which the result record
counts. A shell that does not know the time asks `date` once an hour, and keeps the answer in `/tmp`.
`timed out` and `cancelled` say that it has ended the attempt for that reason, `out of memory` that
the kernel has ended a process of it, and `over` that nothing more will be written.

While an attempt runs, this shell looks each second (after a minute: each five) for the time limit
and for the file `cancelled`, and keeps the highest peak memory of one of its processes in `rss`. The
attempt's own shell says by a signal that it is over, and ends the pause: nothing may be left then, since
Slurm takes a second to end whatever process is.
"""

from __future__ import annotations

from ..wrapper import CLAIM, RSS, SCRIPT

NODE = "node"
QUEUED = "queued"
"""Holds the note of the submission that an attempt is part of, its element and its place in the group."""
CANCELLED = "cancelled"
"""Says that this program wants the attempt to end; holds why: `cancel` or `time`."""

CLOCK_SECONDS = 3600
"""For so long a node's time is counted on from when it was last asked: `date` costs more than the rest together."""

PROGRAM = f"""
below() {{
  for task in /proc/"$1"/task/*/children; do
    line=
    {{ read -r line <"$task"; }} 2>/dev/null
    for child in $line; do
      all="$all $child"
      below "$child"
    done
  done
}}
end_all() {{
  echo "$1" >>"$here/{NODE}"
  all=
  below "$2"
  kill -TERM $all 2>/dev/null
  nap 2
  all=
  below "$2"
  [ -z "$all" ] || kill -KILL $all 2>/dev/null
}}
measure() {{
  while read -r name number unit; do
    [ "$name" = VmHWM: ] || continue
    [ "$number" -le "$top" ] || top=$number
    return
  done
}}
sample() {{
  for process in $all; do
    {{ measure <"/proc/$process/status"; }} 2>/dev/null
  done
  [ "$top" -gt "$kept" ] && echo "$top" >"$here/{RSS}.new" && mv -f "$here/{RSS}.new" "$here/{RSS}" && kept=$top
}}
seconds() {{ read -r now rest </proc/uptime; now=${{now%%.*}}; }}
nap() {{
  [ -z "$over" ] || return 1
  sleep "$1" </dev/null >/dev/null 2>&1 &
  [ -z "$over" ] || kill -KILL "$!"
  wait "$!" 2>/dev/null
  napped=$?
  while kill -0 "$!"; do wait "$!"; done 2>/dev/null
  [ -z "$over" ] && [ "$napped" -ne 127 ]
}}
watch() {{
  top=0 kept=0 pause=1
  seconds
  began=$now
  while nap "$pause" && kill -0 "$1" 2>/dev/null; do
    all=
    below "$1"
    sample
    seconds
    spent=$((now - began))
    [ -e "$here/{CANCELLED}" ] && end_all cancelled "$1" && return
    [ "$limit" -gt 0 ] && [ "$spent" -gt "$limit" ] && end_all 'timed out' "$1" && return
    pause=5
    {{ [ "$spent" -lt 60 ] || {{ [ "$limit" -gt 0 ] && [ $((limit - spent)) -lt 10 ]; }}; }} && pause=1
  done
}}
count_kills() {{
  kills=0
  for group in $groups; do
    while read -r name number; do
      [ "$name" = oom_kill ] && kills=$((kills + number))
    done <"$group"
  done
}}
find_groups() {{
  groups=
  while IFS=: read -r number kind path; do
    case $kind in
      memory) file=/sys/fs/cgroup/memory$path/memory.oom_control ;;
      '') file=/sys/fs/cgroup$path/memory.events ;;
      *) continue ;;
    esac
    [ -r "$file" ] && groups="$groups $file"
  done </proc/self/cgroup
}}
read_clock() {{
  read -r up rest </proc/uptime
  time=$EPOCHREALTIME
  [ -z "$time" ] || return
  known=/tmp/recrate-clock.$USER boot= of=
  read -r boot </proc/sys/kernel/random/boot_id
  now=$up
  [ -O "$known" ] && read -r of time up <"$known" && [ "$of" = "$boot" ] && [ -n "$up" ] &&
    [ $((${{now%%.*}} - ${{up%%.*}})) -lt {CLOCK_SECONDS} ] && return
  up=$now time=$(date +%s.%N)
  rm -f "$known"
  set -C
  echo "$boot $time $up" >"$known"
  set +C
}}
attempt() {{
  here=$1 limit=$2
  {{ [ -f "$here/{SCRIPT}" ] && [ ! -e "$here/{CLAIM}" ] && cd "$here"; }} 2>/dev/null || return
  {{ read -r node </proc/sys/kernel/hostname; read_clock; }} 2>/dev/null
  {{ echo "node $node"; echo "clock $time $up"; }} >"$here/{NODE}"
  exec 2>>"$here/stderr"
  over=
  (
    trap 'kill -ALRM "$$"' EXIT
    set --
    . "$here/{SCRIPT}"
  ) </dev/null &
  wrapper=$!
  count_kills
  before=$kills
  watch "$wrapper"
  while kill -0 "$wrapper" 2>/dev/null; do wait "$wrapper"; done
  count_kills
  [ "$kills" -gt "$before" ] && echo 'out of memory' >>"$here/{NODE}"
  echo over >>"$here/{NODE}"
}}
told=
trap 'told=1' TERM
trap 'over=1; [ "$!" = "$wrapper" ] || kill -KILL "$!" 2>/dev/null' ALRM
find_groups
eval "set -- $1"
while [ $# -ge 2 ] && [ -z "$told" ]; do
  attempt "$recrate_below$1" "$2"
  shift 2
done
exit 0
"""
