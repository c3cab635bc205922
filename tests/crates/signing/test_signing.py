"""Crates signed and verified; what OpenSSH says of the same signatures."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from cratebed.building import archive, folder, head
from hypothesis import example, given, settings
from hypothesis import strategies as st

from recrate.crates.query.graphs import crate_source
from recrate.crates.signing import sign_crate, verify_crate
from recrate.crates.signing.keys import SigningKey, load_key
from recrate.crates.signing.manifest import PATH, SIGNATURES
from recrate.crates.signing.sshsig import NoSignature, Signers, take_apart
from recrate.crates.signing.verify import read_signers
from recrate.errors import CrateFailed, CrateInvalid, UsageError

FRAME = b"-----BEGIN SSH SIGNATURE-----\n%s\n-----END SSH SIGNATURE-----\n"
FILES = {"data/a.txt": "a", "b c\u2603.txt": "b", "empty": ""}
ADA = "ada@example.org"
pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")


def never(path: str) -> str:
    pytest.fail(f"the passphrase of {path} was asked for")


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    kinds = ["-t", kind, "-b", "2048"] if kind == "rsa" else ["-t", kind]
    subprocess.run(["ssh-keygen", "-q", *kinds, "-N", passphrase, "-C", "", "-f", str(path)], check=True)
    return path


def allowed(path: Path, who: str, key: Path, options: str = "") -> Path:
    with path.open("a") as stream:
        stream.write(f"{who} {options} {Path(f'{key}.pub').read_text()}")
    return path


@pytest.fixture(autouse=True)
def _no_agent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.delenv("RECRATE_ALLOWED_SIGNERS", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return make_key(tmp_path / "key")


@pytest.fixture
def signers(tmp_path: Path, key: Path) -> Signers:
    found = read_signers(str(allowed(tmp_path / "allowed", ADA, key)))
    assert found is not None
    return found


@pytest.fixture(params=["folder", "archive", "archive with a folder"])
def crate(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "folder":
        return folder(tmp_path / "crate", head(FILES), FILES)
    if request.param == "archive":
        return archive(tmp_path / "crate.zip", head(FILES), FILES)
    made = folder(tmp_path / "outer" / "crate", head(FILES), FILES)
    return Path(shutil.make_archive(str(tmp_path / "crate"), "zip", made.parent))


def change(crate: Path, name: str, content: str | None) -> None:
    """Write a file of a crate, or remove it."""
    if crate.is_dir():
        target = crate / name
        target.parent.mkdir(exist_ok=True)
        target.unlink() if content is None else target.write_text(content)
        return
    with zipfile.ZipFile(crate) as old:
        files = {info.filename: old.read(info) for info in old.infolist()}
    full = next(path for path in files if path.endswith("ro-crate-metadata.json")).removesuffix(
        "ro-crate-metadata.json"
    )
    if content is None:
        del files[full + name]
    else:
        files[full + name] = content.encode()
    with zipfile.ZipFile(crate, "w") as new:
        for path, data in files.items():
            new.writestr(path, data)


def unpacked(crate: Path, to: Path) -> Path:
    if crate.is_dir():
        return crate
    with zipfile.ZipFile(crate) as archive:
        archive.extractall(to)
    return next(path.parent for path in to.rglob("ro-crate-metadata.json"))


def keygen(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    with (folder / PATH).open("rb") as manifest:
        return subprocess.run(["ssh-keygen", "-Y", *arguments], stdin=manifest, capture_output=True, check=False)


def test_a_signed_crate_says_by_whom_and_that_it_is_intact(crate: Path, key: Path, signers: Signers) -> None:
    made = sign_crate(str(crate), load_key(str(key), never))
    found = verify_crate(str(crate), signers)
    assert (found.is_signed, found.is_intact, found.principals) == (True, True, (ADA,))
    assert list(found.sentences()) == [
        f"signed by {ADA}, with the key {made.fingerprint}",
        "all files are as they were signed",
    ]


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_ssh_keygen_verifies_it_with_nothing_else(crate: Path, tmp_path: Path, kind: str) -> None:
    key = make_key(tmp_path / kind, kind)
    made = sign_crate(str(crate), load_key(str(key), never))
    names = allowed(tmp_path / "names", ADA, key, 'namespaces="recrate"')
    inside = unpacked(crate, tmp_path / "unpacked")
    check = ["verify", "-f", str(names), "-I", ADA, "-n", "recrate", "-s", str(inside / made.signature)]
    done = keygen(inside, *check)
    assert done.returncode == 0, done.stderr
    manifest = json.loads((inside / PATH).read_text())
    sums = "".join(f"{one['digest']['sha256']}  {one['name']}\n" for one in manifest["subject"])
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet"], input=sums.encode(), cwd=inside, check=True)
    (inside / PATH).write_text((inside / PATH).read_text().replace("a.txt", "x.txt"))
    assert keygen(inside, *check).returncode != 0


def test_a_signature_that_ssh_keygen_made_counts(crate: Path, key: Path, signers: Signers, tmp_path: Path) -> None:
    sign_crate(str(crate), load_key(str(make_key(tmp_path / "other")), never))
    inside = unpacked(crate, tmp_path / "unpacked")
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", "recrate", str(inside / PATH)], check=True)
    assert verify_crate(str(inside), signers).principals == (ADA,)


def test_the_manifest_is_an_in_toto_statement_of_all_files(crate: Path, key: Path, tmp_path: Path) -> None:
    sign_crate(str(crate), load_key(str(key), never))
    statement = json.loads((unpacked(crate, tmp_path / "unpacked") / PATH).read_text())
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert {one["name"] for one in statement["subject"]} == {*FILES, "ro-crate-metadata.json"}


def test_the_crate_is_still_one(crate: Path, key: Path) -> None:
    before = set(crate_source(str(crate)).graph)
    sign_crate(str(crate), load_key(str(key), never))
    assert set(crate_source(str(crate)).graph) == before


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("data/a.txt", "A", "changed since: changed: data/a.txt"),
        ("new.txt", "n", "changed since: added: new.txt"),
        ("empty", None, "changed since: removed: empty"),
        ("recrate/signatures/more.txt", "x", "changed since: added: recrate/signatures/more.txt"),
        ("recrate/signatures/deep/one.sig", "x", "changed since: added: recrate/signatures/deep/one.sig"),
    ],
)
def test_whatever_was_changed_is_named(
    crate: Path, key: Path, signers: Signers, name: str, content: str | None, said: str
) -> None:
    sign_crate(str(crate), load_key(str(key), never))
    change(crate, name, content)
    found = verify_crate(str(crate), signers)
    assert (found.is_signed, found.is_intact) == (True, False)
    assert said in list(found.sentences())


def test_a_manifest_that_was_made_to_fit_is_not_what_was_signed(crate: Path, key: Path, signers: Signers) -> None:
    sign_crate(str(crate), load_key(str(key), never))
    manifest = json.dumps({"_type": "https://in-toto.io/Statement/v1", "subject": []})
    change(crate, PATH, manifest)
    found = verify_crate(str(crate), signers)
    assert not found.is_signed
    assert "it is not of this manifest" in next(iter(found.sentences()))


def test_an_unsigned_crate_says_so(crate: Path, signers: Signers) -> None:
    assert list(verify_crate(str(crate), signers).sentences()) == ["it is not signed"]


def test_a_key_that_nobody_is_known_to_have_is_nobodys(crate: Path, tmp_path: Path, signers: Signers) -> None:
    sign_crate(str(crate), load_key(str(make_key(tmp_path / "other")), never))
    for known in (signers, None):
        found = verify_crate(str(crate), known)
        assert (found.is_intact, found.principals) == (True, ())


def test_several_can_sign_and_a_second_time_changes_nothing(
    crate: Path, key: Path, tmp_path: Path, signers: Signers
) -> None:
    sign_crate(str(crate), load_key(str(key), never))
    other = load_key(str(make_key(tmp_path / "other")), never)
    assert sign_crate(str(crate), other).is_new
    before = crate.stat().st_mtime_ns
    assert not sign_crate(str(crate), other).is_new
    assert crate.stat().st_mtime_ns == before
    found = verify_crate(str(crate), signers)
    assert (len(found.signatures), found.principals, found.is_intact) == (2, (ADA,), True)


def test_a_changed_crate_is_signed_anew_only_when_asked(
    crate: Path, key: Path, tmp_path: Path, signers: Signers
) -> None:
    other = load_key(str(make_key(tmp_path / "other")), never)
    sign_crate(str(crate), other)
    change(crate, "data/a.txt", "A")
    mine = load_key(str(key), never)
    with pytest.raises(CrateInvalid, match=r"changed since it was signed: changed: data/a\.txt"):
        sign_crate(str(crate), mine)
    sign_crate(str(crate), mine, renew=True)
    found = verify_crate(str(crate), signers)
    assert (len(found.signatures), found.principals, found.is_intact) == (1, (ADA,), True)


@pytest.mark.parametrize(
    ("options", "who"),
    [
        ('namespaces="recrate"', ADA),
        ('namespaces="git"', None),
        ('valid-before="20200101"', None),
        ('valid-after="20200101",namespaces="git,recrate"', ADA),
    ],
)
def test_allowed_signers_may_be_bound_to_purpose_and_time(
    crate: Path, key: Path, tmp_path: Path, options: str, who: str | None
) -> None:
    sign_crate(str(crate), load_key(str(key), never))
    known = read_signers(str(allowed(tmp_path / "bound", ADA, key, options)))
    assert verify_crate(str(crate), known).principals == ((who,) if who else ())


def test_a_signer_can_be_demanded(crate: Path, key: Path, signers: Signers) -> None:
    sign_crate(str(crate), load_key(str(key), never))
    assert verify_crate(str(crate), signers, principal=ADA).principals == (ADA,)
    assert verify_crate(str(crate), signers, principal="bob").principals == ()


def test_a_signature_for_something_else_does_not_count(
    crate: Path, key: Path, signers: Signers, tmp_path: Path
) -> None:
    made = sign_crate(str(crate), load_key(str(key), never))
    inside = unpacked(crate, tmp_path / "unpacked")
    subprocess.run(["ssh-keygen", "-q", "-Y", "sign", "-f", str(key), "-n", "git", str(inside / PATH)], check=True)
    os.replace(inside / f"{PATH}.sig", inside / made.signature)
    found = verify_crate(str(inside), signers)
    assert not found.is_signed
    assert "made for 'git'" in str(found.signatures[0])


@pytest.mark.parametrize(
    "content", ["", "no signature", "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH\n-----END SSH SIGNATURE-----\n"]
)
def test_what_is_no_signature_is_told(crate: Path, key: Path, signers: Signers, content: str) -> None:
    made = sign_crate(str(crate), load_key(str(key), never))
    change(crate, made.signature, content)
    (one,) = verify_crate(str(crate), signers).signatures
    assert one.problem is not None and "SSH signature" in one.problem


def test_an_encrypted_key_asks_for_its_passphrase(crate: Path, tmp_path: Path, signers: Signers) -> None:
    pytest.importorskip("bcrypt")
    key = make_key(tmp_path / "locked", passphrase="open sesame")
    asked: list[str] = []

    def ask(path: str) -> str:
        asked.append(path)
        return "open sesame"

    sign_crate(str(crate), load_key(str(key), ask))
    assert asked == [str(key)]
    with pytest.raises(UsageError, match="not the passphrase"):
        load_key(str(key), lambda path: "wrong")


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """An ssh-agent of its own."""
    socket = tmp_path / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.DEVNULL)
    try:
        for _ in range(200):
            if socket.exists():
                break
            subprocess.run(["sleep", "0.02"], check=True)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(socket))
        yield socket
    finally:
        process.terminate()
        process.wait()


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_an_agent_signs_without_asking(crate: Path, tmp_path: Path, agent: Path, kind: str) -> None:
    key = make_key(tmp_path / "held", kind)
    subprocess.run(["ssh-add", "-q", str(key)], check=True)
    key.unlink()
    known = read_signers(str(allowed(tmp_path / "names", ADA, key)))
    for path in (f"{key}.pub", None):
        held = load_key(path, never)
        assert held.private is None
        sign_crate(str(crate), held, renew=True)
        assert verify_crate(str(crate), known).principals == (ADA,)
        change(crate, "data/a.txt", "other")


def test_without_any_key_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no key to sign with"):
        load_key(None, never)
    public = make_key(tmp_path / "alone")
    with pytest.raises(UsageError, match="no agent holds its private one"):
        load_key(f"{public}.pub", never)
    (tmp_path / "junk").write_text("junk")
    for path in ("junk", "none"):
        with pytest.raises(UsageError, match=path):
            load_key(str(tmp_path / path), never)


def test_the_usual_key_is_found(tmp_path: Path) -> None:
    (tmp_path / "home" / ".ssh").mkdir(parents=True)
    key = make_key(tmp_path / "home" / ".ssh" / "id_ed25519")
    assert isinstance(load_key(None, never), SigningKey)
    allowed(tmp_path / "home" / ".ssh" / "allowed_signers", ADA, key)
    assert read_signers(None) is not None


def test_an_archive_stays_whole_when_its_signature_cannot_be_written(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crate = archive(tmp_path / "crate.zip", head(FILES), FILES)
    before = crate.read_bytes()

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("recrate.crates.changing.shutil.copyfile", full)
    with pytest.raises(CrateFailed, match="No space left"):
        sign_crate(str(crate), load_key(str(key), never))
    assert crate.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".recrate-")] == []
    assert SIGNATURES not in str(zipfile.ZipFile(crate).namelist())


@given(st.one_of(st.binary(), st.builds(lambda blob: FRAME % base64.b64encode(blob), st.binary())))
@example(FRAME % base64.b64encode(b"SSHSIG\0\0\0\1\xff\xff\xff\xff"))
@settings(max_examples=200, deadline=None)
def test_whatever_is_no_signature_is_refused_as_none(content: bytes) -> None:
    with pytest.raises(NoSignature):
        take_apart(content).public_key()
