"""What WorkflowHub asks of a crate, beyond its profiles. Known from the source of SEEK, which it is made of.

It reads compact terms, whatever the context says, and checks no profile.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..graph import Entity, Ref
from ..read import Crate
from ..safety import is_web, shown
from .report import Issue, Severity

REFERENCE_BYTES = 100_000_000
"""Larger crates are not fetched from a URL, and the manual asks for links instead of large files."""
_WORKFLOWS = ("ComputationalWorkflow", "Workflow")


def check_for_hub(crate: Crate) -> Iterator[Issue]:
    """Yield what WorkflowHub would refuse (required), and what it would do without (recommended)."""
    yield from _check_root(crate)
    yield from _check_parts(crate)
    workflow = main_workflow(crate)
    if workflow is None:
        yield _refused(crate.root, "mainEntity", "main-entity", _no_main(crate))
    else:
        yield from _check_workflow(crate, workflow)
    total = sum(crate.size(path) for path in crate.paths())
    if total > REFERENCE_BYTES:
        message = f"the crate has {total} bytes; large data are better referred to than uploaded"
        yield Issue(Severity.RECOMMENDED, crate.root.id, "", "workflowhub:size", message)


def main_workflow(crate: Crate) -> Entity | None:
    """Return the main workflow; None when there is none, or it is not said as WorkflowHub reads it."""
    main = crate.root.properties.get("mainEntity")
    return crate.entity(main) if isinstance(main, Ref) else None


def source_url(crate: Crate) -> str | None:
    """Return the URL by which `/workflows/submit` knows an entry again."""
    candidates = [crate.root.id, *crate.root.all("isBasedOn"), *crate.root.all("url")]
    workflow = main_workflow(crate)
    candidates += workflow.all("url") if workflow is not None else ()
    return next((str(one) for one in candidates if isinstance(one, str) and one.startswith("http")), None)


def _refused(entity: Entity, prop: str, rule: str, message: str) -> Issue:
    return Issue(Severity.REQUIRED, entity.id, prop, f"workflowhub:{rule}", message)


def _check_root(crate: Crate) -> Iterator[Issue]:
    root = crate.root
    if not (root.text("name") or "").strip():
        yield _refused(root, "name", "name", "the root has no name, which becomes the title of the entry")
    if not root.all("license"):
        yield _refused(root, "license", "license", "the root has no license")
    if not root.text("description") and crate.path_of("README.md") is None:
        message = "there is no description and no README.md, so the entry would have none"
        yield Issue(Severity.RECOMMENDED, root.id, "description", "workflowhub:description", message)
    if not crate.related(root, "author", "creator"):
        message = "no author or creator is described, so the entry would have none"
        yield Issue(Severity.RECOMMENDED, root.id, "author", "workflowhub:creators", message)


def _check_parts(crate: Crate) -> Iterator[Issue]:
    folders = crate.folders()
    for ref in crate.root.refs("hasPart"):
        if is_web(ref) or ref.startswith("#") or crate.path_of(ref) or crate.folder_in(ref, folders):
            continue
        yield _refused(crate.root, "hasPart", "has-part", f"hasPart names {shown(ref)}, which is not in the crate")


def _no_main(crate: Crate) -> str:
    main = crate.root.properties.get("mainEntity")
    if isinstance(main, list):
        return "mainEntity is a list; it must be one reference, even where the list has one item"
    return f"the main workflow {shown(main)} is not described" if isinstance(main, Ref) else "there is no mainEntity"


def _check_workflow(crate: Crate, workflow: Entity) -> Iterator[Issue]:
    if not workflow.is_a(*_WORKFLOWS):
        yield _refused(workflow, "@type", "workflow-type", "the main workflow has no type ComputationalWorkflow")
    if not is_web(workflow.id) and crate.path_of(workflow.id) is None:
        yield _refused(workflow, "", "workflow-file", "the file of the main workflow is not in the crate")
    if not crate.related(workflow, "programmingLanguage"):
        message = "no language is described, so the kind of workflow would not be known"
        yield Issue(Severity.RECOMMENDED, workflow.id, "programmingLanguage", "workflowhub:language", message)
