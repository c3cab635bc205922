"""What a job printed that failed elsewhere is told with its failure, as of one that failed here."""

from __future__ import annotations

from pathlib import Path

from recrate.cli.failures import lines
from recrate.core.logs import brought_log, log_of_errors
from recrate.provenance.queries import get_run
from recrate.provenance.rows import LocationRow

from ..engine.bench import shell
from .fields import Fields


def test_the_end_of_its_errors_is_shown(fields: Fields) -> None:
    tool = shell({}, {"o": "stdout"}, "seq 100000 >&2; echo that went wrong >&2; exit 3", stdout="o.txt")
    ran = fields.run({"cwlVersion": "v1.2", **tool}, {}, fields.binding({"/": "east"}))
    told = list(lines(ran.database, ran.id))
    assert "    | that went wrong" in told
    assert "    | 100000" in told
    [attempt] = ran.attempts("/")
    log = Path(brought_log(get_run(ran.database, ran.id).work_directory or "", attempt.id))
    assert log.stat().st_size == 64 << 10
    assert any(line.startswith("  stderr") and str(log) in line for line in told)


def test_a_job_whose_outputs_are_missing_has_its_errors_shown_too(fields: Fields) -> None:
    out = {"type": "File", "outputBinding": {"glob": "none"}}
    tool = shell({}, {"o": out}, "echo nothing came of it >&2")
    ran = fields.run({"cwlVersion": "v1.2", **tool}, {}, fields.binding({"/": "east"}))
    assert "    | nothing came of it" in list(lines(ran.database, ran.id))


def test_secrets_stay_where_they_were(fields: Fields) -> None:
    tool = shell({"word": {"type": "string", "inputBinding": {}}}, {"o": "stdout"}, 'echo "$1" >&2; exit 3', stdout="o")
    tool["hints"] = {"cwltool:Secrets": {"secrets": ["word"]}}
    document = {"cwlVersion": "v1.2", "$namespaces": {"cwltool": "http://commonwl.org/cwltool#"}, **tool}
    ran = fields.run(document, {"word": "swordfish42"}, fields.binding({"/": "east"}))
    [attempt] = ran.attempts("/")
    log = Path(brought_log(get_run(ran.database, ran.id).work_directory or "", attempt.id)).read_text()
    assert log and "swordfish42" not in log


def test_a_path_of_another_machine_means_nothing_here(fields: Fields) -> None:
    ran = fields.run(
        {"cwlVersion": "v1.2", **shell({}, {"o": "stdout"}, "echo", stdout="o")}, {}, fields.binding({"/": "east"})
    )
    [attempt] = ran.attempts("/")
    [where] = [row for row in ran.database.rows(LocationRow, "", ()) if row.id == attempt.location_id]
    assert log_of_errors(attempt, where, None) is None
    assert log_of_errors(attempt, None, None) == attempt.stderr
