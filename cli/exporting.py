"""`recrate export`: the crate of a run."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from .options import JsonOption, RunArgument, StoreOption, store_at
from .render import print_json


class Profile(Enum):
    """Versions of Workflow Run RO-Crate that can be written."""

    V05 = "0.5"
    V06 = "0.6"


OutputOption = Annotated[
    Path, typer.Option("--output", "-o", metavar="PATH", help="Folder to make, or archive when it ends in `.zip`.")
]
ProfileOption = Annotated[Profile, typer.Option(help="Version of Workflow Run RO-Crate to follow.")]
MetadataOnlyOption = Annotated[
    bool, typer.Option("--metadata-only", help="Leave out what is in files; name it by its hash.")
]
ExcludeOption = Annotated[
    list[str] | None,
    typer.Option(metavar="PATTERN", help="Leave out what is in files of such names or paths, as `*.bam`."),
]
SizeOption = Annotated[str | None, typer.Option(metavar="SIZE", help="Leave out what is in larger files, as `500M`.")]
NameOption = Annotated[str | None, typer.Option(help="Title of the crate.")]
DescriptionOption = Annotated[str | None, typer.Option(help="What it is about.")]
LicenseOption = Annotated[str | None, typer.Option(metavar="LICENSE", help="SPDX identifier or URL, as `CC-BY-4.0`.")]
KeywordOption = Annotated[list[str] | None, typer.Option(metavar="WORD", help="Word to find it by.")]
AuthorOption = Annotated[
    list[str] | None,
    typer.Option(metavar="AUTHOR", help="Who made it: `NAME`, `NAME <mail>; ORCID; ORGANISATION; URL`."),
]
PublisherOption = Annotated[
    str | None, typer.Option(metavar="NAME", help="Organisation behind it: `NAME`, or `NAME; URL`.")
]
UrlOption = Annotated[str | None, typer.Option(help="Where the workflow is at home.")]
VersionOption = Annotated[str | None, typer.Option(metavar="VERSION", help="Version of the workflow.")]


def export(
    run: RunArgument,
    output: OutputOption,
    profile: ProfileOption = Profile.V05,
    metadata_only: MetadataOnlyOption = False,
    exclude: ExcludeOption = None,
    max_file_size: SizeOption = None,
    name: NameOption = None,
    description: DescriptionOption = None,
    license: LicenseOption = None,
    keyword: KeywordOption = None,
    author: AuthorOption = None,
    publisher: PublisherOption = None,
    url: UrlOption = None,
    workflow_version: VersionOption = None,
    store: StoreOption = None,
    json: JsonOption = False,
) -> None:
    """Write a run as a Workflow Run RO-Crate: its data, its workflow, and all that is known of it.

    What is not said here is taken from `recrate.toml`, `CITATION.cff` and git beside the workflow.
    """
    from ..crates.export import export_run
    from ..crates.export.said import Said, options_from

    said = Said(name=name, description=description, license=license, keywords=keyword or (), authors=author or (),
                publisher=publisher, url=url, version=workflow_version)  # fmt: skip
    with store_at(store) as opened:
        options = options_from(
            opened, run, said, profile=profile.value, metadata_only=metadata_only, exclude=exclude or (),
            max_file_size=max_file_size,
        )  # fmt: skip
        exported = export_run(opened, run, output, options)
    if json:
        print_json(exported)
        return
    for warning in exported.warnings:
        print(f"recrate: {warning}", file=sys.stderr)
    print(exported.summary)
