"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from ..provenance.database import Database
from ..provenance.store import Store, open_store

StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store", metavar="URL", help="Provenance store: a path or postgresql://... (default: RECRATE_STORE)."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
RunArgument = Annotated[
    str, typer.Argument(metavar="RUN", help="Id of a run or the beginning of one, its name, or `last`.")
]
SettingsOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="Set an input; wins over the job file.")
]
JobsOption = Annotated[int | None, typer.Option(min=1, help="Jobs at a time (default: as cores and memory allow).")]
NoCacheOption = Annotated[
    bool, typer.Option("--no-cache", help="Run each job, also when another run has its result already.")
]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Go on with the last run of the same, if it has not completed.")
]
DetachOption = Annotated[
    bool, typer.Option("--detach", "-d", help="Go on in the background; `recrate attach` shows how it goes.")
]
OnOption = Annotated[
    str | None,
    typer.Option(
        "--on", metavar="FILE", help="Binding file that says where steps run; #name for one of its workflows."
    ),
]
OutdirOption = Annotated[Path, typer.Option(help="Directory for the outputs.")]
NameOption = Annotated[str | None, typer.Option(help="Readable name of the run (default: one is made).")]
WorkOption = Annotated[Path | None, typer.Option(help="Directory below which work directories are made.")]
ContainersOption = Annotated[str, typer.Option(metavar="ENGINE", help="auto, docker, podman or none.")]
RelativeOption = Annotated[float, typer.Option("--rtol", help="Relative tolerance of numbers.")]
AbsoluteOption = Annotated[float, typer.Option("--atol", help="Absolute tolerance of numbers.")]
ToleranceOption = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=NUMBER", help="Absolute tolerance of a metric, column or array with this name."),
]
HtmlOption = Annotated[Path | None, typer.Option(metavar="FILE", help="Write the comparison as a page, too.")]
ChaosOption = Annotated[
    str | None,
    typer.Option(
        "--chaos",
        metavar="SPEC",
        hidden=True,
        help="Let faults happen, such as corrupt=5%,cut=2%,kill=5%,drop=1%,delay=200ms,seed=7.",
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors only.")]
SignersOption = Annotated[
    str | None,
    typer.Option(
        "--signers",
        "-f",
        metavar="FILE",
        help="Whose keys sign: allowed signers as of ssh-keygen (default: RECRATE_ALLOWED_SIGNERS, ~/.ssh).",
    ),
]
NetworkOption = Annotated[bool, typer.Option("--enable-net", help="Let documents and inputs come by http(s).")]


@contextmanager
def store_at(url: str | None) -> Iterator[Store]:
    """Open a store for the time of a command."""
    store = open_store(url)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def reading(url: str | None) -> Iterator[Database]:
    """Open a connection that only reads."""
    with store_at(url) as store:
        database = store.connect(readonly=True)
        try:
            yield database
        finally:
            database.close()
