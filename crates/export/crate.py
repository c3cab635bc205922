"""A run written as a crate, from its rows alone: what is in the store is what is in the crate."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from ...errors import UsageError
from ...hashing import digest_bytes
from ...provenance import queries
from ...provenance.queries import RunDetail
from ...provenance.rows import AttemptRow, DocumentRow, SoftwareRow, WorkflowRow
from ...provenance.states import RunState
from ...provenance.store import Store
from ...redaction import Redactor, from_environment
from .. import rows
from . import actions, documents, files, places, root, software
from .agents import people_entities, person_of
from .contents import Copier
from .graph import Spool, document, encoded, with_lists
from .jsonld import Entity, clean, day, entity, path_id, ref
from .names import FileNames
from .options import ExportOptions
from .outline import ROOT, Outline, outline_of
from .source import JobRecord, Source, Use
from .story import Story, log_files
from .target import MetadataOnly, Target, target_at
from .texts import Texts, as_json, read_texts
from .values import Values, is_alone, value_id
from .vocabulary import definitions, own_terms
from .workflow import PROFILES, About, WorkflowEntities, language_entities

METADATA = "ro-crate-metadata.json"
PACKED = "workflow/packed.cwl"
OUTLINE = "workflow/outline.json"


@dataclass(frozen=True, slots=True)
class Exported:
    """A crate that was written.

    Attributes:
        path: where it is.
        run: readable name of the run.
        files: how many files and directories of the run are in it.
        absent: names of some of those that could not be had, and how many there are of them.
        left_out: how many were to be left out.
    """

    path: str
    run: str
    files: int
    absent: Sequence[str]
    absent_count: int
    left_out: int
    warnings: Sequence[str] = ()

    @property
    def summary(self) -> str:
        """One line for whoever made it."""
        left_out = f", {self.left_out} left out" if self.left_out else ""
        return f"{self.path}: run {self.run}, {self.files} files and directories of it{left_out}"


def export_run(store: Store, run: str, path: str | os.PathLike[str], options: ExportOptions | None = None) -> Exported:
    """Write the crate of a run.

    Args:
        store: where the run is.
        run: its id or the beginning of one, its name, or `last`.
        path: the folder to make, or the archive when it ends in `.zip`.
        options: what is in it and what its root says.

    Raises:
        UsageError: there is no such run, or it is still going on.
        CrateFailed: the crate could not be written.
    """
    with _ended_run(store, run) as (source, detail):
        with target_at(Path(path), detail.row.ended or detail.row.started) as target:
            return _Exporter(source, detail, target, options or ExportOptions()).export(os.fspath(path))


def describe_run(store: Store, run: str, stream: IO[bytes], options: ExportOptions | None = None) -> None:
    """Write the metadata that the crate of a run has, and nothing else of it.

    Files larger than a MiB are taken for what the store says of them if one of their size lies where they
    should. Arguments and errors as for `export_run`.
    """
    with _ended_run(store, run) as (source, detail):
        target = MetadataOnly(METADATA, stream)
        _Exporter(source, detail, target, options or ExportOptions()).export(METADATA)


@contextmanager
def _ended_run(store: Store, run: str) -> Iterator[tuple[Source, RunDetail]]:
    source = Source(store, queries.resolve(store.database, queries.Kind.RUN, run))
    try:
        detail = source.detail()
        if detail.state is RunState.RUNNING:
            raise UsageError(f"run {detail.row.name} is still going on", hint="wait for its end, or cancel it")
        yield source, detail
    finally:
        source.close()


_SHOWN = 5


@dataclass(slots=True)
class _Exporter:
    source: Source
    detail: RunDetail
    target: Target
    options: ExportOptions
    redactor: Redactor = field(default_factory=from_environment)
    names: FileNames = field(default_factory=FileNames)
    head: list[Entity] = field(default_factory=list)
    parts: Spool = field(default_factory=Spool)
    mentions: Spool = field(default_factory=Spool)
    body: Spool = field(default_factory=Spool)
    copied: int = 0
    left_out: int = 0
    missing: list[str] = field(default_factory=list)
    missing_count: int = 0
    texts: Texts = field(init=False)
    outline: Outline = field(init=False)
    sizes: dict[str, int] = field(default_factory=dict)

    def export(self, path: str) -> Exported:
        """Write everything."""
        try:
            self._workflow_files()
            main_job = self.source.main_job()
            self._name_files(main_job)
            self._files()
            self._values()
            acted = self._actions(main_job)
            self._transfers()
            self._describe(acted)
            self._own_files()
            self._metadata()
        finally:
            for spool in (self.parts, self.mentions, self.body):
                spool.close()
        return Exported(
            path=path,
            run=self.detail.row.name,
            files=self.copied,
            absent=tuple(self.missing),
            absent_count=self.missing_count,
            left_out=self.left_out,
            warnings=tuple(self._warnings()),
        )

    def _warnings(self) -> Iterator[str]:
        if self.texts.problem:
            yield f"the text of the workflow cannot be packed: {self.texts.problem}"
        if self.missing_count:
            more = ", ..." if self.missing_count > len(self.missing) else ""
            files = "1 file is" if self.missing_count == 1 else f"{self.missing_count} files are"
            yield f"{files} not in the crate, being gone or changed: {', '.join(self.missing)}{more}"
        if self.options.license is None:
            yield "no license was given: nobody may use the crate (--license CC-BY-4.0, or in recrate.toml)"

    # -- the workflow ----------------------------------------------------------------------------

    def _workflow_files(self) -> None:
        workflow = self.detail.workflow
        steps = [step.row for step in self.detail.steps]
        structure = json.loads(workflow.structure) if workflow is not None and workflow.structure else None
        texts = self.source.documents(self.detail.row.workflow_id)
        self.texts = read_texts(workflow, texts)
        main = self._original_files(workflow, texts)
        paths = documents.inner_paths([row for row in steps if row.kind == "workflow" and row.path != ROOT])
        for path, place in {ROOT: main, **paths}.items():
            if path != ROOT or place in (PACKED, OUTLINE):
                said = {"steps": [row.path for row in steps if row.path.startswith(path)]}
                self._add_file(place, self.texts.packed.get(path) or as_json(said), "", describe=False)
        inner = {path: path_id(place) for path, place in paths.items()}
        self.outline = outline_of(steps, self.source.ports(), structure, path_id(main), inner)
        self._diagram()

    def _original_files(self, workflow: WorkflowRow | None, texts: Sequence[DocumentRow]) -> str:
        """Add the workflow as it was written; return the path of the main document of the crate."""
        paths = documents.original_paths(texts)
        main = OUTLINE
        if ROOT in self.texts.packed:
            main = PACKED
        elif workflow is not None and workflow.main_uri in paths:
            main = paths[workflow.main_uri]
        for row in texts:
            content = row.text.encode("utf-8", "surrogateescape")
            self._add_file(paths[row.uri], content, "the workflow as written", describe=paths[row.uri] != main)
        return main

    def _diagram(self) -> None:
        diagram = documents.diagram_of(self.detail)
        if diagram is not None:
            self._add_file(
                documents.DIAGRAM, diagram, "diagram of the workflow", kind=["File", "ImageObject"],
                about=ref(self.outline.main.id),
            )  # fmt: skip

    def _add_file(self, path: str, content: bytes, name: str, *, describe: bool = True, **more: Any) -> None:
        """Add a file that is small, with its entity unless another one describes it."""
        self.target.write(path, [content])
        identity = path_id(path)
        self.parts.add_ref(identity)
        self.sizes[identity] = len(content)
        if describe:
            digest = digest_bytes(content)
            self.head.append(files.added_entity(path, name, digest.size, sha256=digest.sha256, **more))

    # -- files and values ------------------------------------------------------------------------

    def _name_files(self, main_job: JobRecord | None) -> None:
        self.names.without_data = self.options.metadata_only
        if main_job is not None:
            self.names.give("outputs", self.source.files_of(main_job.outputs.values()))
            self.names.give("inputs", self.source.files_of(main_job.inputs.values()))

    def _files(self) -> None:
        copier = Copier(self.source.database, self.target)
        since = day(self.detail.row.ended or self.detail.row.started)
        for found, uses in self.source.files():
            path = self.names.path(found.key)
            is_wanted = files.is_wanted(found, path, self.options)
            copied = copier.copy(found, path) if is_wanted else None
            if copied is None:
                self.names.absent.add(found.key)
                self._note_absent(path, is_wanted)
            self.copied += copied is not None
            identity = self.names.id(found.key)
            self.parts.add_ref(identity)
            self.body.add(
                files.file_entity(
                    identity,
                    found,
                    self._examples(uses),
                    looks_like_text=copied.looks_like_text if copied else None,
                    size=copied.size if copied else None,
                    absent_since=None if copied else since,
                )
            )

    def _note_absent(self, path: str, is_wanted: bool) -> None:
        self.left_out += not is_wanted
        self.missing_count += is_wanted
        if is_wanted and len(self.missing) < _SHOWN:
            self.missing.append(path)

    def _examples(self, uses: Iterable[Use]) -> list[str]:
        found = (self.outline.parameter(use.step_id, use.direction, use.port) for use in uses)
        return [one.id for one in found if one is not None]

    def _values(self) -> None:
        values = Values(self.names)
        for batch in self.source.tokens():
            parts = self.source.parts([row.id for row, _ in batch if row.value is None])
            texts = self.source.texts({part for some in parts.values() for part in some})
            for row, uses in batch:
                examples = self._examples(uses)
                if row.value is None:
                    gathered = [self._part(values, part, texts) for part in parts.get(row.id, ())]
                    self.body.add(values.gathered(row.id, row.port, gathered, examples))
                    continue
                value = json.loads(row.value)
                if value is not None and not is_alone(value):
                    for made in values.described(row.id, row.port, value, examples):
                        self.body.add(made)
                        if made["@type"] == "Collection":
                            self.mentions.add_ref(made["@id"])

    @staticmethod
    def _part(values: Values, token: str, texts: Mapping[str, str | None]) -> Any:
        text = texts.get(token)
        return values.part(token, json.loads(text)) if text is not None else ref(value_id(token))

    # -- what was done ---------------------------------------------------------------------------

    @property
    def _agent(self) -> str | None:
        if self.detail.agent is not None:
            return person_of(self.detail.agent).id
        return self.options.authors[0].id if self.options.authors else None

    def _actions(self, main_job: JobRecord | None) -> frozenset[str]:
        story = Story(self.source, self.outline, self.names, self._agent, self.body, self.mentions)
        for attempt in story.tell([step.row for step in self.detail.steps]):
            self._logs(attempt)
        self._main_action(story, main_job)
        return frozenset(story.acted)

    def _main_action(self, story: Story, main_job: JobRecord | None) -> None:
        inputs: list[str] = []
        outputs: list[str] = []
        if main_job is not None:
            shapes = self.source.shapes([*main_job.inputs.values(), *main_job.outputs.values()])
            inputs = story.values(main_job.inputs, shapes)
            outputs = story.values(main_job.outputs, shapes) if self.detail.state is RunState.COMPLETED else []
        run = self.detail.row
        images = [software.image_id(one.id) for one in self.source.images()]
        self.head.append(
            actions.main_action(
                run,
                self.detail.state,
                self.outline.main,
                root.title_of(self.detail),
                [*inputs, software.CONFIGURATION],
                outputs,
                self._agent,
                images,
            )  # fmt: skip
        )
        main = actions.main_action_id(run)
        self.mentions.add_ref(main)
        controls = story.controls(ROOT)
        if controls:
            name = f"the engine's part in run {run.name}"
            self.head.append(actions.organize_action(main, name, run.started, run.ended, self._agent, controls))
            self.mentions.add_ref(actions.organize_id(main))

    def _logs(self, attempt: AttemptRow) -> None:
        """Add what an attempt printed, where that is none of its outputs."""
        if self.options.metadata_only:
            return
        for name, place in log_files(attempt):
            path = f"logs/{attempt.id}.{name}"
            size = os.path.getsize(place)
            too_large = self.options.max_file_size is not None and size > self.options.max_file_size
            if too_large or files.is_excluded(path, f"{attempt.id}.{name}", self.options.exclude):
                continue
            try:
                with open(place, "rb") as stream:
                    self.target.write(path, self._masked(stream))
            except OSError:
                continue
            self.parts.add_ref(path)
            what = ref(actions.attempt_id(attempt))
            self.body.add(files.added_entity(path, f"{name} of an attempt", size, encoding="text/plain", about=what))

    def _masked(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        if not self.redactor.secrets:
            yield from lines
            return
        for line in lines:
            text = line.decode("utf-8", "surrogateescape")
            yield self.redactor.text(text).encode("utf-8", "surrogateescape")

    def _transfers(self) -> None:
        for row in self.source.transfers():
            moved = None
            if row.token_id is not None:
                shape = self.source.shapes([row.token_id]).get(row.token_id)
                if shape is not None and not shape.is_null:
                    moved = self.names.id(shape.file) if shape.file else value_id(row.token_id)
            made = places.transfer_entity(row, moved, software.ENGINE)
            self.body.add(made)
            self.mentions.add_ref(made["@id"])

    # -- what is said of it ----------------------------------------------------------------------

    def _describe(self, acted: frozenset[str]) -> None:
        """Write the entities of the workflow, and of all that actions refer to."""
        workflow = self.detail.workflow
        language = language_entities(workflow.language if workflow is not None else "unknown")
        authors = [*self.options.authors, *([person_of(self.detail.agent)] if self.detail.agent else [])]
        publisher = self.options.publisher or next((one.affiliation for one in authors if one.affiliation), None)
        license_ = root.license_entity(self.options.license)
        about = About(
            url=self.options.url,
            version=self.options.version or (self.detail.row.workflow_id or "unknown")[:12],
            license=license_["@id"],
            creators=[person.id for person in authors],
            publisher=publisher.id if publisher else None,
            created=day(self.detail.row.started),
            diagram=documents.DIAGRAM if documents.DIAGRAM in self.sizes else None,
            language=language[0]["@id"],
        )
        packages = self._packages()
        made = WorkflowEntities(self.outline, self.texts, about, acted, packages, self.sizes)
        self.head += [*made.all(), *PROFILES, *language, license_]
        self.head += people_entities(authors, [publisher] if publisher else [])
        self._software(packages)
        for variables in self.source.environments():
            for name, value in json.loads(variables.variables).items():
                identity = actions.variable_id(variables.id, name)
                self.body.add(entity(identity, "PropertyValue", name=clean(name), value=clean(str(value))))
        claims = self.options.line.claims(provenance=bool(acted))
        self.head += self.options.line.profile_entities(claims)
        for definition in definitions():
            self.head.append(definition)
            self.mentions.add_ref(definition["@id"])
        self.head[:0] = root.root_entities(
            self.detail, self.options, claims=claims, license_id=license_["@id"], publisher=publisher,
            main=self.outline.main.id,
        )  # fmt: skip

    def _packages(self) -> dict[str, list[SoftwareRow]]:
        found: dict[str, list[SoftwareRow]] = {}
        for row in self.detail.software:
            if row.role not in ("engine", "dependency"):
                found.setdefault(row.role, []).append(row)
        return found

    def _software(self, packages: Mapping[str, Sequence[SoftwareRow]]) -> None:
        engine = software.engine_entity(self.detail.row, self.detail.software)
        known = {engine["@id"]: engine}
        for row in self.detail.software:
            if row.role != "engine":
                known.setdefault(software.software_id(row), software.software_entity(row))
        self.head += known.values()
        self.head += [software.image_entity(one) for one in self.source.images()]
        self.head += [places.deployment_entity(one) for one in self.source.deployments()]
        self.head += [places.location_entity(one) for one in self.source.locations()]

    def _own_files(self) -> None:
        """Add what the crate has beside the data."""
        run = self.detail.row
        readme = documents.readme_of(self.detail, self.options, self.outline)
        self._add_file(documents.README, readme, "README", about=ref("./"))
        lock = software.lock_text(run, self.detail.software).encode()
        self._add_file(
            software.LOCK_FILE, lock, "versions of the engine's software",
            encoding="text/plain", conformsTo=ref(software.LOCK_FORMAT),
        )  # fmt: skip
        self.head.append(software.lock_format_entity())
        configuration = documents.configuration_of(self.detail, self.source.deployments(), self.redactor)
        about = actions.organize_id(actions.main_action_id(run))
        if not any(one["@id"] == about for one in self.head):
            about = actions.main_action_id(run)
        self._add_file(software.CONFIGURATION, configuration, "how the run was made", about=ref(about))
        size = 0

        def counted() -> Iterator[bytes]:
            nonlocal size
            for line in rows.row_lines(self.source.database, run.id, self.redactor):
                size += len(line)
                yield line

        self.target.write(rows.PATH, counted())
        self.parts.add_ref(rows.PATH)
        about = actions.main_action_id(run)
        self.head.append(files.added_entity(rows.PATH, "the record of the run, as rows", size, about=ref(about)))

    def _metadata(self) -> None:
        line = self.options.line
        first = [
            [encoded(line.descriptor(METADATA))],
            with_lists(self.head[0], {"hasPart": self.parts, "mentions": self.mentions}),
        ]
        others = ([encoded(one)] for one in self.head[1:])
        self.target.write(METADATA, document(line.context(own_terms()), [*first, *others], [self.body]))
