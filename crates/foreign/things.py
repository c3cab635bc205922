"""People, places, images, environments and workflows, as crates describe them, as rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import astuple, replace
from typing import Any

from ...core.values import to_json
from ...hashing import hash_json
from ...provenance import ids
from ...provenance.rows import (
    AgentRow,
    DeploymentRow,
    DocumentRow,
    EnvironmentRow,
    ImageRow,
    LocationRow,
    Row,
    SoftwareRow,
    WorkflowRow,
)
from ..graph import Entity
from ..read import Crate
from ..safety import is_web
from .runs import Foreign
from .values import Values

UNKNOWN = "unknown"
_ORCID = re.compile(r"https?://orcid\.org/\d{4}-\d{4}-\d{4}-\d{3}[\dX]")
_CWL_VERSION = re.compile(r"""["']?cwlVersion["']?\s*:\s*["']?(v\d+\.\d+)""")
_LARGEST_DOCUMENT = 8 << 20
_MEGABYTES = {"MB": 10**6, "MiB": 1 << 20, "kB": 1000, "KiB": 1024, "GB": 10**9, "GiB": 1 << 30, "E34": 10**9,
              "4L": 10**6, "2P": 1000, "AD": 1, "B": 1, "": 1}  # fmt: skip
"""Bytes of units, by their names and by the codes of UN/CEFACT Recommendation 20."""


def agent_row(crate: Crate, *actions: Entity | None) -> AgentRow | None:
    """Return on whose behalf something was done, when a person or organisation is named."""
    for action in actions:
        for agent in crate.related(action, "agent") if action is not None else ():
            if agent.is_a("Person", "Organization"):
                return _agent(crate, agent)
    return None


def _agent(crate: Crate, agent: Entity) -> AgentRow:
    name = agent.text("name") or agent.id
    orcid = agent.id.replace("http://", "https://") if _ORCID.fullmatch(agent.id) else None
    organisation = next(iter(crate.related(agent, "affiliation")), None)
    affiliation = organisation.text("name") or organisation.id if organisation else agent.text("affiliation")
    email = agent.text("email")
    identity = ids.agent_id(name, orcid, affiliation, email)
    return AgentRow(id=identity, name=name, orcid=orcid, affiliation=affiliation, email=email)


def image_row(crate: Crate, action: Entity) -> ImageRow | None:
    """Return the container image that an action says it ran in."""
    for value in action.all("containerImage"):
        entity = crate.entity(value) if isinstance(value, str) else None
        if entity is None:
            name, _, rest = str(value).removeprefix("docker://").partition("@")
            base, colon, tag = name.rpartition(":")
            tagged = bool(colon) and "/" not in tag
            return _image(base if tagged else name, tag if tagged else None, rest or None, "docker", None)
        registry, name = entity.text("registry"), entity.text("name") or entity.id
        sha256 = (entity.text("sha256") or "").lower()
        digest = f"sha256:{sha256}" if re.fullmatch("[0-9a-f]{64}", sha256) else None
        kinds = " ".join(str(kind) for kind in entity.all("additionalType"))
        shown = f"{registry}/{name}" if registry and not name.startswith(registry) else name
        architecture = entity.text("processorRequirements")
        return _image(shown, entity.text("tag"), digest, "apptainer" if "SIF" in kinds else "docker", architecture)
    return None


def _image(name: str, tag: str | None, digest: str | None, engine: str, platform: str | None) -> ImageRow:
    identity = ids.image_id(name, tag, digest, platform, engine)
    return ImageRow(id=identity, name=name, tag=tag, digest=digest, platform=platform, engine=engine)


def environment_row(crate: Crate, action: Entity) -> EnvironmentRow | None:
    """Return the environment variables that an action says it was given."""
    found = {item.text("name") or item.id: item.text("value") or "" for item in crate.related(action, "environment")}
    shown = dict(sorted(found.items()))
    return EnvironmentRow(id=hash_json(shown)[: ids.ID_LENGTH], variables=to_json(shown)) if shown else None


def location_rows(crate: Crate, action: Entity | None) -> tuple[DeploymentRow, LocationRow]:
    """Return where an action took place, as far as it says."""
    place = next(iter(crate.related(action, "location")), None) if action is not None else None
    said = action.text("location") if action is not None and place is None else None
    name = (place.text("name") or place.id if place is not None else said) or UNKNOWN
    deployment = DeploymentRow(
        id=ids.deployment_id("elsewhere", UNKNOWN, "{}"), name="elsewhere", kind=UNKNOWN, config="{}"
    )
    row = LocationRow(id="", deployment_id=deployment.id, name=name)
    return deployment, replace(row, id=ids.location_id(astuple(row)))


def usage(crate: Crate, action: Entity) -> dict[str, Any]:
    """Return the columns of an attempt for the resources that an action says it used."""
    found: dict[str, Any] = {}
    for item in crate.related(action, "resourceUsage"):
        key = re.sub("[^a-z]", "", (item.text("propertyID") or item.id).rpartition("/")[2].rpartition("#")[2].lower())
        amount = _number(item.text("value"))
        if amount is None or amount < 0:
            continue
        unit = (item.text("unitCode", "unitText") or "").rpartition("/")[2]
        if key in ("maxrss", "peakrss", "memmax", "peakmemory") and unit in _MEGABYTES:
            found["peak_rss"] = int(amount * _MEGABYTES[unit])
        elif key in ("cputime", "cpuseconds", "totalcpu") and unit in ("SEC", "s", ""):
            found["cpu_seconds"] = amount
    return found


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if abs(number) < 1e15 else None


def exit_code(action: Entity) -> int | None:
    """Return the exit code that an action tells (a term of Sapporo and of ours)."""
    number = _number(action.text("exitCode"))
    return int(number) if number is not None and number == int(number) else None


def software_rows(crate: Crate, run: Foreign, used: Mapping[str, Entity]) -> Iterator[SoftwareRow]:
    """Yield the engine, and by path of the step the tool and what that needs."""
    if run.engine is not None:
        yield _software(run.id, "engine", run.engine)
    for path, tool in used.items():
        for package in (tool, *crate.related(tool, "softwareRequirements")):
            if package.text("version", "softwareVersion"):
                yield _software(run.id, path, package)


def _software(run_id: str, role: str, entity: Entity) -> SoftwareRow:
    version = entity.text("version", "softwareVersion") or ""
    url = entity.text("url") or (entity.id if is_web(entity.id) else None)
    return SoftwareRow(run_id=run_id, role=role, name=entity.text("name") or entity.id, version=version, url=url)


# -- the workflow ----------------------------------------------------------------------------------


def workflow_rows(crate: Crate, workflow: Entity, values: Values) -> list[Row]:
    """Return the workflow that was run, with the texts that the crate holds of it."""
    path = crate.path_of(workflow.id)
    place = values.uri(path) if path is not None else workflow.id
    entry, name = place, workflow.text("name", "alternateName") or workflow.id
    language = language_of(crate, workflow)
    texts = {} if path is None else dict(_documents(crate, path))
    if language == "cwl" and path in texts:
        found = _CWL_VERSION.search(texts[path])
        language = f"cwl {found[1]}" if found else "cwl"
        entry = f"{place}#main" if '"#main"' in texts[path] else place
    digests = {values.uri(name): values.kept[name].sha256.hex() for name in texts}
    identity = ids.workflow_id(entry, digests)
    rows: list[Row] = [WorkflowRow(id=identity, name=name, language=language, entry=entry, main_uri=place)]
    for document, text in texts.items():
        uri = values.uri(document)
        rows.append(DocumentRow(workflow_id=identity, uri=uri, sha256=digests[uri], text=text))
    return rows


def language_of(crate: Crate, workflow: Entity) -> str:
    """Return the language of a workflow, `cwl` for CWL."""
    for language in crate.related(workflow, "programmingLanguage"):
        said = " ".join(filter(None, (language.id, language.text("name"), language.text("alternateName")))).lower()
        if "cwl" in said or "common workflow language" in said:
            return "cwl"
        return " ".join(filter(None, (language.text("name") or language.id, language.text("version"))))
    return workflow.text("programmingLanguage") or UNKNOWN


def _documents(crate: Crate, main: str) -> Iterator[tuple[str, str]]:
    """Yield the paths and texts of the workflow: its file, and the other documents of its language."""
    ending = main.rpartition(".")[2]
    others = (path for path in crate.paths() if path != main and path.endswith(f".{ending}"))
    for path in (main, *sorted(others)):
        if crate.size(path) <= _LARGEST_DOCUMENT:
            with crate.open(path) as stream:
                yield path, stream.read().decode("utf-8", "surrogateescape")


def unique(rows: Iterable[Row]) -> list[Row]:
    """Return rows without those that are there twice."""
    found: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        found.setdefault((row.TABLE, *(getattr(row, name) for name in row.KEY)), row)
    return list(found.values())
