"""Apptainer and Singularity on a place: engines without a daemon, whose containers are processes of the job.

An image is one file there (SIF), made once and kept in a directory of the user's cache: from a registry
when the place reaches it, else from an archive that the controller carries there. Beside it lies
what is known of it. Files below the cache that are half made have other names, so that several
controllers and hosts may share the directory.

A container is an ordinary process below the attempt's own, and ends with it: nothing of it is left
to be found or removed. It gets no more than the job needs: no file system of the host but what is
mounted, no environment but the job's, no network unless asked.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict

from ..data_classes import dataclass
from ..errors import InputInvalid, PlaceFailed
from .carrying import Carrier
from .container import ANSWER_SECONDS, Found
from .images import Image, ImageFacts, Run, carried_name, last_words, qualified, tag_of
from .oci import DEFAULT_OPTIONS, ContainerJob, EngineOptions, Mount, check_texts, mount_option

PROGRAMS = ("apptainer", "singularity")
NO_START = 255
"""Exit code of the engine when it could not start the command."""
_BUILD = """
sif=$1 source=$2 program=$3
part=$sif.$4.part
rm -rf "$part"
if [ -d "$source" ]; then from=$source/; else from=$source; fi
"$program" --quiet build --force "$part" "$from" >&2 || { rm -f "$part"; exit 1; }
mv -f "$part" "$sif"
"""
_ABOUT = """
sif=$1 program=$2
if command -v sha256sum >/dev/null; then sha256sum <"$sif"; else openssl dgst -sha256 -r <"$sif"; fi
uname -m
"$program" --quiet exec --containall --no-home "$sif" cat /.singularity.d/runscript 2>/dev/null
exit 0
"""
_UNPACK = 'mkdir -p "$2" && tar -xof "$1" -C "$2" && chmod -R u+rwX "$2"'
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm/v7", "i686": "386"}
_ENTRYPOINT = re.compile(r"^OCI_(ENTRYPOINT|CMD)='(.*)'$", re.M)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class ApptainerFacts:
    """What was found out about the engine of a place."""

    program: str
    """Absolute path."""
    name: str
    """`apptainer` or `singularity`."""
    version: str
    takes_no_eval: bool = True
    """It has an option that keeps it from evaluating texts of the image and the environment in a shell."""
    isolates_network: bool = True
    """A container can be kept from the network."""

    @property
    def runtime(self) -> str:
        """Name and version, as `Facts.runtime` of a location has them."""
        return f"{self.name} {self.version}"


class ApptainerEngine:
    """A working apptainer or singularity on a place."""

    def __init__(
        self, facts: ApptainerFacts, run: Run, carrier: Carrier, options: EngineOptions = DEFAULT_OPTIONS
    ) -> None:
        self.facts = facts
        self.options = options
        self._run = run
        self._carrier = carrier
        self._known: dict[Image, asyncio.Task[ImageFacts]] = {}
        self._facts: dict[str, ImageFacts] = {}
        """By reference: what is known of images that were asked for."""

    async def ensure_image(self, image: Image, *, offline: bool = False) -> ImageFacts:
        """Return an image that is there, after it was got when needed; callers at the same time share one effort.

        Raises PlaceFailed: one line with what failed, and the last words of the engine.
        """
        task = self._known.get(image)
        if task is None or (task.done() and (task.cancelled() or task.exception() is not None)):
            task = self._known[image] = asyncio.get_running_loop().create_task(self._find_or_get(image, offline))
        facts = await asyncio.shield(task)
        self._facts[facts.reference] = facts
        return facts

    async def find_image(self, image: Image) -> ImageFacts | None:
        """Return an image that is there already, or None."""
        sif = await self._path(image)
        done = await self._run(["sh", "-c", 'test -f "$1" && cat "$1.json"', "sh", sif])
        if done.code != 0:
            return None
        try:
            stored = json.loads(done.stdout)
            return ImageFacts(**{**stored, **{key: tuple(stored[key]) for key in ("entrypoint", "command")}})
        except (ValueError, TypeError, KeyError):
            return None

    def argv(self, job: ContainerJob) -> list[str]:
        """Return the command line that runs a job. Raises Unsupported for what the engine cannot be given."""
        check_texts(self.facts.name, job)
        home, mounts = _home(job)
        isolated = ["--net", "--network=none"] if not job.network and self.facts.isolates_network else []
        return [
            self.facts.program,
            "--quiet",
            *self.options.global_arguments,
            "exec",
            "--containall",
            *(["--no-eval"] if self.facts.takes_no_eval else []),
            *home,
            *isolated,
            *(["--nv"] if job.gpus or job.gpu_devices else []),
            *(f"--mount={_mount(mount_option(mount))}" for mount in mounts),
            f"--pwd={job.workdir}",
            *self.options.run_arguments,
            job.image,
            *self._command(job),
        ]

    def client_environment(self, job: ContainerJob) -> dict[str, str]:
        """Return the variables to be set for the engine, which gives them to the job."""
        prefix = f"{self.facts.name.upper()}ENV_"
        for name in job.environment:
            if not name or "=" in name:
                raise InputInvalid(f"an environment variable cannot be called {name!r}")
        return {f"{prefix}{name}": text for name, text in job.environment.items() if name != "HOME"}

    async def find(self, token: str) -> Found | None:
        """Return None: a container is a process of the attempt, and has no life of its own."""
        return None

    async def remove(self, token: str) -> bool:
        """Do nothing: a container has ended with its attempt."""
        return False

    def explain(self, exit_code: int, stderr: bytes) -> str | None:
        """Return the engine's own words when it was the engine that failed, not the job; else None."""
        found = re.findall(rb"^(?:\x1b\[\d+m)?FATAL: *(?:\x1b\[0m)?(.*)$", stderr, re.M)
        return found[-1].decode("utf-8", "replace").strip() if found and exit_code == NO_START else None

    # -- images ----------------------------------------------------------------------------------

    def _command(self, job: ContainerJob) -> Sequence[str]:
        """Return the command with the image's entry point before it, as docker has it."""
        facts = self._facts.get(job.image)
        return job.argv if facts is None else (*facts.entrypoint, *(job.argv or facts.command))

    async def _path(self, image: Image) -> str:
        return f"{await self._carrier.directory()}/{carried_name(image).rpartition(':')[2]}.sif"

    async def _find_or_get(self, image: Image, offline: bool) -> ImageFacts:
        found = await self.find_image(image)
        if found is not None:
            return found
        if offline:
            raise PlaceFailed(
                f"the image {_called(image)} is not on {self._carrier.location} and may not be got offline",
                hint="run once without --offline",
            )
        sif = await self._path(image)
        await self._get(image, sif)
        facts = await self._about(image, sif)
        text = json.dumps(asdict(facts))
        await self._well(["sh", "-c", 'cat >"$1.part" && mv -f "$1.part" "$1"', "sh", f"{sif}.json"], text.encode())
        return facts

    async def _get(self, image: Image, sif: str) -> None:
        """Make the image's file, from where its description says."""
        if image.import_ is not None:
            root = f"{sif}.{os.urandom(8).hex()}.root"
            try:
                async with self._carrier.fetch(image.import_) as archive:
                    await self._well(["sh", "-c", _UNPACK, "sh", archive, root])
                await self._build(sif, root)
            finally:
                await self._well(["rm", "-rf", root])
        elif image.load is not None:
            async with self._carrier.fetch(image.load) as archive:
                await self._build(sif, f"docker-archive:{archive}")
        elif image.file is not None:
            await self._carried(image, sif)
        else:
            name = image.pull or image.name
            try:
                await self._build(
                    sif, name if "://" in name or name.endswith(".sif") else f"docker://{qualified(name)}"
                )
            except PlaceFailed as failure:
                await self._carried(image, sif, failure)

    async def _carried(self, image: Image, sif: str, why: PlaceFailed | None = None) -> None:
        try:
            async with self._carrier.archive(image) as archive:
                await self._build(sif, f"docker-archive:{archive}")
        except PlaceFailed as failure:
            before = f"{why.problem}; " if why is not None else ""
            raise PlaceFailed(f"{before}{failure.problem}", hint=failure.hint) from failure

    async def _build(self, sif: str, source: str) -> None:
        await self._well(
            ["sh", "-c", _BUILD, "sh", sif, source, self.facts.program, os.urandom(8).hex()], doing=f"get {source}"
        )

    async def _about(self, image: Image, sif: str) -> ImageFacts:
        done = await self._run(["sh", "-c", _ABOUT, "sh", sif, self.facts.program])
        digest, machine, *rest = (*done.stdout.decode("utf-8", "replace").split("\n"), "", "")
        said = {name: tuple(_words(text)) for name, text in _ENTRYPOINT.findall("\n".join(rest))}
        name = image.name or image.pull or sif
        return ImageFacts(
            id=f"sha256:{digest.partition(' ')[0]}",
            name=name,
            tag=tag_of(name) if image.name or image.pull else None,
            digest=name.partition("@")[2] or None,
            platform=f"linux/{_MACHINES.get(machine, machine)}",
            entrypoint=said.get("ENTRYPOINT", ()),
            command=said.get("CMD", ()),
            engine=self.facts.runtime,
            reference=sif,
        )

    async def _well(self, argv: Sequence[str], stdin: bytes = b"", doing: str = "keep an image") -> None:
        done = await self._run(argv, stdin=stdin)
        if done.code != 0:
            raise PlaceFailed(
                f"{self.facts.name} on {self._carrier.location} could not {doing}: {_words_of(done.stderr)}"
            )


async def probe(run: Run, program: str) -> ApptainerFacts:
    """Return what there is to know of an engine. Raises PlaceFailed when it does not work."""
    script = 'command -v "$1" || exit 1; "$1" --version; "$1" exec --help 2>/dev/null | grep -c -e --no-eval; id -u'
    async with asyncio.timeout(ANSWER_SECONDS + 5):
        done = await run(["sh", "-c", script, "sh", program], timeout=ANSWER_SECONDS)
    path, version, count, *_ = (*done.stdout.decode("utf-8", "replace").split("\n"), "", "", "")
    if done.code != 0 or not path:
        raise PlaceFailed(f"{program} is not installed")
    name = "singularity" if version.startswith("singularity") else "apptainer"
    return ApptainerFacts(path, name, version.rpartition(" ")[2], takes_no_eval=count.strip() not in ("", "0"))


def _home(job: ContainerJob) -> tuple[list[str], list[Mount]]:
    """Return how HOME is set, which is not taken from a variable, and what else is mounted."""
    home = job.environment.get("HOME")
    for mount in job.mounts:
        pair = f"{mount.source}:{mount.target}"
        if home is not None and mount.target == home and mount.writable and pair.count(":") == 1 and "," not in pair:
            return [f"--home={pair}"], [each for each in job.mounts if each is not mount]
    return ["--no-home"], list(job.mounts)


def _mount(option: str) -> str:
    """Return a mount as this engine has it: `ro` for what docker calls `readonly`."""
    return option.removesuffix(",readonly") + ",ro" if option.endswith(",readonly") else option


def _words(text: str) -> list[str]:
    """Return the words of a line of the run script, each in double quotes with backslashes as a shell has them."""
    return [re.sub(r"\\(.)", r"\1", word) for word in _QUOTED.findall(text)]


def _words_of(stderr: bytes) -> str:
    return re.sub(r"\x1b\[\d*m", "", last_words(stderr)).removeprefix("FATAL:").strip()


def _called(image: Image) -> str:
    return image.name or image.pull or image.load or image.import_ or "built from the given Dockerfile"


def is_apptainer(program: str) -> bool:
    """Tell whether a program, by its name, is one of these engines."""
    return os.path.basename(program) in PROGRAMS
