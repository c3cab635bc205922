"""A run has on record in which state its sources were."""

from __future__ import annotations

import subprocess

from recrate.provenance.rows import RepositoryRow

from .bench import Bench, shell

CAT = {
    "cwlVersion": "v1.2",
    **shell({"script": {"type": "File", "inputBinding": {}}}, {"o": "stdout"}, '. "$1"', stdout="o.txt"),
}


def test_the_repository_of_a_script_that_the_run_was_given(bench: Bench) -> None:
    script = bench.write("repository/script.sh", "echo one\n")
    git = ["git", "-C", str(script.parent), "-c", "user.name=N", "-c", "user.email=n@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *words], check=True)
    script.write_text("echo two\n")
    ran = bench.run(CAT, {"script": script})
    (row,) = ran.database.rows(RepositoryRow, "WHERE run_id = ?", (ran.id,))
    assert row.root == str(script.parent) and row.diff is not None and "+echo two" in row.diff


def test_a_run_outside_of_any_has_none(bench: Bench) -> None:
    ran = bench.run({"cwlVersion": "v1.2", **shell({}, {}, "true")})
    assert ran.database.rows(RepositoryRow, "", ()) == []
