"""Whether a crate is valid: `Checker(...).check(path)`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from ...errors import CrateInvalid
from ..read import Crate, open_crate
from .file_rules import check_files, check_hashes
from .hub_rules import check_for_hub
from .official import official_validator
from .report import Claim, Issue, Report, Severity, in_order
from .run_rules import WORKFLOW_PROFILE, check_run
from .vocabulary_rules import check_vocabulary


class Checker:
    """Checks crates, one after the other: loading the validator costs more than most crates do.

    Args:
        severity: the least binding rules that are looked at.
        official: whether the rules of the official validator are among them. It needs the extra `validate`.
        hashes: whether files are read, to compare them with the hashes that the metadata give.
        skip: identifiers of rules that are not looked at.
    """

    def __init__(
        self,
        severity: Severity = Severity.REQUIRED,
        *,
        official: bool = True,
        hashes: bool = False,
        skip: Collection[str] = (),
    ) -> None:
        self._severity = severity
        self._with_hashes = hashes
        self._skipped = frozenset(skip)
        self._with_official = official

    def check(self, path: str) -> Report:
        """Return what is wrong with the crate in a folder or an archive. Nothing is fetched or unpacked.

        A crate that is not safe to be read, or is none, has one issue that says so.
        Raises Unsupported when the official validator is wanted and not installed.
        """
        if self._with_official:
            official_validator()
        try:
            with open_crate(path) as crate:
                claims = self._claims(crate)
                issues = self.check_open(crate, claims)
        except CrateInvalid as error:
            claims, issues = (), (_unreadable(error),)
        return Report(path, self._severity, self._with_official, claims, issues)

    def check_open(self, crate: Crate, claims: Sequence[Claim] | None = None) -> tuple[Issue, ...]:
        """Return what is wrong with a crate that is open with all its entities."""
        found = self._issues(crate, self._claims(crate) if claims is None else claims)
        return in_order([issue for issue in found if self._counts(issue)])

    def _counts(self, issue: Issue) -> bool:
        return self._severity.covers(issue.severity) and issue.rule not in self._skipped

    def _claims(self, crate: Crate) -> tuple[Claim, ...]:
        if self._with_official:
            return official_validator().claims(crate)
        return tuple(Claim(url, None) for url in crate.profiles)

    def _issues(self, crate: Crate, claims: Sequence[Claim]) -> Iterator[Issue]:
        yield from check_files(crate)
        yield from check_run(crate)
        yield from check_vocabulary(crate)
        yield from _recommended_by_hub(crate)
        if self._with_hashes:
            yield from check_hashes(crate)
        if self._with_official:
            yield from official_validator().check(crate, claims, self._severity)


def _recommended_by_hub(crate: Crate) -> Iterator[Issue]:
    """Yield what WorkflowHub asks of crates that claim to be for it; a crate may be valid without that."""
    if any(url.startswith(WORKFLOW_PROFILE) for url in crate.profiles):
        for issue in check_for_hub(crate):
            yield replace(issue, severity=Severity.RECOMMENDED)


def _unreadable(error: CrateInvalid) -> Issue:
    entity = error.where.file if error.where else "./"
    return Issue(Severity.REQUIRED, entity, "", "recrate:readable", error.problem)
