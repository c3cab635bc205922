"""What the command that runs crates of the conformance suite again counts, and that it sees what is not the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conformance import rerun_suite
from conformance.rerun_suite import Outcome

TOOLS = {
    "same": ["echo", "same"],
    "chance": ["sh", "-c", "echo $$"],
}


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    folder = tmp_path / "suite"
    folder.mkdir()
    listed = [{"id": name, "tool": f"{name}.cwl"} for name in TOOLS]
    (folder / "conformance_tests.yaml").write_text(json.dumps(listed))
    for name, command in TOOLS.items():
        tool = {
            "cwlVersion": "v1.2", "class": "CommandLineTool", "inputs": {}, "outputs": {"out": "stdout"},
            "baseCommand": command, "stdout": "out.txt",
        }  # fmt: skip
        (folder / f"{name}.cwl").write_text(json.dumps(tool))
    return folder


def test_what_is_left_to_chance_does_not_count(suite: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rerun_suite.main(["--suite", str(suite)]) == 0
    printed = capsys.readouterr().out
    assert "1 identical, 1 different; of 1 deterministic ones 1 are identical" in printed
    assert "not deterministic" in printed


@pytest.mark.parametrize(("wrong", "code"), [(0, 0), (1, 0), (2, 1)])
def test_one_in_a_hundred_may_differ(wrong: int, code: int) -> None:
    found = [Outcome(f"t{number}", "different" if number < wrong else "identical") for number in range(100)]
    assert rerun_suite.report(iter(found)) == code
    assert rerun_suite.report(iter(())) == 2
