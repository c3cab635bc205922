"""Slurm by slurmrestd, its HTTP interface, with a JSON Web Token (rest_api.html of Slurm's documentation).

The requests go out from the controller's machine. Field names are those of the OpenAPI plugins from
v0.0.36 on; from v0.0.40 on some values are objects `{"set": true, "number": 5}`, and states are lists,
which is understood too.
"""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from ...data_classes import dataclass
from ...errors import DocumentInvalid, PlaceFailed
from ..base import Figures, Forecast, Launch
from ..queues.manager import QueueJob, Submission
from . import options
from .answers import expand
from .fields import REST, as_fields, megabytes, minutes
from .refusals import hint_for
from .states import phase_of, waits_for

Send = Callable[[str, str, Mapping[str, str], bytes | None], tuple[int, bytes]]
"""Sends method, URL, headers and body; returns the status and the body of the answer. Raises OSError."""

TIMEOUT_SECONDS = 60.0
TOKEN_SECONDS = 1800
"""So long is a token used that was got from `scontrol token`."""
ARRAY_SIZE = 1000
VERSION = "v0.0.38"
"""Of the OpenAPI plugin, of Slurm 22.05 and on."""
OUR_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin"}
"""slurmrestd gives a job no environment of its own."""


@dataclass(frozen=True, slots=True)
class RestSettings:
    """Where slurmrestd is, and who asks."""

    url: str
    user: str
    version: str


def read_settings(name: str, given: object) -> RestSettings:
    """Return the settings of `rest`: `url`, `user`, `version`. Raises DocumentInvalid."""
    if (
        not isinstance(given, Mapping)
        or not isinstance(given.get("url"), str)
        or not isinstance(given.get("user"), str)
    ):
        raise DocumentInvalid(f"{name}: 'rest' needs the `url` of slurmrestd and the `user` that its tokens are for")
    if not given["url"].startswith(("http://", "https://")):
        raise DocumentInvalid(f"{name}: {given['url']!r} is no address of slurmrestd", hint="http://host:6820")
    unknown = sorted(set(given) - {"url", "user", "version"})
    if unknown:
        raise DocumentInvalid(f"{name}: 'rest' has no key {unknown[0]!r}", hint="it has: url, user, version")
    return RestSettings(given["url"].rstrip("/"), given["user"], str(given.get("version", VERSION)))


@dataclass(slots=True)
class SlurmRest:
    """Slurm by its HTTP interface."""

    place: str
    settings: RestSettings
    new_token: Callable[[], Awaitable[str]]
    """Returns a JSON Web Token."""
    send: Send
    most_elements: int = ARRAY_SIZE
    accounts: bool = False
    keeps_umask: ClassVar[bool] = False
    _token: str = ""
    _token_since: float = float("-inf")

    async def look(self) -> None:
        """Ask slurmrestd whether its controller answers."""
        pings = (await self._asked("GET", "ping")).get("pings", [])
        if not any("UP" in (ping.get("ping"), ping.get("pinged")) for ping in pings):
            raise PlaceFailed(f"{self.place}: the controller of Slurm does not answer slurmrestd")

    def options(self, service: options.Options, launches: Sequence[Launch]) -> options.Options:
        """Return what a queue's job asks for that carries out some attempts one after the other."""
        asked = options.job_options(service, launches)
        as_fields(asked, REST, "slurmrestd")
        return asked

    async def submit(self, submission: Submission) -> Sequence[str]:
        """Submit one job or an array."""
        if submission.flags:
            raise DocumentInvalid("'flags' cannot be given through slurmrestd", hint="use `via: commands`")
        body = {"job": self._job(submission), "script": submission.script.decode("utf-8", "surrogateescape")}
        try:
            text = json.dumps(body).encode("utf-8")
            base = str((await self._asked("POST", "job/submit", text))["job_id"])
        except (UnicodeEncodeError, KeyError) as error:
            raise PlaceFailed(f"{self.place}: slurmrestd cannot take the job: {error}") from error
        return [base] if submission.elements is None else [f"{base}_{index}" for index in range(submission.elements)]

    def _job(self, submission: Submission) -> dict[str, Any]:
        job = _typed(as_fields(submission.options, REST, "slurmrestd"))
        array = {} if submission.elements is None else {"array": f"0-{submission.elements - 1}"}
        streams = dict.fromkeys(("standard_input", "standard_output", "standard_error"), "/dev/null")
        name = options.clean_name(str(job.get("name", submission.name)))
        environment: Any = OUR_ENVIRONMENT
        if _release(self.settings.version) >= 39:
            environment = [f"{key}={value}" for key, value in OUR_ENVIRONMENT.items()]
        fixed = {"comment": submission.note, "current_working_directory": "/", "environment": environment}
        return {**job, "name": name, **fixed, **streams, **array}

    async def listed(self, native_ids: Sequence[str]) -> Mapping[str, QueueJob]:
        """Return some jobs of the user's. slurmrestd lists those of all users."""
        wanted = frozenset(native_ids)
        return {job.native_id: job for job in await self.remembered() if job.native_id in wanted}

    async def remembered(self) -> Sequence[QueueJob]:
        """Return the user's jobs that the controller still remembers."""
        jobs = (await self._asked("GET", "jobs")).get("jobs", [])
        return [each for job in jobs if job.get("user_name") == self.settings.user for each in read_jobs(job)]

    async def details(self, native_ids: Sequence[str]) -> Mapping[str, QueueJob]:
        """Return all that is known of some jobs."""
        return await self.listed(native_ids)

    async def usage(self, native_ids: Sequence[str]) -> Mapping[str, Figures]:
        """Return nothing: the accounts behind slurmrestd are not asked."""
        return {}

    async def cancel(self, native_ids: Sequence[str]) -> None:
        """End jobs, by a request for each."""
        for native_id in native_ids:
            try:
                await self._asked("DELETE", f"job/{quote(native_id, safe='')}")
            except PlaceFailed as error:
                if "Invalid job id" not in str(error) and "already completing" not in str(error):
                    raise

    def in_words(self, job: QueueJob) -> str | None:
        """Return what a job that waits is waiting for."""
        return waits_for(job)

    async def forecast(self, submission: Submission) -> Forecast:
        """Return nothing but that the options can be: slurmrestd has no trial submission."""
        self._job(submission)
        return Forecast()

    async def _asked(self, method: str, path: str, body: bytes | None = None) -> dict[str, Any]:
        """Return the answer to a request; a token that has run out is replaced once."""
        url = f"{self.settings.url}/slurm/{self.settings.version}/{path}"
        for attempt in (1, 2):
            status, answer = await self._sent(method, url, body)
            if status == 401 and attempt == 1:
                self._token_since = float("-inf")
                continue
            return self._read(status, answer)
        raise AssertionError("a second answer is always read")

    async def _sent(self, method: str, url: str, body: bytes | None) -> tuple[int, bytes]:
        if time.monotonic() - self._token_since > TOKEN_SECONDS:
            self._token, self._token_since = await self.new_token(), time.monotonic()
        headers = {"X-SLURM-USER-NAME": self.settings.user, "X-SLURM-USER-TOKEN": self._token}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            return await asyncio.to_thread(self.send, method, url, headers, body)
        except OSError as error:
            reason = getattr(error, "reason", error)
            hint = "is slurmrestd running, and is its port reached from here?"
            raise PlaceFailed(f"{self.place}: no answer from {self.settings.url}: {reason}", hint=hint) from error

    def _read(self, status: int, answer: bytes) -> dict[str, Any]:
        try:
            read = json.loads(answer) if answer.strip() else {}
        except ValueError:
            read = {}
        errors = [_said(error) for error in read.get("errors") or []] if isinstance(read, dict) else []
        if status == 401:
            raise PlaceFailed(f"{self.place}: slurmrestd refused the token", hint="set SLURM_JWT, see `scontrol token`")
        if status >= 400 or errors or not isinstance(read, dict):
            text = "; ".join(filter(None, errors)) or f"HTTP status {status}"
            raise PlaceFailed(f"{self.place}: slurmrestd says: {text}", hint=hint_for(text))
        return read


def send_by_urllib(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> tuple[int, bytes]:
    """Send a request and return the answer, whatever its status."""
    request = urllib.request.Request(url, data=body, headers=dict(headers), method=method)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def read_jobs(job: Mapping[str, Any]) -> Iterable[QueueJob]:
    """Yield the jobs that an entry of `jobs` stands for: elements of an array that wait share one."""
    word = _word(job.get("job_state"))
    restarts = int(_number(job.get("restart_cnt")) or 0)
    reason = _text(job.get("state_description")) or _text(job.get("state_reason"))
    code, signal = _ended(job.get("exit_code"))
    for native_id, element in expand(_id(job)):
        yield QueueJob(
            native_id,
            phase_of(word, reason, restarts),
            word,
            reason=None if reason == "None" else reason,
            note=_text(job.get("comment")),
            element=element,
            nodes=_text(job.get("nodes")),
            exit_code=code,
            signal=signal,
            restarts=restarts,
            ran=_ran(job, word),
            started=_number(job.get("start_time")) or None,
            ended=_number(job.get("end_time")) or None,
        )


def _id(job: Mapping[str, Any]) -> str:
    base = int(_number(job.get("array_job_id")) or 0)
    index = _number(job.get("array_task_id"))
    if not base:
        return str(int(_number(job.get("job_id")) or 0))
    if index is not None:
        return f"{base}_{int(index)}"
    waiting = _text(job.get("array_task_string"))
    return f"{base}_[{waiting}]" if waiting else str(base)


def _ran(job: Mapping[str, Any], word: str) -> float | None:
    started = _number(job.get("start_time"))
    return max(0.0, time.time() - started) if word == "RUNNING" and started else None


def _word(state: Any) -> str:
    """Return a state: a word, or the first of a list of a state and its flags."""
    words = state if isinstance(state, list) else [state]
    return next((str(word) for word in words if word in ("COMPLETING", "REQUEUED")), str(words[0] if words else ""))


def _number(value: Any) -> float | None:
    if isinstance(value, Mapping):
        return _number(value.get("number")) if value.get("set") else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _ended(value: Any) -> tuple[int | None, int | None]:
    """Return exit code and signal: of a status as wait(2) has it, or of the object of later versions."""
    if isinstance(value, Mapping) and "return_code" in value:
        signal = _number((value.get("signal") or {}).get("id"))
        code = _number(value.get("return_code"))
        return None if code is None else int(code), int(signal) if signal else None
    status = _number(value)
    return (None, None) if status is None else (int(status) >> 8, (int(status) & 0x7F) or None)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _said(error: Mapping[str, Any]) -> str:
    return str(error.get("error") or error.get("description") or "").strip()


def _release(version: str) -> int:
    number = version.rpartition(".")[2]
    return int(number) if number.isdigit() else 0


def _typed(fields: dict[str, Any]) -> dict[str, Any]:
    """Return fields with the types that slurmrestd wants: minutes, MiB, GPUs as gres."""
    for name, convert in _CONVERSIONS.items():
        if name in fields:
            fields[name] = convert(str(fields[name]) if not isinstance(fields[name], bool) else fields[name])
    return fields


def _gpus(count: Any) -> str:
    return f"gres:gpu:{count}"


def _gres(text: Any) -> str:
    return ",".join(part if part.startswith("gres:") else f"gres:{part}" for part in str(text).split(","))


def _sharing(value: Any) -> str:
    return str(value) if isinstance(value, str) else "exclusive" if value else "oversubscribe"


def _nodes(text: Any) -> list[int]:
    """Return the least and the most of `2` or `2-4`."""
    counts = [int(part) for part in str(text).split("-") if part.isdigit()]
    return [counts[0], counts[-1]] if counts else []


_CONVERSIONS: Mapping[str, Callable[[Any], Any]] = {
    "time_limit": minutes,
    "memory_per_node": megabytes,
    "memory_per_cpu": megabytes,
    "tres_per_job": _gpus,
    "tres_per_task": _gpus,
    "tres_per_node": _gres,
    "exclusive": _sharing,
    "nodes": _nodes,
    "begin_time": int,
    "tasks": int,
    "cpus_per_task": int,
}
