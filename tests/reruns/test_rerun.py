"""A crate is run again from itself alone, and the result is compared; what it lacks is said before anything runs."""

from __future__ import annotations

import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from cratebed.commands import Recrate

TOOL = {
    "cwlVersion": "v1.2",
    "class": "CommandLineTool",
    "requirements": {"InlineJavascriptRequirement": {}},
    "baseCommand": ["sh", "-c", 'cat "$0" "$1"/*; echo "$2"'],
    "inputs": {
        "text": {"type": "File", "inputBinding": {"position": 1}},
        "folder": {"type": "Directory", "inputBinding": {"position": 2}},
        "word": {"type": "string", "default": "end", "inputBinding": {"position": 3}},
    },
    "outputs": {"out": "stdout"},
    "stdout": "$(inputs.text.nameroot).out",
}


@pytest.fixture(autouse=True)
def documents(tmp_path: Path) -> None:
    (tmp_path / "tool.cwl").write_text(json.dumps(TOOL))
    (tmp_path / "a name.txt").write_text("text\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "member").write_text("member\n")
    job = {"text": {"class": "File", "path": "a name.txt"}, "folder": {"class": "Directory", "path": "folder"}}
    (tmp_path / "job.json").write_text(json.dumps(job))


@pytest.fixture
def crate(recrate: Recrate, tmp_path: Path) -> Path:
    """Return a crate of a run of which nothing else is left."""
    recrate("run", "-q", "--name", "first", "tool.cwl", "job.json")
    recrate("export", "first", "-o", "crate.zip")
    for name in ("stores", "results", "folder"):
        shutil.rmtree(tmp_path / name)
    for name in ("tool.cwl", "a name.txt", "job.json"):
        (tmp_path / name).unlink()
    return tmp_path / "crate.zip"


def test_a_crate_is_run_again_from_itself_alone(recrate: Recrate, crate: Path, tmp_path: Path) -> None:
    done = json.loads(recrate("rerun", "crate.zip", "--outdir", "again", "--json", store="two").stdout)
    assert done["verdict"] == "identical" and done["outputs"]["out"]["grade"] == "identical"
    assert (tmp_path / "again" / "a name.out").read_text() == "text\nmember\nend\n"
    shown = json.loads(recrate("show", done["run"], "--json", store="two").stdout)
    assert done["original"] in json.dumps(shown), "the new run is on record as derived from the old one"


def test_a_run_of_the_store_is_run_again(recrate: Recrate) -> None:
    recrate("run", "-q", "--name", "first", "tool.cwl", "job.json")
    assert "identical" in recrate("rerun", "first", "--outdir", "again").stdout


def test_an_input_can_be_changed(recrate: Recrate, crate: Path) -> None:
    done = json.loads(recrate("rerun", "crate.zip", "--set", "word=other", "--json", code=1, store="two").stdout)
    assert done["verdict"] == "different" and done["cause"] == "another input"
    assert "line 3" in done["outputs"]["out"]["detail"]


@pytest.mark.parametrize("content", [b"other\n", b""])
def test_a_crate_of_which_an_input_was_changed_is_found_out_before_anything_runs(
    recrate: Recrate, crate: Path, tmp_path: Path, content: bytes
) -> None:
    changed = tmp_path / "changed.zip"
    with zipfile.ZipFile(crate) as old, zipfile.ZipFile(changed, "w") as new:
        for info in old.infolist():
            is_input = info.filename.endswith("a name.txt") or info.filename.endswith("a%20name.txt")
            new.writestr(info, content if is_input else old.read(info))
    said = recrate("rerun", "changed.zip", code=1, store="two").stderr
    assert "changed" in said or "sha256" in said, said
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("hides_it", [False, True], ids=["as it is", "with its hash taken out"])
def test_a_changed_row_is_found_out_before_anything_runs(
    recrate: Recrate, crate: Path, tmp_path: Path, hides_it: bool
) -> None:
    changed = tmp_path / "changed.zip"
    with zipfile.ZipFile(crate) as old, zipfile.ZipFile(changed, "w") as new:
        for info in old.infolist():
            content = old.read(info)
            if info.filename == "recrate/rows.jsonl":
                assert b"stdout" in content
                content = content.replace(b'cat \\\\\\"$0', b'tac \\\\\\"$0')
                assert content != old.read(info)
            if info.filename == "ro-crate-metadata.json" and hides_it:
                document = json.loads(content)
                for entity in document["@graph"]:
                    if entity["@id"] == "recrate/rows.jsonl":
                        del entity["sha256"], entity["contentSize"]
                content = json.dumps(document).encode()
            new.writestr(info, content)
    said = recrate("rerun", "changed.zip", code=1, store="two").stderr
    assert ("another text than its hash" if hides_it else "was changed") in said
    assert not (tmp_path / "results").exists()


def test_what_a_crate_lacks_is_listed(recrate: Recrate, tmp_path: Path) -> None:
    recrate("run", "-q", "--name", "first", "tool.cwl", "job.json")
    recrate("export", "first", "-o", "bare", "--metadata-only")
    for name in ("a name.txt", "folder/member"):
        (tmp_path / name).unlink()
    shutil.rmtree(tmp_path / "stores")
    said = recrate("rerun", "bare", code=1, store="two").stderr
    assert "a name.txt of text" in said and "of folder" in said


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
def test_who_signed_a_crate_is_said_and_a_file_too_many_refused(recrate: Recrate, crate: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(crate) as packed:
        packed.extractall(tmp_path / "signed")
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(key)], check=True)
    (tmp_path / "allowed").write_text(f"ada@example.org {key.with_suffix('.pub').read_text()}")
    recrate("sign", "signed", "--key", str(key))
    assert "signed by ada@example.org" in recrate("rerun", "signed", "-q", "--signers", "allowed", store="two").stderr
    (tmp_path / "signed" / "more").write_text("more\n")
    said = recrate("rerun", "signed", "--signers", "allowed", "--outdir", "again", code=1, store="three").stderr
    assert "not what was signed" in said and not (tmp_path / "again").exists()
