"""Bring a database to the schema that this program knows."""

from __future__ import annotations

from importlib import import_module

from .. import __version__
from ..errors import StoreFailed
from . import migrations
from .database import Database

_VERSIONS = """
CREATE TABLE schema_version (
    number BIGINT NOT NULL,
    applied DOUBLE PRECISION NOT NULL,
    program TEXT NOT NULL,
    PRIMARY KEY (number)
)
"""


def migrate(database: Database) -> None:
    """Make the tables of a new database, or apply what an older one lacks.

    Several programs may do so at once. Raises StoreFailed when the database was made by a newer
    release or by another program.
    """
    if schema_number(database) == migrations.LATEST:
        return
    with database.transaction("schema"):
        number = schema_number(database)
        if number == 0:
            database.execute(_VERSIONS)
        for following in range(number + 1, migrations.LATEST + 1):
            _apply(database, following)


def schema_number(database: Database) -> int:
    """Return the number of the newest migration that a database had, 0 for an empty one.

    Raises StoreFailed when we must not touch it.
    """
    if not database.has_table("schema_version"):
        if database.is_empty():
            return 0
        if database.has_table("schema_version"):  # another program has made it between these questions
            return schema_number(database)
        raise StoreFailed(f"{database.url.shown} is not a store of Recrate: it holds tables of another program")
    found = database.one("SELECT max(number) FROM schema_version")
    number = int(found[0]) if found and found[0] is not None else 0
    if number > migrations.LATEST:
        raise StoreFailed(
            f"the store {database.url.shown} has schema {number}, this release of Recrate ({__version__}) "
            f"knows up to {migrations.LATEST}",
            hint="use a newer release, or another store with --store",
        )
    return number


def _apply(database: Database, number: int) -> None:
    module = import_module(f".{migrations.NAMES[number - 1]}", migrations.__name__)
    module.upgrade(database)
    database.execute(
        "INSERT INTO schema_version (number, applied, program) VALUES (?, ?, ?)",
        (number, database.now(), __version__),
    )
