"""Programs as entities: the engine and what it is made of, packages that tools ask for, container images."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from ...provenance.rows import ImageRow, RunRow, SoftwareRow
from .jsonld import Entity, clean, entity, escaped, ref, refs

ENGINE_URL = "https://pypi.org/project/recrate/"
ENGINE = "#engine"
LOCK_FILE = "recrate/requirements.txt"
LOCK_FORMAT = "https://pip.pypa.io/en/stable/reference/requirements-file-format/"
CONFIGURATION = "recrate/configuration.json"
_RUN_TERMS = "https://w3id.org/ro/terms/workflow-run#"
_KNOWN = {"python": "https://www.python.org/"}


def software_id(row: SoftwareRow) -> str:
    """Return the `@id` of a program or package."""
    return f"#software/{escaped(row.name)}/{escaped(row.version)}"


def software_entity(row: SoftwareRow) -> Entity:
    """Return the entity of a package that the engine is made of, or that a tool asks for."""
    if row.role == "dependency":
        url = _KNOWN.get(row.name) or f"https://pypi.org/project/{quote(row.name)}/"
    else:
        # Packages without an address have at least a name that is the same everywhere (package URL).
        url = row.url or f"pkg:generic/{quote(row.name, safe='')}"
    return entity(
        software_id(row),
        "SoftwareApplication",
        name=clean(row.name),
        version=clean(row.version) or "not specified",
        url=clean(url),
    )


def engine_entity(run: RunRow, software: Sequence[SoftwareRow]) -> Entity:
    """Return the entity of the program that carried the run out."""
    engine = next((row for row in software if row.role == "engine"), None)
    parts = [software_id(row) for row in software if row.role == "dependency"]
    return entity(
        ENGINE,
        "SoftwareApplication",
        name=clean(engine.name) if engine else "recrate",
        version=clean(engine.version if engine else run.engine_version) or "not specified",
        url=clean((engine.url if engine else None) or ENGINE_URL),
        softwareRequirements=refs(parts),
        description="the engine that carried the workflow out",
    )


def lock_text(run: RunRow, software: Sequence[SoftwareRow]) -> str:
    """Return the versions of the engine and of what it is made of, as pip reads them."""
    lines = [f"# the engine that carried out run {run.name}, with Python {run.python_version or 'unknown'}"]
    named = {row.name: row.version for row in software if row.role in ("engine", "dependency")}
    named.setdefault("recrate", run.engine_version)
    lines += [f"{name}=={version}" for name, version in sorted(named.items()) if name != "python" and version]
    return "\n".join([*lines, ""])


def lock_format_entity() -> Entity:
    """Return the entity of the format of the lock file."""
    return entity(
        LOCK_FORMAT,
        ["CreativeWork", "Profile"],
        name="requirements file of pip",
        url=LOCK_FORMAT,
        version="unversioned",
    )


def image_id(row_id: str) -> str:
    """Return the `@id` of a container image."""
    return f"#image/{escaped(row_id)}"


def image_entity(row: ImageRow) -> Entity:
    """Return the entity of a container image."""
    first, slash, rest = row.name.partition("/")
    has_registry = bool(slash) and (first == "localhost" or "." in first or ":" in first)
    kind = "SIFImage" if row.name.endswith(".sif") else "DockerImage"
    digest = row.digest or ""
    return entity(
        image_id(row.id),
        "ContainerImage",
        additionalType=ref(f"{_RUN_TERMS}{kind}"),
        registry=clean(first) if has_registry else "docker.io",
        name=clean(rest if has_registry else row.name),
        tag=clean(row.tag) if row.tag else None,
        sha256=digest.removeprefix("sha256:") if digest.startswith("sha256:") else None,
        operatingSystem=row.platform.partition("/")[0] if row.platform else None,
        processorRequirements=row.platform.partition("/")[2] or None if row.platform else None,
        description=f"run by {clean(row.engine)}",
    )
