"""`sign`, `verify`, and what `import` and `pack` say of a signed crate."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Commands

pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    """A crate that Ada signed, and the list that says which key is hers."""
    recrate = Commands(tmp_path_factory.mktemp("signed"))
    recrate("run", "-q", "tool.cwl", "--set", "text=a.txt", "--name", "first")
    recrate("export", "first", "-o", "crate")
    key = recrate.folder / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)], check=True)
    (recrate.folder / "signers").write_text(f"ada {Path(f'{key}.pub').read_text()}")
    assert "signed by SHA256:" in recrate("sign", "crate", "--key", str(key)).stdout
    return recrate


@pytest.fixture
def signed(ready: Commands) -> Iterator[Commands]:
    """The same, to be changed."""
    shutil.copytree(ready.folder / "crate", ready.folder / "kept")
    yield ready
    shutil.rmtree(ready.folder / "crate")
    (ready.folder / "kept").rename(ready.folder / "crate")


def test_verify_says_by_whom_and_that_it_is_intact(signed: Commands) -> None:
    assert "signed by ada" in signed("verify", "crate", "--signers", "signers").stdout
    found = signed.json("verify", "crate", "--signers", "signers", "--signer", "ada")
    assert (found["signed"], found["intact"], found["changed"]) == (True, True, [])


def test_verify_fails_for_a_stranger_a_change_and_no_signature(signed: Commands) -> None:
    signed("verify", "crate", code=1)
    signed("verify", "crate", "--any-key")
    signed("verify", "crate", "--signers", "signers", "--signer", "bob", code=1)
    (signed.folder / "crate" / "new").write_text("x")
    assert "added: new" in signed("verify", "crate", "--signers", "signers", code=1).stdout
    shutil.rmtree(signed.folder / "crate" / "recrate" / "signatures")
    assert "it is not signed" in signed("verify", "crate", "--signers", "signers", code=1).stdout


def test_import_says_by_whom_a_crate_is_signed(signed: Commands) -> None:
    (imported,) = signed.json("import", "crate", "--signers", "signers", "--store", "other.db")
    assert imported["crate"]["signer"].startswith("ada, with the key SHA256:")


def test_signing_again_after_a_change_must_be_asked_for(signed: Commands) -> None:
    (signed.folder / "crate" / "README.md").write_text("other")
    assert "changed since it was signed" in signed("sign", "crate", "--key", "key", code=1).stderr
    signed("sign", "crate", "--key", "key", "--renew")
    signed("verify", "crate", "--signers", "signers")


def test_an_encrypted_key_without_a_terminal_says_what_to_do(signed: Commands) -> None:
    locked = signed.folder / "locked"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", str(locked)], check=True)
    assert "ssh-add" in signed("sign", "crate", "--key", "locked", code=2).stderr


def test_packing_needs_to_be_told_what(signed: Commands) -> None:
    assert "there is nothing to pack" in signed("pack", "crate", code=2).stderr
    assert "--to FOLDER" in signed("pack", "first", "--images", code=2).stderr
    assert "no container image was used" in signed("pack", "first", "--images", "--to", "images").stdout
