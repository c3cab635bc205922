"""The official validator (`roc-validator`), run without any network.

It is slow to start (a second or more), so one `OfficialValidator` checks many crates.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ...data_classes import dataclass
from ...errors import Unsupported
from .. import contexts
from ..read import Crate
from ..safety import shown
from . import profiles
from .offline import offline
from .report import Claim, Issue, Severity
from .standins import as_folder


@dataclass(frozen=True, slots=True)
class _Profile:
    """A profile that the validator knows."""

    identifier: str
    inherited: Sequence[str]
    """URLs of the profiles whose rules are among its own."""


class OfficialValidator:
    """Checks crates by the rules of the official validator.

    There is one in a process, `official_validator()`: the validator keeps its rules in one place for the
    whole process, so that those of two, loaded for other severities, would be taken for each other's.
    """

    def __init__(self) -> None:
        from .queries import keep_queries

        keep_queries()
        self._level: Severity | None = None
        self._loaded: Any = None

    def claims(self, crate: Crate) -> tuple[Claim, ...]:
        """Return what a crate claims to follow, and by whose rules that is checked."""
        return tuple(Claim(url, profiles.rules_for(url, _known())) for url in crate.profiles)

    def check(self, crate: Crate, claims: Sequence[Claim], severity: Severity) -> Iterator[Issue]:
        """Yield what is wrong with a crate by the rules, down to a severity, of all that it claims."""
        known = _known()
        names = [claim.checked_by for claim in claims if claim.checked_by] or [profiles.BASE]
        terms = _terms_of(crate)
        offline().serve(crate.contexts)
        validator = self._down_to(severity)
        with as_folder(crate) as folder:
            for name in profiles.farthest(names, {name: known[name].inherited for name in names}):
                validator.validation_settings.profile_identifier = known[name].identifier
                for issue in _issues(validator, folder, terms):
                    if severity.covers(issue.severity):
                        yield issue

    def _down_to(self, severity: Severity) -> Any:
        """Return the validator with rules down to a severity: loaded once, and again only for one that is lower."""
        if self._level is None or not self._level.covers(severity):
            from rocrate_validator import models
            from rocrate_validator.requirements.shacl.checks import SHACLCheck

            SHACLCheck.clear_instances()
            settings = models.ValidationSettings(
                rocrate_uri=str(offline().folder),
                extra_profiles_path=_extra_profiles(),
                requirement_severity=models.Severity[severity.name],
                offline=True,
                cache_path=offline().cache,
            )
            self._loaded = models.Validator(settings)
            self._level = severity
        return self._loaded


def official_validator() -> OfficialValidator:
    """Return the validator of this process. Raises Unsupported when it is not installed."""
    _require()
    return _of_this_process()


@cache
def _of_this_process() -> OfficialValidator:
    return OfficialValidator()


def _require() -> None:
    try:
        from rocrate_validator.utils import log
    except ImportError as error:
        raise Unsupported(
            f"the official validator of RO-Crates cannot be loaded: {error}",
            hint="pip install 'recrate[validate]', or --own for Recrate's own rules alone",
        ) from None
    # Else it prints, at the end of the process, what it had to say about contexts that are not here.
    log.__settings__["enabled"] = False


@cache
def _extra_profiles() -> Path | None:
    """Return the folder with the profiles that the installed validator lacks; None when it has all."""
    from rocrate_validator.utils.paths import get_profiles_path

    installed = get_profiles_path()
    if any("wfrun/provenance/0.6" in path.read_text("utf-8") for path in installed.rglob("profile.ttl")):
        return None
    made = offline().folder / "profiles"
    profiles.derive_06(installed, made)
    return made


@cache
def _known() -> Mapping[str, _Profile]:
    """Return the profiles that can be checked, by URL."""
    from rocrate_validator.services import get_profiles

    found = get_profiles(extra_profiles_path=_extra_profiles())
    return {one.uri: _Profile(one.identifier, tuple(below.uri for below in one.inherited_profiles)) for one in found}


def _issues(validator: Any, folder: str, terms: Mapping[str, str]) -> Iterator[Issue]:
    try:
        found = validator.validate(folder).get_issues()
    except Exception as error:  # noqa: BLE001 - a crate that it cannot cope with must not hide what else is wrong
        message = f"the official validator broke down over this crate: {shown(str(error))}"
        yield Issue(Severity.REQUIRED, "./", "", "recrate:validator", message)
        return
    yield from (_issue(one, terms) for one in found)


def _issue(found: Any, terms: Mapping[str, str]) -> Issue:
    entity = str(found.violatingEntity or "./")
    prop = str(found.violatingProperty or "")
    return Issue(
        severity=Severity[found.severity.name],
        entity=entity.removeprefix("./") or "./",
        # A path of several properties is a node without a name of its own.
        property=terms.get(prop, prop if ":" in prop else ""),
        rule=found.identifier,
        message=" ".join(str(found.message or found.check.description).split()),
    )


def _terms_of(crate: Crate) -> Mapping[str, str]:
    """Return the compact names of IRIs by the contexts that a crate names; the last one that has a name wins."""
    terms = {"http://www.w3.org/1999/02/22-rdf-syntax-ns#type": "@type"}
    for url in crate.contexts:
        for name, value in (contexts.context_terms(url) or {}).items():
            iri = value.get("@id") if isinstance(value, dict) else value
            if isinstance(iri, str) and not name.startswith("@"):
                terms[iri] = name
    return terms
