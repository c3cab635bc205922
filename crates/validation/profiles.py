"""The profiles of the official validator, and those of the 0.6 line, which it does not have yet.

The rules of Workflow Run RO-Crate 0.6 are those of 0.5 with other IRIs: of the terms of Bioschemas, and
of the versions that belong together (RO-Crate 1.3, Workflow RO-Crate 1.1). So they are made from
the files of 0.5 that the installed validator brings, until it brings its own.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

_TOKENS = ("workflow-ro-crate", "process-run-crate", "workflow-run-crate", "provenance-run-crate")
_REWRITTEN = (
    ("workflowhub/workflow-ro-crate/1.0", "workflowhub/workflow-ro-crate/1.1"),
    # What stands above others in the list of a profile is given whole, and 1.3 stands on 1.2.
    ("isTransitiveProfileOf <https://w3id.org/ro/crate/1.1>", "isTransitiveProfileOf <https://w3id.org/ro/crate/1.2>, "
     "<https://w3id.org/ro/crate/1.3>"),
    ("w3id.org/ro/crate/1.1", "w3id.org/ro/crate/1.3"),
    ("Run Crate 0.5", "Run Crate 0.6"),
    # What the rules of RO-Crate find, such as the root, has a name of ours there.
    ("rocrate-validator/profiles/ro-crate/", "rocrate-validator/profiles/ro-crate-1.2/"),
    # Rules are known by their IRIs, whichever profile they stand in.
    *((f"rocrate-validator/profiles/{token}/", f"rocrate-validator/profiles/{token}/next/") for token in _TOKENS),
)  # fmt: skip
_BIOSCHEMAS = re.compile(r"\bbioschemas(?:-cw)?:(\w+)")
"""A term: in full also in queries, whose prefixes are declared by the profile of RO-Crate."""
_RUN_VERSION = re.compile(r"(w3id\.org/ro/wfrun/(?:process|workflow|provenance)/)0\.5")
_ON_THE_DESCRIPTOR = re.compile(
    r"(sh:hasValue <https://w3id\.org/ro/crate/1\.3>)\s*,\s*<https://w3id\.org/workflowhub/workflow-ro-crate/1\.1>"
)
_EARLIER_RUN = re.compile(r"https://w3id\.org/ro/wfrun/(process|workflow|provenance)/0\.[1-4]")
BASE = "https://w3id.org/ro/crate/1.1"
"""Whose rules a crate must keep that claims nothing known."""


def derive_06(installed: Path, target: Path) -> None:
    """Write the profiles of the 0.6 line, made from those of the installed validator, into a folder."""
    for token in _TOKENS:
        made = target / token
        shutil.copytree(installed / token, made, ignore=shutil.ignore_patterns("__pycache__"))
        for path in made.rglob("*.ttl"):
            path.write_text(_as_06(path.read_text(encoding="utf-8")), encoding="utf-8")


def _as_06(text: str) -> str:
    for old, new in _REWRITTEN:
        text = text.replace(old, new)
    text = _BIOSCHEMAS.sub(r"<https://bioschemas.org/terms/\1>", text)
    # In this line the root, not the descriptor, names Workflow RO-Crate.
    return _ON_THE_DESCRIPTOR.sub(r"\1", _RUN_VERSION.sub(r"\g<1>0.6", text))


def normal(profile: str) -> str:
    """Return the URL of a profile in the form in which the validator knows it."""
    return re.sub("^http:", "https:", profile.rstrip("/"))


def rules_for(profile: str, known: Iterable[str]) -> str | None:
    """Return the URL of the profile by whose rules a claimed one is checked; None when there are none.

    The versions of Workflow Run RO-Crate before 0.5 ask for no more than 0.5.
    """
    name = _EARLIER_RUN.sub(r"https://w3id.org/ro/wfrun/\1/0.5", normal(profile))
    return name if name in known else None


def farthest(names: Sequence[str], inherited: dict[str, Sequence[str]]) -> list[str]:
    """Return those profiles whose rules no other one of them includes."""
    included = {below for name in names for below in inherited[name]}
    return [name for name in dict.fromkeys(names) if name not in included]
