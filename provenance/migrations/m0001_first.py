"""The first schema."""

from __future__ import annotations

from ..database import Database
from ..urls import Dialect

NUMBER = 1

_CLUSTERED = ("software", "port", "part", "usage", "event")
"""Tables of short rows that are looked up by their key: SQLite need not keep that twice."""

TABLES = """
CREATE TABLE agent (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    orcid TEXT,
    affiliation TEXT,
    email TEXT,
    PRIMARY KEY (id)
);

CREATE TABLE workflow (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    language TEXT NOT NULL,
    entry TEXT NOT NULL,
    main_uri TEXT NOT NULL,
    structure TEXT,
    PRIMARY KEY (id)
);

CREATE TABLE document (
    workflow_id TEXT NOT NULL,
    uri TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (workflow_id, uri),
    FOREIGN KEY (workflow_id) REFERENCES workflow (id)
);

CREATE TABLE environment (
    id TEXT NOT NULL,
    variables TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE TABLE image (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    tag TEXT,
    digest TEXT,
    platform TEXT,
    engine TEXT NOT NULL,
    size BIGINT,
    PRIMARY KEY (id)
);

CREATE TABLE deployment (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    config TEXT NOT NULL,
    wraps TEXT,
    PRIMARY KEY (id)
);

CREATE TABLE location (
    id TEXT NOT NULL,
    deployment_id TEXT NOT NULL,
    name TEXT NOT NULL,
    service TEXT,
    hostname TEXT,
    addresses TEXT,
    os TEXT,
    kernel TEXT,
    cpu_model TEXT,
    cores BIGINT,
    memory BIGINT,
    gpus BIGINT,
    runtime TEXT,
    queue TEXT,
    PRIMARY KEY (id),
    FOREIGN KEY (deployment_id) REFERENCES deployment (id)
);

CREATE INDEX ix_location_deployment_id ON location (deployment_id);

CREATE TABLE run (
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    workflow_id TEXT,
    agent_id TEXT,
    parent_id TEXT,
    started DOUBLE PRECISION NOT NULL,
    ended DOUBLE PRECISION,
    command_line TEXT NOT NULL,
    cwd TEXT NOT NULL,
    outdir TEXT,
    work_directory TEXT,
    keep TEXT NOT NULL,
    host TEXT NOT NULL,
    engine_version TEXT NOT NULL,
    python_version TEXT NOT NULL,
    options TEXT NOT NULL,
    inputs TEXT,
    outputs TEXT,
    error TEXT,
    PRIMARY KEY (id),
    FOREIGN KEY (workflow_id) REFERENCES workflow (id),
    FOREIGN KEY (agent_id) REFERENCES agent (id)
);

CREATE INDEX ix_run_agent_id ON run (agent_id);

CREATE INDEX ix_run_name ON run (name);

CREATE INDEX ix_run_workflow_id ON run (workflow_id);

CREATE TABLE lease (
    run_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    holder TEXT,
    host TEXT NOT NULL,
    machine TEXT NOT NULL,
    boot TEXT NOT NULL,
    pid_space TEXT NOT NULL,
    pid BIGINT NOT NULL,
    process_start BIGINT NOT NULL,
    acquired DOUBLE PRECISION NOT NULL,
    heartbeat DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (run_id)
);

CREATE TABLE software (
    run_id TEXT NOT NULL,
    role TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    url TEXT,
    PRIMARY KEY (run_id, role, name),
    FOREIGN KEY (run_id) REFERENCES run (id)
);

CREATE TABLE step (
    id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    path TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    tool TEXT NOT NULL,
    place TEXT,
    position BIGINT NOT NULL,
    structure TEXT,
    PRIMARY KEY (id),
    FOREIGN KEY (run_id) REFERENCES run (id)
);

CREATE INDEX ix_step_run_id ON step (run_id);

CREATE TABLE port (
    step_id TEXT NOT NULL,
    direction TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT,
    description TEXT,
    PRIMARY KEY (step_id, direction, name),
    FOREIGN KEY (step_id) REFERENCES step (id)
);

CREATE TABLE job (
    id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    step_id TEXT NOT NULL,
    path TEXT NOT NULL,
    tag TEXT,
    state TEXT NOT NULL,
    started DOUBLE PRECISION,
    ended DOUBLE PRECISION,
    inputs_hash TEXT,
    cached_from TEXT,
    reason TEXT,
    error TEXT,
    PRIMARY KEY (id),
    FOREIGN KEY (run_id) REFERENCES run (id)
);

CREATE INDEX ix_job_inputs_hash ON job (inputs_hash);

CREATE INDEX ix_job_run_id_step_id ON job (run_id, step_id);

CREATE TABLE attempt (
    id TEXT NOT NULL,
    job_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    state TEXT NOT NULL,
    location_id TEXT NOT NULL,
    work_directory TEXT NOT NULL,
    token TEXT NOT NULL,
    argv TEXT,
    shell TEXT,
    environment_id TEXT,
    image_id TEXT,
    native_id TEXT,
    cores DOUBLE PRECISION,
    ram BIGINT,
    gpus BIGINT,
    time_limit DOUBLE PRECISION,
    submitted DOUBLE PRECISION,
    started DOUBLE PRECISION,
    ended DOUBLE PRECISION,
    ending TEXT,
    exit_code BIGINT,
    signal BIGINT,
    error TEXT,
    cpu_seconds DOUBLE PRECISION,
    peak_rss BIGINT,
    bytes_read BIGINT,
    bytes_written BIGINT,
    stdout TEXT,
    stderr TEXT,
    PRIMARY KEY (id),
    FOREIGN KEY (job_id) REFERENCES job (id)
);

CREATE INDEX ix_attempt_job_id ON attempt (job_id);

CREATE TABLE token (
    id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    path TEXT NOT NULL,
    port TEXT NOT NULL,
    tag TEXT,
    value TEXT,
    origin TEXT NOT NULL,
    job_id TEXT,
    source_id TEXT,
    PRIMARY KEY (id),
    FOREIGN KEY (run_id) REFERENCES run (id)
);

CREATE INDEX ix_token_run_id_job_id ON token (run_id, job_id);

CREATE INDEX ix_token_source_id ON token (source_id) WHERE source_id IS NOT NULL;

CREATE TABLE part (
    token_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    part_id TEXT NOT NULL,
    PRIMARY KEY (token_id, position),
    FOREIGN KEY (token_id) REFERENCES token (id),
    FOREIGN KEY (part_id) REFERENCES token (id)
);

CREATE INDEX ix_part_part_id ON part (part_id);

CREATE TABLE file (
    token_id TEXT NOT NULL,
    pointer TEXT NOT NULL,
    kind TEXT NOT NULL,
    basename TEXT NOT NULL,
    location TEXT,
    sha256 TEXT,
    sha1 TEXT,
    size BIGINT,
    PRIMARY KEY (token_id, pointer),
    FOREIGN KEY (token_id) REFERENCES token (id)
);

CREATE INDEX ix_file_sha256 ON file (sha256);

CREATE TABLE usage (
    job_id TEXT NOT NULL,
    direction TEXT NOT NULL,
    port TEXT NOT NULL,
    token_id TEXT NOT NULL,
    PRIMARY KEY (job_id, direction, port),
    FOREIGN KEY (job_id) REFERENCES job (id),
    FOREIGN KEY (token_id) REFERENCES token (id)
);

CREATE INDEX ix_usage_token_id ON usage (token_id);

CREATE TABLE transfer (
    id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    token_id TEXT,
    source_location_id TEXT NOT NULL,
    source_path TEXT NOT NULL,
    target_location_id TEXT NOT NULL,
    target_path TEXT NOT NULL,
    method TEXT NOT NULL,
    number BIGINT NOT NULL,
    state TEXT NOT NULL,
    bytes BIGINT,
    sha256 TEXT,
    started DOUBLE PRECISION,
    ended DOUBLE PRECISION,
    error TEXT,
    PRIMARY KEY (id),
    FOREIGN KEY (run_id) REFERENCES run (id)
);

CREATE INDEX ix_transfer_run_id ON transfer (run_id);

CREATE TABLE replica (
    id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    location_id TEXT NOT NULL,
    path TEXT NOT NULL,
    path_key BIGINT NOT NULL,
    sha256 TEXT,
    size BIGINT,
    kind TEXT NOT NULL,
    valid BOOLEAN NOT NULL,
    attempt_id TEXT,
    PRIMARY KEY (id),
    FOREIGN KEY (run_id) REFERENCES run (id)
);

CREATE INDEX ix_replica_path_key ON replica (path_key);

CREATE INDEX ix_replica_run_id ON replica (run_id);

CREATE INDEX ix_replica_sha256 ON replica (sha256);

CREATE TABLE event (
    run_id TEXT NOT NULL,
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL,
    instant DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (run_id, seq),
    FOREIGN KEY (run_id) REFERENCES run (id)
);

CREATE TABLE leftover (
    path TEXT NOT NULL,
    host TEXT NOT NULL,
    run_id TEXT NOT NULL,
    since DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (path, host)
);
"""


def upgrade(connection: Database) -> None:
    """Make all tables and indexes."""
    on_sqlite = connection.dialect is Dialect.SQLITE
    for statement in TABLES.split(";"):
        words = statement.split()
        if words:
            clustered = on_sqlite and words[:2] == ["CREATE", "TABLE"] and words[2] in _CLUSTERED
            connection.execute(statement + " WITHOUT ROWID" if clustered else statement)
