"""The deployments of a binding file: their configurations checked by type, paths resolved, stacking checked."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..connectors.registry import connector_class, known_kinds
from ..core.binding import LOCAL, Deployment, Wraps
from ..core.cwl.problems import Severity, did_you_mean
from ..errors import RecrateError
from .document import Document
from .keys import CONFIGS, CONTAINERS, PATHS, PLUGIN, QUEUES, SECRETS, WRAPPING
from .rules import amount
from .shape import NOTHING, Spot

INNER_SUFFIX = ".login"
"""Ends the name of the SSH deployment that old files imply."""


def section_of(document: Document) -> str:
    """Return the key under which a file has its deployments."""
    return "deployments" if document.data.get("deployments") or "models" not in document.data else "models"


def read_deployments(document: Document) -> dict[str, Deployment]:
    """Return the deployments of a file by name, each correct in itself; stacking is checked too."""
    section = section_of(document)
    made: dict[str, Deployment] = {}
    for name in document.data.get(section, {}):
        made.update(_deployment(document, section, name))
    _check_ours(document, made)
    _check_stacks(document, section, made)
    return made


def _deployment(document: Document, section: str, name: str) -> dict[str, Deployment]:
    data = document.data[section][name]
    spot = document.spot(section, name)
    kind = str(data.get("type", ""))
    config = _config(document, section, name, kind)
    ours = document.data.get("recrate", {}).get("deployments", {}).get(name, {})
    hidden = {key: str(config.pop(key)) for key in SECRETS & config.keys()}
    for key in hidden:
        text = f"{spot.name}.config.{key} stands in the file as it is"
        hint = f"better: recrate.deployments.{name}.secrets: {{{key}: NAME_OF_AN_ENVIRONMENT_VARIABLE}}"
        document.report.say(spot, text, hint=hint, severity=Severity.UNSUPPORTED)
    found = Deployment(
        name=name,
        kind=kind,
        config=config,
        workdir=document.resolved(data["workdir"]) if kind == LOCAL and "workdir" in data else data.get("workdir"),
        external=data.get("external", False),
        lazy=data.get("lazy", True),
        wraps=_wraps(document, data, spot, kind),
        jobs=ours.get("jobs"),
        streams=ours.get("streams"),
        bandwidth=amount(ours.get("bandwidth")),
        containers=ours.get("containers", "auto"),
        secrets=ours.get("secrets", {}),
        reaches=tuple(ours.get("reaches", ())),
    )
    policy = data.get("scheduling_policy")
    if policy is not None and policy not in document.data.get("scheduling", {}).get("policies", {}):
        document.report.say(document.spot(section, name, "scheduling_policy"), f"no policy is called {policy!r}")
    return _with_implied_host(found)


def _with_implied_host(found: Deployment) -> dict[str, Deployment]:
    """Return a deployment, and for a queue of an old file the SSH deployment that its host name implies."""
    host = found.config.get("hostname")
    if found.kind not in QUEUES or host is None:
        return {found.name: found}
    own = ("services", "maxConcurrentJobs", "pollingInterval", "file")
    login = {key: value for key, value in found.config.items() if key not in (*own, "hostname")}
    inner = Deployment(f"{found.name}{INNER_SUFFIX}", "ssh", {"nodes": [host], **login}, found.workdir)
    queue = {key: value for key, value in found.config.items() if key in own}
    return {inner.name: inner, found.name: replace(found, config=queue, wraps=Wraps(inner.name))}


def _config(document: Document, section: str, name: str, kind: str) -> dict[str, Any]:
    """Return the configuration of a deployment as its type wants it; paths in it are absolute."""
    spot = document.spot(section, name, "config")
    written: Any = document.tree[section][name].get("config")
    shape = CONFIGS.get(kind)
    if shape is None and kind not in known_kinds():
        hint = did_you_mean(kind, CONFIGS) or "a StreamFlow plugin? Recrate takes connectors by its own entry points"
        text = f"no type of deployment is called {kind!r}"
        document.report.say(document.spot(section, name, "type"), text, hint=hint)
        return {}
    read = (shape or PLUGIN).read(written, spot, document.report)
    if read is NOTHING:
        return {}
    config: dict[str, Any] = _absolute(document, read)
    _name_unsupported(document, kind, section, name, config)
    return config


def _name_unsupported(document: Document, kind: str, section: str, name: str, config: Mapping[str, Any]) -> None:
    """Say, in one line each, that a type has no connector here, or that a connector does not heed some keys."""
    try:
        connector = connector_class(kind)
    except RecrateError:
        text = f"deployment {name!r}: Recrate has no connector for the type {kind!r} yet"
        spot = document.spot(section, name, "type")
        document.report.say(spot, text, hint=f"it has: {', '.join(known_kinds())}", severity=Severity.UNSUPPORTED)
        return
    spot = document.spot(section, name, "config")
    supported = getattr(connector, "SUPPORTED", None)
    ignored = [] if supported is None else sorted(set(config) - set(supported))
    if ignored:
        text = f"deployment {name!r}: not supported yet, so without effect: {', '.join(ignored)}"
        document.report.say(spot, text, severity=Severity.WARNING)
    if "hostname" not in config and not document.data.get("recrate", {}).get("deployments", {}).get(name, {}):
        _ask_connector(document, connector, name, config, spot)


def _ask_connector(document: Document, connector: Any, name: str, config: Mapping[str, Any], spot: Spot) -> None:
    """Let a connector look at its configuration, which contacts nobody; say what it refuses, and what it remarks."""
    try:
        made = connector(name, config)
    except RecrateError as error:
        document.report.say(spot, f"deployment {name!r}: {error.problem}", hint=error.hint)
        return
    for remark in getattr(made, "remarks", ()):
        document.report.say(spot, remark, severity=Severity.WARNING)


def _absolute(document: Document, value: Any, key: str = "") -> Any:
    """Return a configuration whose paths are absolute; `files` and the services of ssh are lists of paths."""
    if isinstance(value, dict):
        if key == "services":
            return {name: _service(document, item) for name, item in value.items()}
        return {name: _absolute(document, item, name) for name, item in value.items()}
    if isinstance(value, list):
        paths = key in ("files", "sshConfig")
        return [document.resolved(item) if paths else _absolute(document, item) for item in value]
    if key in PATHS and isinstance(value, str):
        return document.resolved(value)
    if key == "sshKey" and isinstance(value, str):
        beside = str(document.resolved(value))
        return beside if os.path.exists(beside) else os.path.abspath(os.path.expanduser(value))
    return value


def _service(document: Document, item: Any) -> Any:
    return document.resolved(item) if isinstance(item, str) else _absolute(document, item)


def _wraps(document: Document, data: Mapping[str, Any], spot: Spot, kind: str) -> Wraps | None:
    said = data.get("wraps")
    if said is None:
        return None
    if kind in CONFIGS and kind not in WRAPPING:
        text, hint = f"{spot.name}.wraps has no effect", f"deployments of type {kind} are not stacked on others"
        document.report.say(spot.below(spot.holder[spot.key], "wraps"), text, hint=hint, severity=Severity.WARNING)
        return None
    return Wraps(said) if isinstance(said, str) else Wraps(said.get("deployment", ""), said.get("service"))


def _check_stacks(document: Document, section: str, made: Mapping[str, Deployment]) -> None:
    for name, deployment in made.items():
        if deployment.wraps is None or "wraps" not in document.data[section].get(name, {}):
            continue
        spot = document.spot(section, name, "wraps")
        inner = made.get(deployment.wraps.deployment)
        if inner is None:
            close = did_you_mean(deployment.wraps.deployment, made)
            document.report.say(spot, f"no deployment is called {deployment.wraps.deployment!r}", hint=close)
        elif _is_circular(made, name):
            document.report.say(spot, f"deployment {name!r} is stacked on itself")
        elif deployment.kind in CONTAINERS and inner.kind in QUEUES:
            hint = "bind the step to the queue; say how its containers run in workflows.NAME.config.docker"
            document.report.say(spot, f"a container, {name!r}, cannot be stacked on a queue, {inner.name!r}", hint=hint)
        elif deployment.kind in QUEUES and len(inner.config.get("nodes", [None])) > 1:
            document.report.say(spot, f"a queue, {name!r}, is stacked on one location, but {inner.name!r} has more")


def _is_circular(made: Mapping[str, Deployment], name: str) -> bool:
    seen: set[str] = set()
    while name in made:
        if name in seen:
            return True
        seen.add(name)
        wraps = made[name].wraps
        if wraps is None:
            return False
        name = wraps.deployment
    return False


def _check_ours(document: Document, made: Mapping[str, Deployment]) -> None:
    ours = document.data.get("recrate", {}).get("deployments", {})
    for name, settings in ours.items():
        if name != LOCAL and name not in made:
            spot = document.spot("recrate", "deployments", name)
            document.report.say(spot, f"no deployment is called {name!r}", hint=did_you_mean(name, made), at_key=True)
        for other in settings.get("reaches", ()):
            if other not in made:
                spot = document.spot("recrate", "deployments", name, "reaches")
                document.report.say(spot, f"no deployment is called {other!r}", hint=did_you_mean(other, made))
    if LOCAL in ours and LOCAL not in made and isinstance(made, dict):
        here = ours[LOCAL]
        made[LOCAL] = Deployment(
            LOCAL, LOCAL, jobs=here.get("jobs"), streams=here.get("streams"), containers=here.get("containers", "auto")
        )
