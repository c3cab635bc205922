"""Bad input gives one or two lines that say what and where, and an exit code that is not 0."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

TOOL = {"cwlVersion": "v1.2", "class": "CommandLineTool", "baseCommand": "true", "inputs": {}, "outputs": {}}
EXPRESSION = {
    "cwlVersion": "v1.2",
    "class": "ExpressionTool",
    "requirements": {"InlineJavascriptRequirement": {}},
    "inputs": {},
    "outputs": {"o": "int"},
}
CAT = {**TOOL, "baseCommand": "cat", "inputs": {"f": {"type": "File", "inputBinding": {}}}, "outputs": {"o": "stdout"}}


class Bench:
    """Runs the command line in a directory of its own, with a store of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, content: str | bytes | dict[str, Any]) -> Path:
        path = self.folder / name
        if isinstance(content, dict):
            content = json.dumps(content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def recrate(self, *arguments: str | bytes | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ,
            "RECRATE_STORE": str(self.folder / "store" / "store.db"),
            "XDG_DATA_HOME": str(self.folder / "data"),
            **variables,
        }
        return subprocess.run(
            [sys.executable, "-m", "recrate", *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=120,
            check=False,
        )

    def refused(self, *arguments: str | Path, lines: int = 2, **variables: str) -> str:
        """Run what must fail; return what was said, after checking that it was said well."""
        done = self.recrate(*arguments, **variables)
        assert done.returncode != 0
        assert "Traceback" not in done.stderr
        said = [line for line in done.stderr.splitlines() if line.strip()]
        assert 1 <= len(said) <= lines, done.stderr
        return done.stderr


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("cwlVersion: v1.2\ninputs: [\n", "w.cwl:3:1: malformed YAML"),
        ("{not json", "w.cwl:"),
        (b"cwlVersion: \xff\xfe", "UTF-8"),
        ("", "w.cwl"),
        ("[1, 2]", "w.cwl"),
        ({**TOOL, "class": "Tool"}, "'Tool' is no class of process"),
        ({**TOOL, "basecommand": "x"}, "did you mean 'baseCommand'?"),
        ({**TOOL, "inputs": {"a": "strin"}}, "strin"),
        ({**TOOL, "cwlVersion": "v9.9"}, "v9.9"),
        ({"class": "CommandLineTool"}, "cwlVersion"),
        ("$import: w.cwl\n", "imports itself"),
        ("a: &a [x, x]\nb: *a\nb: 1\n", "w.cwl:3:1"),
    ],
    ids=lambda value: None if isinstance(value, str | bytes) else "tool",
)
def test_a_document_that_breaks_the_rules(bench: Bench, content: Any, said: str) -> None:
    bench.write("w.cwl", content)
    assert said in bench.refused("run", "w.cwl")


def test_aliases_that_explode(bench: Bench) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    bench.write("w.cwl", "\n".join(lines))
    assert "aliases" in bench.refused("validate", "w.cwl")


def test_a_workflow_that_runs_itself(bench: Bench) -> None:
    step = {"run": "w.cwl", "in": {}, "out": []}
    bench.write("w.cwl", {**TOOL, "class": "Workflow", "steps": {"a": step}} | {"baseCommand": None})
    document = {key: value for key, value in TOOL.items() if key != "baseCommand"}
    bench.write("w.cwl", {**document, "class": "Workflow", "steps": {"a": step}})
    assert "runs itself" in bench.refused("run", "w.cwl")


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ("f: {class: File, path: missing.txt}", "missing.txt"),
        ("f: 3", "expected File, got 3"),
        ("f: {class: Directory, path: .}", "expected File"),
        ("{}", "'f' is missing"),
        ("f: [", "job.yml"),
        ("- f", "job"),
    ],
)
def test_wrong_job_values(bench: Bench, job: str, said: str) -> None:
    bench.write("cat.cwl", CAT)
    bench.write("job.yml", job)
    assert said in bench.refused("run", "cat.cwl", "job.yml")


@pytest.mark.parametrize("arguments", [("nosuch.cwl",), ("cat.cwl", "nosuch.yml"), (".",)])
def test_files_that_are_not_there(bench: Bench, arguments: tuple[str, ...]) -> None:
    bench.write("cat.cwl", CAT)
    assert "cannot read" in bench.refused("run", *arguments)


def test_an_input_that_cannot_be_read(bench: Bench) -> None:
    bench.write("cat.cwl", CAT)
    bench.write("secret.txt", "x").chmod(0)
    powers = "-dac_override,-dac_read_search"  # what lets root read every file
    prefix = ["setpriv", f"--bounding-set={powers}", f"--inh-caps={powers}"] if os.getuid() == 0 else []
    done = subprocess.run(
        [*prefix, sys.executable, "-m", "recrate", "run", "cat.cwl", "--set", "f=secret.txt"],
        cwd=bench.folder,
        env={**os.environ, "RECRATE_STORE": str(bench.folder / "s.db"), "XDG_DATA_HOME": str(bench.folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "secret.txt" in done.stderr
    assert "Permission denied" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("fields", "said", "likely"),
    [
        ({"baseCommand": "no-such-command"}, "'no-such-command'", "install the program"),
        ({"baseCommand": "false"}, "exit code 1", ""),
        (
            {"outputs": {"o": {"type": "File", "outputBinding": {"glob": "*.bam"}}}},
            "output 'o' matches nothing",
            "compare what the tool wrote",
        ),
    ],
    ids=["missing command", "exit code", "missing output"],
)
def test_a_job_that_fails_is_explained(bench: Bench, fields: dict[str, Any], said: str, likely: str) -> None:
    bench.write("t.cwl", {**TOOL, **fields})
    told = bench.refused("run", "-q", "t.cwl", lines=12)
    assert said in told
    assert likely in told
    for label in (
        "attempt   1 of 1 on local (host ",
        "command   ",
        "directory ",
        "re-enter  cd ",
        "next: recrate show",
    ):
        assert label in told


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("while (true) {}", "did not end within 0.5 s"),
        ("var a = []; while (true) { a.push(new Array(100000).join('x') + a.length); }", "256 MiB"),
        ("throw 'no'", "failed"),
        ("return {o: 'text'};", "expected int"),
    ],
)
def test_an_expression_that_goes_wrong(bench: Bench, body: str, said: str) -> None:
    bench.write("e.cwl", {**EXPRESSION, "expression": f"${{ {body} }}"})
    seconds = "0.5" if "while (true) {}" in body else "20"
    assert said in bench.refused("cwl", "--quiet", "--eval-timeout", seconds, "e.cwl", lines=4)


def test_a_store_that_cannot_be_made(bench: Bench) -> None:
    bench.write("t.cwl", TOOL)
    bench.write("file", "in the way")
    assert "file/store.db" in bench.refused("run", "t.cwl", RECRATE_STORE=str(bench.folder / "file" / "store.db"))


def test_a_store_that_is_none(bench: Bench) -> None:
    bench.write("t.cwl", TOOL)
    bench.write("store.db", b"this is no database" * 100)
    assert "store.db" in bench.refused("run", "t.cwl", RECRATE_STORE=str(bench.folder / "store.db"))


@pytest.mark.parametrize("command", ["show", "log", "why", "rm"])
def test_what_nobody_knows(bench: Bench, command: str) -> None:
    assert "nobody" in bench.refused(command, "nobody")


def test_a_disk_that_is_full_ends_the_run_with_one_cause(bench: Bench) -> None:
    small = bench.folder / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", small], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("a small file system can be mounted by root only")
    try:
        bench.write("t.cwl", {**TOOL, "baseCommand": ["head", "-c", "4M", "/dev/zero"], "outputs": {"o": "stdout"}})
        told = bench.refused("run", "-q", "--work", str(small), "t.cwl", lines=12)
        assert "space" in told or "the disk of its work directory is full" in told
    finally:
        subprocess.run(["umount", "--lazy", small], check=False)


def test_a_directory_that_cannot_be_written_to(bench: Bench) -> None:
    bench.write("t.cwl", {**TOOL, "baseCommand": ["echo", "x"], "outputs": {"o": "stdout"}})
    told = bench.refused("run", "-q", "--outdir", "/proc/nowhere", "t.cwl", lines=6)
    assert "/proc/nowhere" in told


def test_a_very_long_standard_output_is_just_a_file(bench: Bench) -> None:
    bench.write(
        "t.cwl",
        {**TOOL, "baseCommand": ["head", "-c", "1G", "/dev/zero"], "outputs": {"o": "stdout"}, "stdout": "big"},
    )
    code = (
        "import sys; from recrate.cli.main import main; code = main(sys.argv[1:]); "
        "status = open('/proc/self/status').read(); "
        "print(status.split('VmHWM:')[1].split()[0], file=sys.stderr); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "cwl", "--quiet", "--leave-outputs", "t.cwl"],
        cwd=bench.folder,
        env={**os.environ, "RECRATE_STORE": str(bench.folder / "s.db"), "XDG_DATA_HOME": str(bench.folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["o"]["size"] == 1 << 30
    assert int(done.stderr.split()[-1]) < 200_000


@pytest.mark.parametrize(
    "name", [b"new\nline.txt", b'it\'s "quoted".txt', b"\xff\xfe.txt", b"-n", b"a b;c&d|e$f.txt", b"%41#?.txt"]
)
def test_odd_names_simply_work(bench: Bench, name: bytes) -> None:
    (bench.folder / os.fsdecode(name)).write_text("content")
    tool = {
        **CAT,
        "baseCommand": ["sh", "-c", 'cat -- "$1"; mkdir -p out; cp -- "$1" out/', "sh"],
        "outputs": {"o": "stdout", "d": {"type": "Directory", "outputBinding": {"glob": "out"}}},
        "stdout": "copied",
    }
    bench.write("t.cwl", tool)
    done = bench.recrate("run", "--json", "t.cwl", "--set", b"f=" + name)
    assert done.returncode == 0, done.stderr
    outputs = json.loads(done.stdout)["outputs"]
    assert Path(outputs["o"]["path"]).read_text() == "content"
    assert (bench.folder / "results" / "out" / os.fsdecode(name)).read_text() == "content"


def test_ten_thousand_steps_are_checked_in_seconds(bench: Bench) -> None:
    bench.write(
        "t.cwl",
        {
            **TOOL,
            "inputs": {"a": "string"},
            "outputs": {"o": {"type": "string", "outputBinding": {"outputEval": "$(inputs.a)"}}},
        },
    )
    lines = [
        "cwlVersion: v1.2",
        "class: Workflow",
        "inputs: {x: string}",
        "outputs: {}",
        "steps:",
        "  s0: {run: t.cwl, in: {a: x}, out: [o]}",
    ]
    lines += [f"  s{n}: {{run: t.cwl, in: {{a: s{n - 1}/o}}, out: [o]}}" for n in range(1, 10_000)]
    bench.write("w.cwl", "\n".join(lines))
    done = bench.recrate("validate", "w.cwl")
    assert done.returncode == 0, done.stderr


def test_a_secret_is_in_no_store_log_or_error(bench: Bench) -> None:
    secret = "correct-horse-battery"
    tool = {
        **TOOL,
        "$namespaces": {"cwltool": "http://commonwl.org/cwltool#"},
        "requirements": {"cwltool:Secrets": {"secrets": ["password"]}},
        "baseCommand": ["sh", "-c", "echo wrong password: $0 >&2; exit 3"],
        "inputs": {"password": {"type": "string", "inputBinding": {}}},
    }
    bench.write("t.cwl", tool)
    done = bench.recrate("run", "t.cwl", "--set", f"password={secret}", "--work", "work")
    assert done.returncode == 1
    assert secret not in done.stdout
    assert secret not in done.stderr
    for path in (bench.folder / "store").iterdir():
        assert secret.encode() not in path.read_bytes()
    scripts = list((bench.folder / "work").rglob("script"))
    assert scripts
    assert all(secret not in path.read_text() for path in scripts)
