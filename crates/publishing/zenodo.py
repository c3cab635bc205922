"""Zenodo: a draft, its file, and then, if wanted, its publication.

The API: https://developers.zenodo.org (depositions, and the files API of its quickstart).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from html import escape
from typing import Any
from urllib.parse import quote

from ...errors import PublishFailed
from ..graph import Entity
from ..read import Crate
from ..validation.report import Issue, Severity
from .archive import Packed
from .multipart import file_chunks
from .service import Published, PublishOptions, Step, Tell
from .transport import Body, Server, json_body

LARGEST = 50_000_000_000
"""Bytes of all files of one entry."""
_DEPOSITIONS = "/api/deposit/depositions"
_ORCID = re.compile(r"https?://orcid\.org/(\d{4}-\d{4}-\d{4}-\d{3}[\dX])/?")


class Zenodo:
    """See Service."""

    authorization = "Bearer"

    def issues(self, crate: Crate, options: PublishOptions) -> Iterator[Issue]:
        """See Service."""
        root = crate.root
        wanted = {
            "name": ("name", bool((root.text("name") or "").strip()), "becomes the title of the entry"),
            "description": ("description", bool(root.text("description")), "the entry must have one"),
            "license": ("license", _license(root) is not None, "an open entry must have one"),
            "author": ("creators", bool(_creators(crate)), "the entry must have a creator with a name"),
        }
        for prop, (rule, there, why) in wanted.items():
            if not there:
                message = f"the root has no {prop}: {why}"
                yield Issue(Severity.REQUIRED, root.id, prop, f"zenodo:{rule}", message)
        total = sum(crate.size(path) for path in crate.paths())
        if total > LARGEST:
            message = f"the crate has {total} bytes, and no more than {LARGEST} are taken"
            yield Issue(Severity.REQUIRED, root.id, "", "zenodo:size", message)
        if root.all("datePublished") and _day(root) is None:
            message = "datePublished is no date of ISO 8601; the day of publication will be taken"
            yield Issue(Severity.RECOMMENDED, root.id, "datePublished", "zenodo:date", message)

    def steps(self, url: str, crate: Crate, name: str, options: PublishOptions) -> Sequence[Step]:
        """See Service."""
        described = {"metadata": _metadata(crate, options)}
        base = f"{url}{_DEPOSITIONS}"
        if options.version_of is None:
            steps = [Step("POST", base, described)]
        else:
            steps = [
                Step("POST", f"{base}/{options.version_of}/actions/newversion"),
                Step("DELETE", f"{base}/{{draft}}/files/{{each file of the version before}}"),
                Step("PUT", f"{base}/{{draft}}", described),
            ]
        steps.append(Step("PUT", f"{{bucket of the draft}}/{name}", {}, name))
        return [*steps, Step("POST", f"{base}/{{draft}}/actions/publish")] if options.final else steps

    def publish(self, server: Server, url: str, crate: Crate, archive: Packed, options: PublishOptions,
                tell: Tell) -> Published:  # fmt: skip
        """See Service."""
        draft = _new_draft(server, crate, options) if options.version_of is None else _next_draft(
            server, crate, options
        )  # fmt: skip
        where = f"{url}/deposit/{draft['id']}"
        tell(f"made the draft {where}")
        try:
            tell(f"sending {archive.name}, {archive.size} bytes")
            _send_file(server, draft, archive)
            if options.final:
                answer = server.send("POST", f"{_DEPOSITIONS}/{draft['id']}/actions/publish", again=False)
                return _published(_object(answer.value), url, draft=False)
        except PublishFailed as error:
            raise PublishFailed(error.problem, hint=f"the draft is still there: {where}") from error
        return _published(draft, url, draft=True)


# -- requests --------------------------------------------------------------------------------------


def _new_draft(server: Server, crate: Crate, options: PublishOptions) -> dict[str, Any]:
    body = json_body({"metadata": _metadata(crate, options)})
    return _draft(server.send("POST", _DEPOSITIONS, body, again=False).value)


def _next_draft(server: Server, crate: Crate, options: PublishOptions) -> dict[str, Any]:
    """Return the draft of the next version, described and without the files of the version before."""
    assert options.version_of is not None
    entry = f"{_DEPOSITIONS}/{quote(options.version_of, safe='')}"
    # Asked twice, Zenodo answers with the draft that there is.
    answer = _object(server.send("POST", f"{entry}/actions/newversion").value)
    latest = (answer.get("links") or {}).get("latest_draft")
    if not isinstance(latest, str):
        raise PublishFailed("the server did not say where the draft of the new version is")
    draft = _draft(server.send("GET", latest).value)
    path = f"{_DEPOSITIONS}/{draft['id']}"
    for file in draft.get("files") or ():
        server.send("DELETE", f"{path}/files/{quote(str(file['id']), safe='')}")
    return _draft(server.send("PUT", path, json_body({"metadata": _metadata(crate, options)})).value)


def _send_file(server: Server, draft: dict[str, Any], archive: Packed) -> None:
    digest = hashlib.md5(usedforsecurity=False)

    def content() -> Iterator[bytes]:
        nonlocal digest
        digest = hashlib.md5(usedforsecurity=False)
        for chunk in file_chunks(archive.path):
            digest.update(chunk)
            yield chunk

    body = Body("application/octet-stream", archive.size, content)
    answer = _object(server.send("PUT", f"{draft['links']['bucket']}/{quote(archive.name)}", body).value)
    said = str(answer.get("checksum") or "").removeprefix("md5:")
    if said and said != digest.hexdigest():
        raise PublishFailed(f"what arrived has another checksum ({said}) than what was sent ({digest.hexdigest()})")


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _draft(value: Any) -> dict[str, Any]:
    draft = _object(value)
    if not draft.get("id") or not isinstance((draft.get("links") or {}).get("bucket"), str):
        raise PublishFailed("the server did not answer with a draft")
    return draft


def _published(entry: dict[str, Any], url: str, *, draft: bool) -> Published:
    identity = str(entry.get("id") or "")
    links = entry.get("links") or {}
    metadata = entry.get("metadata") or {}
    doi = entry.get("doi") or (metadata.get("prereserve_doi") or {}).get("doi") or ""
    page = f"{url}/deposit/{identity}" if draft else str(links.get("record_html") or f"{url}/records/{identity}")
    return Published(identity, page, str(metadata.get("version") or ""), str(doi), draft)


# -- what is said of a crate -----------------------------------------------------------------------


def _metadata(crate: Crate, options: PublishOptions) -> dict[str, Any]:
    """Return the description of an entry, in the terms of the deposit API."""
    root = crate.root
    described = {
        "upload_type": "dataset",
        "title": root.text("name"),
        "description": "".join(f"<p>{escape(part)}</p>" for part in _paragraphs(root.text("description") or "")),
        "creators": _creators(crate),
        "access_right": "open",
        "license": _license(root),
        "publication_date": _day(root),
        "version": root.text("version"),
        "keywords": _keywords(root),
        "communities": [{"identifier": name} for name in options.communities],
        "related_identifiers": [
            {"identifier": str(link), "relation": "isDerivedFrom"}
            for link in root.all("isBasedOn")
            if isinstance(link, str) and link.startswith("http")
        ],
    }
    return {name: value for name, value in described.items() if value}


def _paragraphs(text: str) -> list[str]:
    return [part.strip() for part in text.split("\n\n") if part.strip()]


def _creators(crate: Crate) -> list[dict[str, str]]:
    return [
        made
        for entity in crate.related(crate.root, "author", "creator")
        if (made := _creator(crate, entity)) is not None
    ]


def _creator(crate: Crate, entity: Entity) -> dict[str, str] | None:
    family, given, name = entity.text("familyName"), entity.text("givenName"), entity.text("name")
    shown = f"{family}, {given}" if family and given else name
    if not shown:
        return None
    orcid = _ORCID.fullmatch(entity.id)
    places = [place.text("name") for place in crate.related(entity, "affiliation")]
    affiliation = next((place for place in places if place), None)
    if affiliation is None and not entity.refs("affiliation"):
        affiliation = entity.text("affiliation")
    made = {"name": shown, "affiliation": affiliation, "orcid": orcid[1] if orcid else None}
    return {key: value for key, value in made.items() if value}


def _license(root: Entity) -> str | None:
    """Return the identifier of SPDX in small letters, which Zenodo takes; the last part of a URL is one."""
    text = next((str(one) for one in root.all("license") if isinstance(one, str) and one.strip()), None)
    if text is None:
        return None
    return text.rstrip("/").rpartition("/")[2].removesuffix(".html").removesuffix(".json").lower() or None


def _day(root: Entity) -> str | None:
    text = root.text("datePublished") or ""
    try:
        return (datetime.fromisoformat(text).date() if "T" in text else date.fromisoformat(text)).isoformat()
    except ValueError:
        return None


def _keywords(root: Entity) -> list[str]:
    words = [str(one) for one in root.all("keywords") if isinstance(one, str)]
    return [part.strip() for word in words for part in word.split(",") if part.strip()]
