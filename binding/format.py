"""The format of binding files, `version: v1.0`, and our additions to it, as shapes."""

from __future__ import annotations

from typing import Any

from ..core.retry_rules import FORM
from .keys import TRANSLATORS
from .shape import Anything, Flag, Key, ListOf, MapOf, Number, Object, OneOf, Others, Shape, Text, Whole

NAME = r"[a-z][a-zA-Z0-9._-]*"
ABSOLUTE = r"/.*"
VERSION = "v1.0"


def _typed(kind: Shape, config: Shape, doc: str = "") -> Object:
    """Return the shape of `{type: ..., config: {...}}`."""
    return Object({"type": Key(kind, required=True), "config": Key(config, required=True)}, doc=doc)


TARGET_KEYS = {
    "deployment": Key(Text(), "Name of a deployment."),
    "model": Key(Text(), old="use `deployment`"),
    "service": Key(Text(), "Name of a service of the deployment."),
    "locations": Key(Whole(1), "Locations that one job gets at once.", default=1),
    "resources": Key(Whole(1), old="use `locations`"),
    "workdir": Key(Text(), "Directory for work there; wins over the deployment's."),
}
TARGET = Object(TARGET_KEYS)
BINDING = Object(
    {
        "step": Key(Text(ABSOLUTE, wanted="an absolute path such as /a/b"), "Path of a step; holds for all below it."),
        "port": Key(Text(ABSOLUTE, wanted="an absolute path such as /a/x"), "Path of a port."),
        "target": Key(
            OneOf((TARGET, ListOf(TARGET)), "a target or a list of targets"), "Where it goes.", required=True
        ),
        "filters": Key(ListOf(Text()), "Names of bindingFilters, from left to right."),
    }
)
DOCKER = Object(
    {
        "step": Key(Text(ABSOLUTE, wanted="an absolute path such as /a/b"), required=True),
        "deployment": Key(
            Object(
                {
                    "type": Key(Text(among=tuple(TRANSLATORS)), required=True),
                    "config": Key(MapOf(Anything()), "As of that connector, without image or files."),
                    "wrapper": Key(Flag(), "On the step's target; false: instead of it.", default=True),
                }
            ),
            required=True,
        ),
    },
    doc="How the DockerRequirement of some steps is served.",
)
WORKFLOW = Object(
    {
        "type": Key(Text(among=("cwl",)), "Language of the workflow.", required=True),
        "config": Key(
            Object(
                {
                    "file": Key(Text(), "CWL document, relative to this file.", required=True),
                    "settings": Key(Text(), "Job file with the inputs, relative to this file."),
                    "docker": Key(ListOf(DOCKER), "How DockerRequirements are served."),
                }
            ),
            required=True,
        ),
        "bindings": Key(ListOf(BINDING, unique=True), "Where steps run and where files are."),
    },
    others=Others.NAMED,
)
WRAPS = Object(
    {"deployment": Key(Text(), required=True), "service": Key(Text())}, doc="The deployment that this is stacked on."
)
DEPLOYMENT = Object(
    {
        "type": Key(Text(), "Kind of place: a connector.", required=True),
        "config": Key(MapOf(Anything()), "As the connector wants it.", required=True),
        "workdir": Key(Text(), "Directory for work there."),
        "external": Key(Flag(), "It exists: neither made nor destroyed.", default=False),
        "lazy": Key(Flag(), "Made when it is needed first.", default=True),
        "scheduling_policy": Key(Text(), "Name in scheduling.policies."),
        "wraps": Key(OneOf((Text(), WRAPS), "the name of a deployment"), "What it is stacked on."),
    },
    others=Others.NAMED,
)
MATCH = Object({"port": Key(Text(), required=True), "match": Key(Text(), required=True)})
MATCHING_TARGET = Object({"deployment": Key(Text(), required=True), "service": Key(Text())})
RULE = Object(
    {
        "target": Key(OneOf((Text(), MATCHING_TARGET), "the name of a deployment"), required=True),
        "job": Key(ListOf(MATCH), required=True),
    }
)
FILTER = Object(
    {
        "type": Key(Text(), "`shuffle` or `matching`.", required=True),
        "config": Key(
            Object({"filters": Key(ListOf(RULE), "Rules of `matching`.")}, others=Others.NAMED), required=True
        ),
    }
)
NOT_NEEDED = "what it would do, the provenance store does: every output stays where it was made, on record"
CHECKPOINTS = Object(
    {
        "enabled": Key(Flag(), default=False),
        "type": Key(Text(among=("default", "dummy"))),
        "config": Key(Object({"checkpoint_dir": Key(Text())})),
    }
)
FAILURES = Object(
    {
        "enabled": Key(Flag(), default=False),
        "type": Key(Text(among=("default", "rollback", "dummy"))),
        "config": Key(
            Object(
                {
                    "max_retries": Key(Whole(0), "Executions of a job, all in all; without it 100."),
                    "retry_delay": Key(Number(), "Seconds before each."),
                }
            )
        ),
    },
    doc="What happens when a job fails.",
)
DATABASE = Object(
    {
        "type": Key(Text(), required=True),
        "config": Key(MapOf(Anything()), required=True),
    },
    doc="Where the provenance store is, unless the command line says it.",
)
SQLITE = Object(
    {
        "connection": Key(Text(), "Path of the database, relative to this file.", required=True),
        "timeout": Key(Whole(0), ignored="the store waits for locks as long as it must"),
        "mmap_size": Key(Whole(0), ignored="the store decides"),
    }
)
POSTGRESQL = Object(
    {
        "dbname": Key(Text(), required=True),
        "hostname": Key(Text(), required=True),
        "username": Key(Text(), required=True),
        "password": Key(Text()),
        "maxConnections": Key(Whole(1), ignored="one connection writes"),
        "timeout": Key(Whole(0), ignored="the store decides"),
    }
)
SCHEDULER = Object({"retry_delay": Key(Whole(0), ignored="jobs get a place as soon as one has room")})
SCHEDULING = Object(
    {
        "scheduler": Key(_typed(Text(among=("default",)), SCHEDULER)),
        "policies": Key(MapOf(_typed(Text(), MapOf(Anything())), NAME), "By name."),
    }
)
MANAGER = _typed(Text(among=("default",)), MapOf(Anything()))
LIMITS: dict[str, Key] = {
    "streams": Key(Whole(1), "Transfers at a time."),
    "bandwidth": Key(Text(r"\d+(\.\d+)?( ?[KMG]i?)?B?(/s)?", wanted="an amount such as 50MB/s"), "Bytes a second."),
}
PLACE = Object(
    {
        "jobs": Key(Whole(1), "Jobs in flight at a time."),
        **LIMITS,
        "containers": Key(
            Text(among=("auto", "docker", "podman", "apptainer", "singularity", "none")),
            "Engine that runs containers there.",
            default="auto",
        ),
        "secrets": Key(MapOf(Text()), "By key of `config`: the environment variable that has its value."),
        "reaches": Key(ListOf(Text()), "Deployments that it can copy to directly."),
    },
    doc="Our settings of one deployment.",
)
RETRY = Text(wanted=f"a rule: {FORM}")
OURS = Object(
    {
        "retries": Key(Whole(0), "How many more times a failed attempt is tried."),
        "retry": Key(ListOf(RETRY), f"Rules of retries: {FORM}."),
        "on_error": Key(Text(among=("stop", "continue")), "What a failed job stops."),
        "keep": Key(Text(among=("all", "outputs", "none")), "What stays on disk when the run has completed."),
        "store": Key(Text(), "Provenance store: a path or URL; wins over `database`."),
        "stalled": Key(Number(), "Seconds without progress after which the run says what it waits for.", default=300),
        **LIMITS,
        "deployments": Key(MapOf(PLACE, NAME), "By name of a deployment; `local` is this machine."),
    },
    doc="What Recrate has beyond the format of StreamFlow.",
)
FILE = Object(
    {
        "version": Key(Text(among=(VERSION,)), "Version of the format.", required=True),
        "workflows": Key(MapOf(WORKFLOW, NAME), "By name; all are run, one after the other."),
        "deployments": Key(MapOf(DEPLOYMENT, NAME), "By name."),
        "models": Key(MapOf(DEPLOYMENT, NAME), old="use `deployments`"),
        "bindingFilters": Key(MapOf(FILTER, NAME), "By name."),
        "scheduling": Key(SCHEDULING, "How jobs get their places."),
        "checkpointManager": Key(CHECKPOINTS, ignored=NOT_NEEDED),
        "failureManager": Key(FAILURES, "Retries."),
        "database": Key(DATABASE),
        "dataManager": Key(MANAGER),
        "deploymentManager": Key(MANAGER),
        "recrate": Key(OURS),
    },
    doc="Binding file of StreamFlow, version v1.0, with the additions of Recrate.",
)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of binding files, in which the `config` of each known type is described."""
    from .keys import CONFIGS

    made = FILE.schema()
    deployment = {
        **DEPLOYMENT.schema(),
        "allOf": [
            {
                "if": {"properties": {"type": {"const": kind}}, "required": ["type"]},
                "then": {"properties": {"config": {"$ref": f"#/$defs/{kind}"}}},
            }
            for kind in CONFIGS
        ],
    }
    definitions = {"deployment": deployment, **{kind: shape.schema() for kind, shape in CONFIGS.items()}}
    for name in ("deployments", "models"):
        made["properties"][name]["patternProperties"] = {f"^{NAME}$": {"$ref": "#/$defs/deployment"}}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Binding file",
        **made,
        "$defs": definitions,
    }
