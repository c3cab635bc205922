"""What is asked of sbatch: the options of a service of `streamflow.yml`, and what a job needs.

A service's keys are sbatch's long options (sbatch(1), section "OPTIONS") in camel case. Three of them
are not: `file` is a template, `group` is how many attempts one queue's job carries out, and `flags`
are further options as they are typed.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence

from ...data_classes import dataclass
from ...errors import DocumentInvalid
from ..base import Launch

Value = str | int | bool
Options = Mapping[str, Value]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


TEXTS = _names(
    """account acctgFreq batch bb bbf begin clusterConstraint clusters comment constraint container containerId cpuFreq
    deadline dependency distribution exclude export extra extraNodeInfo gpuBind gpuFreq gpus gpusPerNode gpusPerSocket
    gpusPerTask gres gresFlags hint jobName licenses mailType mailUser mcsLabel mem memBind memPerCpu memPerGpu network
    nodefile nodelist nodes oomKillStep openMode partition power prefer priority profile propagate qos reservation
    segment signal switches time timeMin tresBind tresPerTask wckey"""
)
FLAGS = _names(
    """contiguous ignorePBS noKill noRequeue overcommit oversubscribe reboot requeue spreadJob stepmgr useMinNodes
    waitAllNodes"""
)
NUMBERS = _names(
    """coreSpec coresPerSocket cpusPerGpu cpusPerTask delayBoot mincpus nice ntasks ntasksPerCore ntasksPerGpu
    ntasksPerNode ntasksPerSocket socketsPerNode threadSpec threadsPerCore tmp"""
)
FLAGS_OR_TEXTS = frozenset({"exclusive", "getUserEnv"})
NUMBERS_OR_TEXTS = frozenset({"exportFile", "gid", "uid"})
OWN = frozenset({"file", "group", "flags"})
SET_BY_US = {"array": "scatters become arrays by themselves", "comment": "jobs are found again by it"}
"""Keys that have no effect, with the reason."""
NAMES = {"ignorePBS": "ignore-pbs"}
"""Options whose name does not follow from the key."""
FIXED_FLAGS = {"waitAllNodes": "wait-all-nodes=1"}

CORES = ("cpusPerTask", "mincpus", "cpusPerGpu", "ntasksPerNode", "coresPerSocket", "exclusive")
"""A service that says one of these has settled how many cores a job gets; so for the next two."""
MEMORY = ("mem", "memPerCpu", "memPerGpu", "exclusive")
GPUS = ("gres", "gpus", "gpusPerNode", "gpusPerTask", "gpusPerSocket", "tresPerTask")
HANDS_OFF = re.compile(
    r"--?(?:chdir|D|input|i|output|o|error|e|parsable|array|a|wrap|test-only|wait|W|comment|help|h|version|V)\b"
)
"""Options that would break how jobs are followed, if they were among `flags`."""


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """A service as it is configured, checked."""

    options: Options
    flags: Sequence[str] = ()
    group: int = 1
    remarks: Sequence[str] = ()
    """What has no effect, one line each."""


def read_service(name: str, keys: Mapping[str, object]) -> ServiceOptions:
    """Return the options of a service. Raises DocumentInvalid, which names service and key."""
    options: dict[str, Value] = {}
    remarks = []
    for key, value in keys.items():
        if key in SET_BY_US:
            remarks.append(f"service {name!r}: {key!r} has no effect: {SET_BY_US[key]}")
        elif key not in OWN:
            options[key] = _checked(name, key, value)
    return ServiceOptions(options, _flags(name, keys.get("flags", ())), _group(name, keys.get("group", 1)), remarks)


def known_keys() -> frozenset[str]:
    """Return all keys that a service may have."""
    return TEXTS | FLAGS | NUMBERS | FLAGS_OR_TEXTS | NUMBERS_OR_TEXTS | OWN | frozenset(SET_BY_US)


def _checked(name: str, key: str, value: object) -> Value:
    if key not in known_keys():
        raise DocumentInvalid(f"service {name!r}: {key!r} is no option of sbatch that can be set here")
    is_flag, is_number = isinstance(value, bool), isinstance(value, int) and not isinstance(value, bool)
    fits = (
        (is_flag and key in FLAGS | FLAGS_OR_TEXTS)
        or (is_number and key in NUMBERS | NUMBERS_OR_TEXTS | TEXTS)
        or (isinstance(value, str) and key not in FLAGS | NUMBERS)
        or (isinstance(value, str) and key in NUMBERS and value.isdigit())
    )
    if not fits or not isinstance(value, (str, int)):
        raise DocumentInvalid(f"service {name!r}: {key!r} cannot be {value!r}")
    if isinstance(value, str) and re.search(r"[\0\n]", value):
        raise DocumentInvalid(f"service {name!r}: {key!r} must be one line")
    return value


def _flags(name: str, value: object) -> Sequence[str]:
    words = value.split() if isinstance(value, str) else value
    if not isinstance(words, (list, tuple)) or not all(isinstance(word, str) for word in words):
        raise DocumentInvalid(f"service {name!r}: 'flags' must be a list of options of sbatch")
    for word in words:
        if HANDS_OFF.match(word) or not word.startswith("-") or "\0" in word:
            raise DocumentInvalid(f"service {name!r}: {word!r} cannot be among 'flags'", hint="write --option=value")
    return tuple(words)


def _group(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise DocumentInvalid(f"service {name!r}: 'group' must be a number from 1 on")
    return value


def job_options(service: Options, launches: Sequence[Launch]) -> Options:
    """Return what a queue's job asks for that carries out some attempts one after the other.

    What the service says comes first, but for the time limit: a job's own one replaces it. Unless
    the service says `requeue`, no job is started twice by Slurm: that would find it claimed.
    """
    options = dict(service)
    cores = _most(launch.cores for launch in launches)
    ram = _most(launch.ram for launch in launches)
    gpus = _most(launch.gpus for launch in launches)
    if cores and not any(key in service for key in CORES) and int(service.get("ntasks", 1)) == 1:
        options["cpusPerTask"] = math.ceil(cores)
    if ram and not any(key in service for key in MEMORY):
        options["mem"] = f"{math.ceil(ram)}M"
    if gpus and not any(key in service for key in GPUS):
        options["gpus"] = str(math.ceil(gpus))
    limits = [launch.time_limit for launch in launches]
    if limits and all(limits):
        options["time"] = str(math.ceil(sum(limit or 0 for limit in limits) / 60) + 1)
    if not service.get("requeue"):
        options.pop("requeue", None)
        options["noRequeue"] = True
    return options


def _most(amounts: Iterator[float | None]) -> float | None:
    return max((amount for amount in amounts if amount is not None), default=None)


def arguments(options: Options) -> Iterator[str]:
    """Yield the options of sbatch, each one word: `--cpus-per-task=8`."""
    for key, value in options.items():
        name = option_name(key)
        if key in FIXED_FLAGS and value is True:
            yield f"--{FIXED_FLAGS[key]}"
        elif value is True:
            yield f"--{name}"
        elif value is not False:
            yield f"--{name}={value}"


def option_name(key: str) -> str:
    """Return sbatch's long option of a key: `cpusPerTask` is `cpus-per-task`."""
    return NAMES.get(key) or re.sub(r"[A-Z]", lambda letter: f"-{letter[0].lower()}", key)


def clean_name(text: str) -> str:
    """Return a name for a job that no program that lists jobs stumbles over."""
    return re.sub(r"[^A-Za-z0-9._+-]+", "_", text).strip("_-")[:64] or "job"
