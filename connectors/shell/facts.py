"""What a host tells of itself when it is first reached: facts for the record, and which tools there are."""

from __future__ import annotations

from collections.abc import Mapping

from ...data_classes import dataclass
from ..base import Facts
from ..zones import umask_of, zone_of

HELLO = r"""
LC_ALL=C; export LC_ALL
say() { printf '%s=%s\n' "$1" "$2"; }
has() { command -v "$1" >/dev/null 2>&1; }
say hostname "$(uname -n)"
say kernel "$(uname -sr)"
say os "$( . /etc/os-release 2>/dev/null && printf %s "$PRETTY_NAME")"
say machine "$(uname -m)"
{ while IFS=: read -r key text; do
  case $key in 'model name'*|Model*) say cpu "${text# }"; break ;; esac
done </proc/cpuinfo; } 2>/dev/null
say cores "$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN 2>/dev/null)"
{ while read -r key text rest; do
  case $key in MemTotal:) say memory "$text"; break ;; esac
done </proc/meminfo; } 2>/dev/null
for limit in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
  { read -r text <"$limit" && say limit "$text"; } 2>/dev/null
done
gpus=0
for gpu in /proc/driver/nvidia/gpus/*; do [ -e "$gpu" ] && gpus=$((gpus + 1)); done
say gpus "$gpus"
{ read -r boot </proc/sys/kernel/random/boot_id && say boot "$boot"; } 2>/dev/null
{ read -r up rest </proc/uptime && say up "$up"; } 2>/dev/null
say now "$(date +%s.%N)"
for tool in setsid openssl sha256sum sha1sum shasum; do has "$tool" && say "has.$tool" yes; done
find / -maxdepth 0 -printf x >/dev/null 2>&1 && say has.printf yes
stat -c %s / >/dev/null 2>&1 && say has.stat yes
tar --null -cf /dev/null -T /dev/null >/dev/null 2>&1 && say has.tarnull yes
for engine in docker podman apptainer singularity; do
  has "$engine" && { say runtime "$($engine --version 2>/dev/null)"; break; }
done
say umask "$(umask)"
zone=UTC
if [ -e /etc/localtime ]; then
  zone=$(readlink -f /etc/localtime 2>/dev/null)
  case $zone in
    */zoneinfo/*) zone=${zone##*/zoneinfo/} ;;
    *) zone=; { read -r zone </etc/timezone; } 2>/dev/null ;;
  esac
fi
say zone "$zone"
exit 0
"""
KIB_IN_MIB = 1024
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Known:
    """What there is to know of a host."""

    facts: Facts
    tools: frozenset[str]
    """Programs that are there, and `printf` (find -printf), `stat` (stat -c), `tarnull` (tar --null)."""
    boot: str
    """Changes each time the host is started; empty where it cannot be told."""
    origin: float | None
    """The instant from which the host counts its uptime, in seconds since 1970 UTC."""


def parse_hello(printed: bytes) -> Known:
    """Return what `HELLO` printed."""
    said: dict[str, str] = {}
    for line in printed.decode("utf-8", "replace").splitlines():
        key, _, text = line.partition("=")
        said.setdefault(key, text.strip())
    return Known(
        facts=_facts(said),
        tools=frozenset(key.removeprefix("has.") for key in said if key.startswith("has.")),
        boot=said.get("boot", ""),
        origin=_origin(said),
    )


def _facts(said: Mapping[str, str]) -> Facts:
    runtime = said.get("runtime", "").replace(" version ", " ").split(",")[0]
    return Facts(
        hostname=said.get("hostname") or None,
        os=said.get("os") or said.get("kernel") or None,
        kernel=said.get("kernel") or None,
        cpu_model=said.get("cpu") or said.get("machine") or None,
        cores=_number(said.get("cores", "")),
        memory=_memory(said),
        gpus=_number(said.get("gpus", "")),
        runtime=runtime.strip().lower() or None,
        umask=umask_of(said.get("umask", "")),
        time_zone=zone_of(said.get("zone", "")),
    )


def _memory(said: Mapping[str, str]) -> int | None:
    """Return MiB: of the host, or what the control group is limited to."""
    total, limit = _number(said.get("memory", "")), _number(said.get("limit", ""))
    known = [each for each in (total and total // KIB_IN_MIB, limit and limit // MIB) if each]
    return min(known, default=None)


def _number(text: str) -> int | None:
    return int(text) if text.isdigit() else None


def _origin(said: Mapping[str, str]) -> float | None:
    """Return when the host was started; its `date` may know no fractions of a second."""
    try:
        return float(said["now"].removesuffix(".%N").removesuffix(".N")) - float(said["up"])
    except (KeyError, ValueError):
        return None
