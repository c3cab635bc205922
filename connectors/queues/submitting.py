"""Attempts on their way into a queue: those that come close together become one submission."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

from ...data_classes import dataclass
from ...errors import PlaceFailed, RecrateError
from ..base import Completed, Launch
from ..wrapper import CLAIM
from .batch import Group, Member, Template, batch_text, intent_text
from .manager import QueueManager, Submission
from .running import Shell

MARK = "recrate:"


@dataclass(frozen=True, slots=True)
class Service:
    """A named way of submitting to a queue."""

    name: str | None = None
    options: Mapping[str, str | int | bool] = field(default_factory=dict)
    flags: Sequence[str] = ()
    group: int = 1
    template: Template = field(default_factory=Template)


@dataclass(frozen=True, slots=True)
class Submitted:
    """Where an attempt is in the queue."""

    job_id: str
    member: int
    shared: bool
    """Other attempts are carried out by the same job of the queue."""


Asked = tuple[Service, Launch]


@dataclass(slots=True)
class Submitting:
    """Makes submissions of attempts."""

    place: str
    manager: QueueManager
    shell: Shell
    index: str
    """The variable that tells a script of an array which element it is."""

    async def submit(self, asked: Sequence[Asked]) -> Sequence[Submitted | RecrateError]:
        """Submit attempts in as few submissions as may be; return what became of each."""
        answers: list[Submitted | RecrateError | None] = [None] * len(asked)
        for numbers in self._alike(asked):
            service = asked[numbers[0]][0]
            launches = [asked[number][1] for number in numbers]
            try:
                placed = await self._submit(service, launches)
            except RecrateError as error:
                placed = [error] * len(numbers)
            for number, answer in zip(numbers, placed, strict=True):
                answers[number] = answer
        return [answer for answer in answers if answer is not None]

    def _alike(self, asked: Sequence[Asked]) -> Iterator[Sequence[int]]:
        """Yield the numbers of attempts that can be submitted together."""
        kinds: dict[object, list[int]] = {}
        for number, (service, launch) in enumerate(asked):
            needs = (launch.cores, launch.ram, launch.gpus, launch.time_limit)
            alone = None if service.template.is_for_many else number
            kinds.setdefault((service.name, needs, alone), []).append(number)
        for numbers, service in ((numbers, asked[numbers[0]][0]) for numbers in kinds.values()):
            most = self.manager.most_elements * service.group
            yield from (numbers[start : start + most] for start in range(0, len(numbers), most))

    async def _submit(self, service: Service, launches: Sequence[Launch]) -> list[Submitted | RecrateError]:
        """Write down what is about to be submitted, then submit it."""
        note = MARK + secrets.token_hex(12)
        taken = await self._intend(note, _groups(service, launches))
        free = [number for number in range(len(launches)) if number not in taken]
        if taken and free:
            await self._intend(note, _groups(service, [launches[number] for number in free]))
        answers: list[Submitted | RecrateError] = [_taken(self.place, launch) for launch in launches]
        if free:
            placed = await self._place(service, note, [launches[number] for number in free])
            for number, answer in zip(free, placed, strict=True):
                answers[number] = answer
        return answers

    async def _intend(self, note: str, groups: Sequence[Group]) -> set[int]:
        done = await self.shell.run(intent_text(note, groups, CLAIM))
        if done.code != 0:
            raise PlaceFailed(
                f"{self.place}: cannot write into {groups[0][0].directory!r}: {_last(done)}",
                hint="is its disk full, or a quota reached? see `df -h` and `df -i` there",
            )
        return {int(line) for line in done.stdout.split() if line.isdigit()}

    async def _place(self, service: Service, note: str, launches: Sequence[Launch]) -> Sequence[Submitted]:
        groups = _groups(service, launches)
        submission = self.submission(service, note, launches)
        ids = await self.manager.submit(submission)
        return [
            Submitted(ids[element], member, len(group) > 1)
            for element, group in enumerate(groups)
            for member in range(len(group))
        ]

    def submission(self, service: Service, note: str, launches: Sequence[Launch]) -> Submission:
        """Return the submission of attempts that ask for the same."""
        groups = _groups(service, launches)
        return Submission(
            name=launches[0].name,
            note=note,
            script=batch_text(service.template, groups, self.index),
            options=self.manager.options(service.options, launches[: service.group]),
            flags=service.flags,
            elements=len(groups) if len(groups) > 1 else None,
        )


def _groups(service: Service, launches: Sequence[Launch]) -> list[list[Member]]:
    members = [Member(launch.directory, launch.time_limit) for launch in launches]
    return [members[start : start + service.group] for start in range(0, len(members), service.group)]


def _taken(place: str, launch: Launch) -> PlaceFailed:
    return PlaceFailed(f"{place}: {launch.name} was started or given up before, in {launch.directory}")


def _last(done: Completed) -> str:
    lines = done.stderr.decode("utf-8", "replace").strip().split("\n")
    return lines[-1] or f"exit code {done.code}"
