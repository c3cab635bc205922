"""What is said of a crate: on the command line, else in `recrate.toml`, else in `CITATION.cff`, else by git.

The files are looked for in the directory of the workflow and in those above it, up to that of a
repository. Where the run was made only `recrate.toml` counts: what else is there may be of something else.
"""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from ...core.amounts import parse_bytes
from ...core.uris import is_file_uri, to_path
from ...data_classes import dataclass
from ...errors import UsageError, Where
from ...provenance import queries
from ...provenance.rows import RunRow, WorkflowRow
from ...provenance.store import Store
from .agents import Organisation, Person
from .lines import LINES
from .options import ExportOptions

SETTINGS = "recrate.toml"
CITATION = "CITATION.cff"
_ORCID = re.compile(r"(?:https?://orcid\.org/)?(\d{4}-\d{4}-\d{4}-\d{3}[\dX])/?")
_MAIL = re.compile(r"\s*<([^<>\s]+@[^<>\s]+)>\s*")
_REMOTE = re.compile(r"(?:ssh://)?(?:[\w.-]+@)?([\w.-]+)[:/](?!/)(?:\d+/)?(.+?)(?:\.git)?/?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What one source says. Authors are `NAME <mail>; ORCID; AFFILIATION`, a publisher is `NAME; URL`."""

    name: str | None = None
    description: str | None = None
    license: str | None = None
    keywords: Sequence[str] = ()
    authors: Sequence[str] = ()
    publisher: str | None = None
    url: str | None = None
    version: str | None = None

    def over(self, other: Said) -> Said:
        """Return what this source says, and where it says nothing the other one."""
        return Said(**{one.name: getattr(self, one.name) or getattr(other, one.name) for one in fields(self)})


def options_from(
    store: Store,
    run: str,
    said: Said,
    *,
    profile: str,
    metadata_only: bool = False,
    exclude: Sequence[str] = (),
    max_file_size: str | None = None,
) -> ExportOptions:
    """Return the options of an export, with what files beside the workflow say of it.

    Raises UsageError for what cannot be understood.
    """
    row = queries.get_run(store.database, queries.resolve(store.database, queries.Kind.RUN, run))
    said, here = said.over(_beside(store, row)), Path(row.cwd)
    if not said.authors and here.is_dir():
        said = said.over(Said(authors=git_in(here).authors))
    if not said.authors:
        said = said.over(Said(authors=_this_user()))
    return ExportOptions(
        line=LINES[profile],
        name=said.name,
        description=said.description,
        license=said.license,
        keywords=tuple(dict.fromkeys(said.keywords)),
        authors=tuple(person_from(text) for text in said.authors),
        publisher=None if said.publisher is None else organisation_from(said.publisher),
        url=said.url,
        version=said.version,
        metadata_only=metadata_only,
        exclude=tuple(exclude),
        max_file_size=None if max_file_size is None else parse_bytes(max_file_size),
    )


def license_of(store: Store, run: str) -> str | None:
    """Return the license that files beside the workflow of a run name. Raises UsageError as `options_from` does."""
    row = queries.get_run(store.database, queries.resolve(store.database, queries.Kind.RUN, run))
    return _beside(store, row).license


def _beside(store: Store, row: RunRow) -> Said:
    """Return what files beside the workflow of a run say, and those where it was made."""
    workflow = None if row.workflow_id is None else store.database.row(WorkflowRow, row.workflow_id)
    home = Path(to_path(workflow.main_uri)).parent if workflow and is_file_uri(workflow.main_uri) else None
    said = Said()
    for folder in _upwards(home) if home else ():
        said = said.over(settings_in(folder)).over(citation_in(folder))
        if (folder / ".git").exists():
            said = said.over(git_in(folder))
    for folder in _upwards(Path(row.cwd)):
        said = said.over(settings_in(folder))
    return said


def _upwards(start: Path) -> list[Path]:
    """Return a directory and those above it up to that of a repository; outside of one it alone, if it is there."""
    if not start.is_dir():
        return []
    above = [start, *start.parents]
    repository = next((folder for folder in above if (folder / ".git").exists()), start)
    return above[: above.index(repository) + 1]


# -- sources ---------------------------------------------------------------------------------------


def settings_in(folder: Path) -> Said:
    """Return what the table `crate` of a `recrate.toml` says. Raises UsageError when it cannot be understood."""
    path = folder / SETTINGS
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("crate", {})
    except FileNotFoundError:
        return Said()
    except (OSError, ValueError) as error:
        raise UsageError(f"this cannot be read: {error}", where=Where(str(path))) from None
    known = {one.name for one in fields(Said)}
    unknown = sorted(set(table) - known)
    if unknown:
        raise UsageError(
            f"there is no setting {unknown[0]!r} in [crate]",
            where=Where(str(path)),
            hint=f"known: {', '.join(sorted(known))}",
        )
    many = ("keywords", "authors")
    wrong = [name for name, value in table.items() if not _is_right(value, many=name in many)]
    if wrong:
        kind = "a list of texts" if wrong[0] in many else "a text"
        raise UsageError(f"{wrong[0]!r} in [crate] must be {kind}", where=Where(str(path)))
    return Said(**table)


def _is_right(value: Any, *, many: bool) -> bool:
    if many:
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    return isinstance(value, str)


def citation_in(folder: Path) -> Said:
    """Return what a `CITATION.cff` says (Citation File Format 1.2); one that cannot be read says nothing."""
    path = folder / CITATION
    if not path.is_file():
        return Said()
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        found = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError):
        return Said()
    if not isinstance(found, Mapping):
        return Said()
    keywords = found.get("keywords")
    return Said(
        description=_text(found.get("abstract")),
        license=_text(found.get("license")),
        keywords=[str(word) for word in keywords] if isinstance(keywords, list) else (),
        authors=list(_authors(found.get("authors"))),
        url=_text(found.get("repository-code") or found.get("url")),
        version=_text(found.get("version")),
    )


def _text(value: Any) -> str | None:
    if isinstance(value, list) and value:
        value = value[0]
    return " ".join(str(value).split()) if isinstance(value, (str, int, float)) else None


def _authors(listed: Any) -> Iterator[str]:
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, Mapping):
            parts = [one.get(key) for key in ("given-names", "name-particle", "family-names", "name-suffix")]
            name = " ".join(str(part) for part in parts if part) or str(one.get("name") or "")
            mail = f" <{one['email']}>" if one.get("email") else ""
            rest = [str(one.get(key) or "") for key in ("orcid", "affiliation")]
            if name:
                yield "; ".join([f"{name}{mail}", *rest]).rstrip("; ")


def git_in(folder: Path) -> Said:
    """Return what git knows: the address of the repository, the version, and who works in it."""
    remote = _git(folder, "config", "--get", "remote.origin.url")
    name, mail = _git(folder, "config", "user.name"), _git(folder, "config", "user.email")
    return Said(
        url=None if remote is None else web_address(remote),
        version=_git(folder, "describe", "--always", "--dirty", "--tags"),
        authors=() if name is None else (f"{name} <{mail}>" if mail else name,),
    )


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None if done.returncode == 0 else None


def web_address(remote: str) -> str | None:
    """Return the address of a repository on the web by how git calls it; None when it is on no web."""
    if remote.startswith(("http://", "https://")):
        scheme, _, rest = remote.partition("://")
        # What stands before an @ may be a token.
        return f"{scheme}://{rest.rpartition('@')[2]}".removesuffix("/").removesuffix(".git")
    found = None if remote.startswith(("/", ".", "file:")) else _REMOTE.fullmatch(remote)
    return None if found is None else f"https://{found[1]}/{found[2]}"


def _this_user() -> Sequence[str]:
    import pwd

    try:
        entry = pwd.getpwuid(os.getuid())
    except KeyError:
        return ()
    return (entry.pw_gecos.partition(",")[0].strip() or entry.pw_name,)


# -- people ----------------------------------------------------------------------------------------


def person_from(text: str) -> Person:
    """Return a person from `NAME <mail>; ORCID; AFFILIATION`. Raises UsageError."""
    parts = [part.strip() for part in text.split(";")]
    mail = _MAIL.search(parts[0])
    name = _MAIL.sub(" ", parts[0]).strip()
    if not name:
        raise UsageError(f"author {text!r} has no name", hint="NAME <mail>; ORCID; AFFILIATION")
    rest = [part for part in parts[1:] if part]
    orcid = None
    if rest and (found := _ORCID.fullmatch(rest[0])):
        if not is_orcid(found[1]):
            raise UsageError(f"{rest[0]!r} is no ORCID: its last digit does not fit the others")
        orcid = f"https://orcid.org/{found[1]}"
        rest = rest[1:]
    affiliation = organisation_from("; ".join(rest)) if rest else None
    return Person(name, orcid, affiliation, mail[1] if mail else None)


def is_orcid(digits: str) -> bool:
    """Tell whether the check digit of an ORCID is right (ISO 7064, mod 11-2)."""
    total = 0
    for digit in digits.replace("-", "")[:-1]:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    return digits[-1] == ("X" if check == 10 else str(check))


def organisation_from(text: str) -> Organisation:
    """Return an organisation from `NAME`, `NAME; URL` or a URL."""
    name, _, url = (part.strip() for part in text.partition(";"))
    if name.startswith(("http://", "https://")):
        return Organisation(name, name)
    return Organisation(name, url if url.startswith(("http://", "https://")) else None)
