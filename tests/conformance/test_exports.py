"""Crates of the conformance suite: a sample of its workflows; `export_suite.py` does all."""

from __future__ import annotations

import pytest
from conformance import export_suite

SUITE = export_suite.TESTS.parent.parent / "shared" / "cwl-conformance"


@pytest.mark.skipif(not SUITE.is_dir(), reason="no ../shared/cwl-conformance beside the checkout")
def test_crates_of_a_sample_are_valid_on_both_lines(capsys: pytest.CaptureFixture[str]) -> None:
    code = export_suite.main(["--sample", "40", "--suite", str(SUITE)])
    printed = capsys.readouterr().out
    assert code == 0, printed
    assert printed.count(" 0.5 valid  0.6 valid") >= 30, printed
