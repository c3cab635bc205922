"""Rules of the profiles of runs that the official validator does not look at.

The sources: Workflow Run RO-Crate 0.5 and 0.6 with its profiles, Workflow RO-Crate 1.0 and 1.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime

from ..graph import Entity
from ..read import Crate
from .report import Issue, Severity

ACTIONS = ("CreateAction", "ActivateAction", "UpdateAction")
_RUN_PROFILE = re.compile(r"https?://w3id\.org/ro/wfrun/(process|workflow|provenance)/(\d+\.\d+)")
WORKFLOW_PROFILE = "https://w3id.org/workflowhub/workflow-ro-crate/"
_BASE = "https://w3id.org/ro/crate/"
_TERMS = "https://w3id.org/ro/terms/workflow-run"


def check_run(crate: Crate) -> Iterator[Issue]:
    """Yield what is wrong with what a crate says of a run."""
    yield from _check_line(crate)
    yield from _check_context_order(crate)
    yield from _check_steps(crate)
    yield from _check_references(crate)
    for entity in crate.entities.values():
        if entity.is_a(*ACTIONS, "ControlAction", "OrganizeAction"):
            yield from _check_times(entity)
        if entity.is_a(*ACTIONS):
            yield from _check_values(crate, entity)


def run_profiles(crate: Crate) -> dict[str, str]:
    """Return the versions of the run profiles that a crate claims, by kind: process, workflow, provenance."""
    found = (_RUN_PROFILE.match(url) for url in crate.profiles)
    return {match[1]: match[2] for match in found if match is not None}


def _check_line(crate: Crate) -> Iterator[Issue]:
    """Versions that belong together: the terms of 0.6 have other IRIs than those of 0.5."""
    versions = set(run_profiles(crate).values())
    if not versions:
        return
    if len(versions) > 1:
        message = f"the versions {', '.join(sorted(versions))} of Workflow Run RO-Crate do not go together"
        yield Issue(Severity.REQUIRED, crate.root.id, "conformsTo", "recrate:line", message)
        return
    (run,) = versions
    base, workflow = ("1.3", "1.1") if _newer(run) else ("1.1", "1.0")
    used = [url.removesuffix("/context") for url in crate.contexts if url.startswith(_BASE)]
    claimed = [url for url in crate.profiles if url.startswith(_BASE)]
    for prop, urls in (("@context", used), ("conformsTo", claimed)):
        wrong = [url for url in urls if url.rstrip("/") != f"{_BASE}{base}"]
        if wrong:
            message = f"Workflow Run RO-Crate {run} belongs to RO-Crate {base}, not to {wrong[0]}"
            yield Issue(Severity.REQUIRED, crate.descriptor, prop, "recrate:line", message)
    for url in crate.profiles:
        if url.startswith(WORKFLOW_PROFILE) and url.rstrip("/") != f"{WORKFLOW_PROFILE}{workflow}":
            message = f"Workflow Run RO-Crate {run} belongs to Workflow RO-Crate {workflow}, not to {url}"
            yield Issue(Severity.REQUIRED, crate.root.id, "conformsTo", "recrate:line", message)
    if _newer(run) and f"{WORKFLOW_PROFILE}{workflow}" not in crate.root.refs("conformsTo"):
        severity = Severity.RECOMMENDED if run_profiles(crate).keys() - {"process"} else Severity.OPTIONAL
        message = f"in this line the root names {WORKFLOW_PROFILE}{workflow}"
        yield Issue(severity, crate.root.id, "conformsTo", "recrate:root-names-workflow-ro-crate", message)


def _newer(version: str) -> bool:
    return tuple(int(part) for part in version.split(".")) >= (0, 6)


def _check_context_order(crate: Crate) -> Iterator[Issue]:
    urls = list(crate.contexts)
    terms = [number for number, url in enumerate(urls) if url.startswith(_TERMS)]
    bases = [number for number, url in enumerate(urls) if url.startswith(_BASE)]
    if terms and bases and min(terms) < max(bases):
        message = "the context of workflow-run stands before that of RO-Crate, which then says what sha256 means"
        yield Issue(Severity.RECOMMENDED, crate.descriptor, "@context", "recrate:context-order", message)


def _check_steps(crate: Crate) -> Iterator[Issue]:
    """Workflow RO-Crate 1.1: what has steps is a HowTo, whichever run profile there is."""
    if f"{WORKFLOW_PROFILE}1.1" not in crate.profiles:
        return
    for workflow in crate.related(crate.root, "mainEntity"):
        if workflow.refs("step") and not workflow.is_a("HowTo"):
            message = "a workflow that has steps must have the type HowTo too"
            yield Issue(Severity.REQUIRED, workflow.id, "@type", "recrate:how-to", message)


def _check_references(crate: Crate) -> Iterator[Issue]:
    """What only this document can describe should be described in it."""
    for entity in crate.entities.values():
        for name in entity.properties:
            for ref in entity.refs(name):
                if ref.startswith(("#", "_:")) and crate.entity(ref) is None:
                    message = f"{ref} is not described in the crate"
                    yield Issue(Severity.RECOMMENDED, entity.id, name, "recrate:dangling", message)


def _check_times(action: Entity) -> Iterator[Issue]:
    moments: dict[str, datetime] = {}
    for name in ("startTime", "endTime"):
        text = action.text(name)
        try:
            if text is not None:
                moments[name] = datetime.fromisoformat(text)
        except ValueError:
            yield Issue(Severity.RECOMMENDED, action.id, name, "recrate:time", f"{text!r} is no time of ISO 8601")
    if any(moment.tzinfo is None for moment in moments.values()):
        message = "the time has no time zone, so it is not certain when it was"
        yield Issue(Severity.RECOMMENDED, action.id, next(iter(moments)), "recrate:time-zone", message)
    elif len(moments) == 2 and moments["endTime"] < moments["startTime"]:
        yield Issue(Severity.RECOMMENDED, action.id, "endTime", "recrate:time-order", "it ended before it began")


def _check_values(crate: Crate, action: Entity) -> Iterator[Issue]:
    """Process and Workflow Run Crate: `exampleOfWork` of what went in or came out leads to a parameter."""
    for value in crate.related(action, "object", "result"):
        for ref in value.refs("exampleOfWork"):
            slot = crate.entity(ref)
            if slot is None or not slot.is_a("FormalParameter"):
                message = f"{ref} is no FormalParameter of the crate"
                yield Issue(Severity.REQUIRED, value.id, "exampleOfWork", "recrate:example-of-work", message)
