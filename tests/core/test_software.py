"""The versions of the software that takes part in a run, found without a costly import."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from recrate.core.software import PACKAGES, software, versions_of


def test_versions_are_those_of_the_metadata() -> None:
    found = {item["name"]: item["version"] for item in software() if item["role"] == "dependency"}
    assert {name: found[name] for name in PACKAGES} == {name: version(name) for name in PACKAGES}


def test_a_package_is_found_however_its_name_is_spelled(tmp_path: Path) -> None:
    (tmp_path / "Ruamel.YAML-1.2.3.dist-info").mkdir()
    assert versions_of(["ruamel.yaml", "cwl-utils"], [str(tmp_path)]) == {"ruamel.yaml": "1.2.3"}


def test_what_comes_first_on_the_path_counts(tmp_path: Path) -> None:
    for number in ("1", "2"):
        (tmp_path / number / f"quickjs_ng-{number}.dist-info").mkdir(parents=True)
    path = [str(tmp_path / "absent"), str(tmp_path / "2"), str(tmp_path / "1")]
    assert versions_of(["quickjs-ng"], path) == {"quickjs-ng": "2"}


def test_a_package_that_is_not_installed_has_no_version() -> None:
    assert versions_of(["no-such-package-anywhere"]) == {}
