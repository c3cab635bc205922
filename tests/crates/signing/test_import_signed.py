"""Importing a crate says who signed it, and refuses one that was changed since."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cratebed import foreign
from cratebed.building import zipped

from recrate.cli.app import run_app
from recrate.crates.importing import import_crate
from recrate.crates.signing import sign_crate
from recrate.crates.signing.keys import load_key
from recrate.crates.signing.verify import read_signers
from recrate.errors import CrateInvalid
from recrate.provenance import queries
from recrate.provenance.store import Store, open_store

ADA = "ada@example.org"
pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(str(tmp_path / "data" / "store.db")) as opened:
        yield opened


@pytest.fixture
def signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A crate that was signed, with the allowed signers beside it."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.delenv("RECRATE_ALLOWED_SIGNERS", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)], check=True)
    (tmp_path / "allowed").write_text(f"{ADA} {(tmp_path / 'key.pub').read_text()}")
    crate = foreign.galaxy(tmp_path / "crate")
    sign_crate(str(crate), load_key(str(key), lambda path: ""))
    return crate


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_who_signed_it_is_on_record(signed: Path, store: Store, tmp_path: Path, form: str) -> None:
    crate = signed if form == "folder" else zipped(signed, tmp_path / "crate.zip")
    (done,) = import_crate(str(crate), store, signers=read_signers(str(tmp_path / "allowed")))
    row = queries.crate_of(store.database, done.run_id)
    assert row is not None and row.signer is not None
    assert row.signer.startswith(f"{ADA}, with the key SHA256:")


def test_a_key_of_nobody_is_told_as_such(signed: Path, store: Store) -> None:
    (done,) = import_crate(str(signed), store)
    assert done.crate is not None and done.crate.signer is not None
    assert done.crate.signer.startswith("somebody who is not among the allowed signers")


def test_what_was_changed_since_is_refused(signed: Path, store: Store) -> None:
    (signed / "datasets" / "out_3.txt").write_text("other")
    with pytest.raises(CrateInvalid, match=r"not what was signed: .*datasets/out_3\.txt"):
        import_crate(str(signed), store)
    assert queries.list_runs(store.database) == []


def test_a_signature_that_is_none_is_noted(signed: Path, store: Store) -> None:
    (signature,) = (signed / "recrate" / "signatures").glob("*.sig")
    signature.write_text("no signature")
    (done,) = import_crate(str(signed), store)
    assert done.crate is not None and done.crate.signer is None
    assert [note for note in done.notes if "does not count" in note]


def test_the_command_shows_it(signed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--store", str(tmp_path / "data" / "store.db")]
    assert run_app(["import", str(signed), "--signers", str(tmp_path / "allowed"), *where]) == 0
    assert f"signed by      {ADA}" in capsys.readouterr().out
    assert run_app(["show", "last", *where]) == 0
    assert f"signed by      {ADA}" in capsys.readouterr().out
