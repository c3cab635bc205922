"""The script of a submission: carried out here by a shell, as a node would."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recrate.connectors.base import Ending
from recrate.connectors.queues.batch import Member, Template, batch_text, intent_text
from recrate.connectors.queues.judge import judge
from recrate.connectors.queues.reports import Report, give_up_text, mark_text, parse_reports, report_text
from recrate.connectors.wrapper import Script, encode, script_text
from recrate.errors import DocumentInvalid

INDEX = "SOME_INDEX"
ODD = ["plain", "a b", "it's", 'say "x"', "new\nline", "$HOME;&|`id`", "-n", "*", os.fsdecode(b"\xff\xfe"), "☃"]
NAMES = st.text(st.characters(blacklist_characters="/\0", blacklist_categories=("Cs",)), min_size=1, max_size=20)


def attempt(folder: Path, name: str, *argv: str) -> Member:
    directory = folder / name
    (directory / "out").mkdir(parents=True)
    script = Script(
        "t-" + re.sub(r"\W", "", name), "job", str(directory), str(directory / "out"), argv or ("touch", "ran")
    )
    (directory / "script").write_bytes(encode(script_text(script)))
    return Member(str(directory))


def shell(program: bytes, **environment: str) -> bytes:
    environment = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(["sh", "-s"], input=program, env=environment, capture_output=True, check=True).stdout


def carry_out(script: bytes, index: int = 0) -> None:
    shell(script, **{INDEX: str(index)})


def reports(*members: Member) -> Sequence[Report]:
    printed = shell(report_text([member.directory for member in members]))
    return parse_reports(printed.decode("utf-8", "replace"))


def has_run(member: Member) -> bool:
    return Path(member.directory, "out", "ran").exists()


@pytest.mark.parametrize("name", ODD)
def test_an_attempt_runs_in_its_directory_whatever_the_name(tmp_path: Path, name: str) -> None:
    member = attempt(tmp_path, name)
    carry_out(batch_text(Template(), [[member]], INDEX))
    report = reports(member)[0]
    assert has_run(member)
    assert report.claimed
    assert report.origin is not None
    assert "over" in report.marks
    ended = judge(report, None, "t-" + re.sub(r"\W", "", name))
    assert ended is not None
    assert (ended.ending, ended.exit_code) == (Ending.EXITED, 0)


def test_an_element_of_an_array_carries_out_its_own_attempt(tmp_path: Path) -> None:
    members = [attempt(tmp_path, f"{name}x{number}") for number, name in enumerate(ODD)]
    script = batch_text(Template(), [[member] for member in members], INDEX)
    for number in (3, 7):
        carry_out(script, number)
    assert [number for number, member in enumerate(members) if has_run(member)] == [3, 7]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(names=st.lists(NAMES.filter(lambda name: name not in (".", "..")), min_size=1, max_size=4, unique=True))
def test_no_name_reaches_a_shell_unquoted(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    folder = tmp_path_factory.mktemp("hostile")
    members = [attempt(folder / str(number), name) for number, name in enumerate(names)]
    shell(intent_text("note", [members], "claim"))
    carry_out(batch_text(Template(), [members], INDEX))
    assert all(has_run(member) for member in members)
    assert all(report.note == "note" and "over" in report.marks for report in reports(*members))
    assert len(list(folder.iterdir())) == len(names)


def test_a_group_is_carried_out_one_after_the_other_and_a_failure_stops_nothing(tmp_path: Path) -> None:
    members = [attempt(tmp_path, str(code), "sh", "-c", f"exit {code}") for code in (1, 0, 7)]
    carry_out(batch_text(Template(), [members], INDEX))
    ends = [judge(report, None, f"t-{code}") for report, code in zip(reports(*members), (1, 0, 7), strict=True)]
    assert [ended.exit_code for ended in ends if ended is not None] == [1, 0, 7]


def test_an_attempt_that_was_given_up_or_claimed_is_passed_over(tmp_path: Path) -> None:
    members = [attempt(tmp_path, name) for name in ("given up", "claimed", "free")]
    given_up = parse_reports(shell(give_up_text([members[0].directory])).decode())
    Path(members[1].directory, "claim").write_text("1\n")
    carry_out(batch_text(Template(), [members], INDEX))
    assert [has_run(member) for member in members] == [False, False, True]
    assert given_up[0].given_up
    assert (Path(members[1].directory) / "claim").read_text() == "1\n"


def test_an_attempt_that_somebody_claimed_cannot_be_given_up(tmp_path: Path) -> None:
    member = attempt(tmp_path, "quick")
    carry_out(batch_text(Template(), [[member]], INDEX))
    report = parse_reports(shell(give_up_text([member.directory])).decode())[0]
    assert report.claimed
    assert not report.given_up


def test_a_time_limit_ends_an_attempt_and_what_it_started(tmp_path: Path) -> None:
    member = attempt(tmp_path, "slow", "sh", "-c", "trap '' TERM; (sleep 50; touch late) & wait")
    carry_out(batch_text(Template(), [[Member(member.directory, 1)]], INDEX))
    ended = judge(reports(member)[0], None, "t-slow")
    assert ended is not None
    assert ended.ending is Ending.TIMED_OUT
    assert not Path(member.directory, "out", "late").exists()


def test_a_mark_ends_one_attempt_of_a_group_and_the_others_go_on(tmp_path: Path) -> None:
    members = [attempt(tmp_path, "long", "sleep", "50"), attempt(tmp_path, "short", "true")]
    shell(mark_text([members[0].directory], "cancel"))
    carry_out(batch_text(Template(), [members], INDEX))
    ends = [judge(report, None, f"t-{name}") for report, name in zip(reports(*members), ("long", "short"), strict=True)]
    assert [ended.ending for ended in ends if ended is not None] == [Ending.CANCELLED, Ending.EXITED]


def test_the_peak_memory_of_an_attempt_is_sampled(tmp_path: Path) -> None:
    member = attempt(tmp_path, "big", "sh", "-c", "x=$(head -c 30000000 /dev/zero | tr '\\0' x); sleep 1.5")
    carry_out(batch_text(Template(), [[member]], INDEX))
    ended = judge(reports(member)[0], None, "t-big")
    assert ended is not None
    assert ended.figures.peak_rss is not None
    assert ended.figures.peak_rss > 30_000_000


def test_a_template_stands_around_the_command(tmp_path: Path) -> None:
    template = Template("#!/bin/bash\n#SBATCH --nice\n\nexport GREETING=hello\nenv {{ streamflow_command }}\n")
    members = [attempt(tmp_path, name, "sh", "-c", "echo $GREETING >ran") for name in ("a b", "c")]
    text = batch_text(template, [[member] for member in members], INDEX)
    assert text.startswith(b"#!/bin/bash\n#SBATCH --nice\n")
    carry_out(text, 1)
    assert not has_run(members[0])
    assert Path(members[1].directory, "out", "ran").read_text() == "hello\n"


def test_a_template_about_the_work_directory_gets_it_quoted(tmp_path: Path) -> None:
    template = Template("#!/bin/sh\ncd {{streamflow_workdir}} && pwd >ran\n{{streamflow_command}}\n")
    member = attempt(tmp_path, "it's $here", "true")
    carry_out(batch_text(template, [[member]], INDEX))
    assert not template.is_for_many
    assert Path(member.directory, "out", "ran").read_text() == f"{member.directory}/out\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("#!/bin/sh\necho no command\n", "does not contain"),
        ("#!/usr/bin/python3\n{{streamflow_command}}\n", "must name a POSIX shell"),
        ("#!/bin/sh\n{{streamflow_command}} {% if %}\n", "job.jinja2:2"),
        ("#!/bin/sh\n{{streamflow_command}} {{ other }}\n", "other"),
    ],
)
def test_a_template_that_cannot_be_used_says_why_and_where(text: str, problem: str) -> None:
    with pytest.raises(DocumentInvalid, match=problem):
        batch_text(Template(text, "job.jinja2"), [[Member("/d")]], INDEX)


def test_what_was_claimed_before_is_not_intended_again(tmp_path: Path) -> None:
    members = [attempt(tmp_path, name) for name in ("free", "taken")]
    Path(members[1].directory, "claim").mkdir()
    assert shell(intent_text("recrate:5f", [[members[0]], [members[1]]], "claim")).split() == [b"1"]
    assert reports(*members)[0].note == "recrate:5f"


def test_an_intent_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    program = intent_text("recrate:5f", [[Member(f"{tmp_path}/missing")]], "claim")
    assert subprocess.run(["sh", "-s"], input=program, capture_output=True, check=False).returncode != 0


def test_where_an_attempt_stands_is_written_down(tmp_path: Path) -> None:
    members = [attempt(tmp_path, str(number)) for number in range(3)]
    shell(intent_text("recrate:5f", [members[:2], members[2:]], "claim"))
    assert [(each.element, each.member) for each in reports(*members)] == [(0, 0), (0, 1), (1, None)]


def test_a_directory_that_is_gone_tells_nothing(tmp_path: Path) -> None:
    report = reports(Member(f"{tmp_path}/nowhere"))[0]
    assert report == Report()


@given(st.text())
def test_no_report_makes_the_reader_stumble(text: str) -> None:
    assert all(isinstance(report, Report) for report in parse_reports(f"attempt\n{text}"))
