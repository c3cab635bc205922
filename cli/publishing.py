"""`recrate publish`: a crate is sent to WorkflowHub or Zenodo."""

from __future__ import annotations

import json as json_text
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from .options import JsonOption

if TYPE_CHECKING:
    from ..crates.publishing.publish import Plan
    from ..crates.publishing.service import Published, Step


CrateArgument = Annotated[str, typer.Argument(help="Crate: a folder or a zip.")]
ServerOption = Annotated[
    str,
    typer.Option(
        "--to",
        metavar="SERVER",
        help="workflowhub, dev.workflowhub, zenodo, sandbox.zenodo, or the URL of such a server "
        "(workflowhub:URL, zenodo:URL).",
    ),
]
VersionOption = Annotated[str | None, typer.Option("--version-of", metavar="ID", help="Add a version to this entry.")]
ProjectOption = Annotated[
    list[str] | None,
    typer.Option("--project", metavar="ID", help="WorkflowHub: team that a new entry belongs to; repeatable."),
]
CommentOption = Annotated[
    str | None, typer.Option("--comment", metavar="TEXT", help="WorkflowHub: what is new in this version.")
]
SubmitOption = Annotated[
    bool, typer.Option("--submit", help="WorkflowHub: find the entry by the source URL and version in the crate.")
]
CommunityOption = Annotated[
    list[str] | None, typer.Option("--community", metavar="NAME", help="Zenodo: community; repeatable.")
]
FinalOption = Annotated[
    bool, typer.Option("--final", help="Zenodo: publish, which cannot be undone (default: leave a draft).")
]


def publish(
    crate: CrateArgument,
    to: ServerOption,
    check: Annotated[bool, typer.Option("--check", help="Only say what the server would refuse.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", "-n", help="Only show what would be sent.")] = False,
    version_of: VersionOption = None,
    project: ProjectOption = None,
    comment: CommentOption = None,
    submit: SubmitOption = False,
    community: CommunityOption = None,
    final: FinalOption = False,
    json: JsonOption = False,
) -> None:
    """Send a crate to WorkflowHub or Zenodo. The token is taken from the environment or the keyring."""
    from ..crates.publishing.publish import plan
    from ..crates.publishing.publish import publish as send
    from ..crates.publishing.service import PublishOptions
    from ..crates.publishing.targets import target_of, token_for

    target = target_of(to)
    options = PublishOptions(
        version_of=version_of,
        projects=project or (),
        comment=comment,
        submit=submit,
        communities=community or (),
        final=final,
    )
    if check or dry_run:
        planned = plan(crate, target, options)
        _show_plan(planned, steps=dry_run, json=json)
        raise typer.Exit(1 if planned.refused else 0)
    published = send(crate, target, options, token_for(target), tell=lambda text: print(text, file=sys.stderr))
    _show_published(published, json)


def _show_plan(planned: Plan, *, steps: bool, json: bool) -> None:
    from .render import plain, print_json, print_table

    if json:
        print_json({**plain(planned), "refused": bool(planned.refused)})
        return
    if planned.issues:
        print_table(
            ["severity", "entity", "property", "rule", "message"],
            [(one.severity, one.entity, one.property, one.rule, one.message) for one in planned.issues],
        )
    for step in planned.steps if steps else ():
        _show_step(step)
    unmet = len(planned.refused)
    verdict = f"would refuse it: {unmet} of its demands not met" if unmet else "has no reason to refuse it"
    print(f"{planned.crate}: {planned.target.host} {verdict}")


def _show_step(step: Step) -> None:
    from .render import printable

    print(printable(f"{step.method} {step.url}"))
    for name, value in step.fields.items():
        text = json_text.dumps(value, ensure_ascii=False, indent=2)
        print(f"  {printable(name)}: " + "\n  ".join(printable(line) for line in text.splitlines()))
    if step.file:
        print(f"  file: {printable(step.file)}")


def _show_published(published: Published, json: bool) -> None:
    from .render import print_fields, print_json

    if json:
        print_json(published)
        return
    state = "draft: look at it there, and publish it" if published.draft else "published"
    print_fields(
        [
            ("state", state),
            ("url", published.url),
            ("id", published.id),
            ("version", published.version),
            ("doi", published.doi),
        ]
    )
