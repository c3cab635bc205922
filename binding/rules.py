"""What a binding file must be beyond its shape: names that exist, targets that make sense, settings that are heeded."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..core.binding import LOCAL, Binding, Deployment, Filter, MatchRule, Target
from ..core.cwl.problems import Severity, did_you_mean
from ..core.cwl.tree import where_of
from ..core.retry_rules import parse_rule
from ..data_classes import dataclass
from ..errors import UsageError
from .document import Document
from .format import POSTGRESQL, SQLITE
from .keys import TRANSLATORS
from .shape import NOTHING, Object, Shape, Spot

UNITS = {"": 1, "K": 1000, "M": 1000**2, "G": 1000**3, "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}
POLICIES = ("data_locality",)
FILTERS = ("shuffle", "matching")
DATABASES: Mapping[str, Object] = {
    "default": SQLITE,
    "sqlite": SQLITE,
    "postgresql": POSTGRESQL,
    "unito.postgresql": POSTGRESQL,
}
UNLIMITED_TRIES = 100
"""Executions of a job where a failureManager sets no limit."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a file says about how runs are made; None where it says nothing."""

    store: str | None = None
    retries: int | None = None
    retry: tuple[str, ...] = ()
    on_error: str | None = None
    keep: str | None = None


def amount(text: str | None) -> int | None:
    """Return an amount such as `50MB/s` in bytes."""
    if text is None:
        return None
    found = re.match(r"([\d.]+) ?([KMG]i?)?", text)
    assert found is not None
    return max(1, int(float(found[1]) * UNITS[found[2] or ""]))


def targets(
    document: Document, item: Mapping[str, Any], spot: Spot, deployments: Mapping[str, Deployment]
) -> tuple[Target, ...]:
    """Return the targets of a binding that exist."""
    said = item.get("target", [])
    written = spot.holder[spot.key].get("target")
    made: list[Target] = []
    for index, target in enumerate([said] if isinstance(said, dict) else said):
        node, key = (spot.holder[spot.key], "target") if isinstance(said, dict) else (written, index)
        found = _target(document, target, Spot(node, key, f"{spot.name}.target"), deployments)
        if found is not None:
            made.append(found)
    if isinstance(said, list) and not said:
        document.report.say(spot, f"{spot.name}.target names nothing")
    return tuple(made)


def _target(
    document: Document, target: Mapping[str, Any], spot: Spot, deployments: Mapping[str, Deployment]
) -> Target | None:
    names = [target[key] for key in ("deployment", "model") if key in target]
    if len(names) != 1:
        document.report.say(spot, f"{spot.name} needs the name of one deployment")
        return None
    name = names[0]
    deployment = deployments.get(name)
    if deployment is None and name != LOCAL:
        document.report.say(spot, f"no deployment is called {name!r}", hint=did_you_mean(name, deployments))
        return None
    service = target.get("service")
    if deployment is not None and service is not None:
        _check_service(document, deployment, service, spot)
    locations = target.get("locations", target.get("resources", 1))
    return Target(name, service, locations, target.get("workdir"))


def _check_service(document: Document, deployment: Deployment, service: str, spot: Spot) -> None:
    known = deployment.config.get("services")
    if deployment.kind in ("ssh", "slurm", "pbs", "flux") and service not in (known or {}):
        hint = did_you_mean(service, known or {})
        document.report.say(spot, f"deployment {deployment.name!r} has no service {service!r}", hint=hint)


def require_filters(document: Document, item: Mapping[str, Any], spot: Spot, known: Mapping[str, Filter]) -> None:
    """Report filters of a binding that are not described."""
    for index, name in enumerate(item.get("filters", ())):
        if name not in known:
            here = Spot(spot.holder[spot.key]["filters"], index, f"{spot.name}.filters")
            document.report.say(here, f"no filter is called {name!r}", hint=did_you_mean(name, known))


def require_port_target(document: Document, item: Mapping[str, Any], spot: Spot, found: Sequence[Target]) -> None:
    """Report a binding of a port that has not one target with a directory."""
    if isinstance(item["target"], list):
        document.report.say(spot, f"{spot.name}: a port has one target, not a list")
    if "filters" in item:
        document.report.say(spot, f"{spot.name}: a port has no filters")
    if found[0].workdir is None:
        hint = "say in `workdir` in which directory its files are"
        document.report.say(spot, f"{spot.name}: the target of a port needs a workdir", hint=hint)


def filters(document: Document) -> dict[str, Filter]:
    """Return the filters of a file by name."""
    made: dict[str, Filter] = {}
    for name, data in document.data.get("bindingFilters", {}).items():
        kind = data.get("type", "")
        if kind not in FILTERS:
            spot = document.spot("bindingFilters", name, "type")
            document.report.say(
                spot,
                f"no type of filter is called {kind!r} (a StreamFlow plugin?)",
                hint=f"known: {', '.join(FILTERS)}",
            )
        rules = data.get("config", {}).get("filters", ())
        made[name] = Filter(name, kind, tuple(_rule(rule) for rule in rules))
    return made


def _rule(data: Mapping[str, Any]) -> MatchRule:
    target = data.get("target", "")
    deployment, service = (target, None) if isinstance(target, str) else (target["deployment"], target.get("service"))
    return MatchRule(deployment, service, {item["port"]: item["match"] for item in data.get("job", ())})


def check(document: Document, binding: Binding) -> None:
    """Report what no part of a file can tell alone."""
    for name, policy in document.data.get("scheduling", {}).get("policies", {}).items():
        if policy.get("type") not in POLICIES:
            spot = document.spot("scheduling", "policies", name, "type")
            text = f"no type of policy is called {policy.get('type')!r} (a StreamFlow plugin?)"
            document.report.say(spot, text, hint=f"known: {', '.join(POLICIES)}")
    for filter_ in binding.filters.values():
        for rule in filter_.rules:
            if rule.deployment not in binding.deployments and rule.deployment != LOCAL:
                spot = document.spot("bindingFilters", filter_.name)
                hint = did_you_mean(rule.deployment, binding.deployments)
                document.report.say(spot, f"no deployment is called {rule.deployment!r}", hint=hint)
    for name, data in document.data.get("workflows", {}).items():
        _check_workflow(document, name, data)
    if "workflows" not in document.data:
        text = "the file has no workflows: it says where things are, to be used with --on"
        document.report.say(Spot(document.tree, None, ""), text, severity=Severity.WARNING)


def _check_workflow(document: Document, name: str, data: Mapping[str, Any]) -> None:
    config = data.get("config", {})
    for key in ("file", "settings"):
        path = config.get(key)
        if path is not None and "://" not in path:
            resolved = str(document.resolved(path.partition("#")[0]))
            if not os.path.exists(resolved):
                spot = document.spot("workflows", name, "config", key)
                document.report.say(spot, f"{spot.name}: {resolved!r} is not there")
    for index, item in enumerate(config.get("docker", ())):
        kind = item.get("deployment", {}).get("type")
        shape: Shape | None = TRANSLATORS.get(kind)
        written = document.tree["workflows"][name]["config"]["docker"][index].get("deployment")
        if shape is not None and "config" in (written or {}):
            spot = Spot(written, "config", f"workflows.{name}.config.docker[{index}].deployment.config")
            if shape.read(written["config"], spot, document.report):
                keys = ", ".join(written["config"])
                text = f"workflow {name!r}: not supported yet, so without effect: {keys} of {spot.name}"
                document.report.say(spot, text, severity=Severity.WARNING)
        if item.get("deployment", {}).get("wrapper") is False:
            spot = Spot(written, "wrapper", f"workflows.{name}.config.docker[{index}].deployment.wrapper")
            text = f"{spot.name}: a container always runs on the target of its step"
            document.report.say(spot, text, severity=Severity.WARNING)


def wishes(document: Document) -> Wishes:
    """Return what a file says about how runs are made."""
    ours = document.data.get("recrate", {})
    retry = list(ours.get("retry", ()))
    for index, rule in enumerate(retry):
        try:
            parse_rule(rule)
        except UsageError as error:
            document.report.say(document.spot("recrate", "retry", index), error.problem, hint=error.hint)
    tries, rules = _failures(document)
    return Wishes(
        store=_inside(document, ours["store"]) if "store" in ours else _database(document),
        retries=ours.get("retries", tries),
        retry=(*rules, *retry),
        on_error=ours.get("on_error"),
        keep=ours.get("keep"),
    )


def _failures(document: Document) -> tuple[int | None, list[str]]:
    """Return the retries that a failureManager asks for: how many, and rules."""
    data = document.data.get("failureManager")
    if data is None:
        return None, []
    kind, config = data.get("type"), data.get("config", {})
    if not data.get("enabled", False):
        if kind in ("default", "rollback"):
            text = "failureManager is off, since `enabled` is false; StreamFlow would have it on because of its type"
            document.report.say(document.spot("failureManager"), text, severity=Severity.WARNING)
        return None, []
    if kind == "dummy":
        return 0, []
    tries = config.get("max_retries", UNLIMITED_TRIES)
    delay = config.get("retry_delay", 0)
    retries = max(0, tries - 1)
    return retries, [f"{retries},delay={delay:g},factor=1"]


def _database(document: Document) -> str | None:
    data = document.data.get("database")
    if data is None:
        return None
    kind = data.get("type", "")
    shape = DATABASES.get(kind)
    spot = document.spot("database", "config")
    if shape is None:
        text = f"no type of database is called {kind!r} (a StreamFlow plugin?)"
        document.report.say(document.spot("database", "type"), text, hint=f"known: {', '.join(DATABASES)}")
        return None
    config = shape.read(document.tree["database"].get("config"), spot, document.report)
    if config is NOTHING:
        return None
    if shape is SQLITE:
        return _sqlite(document, config, spot)
    host, _, port = str(config.get("hostname", "")).partition(":")
    if "password" in config:
        text, hint = "the password in the file is not used", "set PGPASSWORD, or use ~/.pgpass"
        document.report.say(spot, text, hint=hint, severity=Severity.WARNING)
    return f"postgresql://{config.get('username', '')}@{host}:{port or 5432}/{config.get('dbname', '')}"


def _sqlite(document: Document, config: Mapping[str, Any], spot: Spot) -> str | None:
    path = config.get("connection")
    if path == ":memory:":
        text = "a database in memory keeps no record: the store is where --store or RECRATE_STORE says"
        document.report.say(spot, text, severity=Severity.WARNING)
        return None
    if path is None:
        return None
    where = where_of(spot.holder, "config")
    assert where is not None
    return _inside(document, str(path))


def _inside(document: Document, path: str) -> str:
    return path if "://" in path else str(document.resolved(path))
