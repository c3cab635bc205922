"""WorkflowHub, and other servers that run SEEK: one form with the archive.

The API: https://workflowhub.eu/api (`/workflows`), and the controller of workflows in SEEK's source.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from ...errors import PublishFailed
from ..holders import Folder
from ..read import Crate
from ..safety import shown
from ..validation.hub_rules import check_for_hub, source_url
from ..validation.report import Issue, Severity
from .archive import Packed
from .multipart import form
from .service import Published, PublishOptions, Step, Tell
from .transport import Server

LARGEST = 50 << 30
"""Bytes that the template of the server's proxy lets through; a server may allow less."""
_FILE = "ro_crate"


class WorkflowHub:
    """See Service."""

    authorization = "Token"

    def issues(self, crate: Crate, options: PublishOptions) -> Iterator[Issue]:
        """See Service."""
        yield from check_for_hub(crate)
        if crate.prefix and not isinstance(crate.holder, Folder):
            message = f"the metadata must stand at the root of the archive, not in {shown(crate.prefix)}"
            yield Issue(Severity.REQUIRED, crate.root.id, "", "workflowhub:metadata", message)
        total = sum(crate.size(path) for path in crate.paths())
        if total > LARGEST:
            message = f"the crate has {total} bytes, and no more than {LARGEST} are taken"
            yield Issue(Severity.REQUIRED, crate.root.id, "", "workflowhub:size", message)
        if options.submit and source_url(crate) is None:
            message = "there is no source URL (isBasedOn or url), by which --submit knows an entry again"
            yield Issue(Severity.REQUIRED, crate.root.id, "isBasedOn", "workflowhub:source", message)
        if options.submit and not crate.root.text("version"):
            message = "there is no version, by which --submit knows whether it has this one"
            yield Issue(Severity.REQUIRED, crate.root.id, "version", "workflowhub:version", message)
        if not options.projects and options.version_of is None:
            message = "a new entry belongs to a team: --project ID, the number in the address of its page"
            yield Issue(Severity.REQUIRED, crate.root.id, "", "workflowhub:project", message)

    def steps(self, url: str, crate: Crate, name: str, options: PublishOptions) -> Sequence[Step]:
        """See Service."""
        fields: dict[str, Any] = {}
        for field, value in _fields(options):
            fields.setdefault(field, []).append(value)
        return [Step("POST", f"{url}{_path(options)}", fields, name)]

    def publish(self, server: Server, url: str, crate: Crate, archive: Packed, options: PublishOptions,
                tell: Tell) -> Published:  # fmt: skip
        """See Service."""
        tell(f"sending {archive.name}, {archive.size} bytes")
        body = form(_fields(options), _FILE, archive.name, archive.path)
        # What `submit` has already it does not take again; the others would make a second entry.
        answer = server.send("POST", _path(options), body, again=options.submit)
        return _published(answer.value, url)


def _path(options: PublishOptions) -> str:
    if options.version_of is not None:
        return f"/workflows/{quote(options.version_of, safe='')}/create_version"
    return "/workflows/submit" if options.submit else "/workflows"


def _fields(options: PublishOptions) -> list[tuple[str, str]]:
    fields = [("workflow[project_ids][]", project) for project in options.projects]
    if options.comment is not None:
        fields.append(("revision_comments", options.comment))
    return fields


def _published(value: Any, url: str) -> Published:
    data = value.get("data") if isinstance(value, dict) else None
    if not isinstance(data, dict) or not data.get("id"):
        raise PublishFailed("the server took the crate and did not say which entry it is", hint=f"look at {url}")
    attributes = data.get("attributes") or {}
    version = attributes.get("latest_version") or attributes.get("version") or ""
    return Published(str(data["id"]), f"{url}/workflows/{data['id']}", str(version), str(attributes.get("doi") or ""))
