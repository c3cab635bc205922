"""All that actions and data refer to: the workflow, people, programs, places; and the files that tell of them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from .. import rows
from ..read import PREVIEW
from . import actions, documents, places, root, software
from .agents import people_entities
from .descent import descent_entities
from .draft import Draft
from .jsonld import Entity, clean, day, entity, path_id, ref
from .outline import ROOT, Outline, outline_of
from .preview import preview_of
from .record import Record
from .repositories import repository_entities, repository_ids, write_changes
from .texts import as_json
from .values import value_id
from .vocabulary import definitions
from .workflow import About, WorkflowEntities, language_entities

PACKED = "workflow/packed.cwl"
OUTLINE = "workflow/outline.json"


def write_workflow(record: Record, draft: Draft) -> Outline:
    """Write the files of the workflow: as written, in one document, and drawn. Return its outline."""
    main = _write_original(record, draft)
    steps = record.steps
    inner = documents.inner_paths([row for row in steps if row.kind == "workflow" and row.path != ROOT])
    for path, place in {ROOT: main, **inner}.items():
        if path != ROOT or place in (PACKED, OUTLINE):
            said = {"steps": [row.path for row in steps if row.path.startswith(path)]}
            draft.add_file(place, record.texts.packed.get(path) or as_json(said), None)
    ids = {path: path_id(place) for path, place in inner.items()}
    outline = outline_of(steps, record.source.ports(), record.structure, path_id(main), ids)
    if record.structure is not None:
        diagram = documents.diagram_of(record.structure, root.title_of(record.detail))
        kinds, about = ["File", "ImageObject"], ref(outline.main.id)
        draft.add_file(documents.DIAGRAM, diagram, "diagram of the workflow", kind=kinds, about=about)
    return outline


def _write_original(record: Record, draft: Draft) -> str:
    """Write the workflow as it was written; return the path of the main document of the crate."""
    paths = documents.original_paths(record.documents)
    workflow = record.detail.workflow
    main = OUTLINE
    if ROOT in record.texts.packed:
        main = PACKED
    elif workflow is not None and workflow.main_uri in paths:
        main = paths[workflow.main_uri]
    for row in record.documents:
        content = row.text.encode("utf-8", "surrogateescape")
        name = None if paths[row.uri] == main else "the workflow as written"
        draft.add_file(paths[row.uri], content, name)
    return main


def write_transfers(record: Record, draft: Draft) -> None:
    """Write the transfers."""
    for row in record.source.transfers():
        moved = None
        if row.token_id is not None:
            shape = record.source.shapes([row.token_id]).get(row.token_id)
            if shape is not None and not shape.is_null:
                moved = record.names.id(shape.file) if shape.file else value_id(row.token_id)
        made = places.transfer_entity(row, moved, software.ENGINE)
        draft.body.add(made)
        draft.mentions.add_ref(made["@id"])


def write_own_files(record: Record, draft: Draft, outline: Outline) -> None:
    """Write what the crate has beside the data: README, how the run was made, and its record as rows."""
    run = record.detail.row
    readme = documents.readme_of(record.detail, record.options, outline)
    draft.add_file(documents.README, readme, "README", about=ref("./"))
    lock = software.lock_text(run, record.detail.software).encode()
    follows = ref(software.LOCK_FORMAT)
    name = "versions of the engine's software"
    draft.add_file(software.LOCK_FILE, lock, name, encoding="text/plain", conformsTo=follows)
    draft.head.append(software.lock_format_entity())
    configuration = documents.configuration_of(record.detail, record.source.deployments(), record.redactor)
    main = actions.main_action_id(run)
    engine = actions.organize_id(main)
    about = ref(engine if any(one["@id"] == engine for one in draft.head) else main)
    write_changes(record.detail.repositories, draft)
    draft.add_file(software.CONFIGURATION, configuration, "how the run was made", about=about)
    # It is no part of the crate but a view of it (RO-Crate 1.2, "RO-Crate Website").
    if draft.target.keeps_contents:
        draft.target.write(PREVIEW, preview_of(record, outline))
    lines = record.rows.lines(record.source.database)
    draft.add_stream(rows.PATH, lines, "the record of the run, as rows", about=ref(main))


def write_description(record: Record, draft: Draft, outline: Outline, acted: frozenset[str]) -> list[Entity]:
    """Write the entities of what is referred to; return the root and what else comes first."""
    workflow, options = record.detail.workflow, record.options
    language = language_entities(workflow.language if workflow is not None else "unknown")
    license_ = root.license_entity(options.license)
    publisher = record.publisher
    about = About(
        url=options.url,
        version=options.version or (record.detail.row.workflow_id or "unknown")[:12],
        license=license_["@id"],
        creators=[person.id for person in record.authors],
        publisher=publisher.id if publisher else None,
        created=day(record.detail.row.started),
        diagram=documents.DIAGRAM if record.structure is not None else None,
        language=language[0]["@id"],
        repositories=repository_ids(record.detail.repositories),
    )
    made = WorkflowEntities(outline, record.texts, about, acted, record.packages, draft.sizes)
    draft.head += [*made.all(), *language, license_]
    draft.head += people_entities(record.authors, [publisher] if publisher else [])
    draft.head += _surroundings(record)
    for one in descent_entities(record.detail, record.parent, record.source.comparisons()):
        draft.head.append(one)
        draft.mentions.add_ref(one["@id"])
    # Where nothing was done, no action refers to them.
    for identity in (software.ENGINE, *(places.location_id(row.id) for row in record.source.locations())):
        draft.mentions.add_ref(identity)
    _write_environments(record, draft)
    claims = options.line.claims(provenance=bool(acted))
    draft.head += options.line.profile_entities(claims)
    for definition in definitions():
        draft.head.append(definition)
        draft.mentions.add_ref(definition["@id"])
    return root.root_entities(
        record.detail, options, claims=claims, license_id=license_["@id"], publisher=publisher, main=outline.main.id
    )


def _surroundings(record: Record) -> Iterator[Entity]:
    """Yield the entities of programs, images and places."""
    engine = software.engine_entity(record.detail.row, record.detail.software)
    known = {engine["@id"]: engine}
    for row in record.detail.software:
        if row.role != "engine":
            known.setdefault(software.software_id(row), software.software_entity(row))
    yield from known.values()
    yield from repository_entities(record.detail.repositories)
    yield from map(software.image_entity, record.source.images())
    yield from map(places.deployment_entity, record.source.deployments())
    yield from map(places.location_entity, record.source.locations())


def _write_environments(record: Record, draft: Draft) -> None:
    for row in record.source.environments():
        for name, value in json.loads(row.variables).items():
            identity = actions.variable_id(row.id, name)
            draft.body.add(entity(identity, "PropertyValue", name=clean(name), value=clean(str(value))))
