"""Each place of a binding looked at before anything runs there: `recrate doctor`. Nothing is written to the store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ..errors import RecrateError
from .binding import LOCAL, Binding, Deployment
from .health import Finding, Verdict, checked
from .hybrid import looking
from .places import Place
from .sites import Site, Sites

REACH_SECONDS = 60.0
IMPATIENT: Mapping[str, Mapping[str, Any]] = {"ssh": {"retries": 0, "connectTimeout": 10}}
"""By kind of deployment: what of its configuration says how long it tries to be reached."""


def impatient(binding: Binding) -> Binding:
    """Return a binding whose places are tried once: whoever asks for a diagnosis will not wait."""
    changed = {
        name: replace(item, config={**item.config, **IMPATIENT.get(item.kind, {})})
        for name, item in binding.deployments.items()
    }
    return replace(binding, deployments=changed)


async def examine(binding: Binding, workdir: str) -> list[Finding]:
    """Return what there is to say of the places of a binding, and of this machine; nothing stays there."""
    remarks: list[str] = []
    async with looking(impatient(binding), workdir, remarks.append) as sites:
        found = await Doctor(sites).examine()
    return [*(Finding("binding", "file", Verdict.ODD, remark) for remark in remarks), *found]


class Doctor:
    """Looks at the places of a binding, which `sites` makes."""

    def __init__(self, sites: Sites) -> None:
        self.sites = sites
        self._seen: set[tuple[str, str]] = set()
        """Storages and directories for work that were looked at."""

    async def examine(self) -> list[Finding]:
        """Return what there is to say of each place, in the order of the file; this machine comes first."""
        found = list(await self._here())
        binding = self.sites.binding
        names = [name for name, item in binding.deployments.items() if item.kind != LOCAL]
        made = await asyncio.gather(*(self._reached(name) for name in names))
        reached = dict(zip(names, made, strict=True))
        for name in names:
            found += await self._of(binding.deployment(name), reached)
        return found

    async def _here(self) -> list[Finding]:
        place = self.sites.here
        return [_reach(place), *await checked(place, "auto", files=True)]

    async def _reached(self, name: str) -> Site | RecrateError | None:
        """Return a deployment, or why it cannot be had; None when it gives no answer."""
        try:
            async with asyncio.timeout(REACH_SECONDS):
                return await self.sites.site(name)
        except TimeoutError:
            return None
        except RecrateError as error:
            return error

    async def _of(self, deployment: Deployment, reached: Mapping[str, Site | RecrateError | None]) -> list[Finding]:
        site, name = reached[deployment.name], deployment.name
        inner = None if deployment.wraps is None else deployment.wraps.deployment
        if inner is not None and inner in reached and not isinstance(reached[inner], Site):
            text = f"it is reached through {inner!r}, which cannot be used"
            return [Finding(name, "reach", Verdict.BAD, text, f"mend {inner!r} first")]
        if isinstance(site, RecrateError):
            return [Finding.of(name, "reach", site)]
        if site is None:
            text = f"gives no answer within {REACH_SECONDS:.0f} s"
            return [Finding(name, "reach", Verdict.BAD, text, "is it up, and the way to it right?")]
        found: list[Finding] = []
        for place in site.places:
            found.append(_reach(place))
            found += await checked(place, deployment.containers, files=self._is_new(place))
        return found

    def _is_new(self, place: Place) -> bool:
        key = (place.storage.name, place.workdir)
        is_new = key not in self._seen
        self._seen.add(key)
        return is_new


def _reach(place: Place) -> Finding:
    return Finding(place.location.name, "reach", Verdict.GOOD, ", ".join(_known(place)) or "it answers")


def _known(place: Place) -> Iterator[str]:
    facts = place.location.facts
    if facts.hostname:
        yield f"host {facts.hostname}"
    if facts.os:
        yield facts.os
    if facts.cores:
        yield f"{facts.cores} cores"
    if facts.memory:
        yield f"{facts.memory} MiB of memory"
    if facts.gpus:
        yield f"{facts.gpus} GPUs"
