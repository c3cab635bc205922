"""The software that takes part in each run, for the record."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .. import __version__

PACKAGES = ("quickjs-ng", "cwl-utils", "ruamel.yaml")
"""Packages that change what a run does."""


def software() -> list[Mapping[str, Any]]:
    """Return what took part in each run: this program and the packages that change what it does."""
    found: list[Mapping[str, Any]] = [{"role": "engine", "name": "recrate", "version": __version__}]
    found.append({"role": "dependency", "name": "python", "version": sys.version.split()[0]})
    versions = versions_of(PACKAGES)
    return found + [{"role": "dependency", "name": name, "version": versions[name]} for name in versions]


def versions_of(packages: Iterable[str], path: Iterable[str] | None = None) -> dict[str, str]:
    """Return the versions of those of some packages that are installed.

    Installers name the directory of a package's metadata by name and version, so that listing what
    is on the path tells both. Only what is not found so is asked of `importlib.metadata`, whose
    import alone costs more than 20 ms.
    """
    named = dict(_installed(sys.path if path is None else path))
    found = {}
    for package in packages:
        version = named.get(_normal(package)) or (_asked(package) if path is None else None)
        if version is not None:
            found[package] = version
    return found


def _installed(path: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the normal name and the version of each package; those that come first on the path come last."""
    for folder in reversed(list(path)):
        try:
            names = os.listdir(folder or ".")
        except OSError:
            continue
        for entry in names:
            name, dash, version = entry.removesuffix(".dist-info").partition("-")
            if dash and version and entry.endswith(".dist-info"):
                yield _normal(name), version


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _asked(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version  # rarely needed, see `versions_of`

    try:
        return version(package)
    except PackageNotFoundError:
        return None
