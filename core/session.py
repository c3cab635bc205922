"""One run from its description to its end: what is written down before, carried out, and delivered after."""

from __future__ import annotations

import asyncio
import os
import platform
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import field
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..connectors.registry import make_connector
from ..data_classes import dataclass
from ..errors import RecrateError, UsageError
from ..provenance import ids, queries
from ..provenance.leases import Wish
from ..provenance.names import new_name
from ..provenance.recorder import Recorder
from ..provenance.removal import collect, gc_plan
from ..provenance.rows import DocumentRow, LocationRow, ReplicaRow, RunRow, SoftwareRow
from ..provenance.statements import Update
from ..provenance.states import Keep, ReplicaKind, RunState
from ..provenance.store import Store
from ..redaction import Redactor
from . import records
from .adoption import ask, broken_off
from .attempts import Attempts
from .backoff import Backoff
from .containers import LazyContainers
from .contents import Contents
from .engine import Ending, Engine
from .ledger import Ledger
from .machine.events import RunStarted
from .machine.instructions import Outcome
from .machine.run import RunMachine
from .model import Body
from .observer import Notice, Observer, Progress, Silent
from .places import ContainerService, Place, place_here
from .publish import Publisher
from .reuse import Reuse
from .revival import Revival, reopened, replayed
from .seats import OnePlace, Seating
from .settings import Settings
from .software import software
from .sources import repository_rows
from .stored_outputs import outputs_json
from .stored_tokens import TokenReader
from .surroundings import Surroundings
from .tokens import Origin, Token
from .uris import is_file_uri, to_path
from .values import Value, Values, made_public, to_json, walk_references
from .watching import STALLED_SECONDS

if TYPE_CHECKING:
    from ..connectors.base import Connector
    from ..connectors.images import ImageFacts
    from .disturbing import Disturbing
    from .hybrid import Hybrid
    from .tracing import Tracer

MOST_SOURCES = 2000
"""So many documents and files that a run is given are looked for in git repositories."""
GIVEN = "given"
"""Role of the tokens of a run's inputs."""
HERE_ROW = records.deployment_row("local", "local", {})
"""The deployment that is the controller's machine."""
ROWS_AT_ONCE = 2_000
"""Of the rows that say where outputs lie so many are made and written at a time."""
STATES = {
    Outcome.COMPLETED: RunState.COMPLETED,
    Outcome.FAILED: RunState.FAILED,
    Outcome.CANCELLED: RunState.CANCELLED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What is known of a run before it starts: rows of its workflow, and what the user typed."""

    workflow_id: str
    rows: Sequence[Any] = ()
    """Rows of the workflow and its documents, which belong to no run."""
    run_rows: Any = None
    """Called with the id of the run: returns the rows of its steps, ports and software."""
    command_line: Sequence[str] = ()
    given: Value = None
    """The values given, as given."""
    parent_id: str | None = None
    language_options: Mapping[str, Any] = field(default_factory=dict)
    """What the front end was told that can change what happens, as JSON can say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A run that is over. `outputs` are as delivered; `errors` what no attempt's row says."""

    id: str
    name: str
    state: RunState
    outputs: Values
    outdir: str | None
    work_directory: str
    blocked: int
    seconds: float
    errors: Sequence[RecrateError] = field(default=())


@dataclass(slots=True)
class Session:
    """Carries out one run of a body in a store."""

    store: Store
    body: Body
    description: Description
    settings: Settings
    observer: Observer = field(default_factory=Silent)
    redactor: Redactor = field(default_factory=Redactor)
    contents: Contents = field(default_factory=Contents)
    run_id: str = field(default_factory=ids.new_run_id)
    name: str = ""
    engine: Engine | None = None
    earlier: Store | None = None
    """The store whose results are taken; None: the run's own."""
    asked: Callable[[Wish], None] | None = None
    """Called with what somebody asks of this run's controller, by way of the store."""
    reuse: Reuse = field(init=False)
    hybrid: Hybrid | None = None
    disturbing: Disturbing | None = None

    def __post_init__(self) -> None:
        self.reuse = Reuse(
            self.earlier or self.store,
            self.contents,
            self.run_id,
            self.redactor,
            self.settings.cache,
            self.settings.recorded,
        )

    async def run(self, inputs: Values) -> Finished:
        """Run the body with these inputs, which were accepted and hashed.

        Raises StoreFailed when the store cannot be written: then the run is not over.
        """
        self.name = self.settings.name or new_name(self.store)
        return await self._held(lambda recorder: self._begun(inputs, recorder, time.time()))

    async def resume(self, inputs: Values, *, cancelled: bool = False) -> Finished:
        """Go on with the run of the store that has this session's id, which nobody carries out.

        `inputs` are those that it was given, accepted and hashed. `cancelled`: only end what still runs.

        Raises:
            RunIsHeld: another controller carries it out.
            PlaceFailed: a place cannot say what became of its jobs.
            StoreFailed: the store cannot be written, or does not have what is needed.
        """
        return await self._held(lambda recorder: self._resumed(inputs, recorder, time.time(), cancelled))

    async def _held(self, work: Callable[[Recorder], Awaitable[Finished]]) -> Finished:
        """Carry something out as the holder of the run's lease."""
        lease = self.store.acquire(self.run_id)
        recorder = Recorder(self.store, lease, self.asked)
        try:
            finished = await work(recorder)
        finally:
            self.reuse.close()
            if self.engine is not None:
                self.engine.restorer.close()
                if self.hybrid is not None:
                    await self.hybrid.close()
                await self.engine.attempts.seats.close()
            await recorder.close()
            lease.release()
        if finished.state is RunState.COMPLETED and self.settings.keep is not Keep.ALL:
            collect(self.store, [item for item in gc_plan(self.store) if item.run_id == self.run_id])
        return finished

    async def _begun(self, inputs: Values, recorder: Recorder, begun: float) -> Finished:
        place = await self._place(recorder)
        await recorder.record(
            *self.description.rows, HERE_ROW, place.row, self._run_row(inputs, begun), *self._details()
        )
        ledger = self._ledger(recorder, place.row)
        return await self._from_the_start(inputs, self._engine(place, ledger), begun)

    async def _from_the_start(self, inputs: Values, engine: Engine, begun: float) -> Finished:
        ledger = engine.ledger
        sources = asyncio.ensure_future(self._note_sources(inputs, ledger.recorder))
        self._tell(Notice.RUN_STARTED, f"run {self.name} ({self.run_id})")
        if self.hybrid is not None:
            self.hybrid.begin()
            await self.hybrid.settle(inputs)
        tokens = {name: ledger.mint("/", name, GIVEN, value, Origin.INPUT) for name, value in inputs.items()}
        ledger.recorder.put(*self._input_replicas(inputs, ledger))
        settings = self.settings
        try:
            ending = await engine.execute(
                tokens, RunStarted(settings.window, settings.on_error, settings.retries, settings.limits)
            )
        finally:
            await sources
        return await self._finished(ending, engine, begun)

    async def _note_sources(self, inputs: Values, recorder: Recorder) -> None:
        """Put on record in which state the sources are; meanwhile the run goes on. A plan has no use for it."""
        if not self.settings.launches:
            return
        documents = [row.uri for row in self.description.rows if isinstance(row, DocumentRow)]
        given = (str(item.get("location") or "") for item in walk_references(inputs))
        paths = [to_path(uri) for uri in islice(chain(documents, given), MOST_SOURCES) if is_file_uri(uri)]
        for row in await asyncio.to_thread(repository_rows, self.run_id, paths, self.redactor):
            recorder.put(row)

    async def _resumed(self, inputs: Values, recorder: Recorder, begun: float, cancelled: bool) -> Finished:
        database = self.store.database
        if queries.get_run(database, self.run_id).state is RunState.COMPLETED:
            raise UsageError(f"run {self.name} has completed meanwhile")
        place = await self._place(recorder)
        recorder.put(HERE_ROW, place.row)
        machine, last = replayed(database, self.run_id, self.body)
        ledger = self._ledger(recorder, place.row, last + 1)
        engine = self._engine(place, ledger)
        if last == 0 and not cancelled:
            return await self._from_the_start(inputs, engine, begun)
        self._tell(Notice.RUN_STARTED, f"run {self.name} ({self.run_id}) goes on")
        engine.attempts.adopted = await ask(database, engine.attempts.seats, self.run_id)
        recorder.put(*broken_off(database, self.run_id))
        rows = reopened(database, self.run_id, machine)
        self._revive(engine, machine, inputs)
        return await self._finished(await engine.go_on(machine, *rows, cancelled=cancelled), engine, begun)

    def _revive(self, engine: Engine, machine: RunMachine, inputs: Values) -> None:
        """Lay out what the run has come to."""
        firing = engine.firing
        given = {name: Token(ids.token_id(self.run_id, "/", name, GIVEN), value) for name, value in inputs.items()}
        firing.root_inputs = given
        reader = TokenReader(
            self.store.database, {token.id: token for token in given.values()}, bool(self.redactor.secrets)
        )
        engine.machine = machine
        revival = Revival(self.run_id, self.store.database, machine, engine.board, firing, engine.ledger, reader)
        revival.revive()
        if machine.outcome is Outcome.COMPLETED:
            firing.root_outputs = revival.outputs("/", self.body)

    async def _place(self, recorder: Recorder) -> Place:
        connector = make_connector("local", "local", {})
        if self.settings.chaos is not None:
            from .disturbing import Disturbing

            self.disturbing = Disturbing.of(self.settings.chaos)
            connector = self.disturbing.here(connector)
        [location] = await connector.locations()
        row = records.location_row(location, HERE_ROW.id)
        place = place_here(connector, location, row, self.work_directory, self.settings.jobs)
        place.containers = LazyContainers(
            connector,
            self.settings.containers,
            self.settings.offline,
            _image_recorder(recorder),
            exact=self.settings.images,
        )
        return place

    def _seats(self, place: Place, ledger: Ledger) -> Seating:
        """Return who chooses the places of jobs."""
        binding = self.settings.binding
        if binding is None:
            return OnePlace(place)
        from .hybrid import hybrid

        recorded = _image_recorder(ledger.recorder)

        def containers(connector: Connector, location: str, wanted: str) -> ContainerService:
            here = connector is place.connector
            settings = self.settings
            return LazyContainers(connector, wanted, settings.offline, recorded, location, here, settings.images)

        disturb = () if self.disturbing is None else (self.disturbing.elsewhere,)
        self.hybrid = made = hybrid(
            binding, place, ledger, lambda: self.store.connect(readonly=True), containers, *disturb
        )
        self.reuse.has_elsewhere = made.data.has
        return made.placement

    def _ledger(self, recorder: Recorder, location: LocationRow, next_event: int = 1) -> Ledger:
        os.makedirs(self.work_directory, exist_ok=True)
        made = Ledger(self.run_id, recorder, self.observer, location, self.redactor, self.work_directory, next_event)
        if self.disturbing is not None:
            self.disturbing.begin(made)
        return made

    def _engine(self, place: Place, ledger: Ledger) -> Engine:
        self.engine = Engine(
            self.body, ledger, self._attempts(place, ledger), lambda: self.store.connect(readonly=True), self._stalled
        )
        return self.engine

    @property
    def _stalled(self) -> float:
        return STALLED_SECONDS if self.settings.binding is None else self.settings.binding.stalled

    def _tell(self, notice: Notice, text: str) -> None:
        self.observer.notify(Progress(notice, self.run_id, text=text))

    @property
    def work_directory(self) -> str:
        """The directory that holds the work directories of this run's attempts."""
        return os.path.join(self.settings.work, self.run_id)

    def _attempts(self, place: Place, ledger: Ledger) -> Attempts:
        seats = self._seats(place, ledger)
        return Attempts(
            seats,
            ledger,
            self.contents,
            self.reuse,
            None if self.hybrid is None else self.hybrid.data,
            launches=self.settings.launches,
            backoff=Backoff(self.settings.policies),
            tracer=self._tracer(),
            surroundings=self.settings.surroundings,
        )

    def _tracer(self) -> Tracer | None:
        if self.settings.audit is None:
            return None
        from .tracing import find_tracer

        return find_tracer(self.settings.audit)

    def _input_replicas(self, inputs: Values, ledger: Ledger) -> list[ReplicaRow]:
        return list(records.replica_rows(self.run_id, ledger.where, self.redactor.value(inputs), ReplicaKind.INPUT))

    def _run_row(self, inputs: Values, begun: float) -> RunRow:
        settings = self.settings
        around = settings.surroundings or Surroundings.here()
        told = {"language": dict(self.description.language_options), "surroundings": around.as_json()}
        return RunRow(
            id=self.run_id,
            name=self.name,
            state=RunState.RUNNING,
            workflow_id=self.description.workflow_id,
            parent_id=self.description.parent_id,
            started=begun,
            command_line=to_json([self.redactor.text(word) for word in self.description.command_line]),
            cwd=os.getcwd(),
            outdir=settings.outdir,
            work_directory=self.work_directory,
            keep=settings.keep,
            host=socket.gethostname(),
            engine_version=__version__,
            python_version=platform.python_version(),
            options=to_json({**settings.as_options(), **told}),
            inputs=to_json(self.redactor.value(self.description.given)),
        )

    def _details(self) -> list[Any]:
        rows = list(self.description.run_rows(self.run_id)) if self.description.run_rows else []
        return [*rows, *(SoftwareRow(run_id=self.run_id, **fields) for fields in software())]

    async def _finished(self, ending: Ending, engine: Engine, begun: float) -> Finished:
        """Deliver the outputs of a run that ended, and put its end on record."""
        ledger = engine.ledger
        state, error = STATES[ending.outcome], None
        outputs = {name: token.value for name, token in ending.outputs.items()}
        ending.outputs.clear()
        if state is RunState.COMPLETED:
            try:
                await engine.restorer.ensure(outputs)
                if engine.attempts.data is not None:
                    outputs = await engine.attempts.data.home(outputs)
                self._make_room(engine)
                outputs, rows = self._delivered(outputs, ledger.location)
                while chunk := tuple(islice(rows, ROWS_AT_ONCE)):
                    await ledger.recorder.record(*chunk)
            except RecrateError as failure:
                state, error = RunState.FAILED, failure
                ledger.errors.append(failure)
        made_public(outputs)
        changes = {
            "state": state,
            "ended": time.time(),
            "outputs": outputs_json(outputs, self.redactor),
            "error": self._root_cause(ledger, error),
        }
        await ledger.recorder.record(Update(RunRow, (self.run_id,), changes))
        if self.hybrid is not None and state is RunState.COMPLETED and self.settings.keep is not Keep.ALL:
            await self.hybrid.tidy()
        seconds = time.time() - begun
        self._tell(Notice.RUN_ENDED, f"run {self.name} {state.value} after {seconds:.1f} s")
        return Finished(
            id=self.run_id,
            name=self.name,
            state=state,
            outputs=outputs,
            outdir=self.settings.outdir,
            work_directory=self.work_directory,
            blocked=ending.blocked,
            seconds=seconds,
            errors=tuple(ledger.errors),
        )

    def _make_room(self, engine: Engine) -> None:
        """Let go of what is not needed any more: the outputs may be very many, and are about to be there twice."""
        self.contents.forget()
        self.reuse.close()
        engine.restorer.close()

    def _root_cause(self, ledger: Ledger, error: RecrateError | None) -> str | None:
        cause = error or next(iter(ledger.errors), None)
        return None if cause is None else self.redactor.text(cause.render())

    def _delivered(self, outputs: Values, location: LocationRow) -> tuple[Values, Iterator[ReplicaRow]]:
        """Bring the outputs to the output directory; return them with the rows that say where they are."""
        if self.settings.outdir is None:
            return outputs, iter(())
        owned = None if self.settings.keep is Keep.ALL else os.path.realpath(self.work_directory)
        publisher = Publisher(self.settings.outdir, self.contents, owned)
        delivered = publisher.publish(outputs)
        return delivered, records.replica_rows(self.run_id, location.id, delivered, ReplicaKind.OUTPUT)


def _image_recorder(recorder: Recorder) -> Callable[[ImageFacts], str]:
    """Return what puts an image on record and gives the id of its row."""

    def recorded(image: ImageFacts) -> str:
        row = records.image_row(image.name, image.tag, image.digest or image.id, image.platform, image.engine)
        recorder.put(row)
        return row.id

    return recorded
