"""A crate is looked at as its server would look at it, and then sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from time import sleep

from ...data_classes import dataclass
from ...errors import PublishFailed
from ..read import Crate, open_crate
from ..safety import shown
from ..validation.check import Checker
from ..validation.report import Issue, Severity, in_order
from .archive import name_of, packed
from .service import Published, PublishOptions, Service, Step, Tell
from .targets import Kind, Target
from .transport import Server
from .workflowhub import WorkflowHub
from .zenodo import Zenodo

_SERVICES: Mapping[Kind, Service] = {Kind.WORKFLOWHUB: WorkflowHub(), Kind.ZENODO: Zenodo()}


@dataclass(frozen=True, slots=True)
class Plan:
    """A crate that was looked at, and what would be sent.

    Attributes:
        crate: its path.
        target: the server.
        issues: what the server would refuse (required), and what is better mended (recommended).
        steps: the requests.
    """

    crate: str
    target: Target
    issues: Sequence[Issue]
    steps: Sequence[Step]

    @property
    def refused(self) -> Sequence[Issue]:
        """What the server would refuse."""
        return [issue for issue in self.issues if issue.severity is Severity.REQUIRED]


def plan(path: str, target: Target, options: PublishOptions) -> Plan:
    """Look at a crate as the server would; nothing is sent.

    Raises CrateInvalid for what is no crate, UsageError for options that are not for this server.
    """
    options.check(target.kind)
    with open_crate(path) as crate:
        return _planned(crate, target, options)


def _planned(crate: Crate, target: Target, options: PublishOptions) -> Plan:
    service = _SERVICES[target.kind]
    issues = in_order([*service.issues(crate, options), *_invalid(crate)])
    return Plan(crate.path, target, issues, service.steps(target.url, crate, name_of(crate), options))


def _invalid(crate: Crate) -> Iterator[Issue]:
    """Yield what is wrong with a crate although a server would take it, as what is better mended."""
    for issue in Checker(official=False).check_open(crate):
        yield replace(issue, severity=Severity.RECOMMENDED)


def publish(
    path: str,
    target: Target,
    options: PublishOptions,
    token: str,
    *,
    tell: Tell = lambda text: None,
    wait: Callable[[float], None] = sleep,
) -> Published:
    """Send a crate to a server and return the entry that it has become.

    Args:
        path: folder or archive.
        target: the server.
        options: what is wanted.
        token: of a person who may write there.
        tell: is told what happens.
        wait: waits so many seconds before a request is tried again.

    Raises:
        CrateInvalid: it is no crate, or not safe.
        UsageError: an option is not for this server.
        PublishFailed: the server would not take it, or did not.
    """
    options.check(target.kind)
    service = _SERVICES[target.kind]
    with open_crate(path) as crate:
        _refuse(_planned(crate, target, options))
        server = Server(target.url, f"{service.authorization} {token}", token, wait=wait)
        with packed(crate) as archive:
            return service.publish(server, target.url, crate, archive, options, tell)


def _refuse(planned: Plan) -> None:
    """Raise PublishFailed for what the server would refuse."""
    if planned.refused:
        first, more = planned.refused[0], len(planned.refused) - 1
        also = f", and {more} more" if more else ""
        raise PublishFailed(
            f"{planned.target.host} would not take the crate: {shown(first.entity)}: {first.message}{also}",
            hint="recrate publish --check lists all",
        )
