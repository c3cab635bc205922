"""Opening a store: where it is, who may read it, which schema it has."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from storebed.samples import event_row, run_row

from recrate.errors import StoreFailed, Unsupported, UsageError
from recrate.provenance import filesystems, migrations, sqlite
from recrate.provenance.migrate import migrate, schema_number
from recrate.provenance.rows import RunRow
from recrate.provenance.store import Store, default_data_directory, default_store_url, open_store
from recrate.provenance.urls import Dialect, parse_store_url


def test_a_new_store_has_the_newest_schema(store: Store) -> None:
    assert schema_number(store.database) == migrations.LATEST


def test_opening_again_finds_what_was_stored(store: Store, store_url: str) -> None:
    store.write(run_row("1" * 16))
    store.close()
    with open_store(store_url) as again:
        assert again.database.rows(RunRow) == [run_row("1" * 16)]


def test_a_store_of_a_newer_release_is_refused_in_one_line(store: Store, store_url: str) -> None:
    store.database.execute("INSERT INTO schema_version VALUES (?, ?, ?)", (migrations.LATEST + 1, 0.0, "9.9"))
    with pytest.raises(StoreFailed, match=f"has schema {migrations.LATEST + 1}") as caught:
        open_store(store_url)
    assert "\n" not in caught.value.render()


def test_a_database_of_another_program_is_left_alone(store: Store, store_url: str) -> None:
    for name in ("schema_version", "event"):
        store.database.execute(f"DROP TABLE {name}")
    with pytest.raises(StoreFailed, match="tables of another program"):
        open_store(store_url)


def test_a_migration_that_fails_leaves_nothing_behind(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from recrate.provenance.migrations import m0001_first

    monkeypatch.setattr(m0001_first, "TABLES", m0001_first.TABLES + "; CREATE NONSENSE")
    with pytest.raises(StoreFailed):
        open_store(store_url)
    monkeypatch.undo()
    with open_store(store_url) as store:
        assert store.database.rows(RunRow) == []


def test_migrations_are_numbered_in_order_and_say_why() -> None:
    from importlib import import_module

    for number, name in enumerate(migrations.NAMES, 1):
        module = import_module(f"recrate.provenance.migrations.{name}")
        assert number == module.NUMBER
        assert name.startswith(f"m{number:04}_")
        assert module.__doc__


def test_migrating_again_changes_nothing(store: Store) -> None:
    migrate(store.database)
    assert store.database.one("SELECT count(*) FROM schema_version") == (migrations.LATEST,)


def test_programs_that_make_a_store_at_once_do_not_disturb_each_other(store_url: str) -> None:
    program = "import sys; from recrate.provenance.store import open_store; open_store(sys.argv[1]).close()"
    running = [
        subprocess.Popen([sys.executable, "-c", program, store_url], stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert [process.communicate()[1] for process in running] == [""] * 4
    with open_store(store_url) as store:
        assert store.database.one("SELECT count(*) FROM schema_version") == (migrations.LATEST,)


def test_what_is_in_a_transaction_that_raises_is_undone(store: Store) -> None:
    def fail_half_way() -> None:
        with store.database.transaction():
            store.database.execute("INSERT INTO agent (id, name) VALUES (?, ?)", ("a", "b"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_half_way()
    assert store.database.one("SELECT count(*) FROM agent") == (0,)


def test_a_foreign_key_that_leads_nowhere_is_refused(store: Store) -> None:
    with pytest.raises(StoreFailed):
        store.write(event_row("9" * 16, 1))


def test_a_connection_for_reading_does_not_write(store: Store) -> None:
    reader = store.connect(readonly=True)
    with pytest.raises(StoreFailed):
        reader.execute("DELETE FROM run")
    reader.close()


def test_rows_stream_in_the_order_asked_for(store: Store) -> None:
    run = "1" * 16
    store.write(run_row(run), *(event_row(run, seq) for seq in range(1, 2001)))
    from recrate.provenance.rows import EventRow

    found = [row.seq for row in store.database.stream_rows(EventRow, "ORDER BY seq")]
    assert found == list(range(1, 2001))


# -- where it is ---------------------------------------------------------------------------------


def test_the_variable_names_the_store() -> None:
    assert default_store_url({"RECRATE_STORE": "/x/y.db", "XDG_DATA_HOME": "/data"}) == "/x/y.db"


def test_the_default_is_in_the_data_directory() -> None:
    assert default_store_url({"XDG_DATA_HOME": "/data", "HOME": "/me"}) == "/data/recrate/store.db"
    assert default_store_url({"HOME": "/me"}) == "/me/.local/share/recrate/store.db"


def test_a_relative_data_directory_is_ignored() -> None:
    assert default_data_directory({"XDG_DATA_HOME": "data", "HOME": "/me"}) == "/me/.local/share/recrate"


def test_a_path_and_a_sqlite_url_mean_the_same(tmp_path: Path) -> None:
    assert parse_store_url(f"sqlite:///{tmp_path}/a%20b.db") == parse_store_url(f"{tmp_path}/a b.db")


def test_an_unknown_kind_of_url_is_refused() -> None:
    with pytest.raises(UsageError, match="mysql"):
        parse_store_url("mysql://me:secret@host/db")


# -- secrets -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s3cr%2ft@127.0.0.1:1/db",
        "postgresql://me@127.0.0.1:1/db?password=s3cr/t",
        "postgres://me:s3cr%2ft@[::1]:1,127.0.0.1:1/db?connect_timeout=1",
    ],
)
def test_a_password_is_never_shown(url: str) -> None:
    parsed = parse_store_url(url)
    with pytest.raises(StoreFailed) as caught:
        open_store(url)
    shown = f"{caught.value.render()} {parsed!r} {parsed.shown}"
    assert "s3cr" not in shown
    assert "***" in parsed.shown and "me" in parsed.shown


def test_without_the_driver_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(Unsupported, match=r"recrate\[postgres\]"):
        open_store("postgresql://127.0.0.1/db")


# -- files ---------------------------------------------------------------------------------------


def test_the_file_is_for_its_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "store.db"
    open_store(str(path)).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_every_commit_of_sqlite_is_synced_into_a_log(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "store.db")) as store:
        assert store.database.one("PRAGMA journal_mode") == ("wal",)
        assert store.database.one("PRAGMA synchronous") == (2,)
        assert store.database.one("PRAGMA foreign_keys") == (1,)


def test_a_file_that_is_no_database_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_text("this is a text, and long enough to have a header" * 10)
    with pytest.raises(StoreFailed, match="not a database") as caught:
        open_store(str(path))
    assert str(path) in caught.value.render()
    assert path.read_text().startswith("this is a text")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_may_not_be_written_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreFailed, match="Permission denied"):
        open_store(str(tmp_path / "store.db"))


def test_a_path_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreFailed, match="cannot open the store"):
        open_store(str(tmp_path / "file" / "store.db"))


def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"server:/x {tmp_path} nfs4 rw 0 0\n")
    monkeypatch.setattr(filesystems, "MOUNTS", str(mounts))
    with pytest.raises(StoreFailed, match=r"network file system \(nfs4\)"):
        open_store(str(tmp_path / "store.db"))
    assert not (tmp_path / "store.db").exists()


@pytest.mark.parametrize(
    ("mounts", "path", "kind"),
    [
        (["/dev/sda / ext4 rw 0 0"], "/home/me/x", None),
        (["/dev/sda / ext4 rw 0 0", "s:/h /home nfs rw 0 0"], "/home/me/x", "nfs"),
        (["s:/h / nfs rw 0 0", "/dev/sda /home ext4 rw 0 0"], "/home/me/x", None),
        (["s:/h /home nfs rw 0 0"], "/homely/x", None),
        ([r"s:/h /my\040disk fuse.sshfs rw 0 0"], "/my disk/x", "fuse.sshfs"),
        (["a /home lustre rw 0 0", "b /home ext4 rw 0 0"], "/home/x", None),
        (["/home"], "/home/x", None),
    ],
)
def test_the_file_system_is_that_of_the_nearest_mount(mounts: list[str], path: str, kind: str | None) -> None:
    assert filesystems.network_kind(path, mounts) == kind


def test_a_store_that_another_process_does_not_let_go_of_is_reported(tmp_path: Path) -> None:
    url = parse_store_url(str(tmp_path / "store.db"))
    open_store(url.target).close()
    holder = sqlite3.connect(url.target, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    waiting = sqlite.SqliteDatabase(url, busy_seconds=0.1)
    with pytest.raises(StoreFailed, match="another process has been writing"):
        waiting.begin()
    waiting.close()
    holder.close()


def durability(store: Store) -> object:
    is_file = store.database.dialect is Dialect.SQLITE
    return store.database.one("PRAGMA synchronous" if is_file else "SHOW synchronous_commit")


def break_off_in_bulk(store: Store) -> None:
    with store.database.bulk():
        raise KeyError


def test_commits_are_durable_again_after_many_in_bulk(store: Store) -> None:
    usual = durability(store)
    with store.database.bulk():
        store.write(run_row("1" * 16))
        assert durability(store) != usual
    assert durability(store) == usual
    with pytest.raises(KeyError):
        break_off_in_bulk(store)
    assert durability(store) == usual
    assert store.database.rows(RunRow) == [run_row("1" * 16)]
