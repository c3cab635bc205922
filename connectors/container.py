"""Container engines (docker, podman) on a place: found, asked, told to end a job.

A container job is an ordinary attempt whose command line is that of `oci.run_argv`; this module
holds what goes around it. Use, by whoever starts attempts on a place:

    engine = await detect(functools.partial(connector.run, location), preferred=None)
    image = await engine.ensure_image(Image(name="debian:stable-slim", pull="debian:stable-slim"), offline=False)
    argv = engine.argv(ContainerJob(token=..., image=image.reference, argv=..., workdir=..., mounts=...))
    ...                                    # the attempt's script runs argv, with client_environment(job) set
    await engine.remove(token)             # after a cancel, a time limit or a crash: whatever is left of it

`find` tells after a crash whether the container of an attempt is still there.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..data_classes import dataclass
from ..errors import PlaceFailed, Unsupported
from .base import Completed
from .images import Carry, Fetch, Image, ImageFacts, Images, Run, last_words
from .oci import (
    DEFAULT_OPTIONS,
    TOKEN_LABEL,
    ContainerJob,
    EngineFacts,
    EngineKind,
    EngineOptions,
    client_environment,
    container_name,
    run_argv,
)

ANSWER_SECONDS = 30.0
"""How long an engine may take to answer a question before it counts as dead."""

_NO_START = 125
_ENGINE_SPEAKS = re.compile(rb"^(docker: |Error: |ERRO\[|\[FATAL tini|ERROR \(catatonit)", re.M)
_PROGRAM_IS_MISSING = 127
_NOFILE, _NPROC = 1 << 20, 1 << 15
_CAP_SYS_RESOURCE = 1 << 24

_PROBE = """
id -u; id -g
command -v "$1" || echo
cat /proc/self/limits /proc/self/status 2>/dev/null
ls -d /usr/libexec/podman/catatonit /usr/lib/podman/catatonit /usr/bin/catatonit 2>/dev/null || :
"""


@dataclass(frozen=True, slots=True)
class Found:
    """The container of an attempt, as the engine knows it after a crash."""

    id: str
    ended: bool
    """False: it runs, or was about to be started. Either way `remove` is due when nobody waits for it."""


class ContainerEngine:
    """A working docker or podman on a place."""

    def __init__(
        self,
        facts: EngineFacts,
        run: Run,
        options: EngineOptions = DEFAULT_OPTIONS,
        fetch: Fetch | None = None,
        carry: Carry | None = None,
    ) -> None:
        self.facts = facts
        self.options = options
        self._run = run
        self._images = Images(facts, run, options, fetch, carry)

    async def ensure_image(self, image: Image, *, offline: bool = False) -> ImageFacts:
        """Return an image that is there, after it was got when needed (see `Images.ensure`)."""
        return await self._images.ensure(image, offline=offline)

    async def save_image(self, facts: ImageFacts, path: str) -> None:
        """Write an image that is there to a file on the place (see `Images.save`)."""
        await self._images.save(facts, path)

    async def find_image(self, image: Image) -> ImageFacts | None:
        """Return an image that is there already, or None."""
        return await self._images.find(image)

    def argv(self, job: ContainerJob) -> list[str]:
        """Return the command line that runs a job (see `oci.run_argv`)."""
        return run_argv(self.facts, job, self.options)

    def client_environment(self, job: ContainerJob) -> dict[str, str]:
        """Return the variables that must be set where the command line of a job is executed."""
        return client_environment(job)

    async def find(self, token: str) -> Found | None:
        """Return the container of the attempt with this token, or None when there is none."""
        printed = await self._ask(
            "ps", "--all", "--no-trunc", f"--filter=label={TOKEN_LABEL}={token}", "--format={{.ID}} {{.State}}"
        )
        for line in printed.splitlines():
            identifier, _, state = line.partition(" ")
            return Found(identifier, state.strip().lower() in ("exited", "dead", "stopped", "removing"))
        return None

    async def remove(self, token: str) -> bool:
        """End and remove the container of an attempt; tell whether there was one."""
        name, killed = container_name(token), False
        if self.facts.kind is EngineKind.PODMAN:  # whose `rm --force` first waits ten seconds for the job to obey
            killed = (await _within(self._run, self._argv("kill", name))).code == 0
        done = await _within(self._run, self._argv("rm", "--force", "--volumes", name))
        words = last_words(done.stderr)
        if done.code == 0:
            return killed or bool(done.stdout.strip())
        if re.search(r"no such container|no container with name", words, re.I):
            return killed
        if re.search(r"already in progress", words, re.I):
            return True
        raise PlaceFailed(f"{self.facts.kind.value} could not remove the container of the attempt {token}: {words}")

    def explain(self, exit_code: int, stderr: bytes) -> str | None:
        """Return the engine's own words when it was the engine that failed, not the job; else None.

        `stderr` is the last part of what the attempt wrote there: job and engine share it.
        """
        if exit_code not in (_NO_START, 126, _PROGRAM_IS_MISSING) or not _ENGINE_SPEAKS.search(stderr):
            return None
        return last_words(stderr)

    async def _ask(self, *arguments: str) -> str:
        done = await _within(self._run, self._argv(*arguments))
        if done.code != 0:
            raise PlaceFailed(f"{self.facts.kind.value} does not answer: {last_words(done.stderr)}")
        return done.stdout.decode(errors="replace")

    def _argv(self, *arguments: str) -> list[str]:
        return [self.facts.program, *self.options.global_arguments, *arguments]


async def detect(
    run: Run,
    preferred: str | None = None,
    options: EngineOptions = DEFAULT_OPTIONS,
    fetch: Fetch | None = None,
    carry: Carry | None = None,
) -> ContainerEngine:
    """Return a container engine that works on the place where `run` runs its commands.

    Args:
        run: runs a short command there.
        preferred: `docker`, `podman` or the path of one; None tries docker, then podman.
        options: what the user chose for the engine.
        fetch: how image archives named by a URI come there; None for the controller's own machine.
        carry: how an image that the place cannot pull comes there; None: it does not.

    Raises:
        Unsupported: with one line that says why none works.
    """
    reasons = []
    for program in [preferred] if preferred else ["docker", "podman"]:
        try:
            return ContainerEngine(await probe(run, program, options), run, options, fetch, carry)
        except PlaceFailed as failure:
            reasons.append(failure)
    raise Unsupported(
        "no container engine works here: " + "; ".join(reason.problem for reason in reasons),
        hint=next((reason.hint for reason in reasons if reason.hint), None)
        or "install docker or podman, or start its service",
    )


async def probe(run: Run, program: str, options: EngineOptions = DEFAULT_OPTIONS) -> EngineFacts:
    """Return what there is to know of an engine. Raises PlaceFailed when it does not work."""
    path, facts, host = await _probe_host(run, program)
    version = await _answer(run, program, [path, "--version"])
    prefix = [path, *options.global_arguments]
    if "podman" in version.lower():
        info = await _info(run, program, [*prefix, "info", "--format=json"])
        return _podman_facts(replace(facts, kind=EngineKind.PODMAN), info, host)
    info, components, bridge = await asyncio.gather(
        _info(run, program, [*prefix, "info", "--format={{json .}}"]),
        _within(run, [*prefix, "version", "--format={{json .Server}}"]),
        _within(run, [*prefix, "network", "inspect", "bridge"]),
    )
    return _docker_facts(facts, info, components.stdout, bridge.code == 0)


async def _probe_host(run: Run, program: str) -> tuple[str, EngineFacts, str]:
    done = await _within(run, ["/bin/sh", "-c", _PROBE, "sh", program])
    uid, gid, path, *rest = (*done.stdout.decode(errors="replace").split("\n"), "", "", "")
    if not path:
        raise PlaceFailed(f"{program} is not installed")
    facts = EngineFacts(kind=EngineKind.DOCKER, program=path, version="", uid=int(uid), gid=int(gid))
    return path, facts, "\n".join(rest)


def _docker_facts(facts: EngineFacts, info: dict[str, Any], server: bytes, bridge: bool) -> EngineFacts:
    if not info.get("ServerVersion"):
        errors = info.get("ServerErrors") or ["it gave no reason"]
        raise PlaceFailed(f"docker's daemon does not answer: {last_words(str(errors[0]).encode())}", hint=_START_DOCKER)
    security = [str(option) for option in info.get("SecurityOptions") or []]
    return replace(
        facts,
        version=str(info["ServerVersion"]),
        rootless=any("name=rootless" in option for option in security),
        remapped=any("name=userns" in option for option in security),
        selinux=any("name=selinux" in option for option in security),
        limits_memory=bool(info.get("MemoryLimit")),
        limits_swap=bool(info.get("SwapLimit")),
        limits_cpus=bool(info.get("CpuCfsQuota")),
        cpus=info.get("NCPU"),
        init=b'"docker-init"' in server and b'"docker-init","Version":"N/A"' not in server,
        bridge=bridge,
    )


def _podman_facts(facts: EngineFacts, info: dict[str, Any], host: str) -> EngineFacts:
    about = info.get("host", {})
    security = about.get("security", {})
    controllers = about.get("cgroupControllers") or []
    rootless = bool(security.get("rootless"))
    limits = not rootless or about.get("cgroupVersion") == "v2"
    return replace(
        facts,
        version=str(info.get("version", {}).get("Version", "")),
        rootless=rootless,
        selinux=bool(security.get("selinuxEnabled")),
        limits_memory=limits and "memory" in controllers,
        limits_cpus=limits and "cpu" in controllers,
        cpus=about.get("cpus"),
        init="catatonit" in host,
        ulimits=() if rootless else _ulimits(host),
    )


def _ulimits(host: str) -> tuple[str, ...]:
    """Return the limits that podman as root must state: it may not raise those that it has to its defaults."""
    capabilities = re.search(r"^CapEff:\s*([0-9a-f]+)", host, re.M)
    if capabilities is None or int(capabilities[1], 16) & _CAP_SYS_RESOURCE:
        return ()
    limits = []
    for option, words, highest in (("nofile", "Max open files", _NOFILE), ("nproc", "Max processes", _NPROC)):
        line = re.search(rf"^{words}\s+\S+\s+(\d+)", host, re.M)
        number = min(highest, int(line[1])) if line else highest
        limits.append(f"{option}={number}:{number}")
    return tuple(limits)


async def _info(run: Run, program: str, argv: Sequence[str]) -> dict[str, Any]:
    printed = await _answer(run, program, argv)
    try:
        info: dict[str, Any] = json.loads(printed)
    except json.JSONDecodeError:
        raise PlaceFailed(f"{program} info does not answer in JSON: {last_words(printed.encode())}") from None
    return info


async def _answer(run: Run, program: str, argv: Sequence[str]) -> str:
    done = await _within(run, argv)
    if done.code != 0:
        words = last_words(done.stderr or done.stdout)
        hint = _START_DOCKER if "daemon" in words else None
        raise PlaceFailed(f"{program} does not work: {words}", hint=hint)
    return done.stdout.decode(errors="replace")


async def _within(run: Run, argv: Sequence[str]) -> Completed:
    try:
        async with asyncio.timeout(ANSWER_SECONDS + 5):
            return await run(argv, timeout=ANSWER_SECONDS)
    except TimeoutError:
        raise PlaceFailed(f"{argv[0]} did not answer within {ANSWER_SECONDS:.0f} s") from None


_START_DOCKER = "start docker's service, set DOCKER_HOST, or choose podman"
