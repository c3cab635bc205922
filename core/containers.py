"""Containers on a place: the bridge between plans of jobs and the container engines of `connectors`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING

from ..connectors.base import Connector
from ..data_classes import dataclass
from ..errors import Unsupported
from ..redaction import SHORTEST
from .layout import Layout, Mount
from .plan import CommandPlan, ImageSpec

if TYPE_CHECKING:
    from ..connectors.engines import Engine
    from ..connectors.images import Image, ImageFacts

CLIENT_VARIABLES = ("PATH", "HOME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME")
"""What the engine's client needs of the controller's environment, beside its own variables."""
CLIENT_PREFIXES = ("DOCKER_", "CONTAINER_", "CONTAINERS_", "PODMAN_", "STORAGE_")


@dataclass(frozen=True, slots=True)
class ExactImage:
    """What an image has to be that a workflow names by a tag, since a run had it before.

    Attributes:
        digest: `sha256:...` on record, of its manifest in a registry or of its configuration.
        image_id: `sha256:...` of its configuration, where an archive is known to hold it.
        archive: path of that archive on this machine.
    """

    digest: str
    image_id: str | None = None
    archive: str | None = None

    def as_json(self) -> dict[str, str | None]:
        """Return it as JSON can say it, without the archive, which may be gone later."""
        return {"digest": self.digest, "image_id": self.image_id}

    def is_met(self, facts: ImageFacts) -> bool:
        """Tell whether an image is the one."""
        return bool({self.digest, self.image_id} & {facts.digest, facts.id})


@dataclass(frozen=True, slots=True)
class ReadyContainer:
    """An image that is ready, and the engine that runs it."""

    engine: Engine
    image: ImageFacts
    image_id: str
    here: bool = True
    """The engine is on the controller's own machine, so that its client is set up by the controller's variables."""

    def command(
        self, token: str, name: str, plan: CommandPlan, layout: Layout, mounts: tuple[Mount, ...]
    ) -> tuple[tuple[str, ...], dict[str, str]]:
        """Return the command that runs a plan's command in a container, and its client's environment."""
        from ..connectors.oci import ContainerJob
        from ..connectors.oci import Mount as EngineMount

        argv = ("/bin/sh", "-c", plan.shell) if plan.shell is not None else plan.argv
        job = ContainerJob(
            token=token,
            name=name,
            image=self.image.reference,
            argv=argv,
            workdir=layout.outdir,
            mounts=tuple(EngineMount(mount.source, mount.target, mount.writable) for mount in mounts),
            environment={name: text for name, text in plan.environment.items() if name != "PATH"},
            secrets=frozenset(name for name, text in plan.environment.items() if _holds(text, plan.secrets)),
            network=plan.request.network,
            gpus=plan.runtime.gpus,
        )
        client = _client_environment() if self.here else {}
        return tuple(self.engine.argv(job)), client | self.engine.client_environment(job)

    async def remove(self, token: str) -> None:
        """End and remove the container of an attempt, if it is still there."""
        await self.engine.remove(token)

    def explain(self, exit_code: int, stderr: bytes) -> str | None:
        """Return what the engine said, when it was the engine that failed and not the job."""
        return self.engine.explain(exit_code, stderr)


@dataclass(slots=True)
class EngineContainers:
    """Serves container images with one engine. `recorded` puts an image on record and returns its id."""

    engine: Engine
    recorded: Callable[[ImageFacts], str]
    offline: bool = False
    here: bool = True
    exact: Mapping[str, ExactImage] = field(default_factory=dict)
    """By full name of an image: see `ExactImage`."""
    _ready: dict[ImageSpec, ReadyContainer] = field(default_factory=dict)

    async def ready(self, image: ImageSpec) -> ReadyContainer:
        """Return a container image that is ready. Raises PlaceFailed when it cannot be had."""
        known = self._ready.get(image)
        if known is None:
            facts = await self._exactly(image) or await self.engine.ensure_image(_wanted(image), offline=self.offline)
            known = self._ready[image] = ReadyContainer(self.engine, facts, self.recorded(facts), self.here)
        return known

    async def _exactly(self, image: ImageSpec) -> ImageFacts | None:
        """Return the image that an earlier run had under this name; None when it is not known or not to be had."""
        name, exact = self._known(image)
        if exact is None:
            return None
        from ..connectors.images import Image, tag_of

        if exact.image_id is not None and exact.archive is not None:
            wanted = Image(exact.image_id, load=exact.archive)
            found: ImageFacts | None = await self.engine.ensure_image(wanted, offline=self.offline)
        else:
            found = await self._found(name, exact)
        if found is None or not exact.is_met(found):
            return None
        return replace(found, name=image.name or image.pull or name, tag=tag_of(name), digest=exact.digest)

    async def _found(self, name: str, exact: ExactImage) -> ImageFacts | None:
        """Return an image that the engine has, by its digest or its id."""
        from ..connectors.images import Image, tag_of

        bare = name.removesuffix(f":{tag_of(name)}")
        for known in dict.fromkeys((exact.image_id, f"{bare}@{exact.digest}", exact.digest)):
            found = None if known is None else await self.engine.find_image(Image(known))
            if found is not None:
                return found
        return None

    def _known(self, image: ImageSpec) -> tuple[str, ExactImage | None]:
        from ..connectors.images import full_name

        name = full_name(image.name or image.pull or "")
        return name, self.exact.get(name)

    async def stand_in(self, image: ImageSpec) -> ImageFacts | None:
        """Return the image that a job would get though an earlier run had another one; None when there is none."""
        _, exact = self._known(image)
        if exact is None or await self._exactly(image) is not None:
            return None
        return await self.engine.find_image(_wanted(image))

    async def has(self, image: ImageSpec) -> bool:
        """Tell whether an image is on the place, or can be brought there from an archive."""
        _, exact = self._known(image)
        if exact is not None and exact.archive is not None:
            return True
        return await self._exactly(image) is not None or await self.engine.find_image(_wanted(image)) is not None


@dataclass(slots=True)
class LazyContainers:
    """Looks for a container engine when the first job needs one.

    `wanted` is `auto`, `none`, `docker`, `podman`, `apptainer`, `singularity` or the path of one of these.
    """

    connector: Connector
    wanted: str
    offline: bool
    recorded: Callable[[ImageFacts], str]
    location: str = "local"
    here: bool = True
    """The place is the controller's own machine."""
    exact: Mapping[str, ExactImage] = field(default_factory=dict)
    """By full name of an image: see `ExactImage`."""
    _found: EngineContainers | None = None
    _missing: Unsupported | None = None
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def ready(self, image: ImageSpec) -> ReadyContainer | None:
        """Return a container image that is ready; None when it is only a hint and there is no engine.

        Raises Unsupported, PlaceFailed.
        """
        found = await self._service()
        if found is not None:
            return await found.ready(image)
        if image.required and self._missing is not None:
            raise self._missing
        return None

    async def why_none(self) -> Unsupported | None:
        """Return why there is no engine; None when there is one."""
        await self._service()
        return self._missing

    async def absent(self, images: Iterable[ImageSpec]) -> list[str]:
        """Return the names of those images that are not on this place yet."""
        found, names = await self._service(), []
        for image in images:
            if found is None or not await found.has(image):
                names.append(image.name or image.pull or "an image without a name")
        return list(dict.fromkeys(names))

    async def require(self, images: Iterable[ImageSpec]) -> None:
        """Raise Unsupported with the names of those images that are not on this place yet."""
        absent = await self.absent(images)
        if absent:
            raise Unsupported(
                f"offline, and these images are not here: {', '.join(absent)}", hint="get them, or run online"
            )

    async def stand_ins(self, images: Iterable[ImageSpec]) -> dict[str, ImageFacts]:
        """Return those images, by name, that are on this place and are not what an earlier run had."""
        found = await self._service()
        if found is None:
            return {}
        others = [(image.name or image.pull or "", await found.stand_in(image)) for image in images]
        return {name: other for name, other in others if other is not None}

    async def _service(self) -> EngineContainers | None:
        async with self._looking:
            return await self._sought()

    async def _sought(self) -> EngineContainers | None:
        if self._missing is None and self._found is None:
            if self.wanted == "none":
                self._missing = Unsupported("a container is required, but containers are switched off")
                return None
            # Loaded for the first container alone: most runs have none, and this brings `urllib.request`.
            from ..connectors.carrying import Carrier
            from ..connectors.engines import detect_engine

            carrier = Carrier(self.connector, self.location)
            try:
                engine = await detect_engine(carrier.run, carrier, wanted=self.wanted, here=self.here)
            except Unsupported as error:
                self._missing = error
            else:
                self._found = EngineContainers(engine, self.recorded, self.offline, self.here, self.exact)
        return self._found


def _wanted(image: ImageSpec) -> Image:
    from ..connectors.images import Image

    return Image(image.name, image.pull, image.load, image.file, image.import_)


def _client_environment() -> dict[str, str]:
    return {
        name: text for name, text in os.environ.items() if name in CLIENT_VARIABLES or name.startswith(CLIENT_PREFIXES)
    }


def _holds(text: str, secrets: frozenset[str]) -> bool:
    """Tell whether a variable's value has a secret in it; a very short one must be the whole value."""
    return any(secret == text or (len(secret) >= SHORTEST and secret in text) for secret in secrets if secret)
