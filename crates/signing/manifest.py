"""The manifest of a crate: an in-toto Statement (v1) with the sha256 of each file.

See https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md. One subject stands on a line, in the
order of the paths, so that equal crates give equal bytes, and a difference is seen in any diff.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...data_classes import dataclass
from ...errors import CrateInvalid, Where
from ..read import Crate
from ..safety import shown

SIGNATURES = "recrate/signatures/"
"""The folder of a crate that holds the manifest and its signatures."""
PATH = f"{SIGNATURES}manifest.json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://w3id.org/ro/terms/recrate/manifest/v1"
LARGEST = 512 << 20
"""Bytes of a manifest."""
_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Differences:
    """How the files of a crate differ from what a manifest says: paths, in order."""

    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changed or self.added or self.removed)


def is_signature(path: str) -> bool:
    """Tell whether a file of a crate is a signature or what it is of; only these are not in the manifest."""
    inside = path.removeprefix(SIGNATURES)
    return path == PATH or (inside != path and "/" not in inside and inside.endswith(".sig"))


def signed_paths(crate: Crate) -> Iterator[str]:
    """Yield the paths of the files that a manifest lists, in order: all but signatures."""
    return (path for path in sorted(crate.paths()) if not is_signature(path))


def manifest_of(crate: Crate) -> bytes:
    """Return the manifest of a crate as it is now. Raises CrateInvalid when a file cannot be read."""
    subjects = ",\n".join(
        json.dumps({"name": path, "digest": {"sha256": crate.digest(path).sha256}}) for path in signed_paths(crate)
    )
    predicate = {
        "metadata": crate.metadata,
        "name": crate.root.text("name"),
        "conformsTo": list(crate.profiles),
        "excludes": [PATH, f"{SIGNATURES}*.sig"],
    }
    return (
        f'{{"_type": {json.dumps(STATEMENT)},\n"predicateType": {json.dumps(PREDICATE)},\n'
        f'"predicate": {json.dumps(predicate)},\n"subject": [\n{subjects}\n]}}\n'
    ).encode()


def read_manifest(content: bytes, where: Where) -> dict[str, str]:
    """Return the sha256 of each file by path. Raises CrateInvalid when this is no manifest of a crate."""
    try:
        statement = json.loads(content, object_pairs_hook=_object)
    except (ValueError, RecursionError):
        raise CrateInvalid("the manifest of the signatures is no JSON", where=where) from None
    subjects = statement.get("subject") if isinstance(statement, dict) else None
    if not isinstance(subjects, list) or statement.get("_type") != STATEMENT:
        raise CrateInvalid("the manifest of the signatures is no in-toto Statement v1", where=where)
    if statement.get("predicateType") != PREDICATE:
        raise CrateInvalid("the Statement is about something else than the files of a crate", where=where)
    found: dict[str, str] = {}
    for subject in subjects:
        match subject:
            case {"name": str(name), "digest": {"sha256": str(sha256)}} if _SHA256.fullmatch(sha256):
                if name in found:
                    raise CrateInvalid(f"the manifest lists {shown(name)!r} twice", where=where)
                found[name] = sha256
            case _:
                raise CrateInvalid("the manifest lists something without a name or a sha256", where=where)
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name stands twice")
    return made


def differences(crate: Crate, said: Mapping[str, str]) -> Differences:
    """Compare all files of a crate with what a manifest says of them. Raises CrateInvalid when one cannot be read."""
    there = list(signed_paths(crate))
    return Differences(
        changed=tuple(path for path in there if path in said and crate.digest(path).sha256 != said[path]),
        added=tuple(path for path in there if path not in said),
        removed=tuple(sorted(set(said) - set(there))),
    )
