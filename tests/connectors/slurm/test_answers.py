"""What Slurm's commands print, read back. The texts are those of Slurm 22.05 and 26.05."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recrate.connectors.queues.manager import Phase
from recrate.connectors.slurm.answers import (
    expand,
    parse_accounts,
    parse_amount,
    parse_code,
    parse_completions,
    parse_config,
    parse_control,
    parse_queue,
    parse_span,
    parse_submitted,
)
from recrate.connectors.slurm.states import phase_of, reason_in_words

CONTROL = (
    "JobId=13 ArrayJobId=2 ArrayTaskId=2 JobName=a_b UserId=alice(2000) JobState=FAILED Reason=NonZeroExitCode "
    "Dependency=(null) Requeue=0 Restarts=0 ExitCode=2:0 RunTime=00:00:02 StartTime=1795654822 EndTime=1795654824 "
    "NodeList=n1 Comment=recrate:bat  StdErr=/dev/null"
)


@pytest.mark.parametrize(
    ("text", "found"), [("17\n", "17"), ("17;hpca\n", "17"), ("a warning\n17\n", "17"), ("", None), ("error: no", None)]
)
def test_the_id_of_a_submission(text: str, found: str | None) -> None:
    assert parse_submitted(text) == found


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("17", ["17"]),
        ("17_4", ["17_4"]),
        ("17_[0-2,9]", ["17_0", "17_1", "17_2", "17_9"]),
        ("17_[0-6:3%2]", ["17_0", "17_3", "17_6"]),
        ("17_[]", []),
        ("17_[a-b]", []),
        ("17+1", []),
        ("JOBID", []),
    ],
)
def test_ids_of_arrays_stand_for_each_element(text: str, ids: list[str]) -> None:
    assert [native_id for native_id, _ in expand(text)] == ids


def test_a_listing_gives_state_reason_and_note_of_each_job() -> None:
    jobs = parse_queue(
        "16|PENDING|0:00||PartitionTimeLimit|(null)\n"
        "2_1|RUNNING|1-00:00:01|n1|None|recrate:5f\n"
        "2_[2-3]|PENDING|0:00||ReqNodeNotAvail, UnavailableNodes:n2|recrate:5f\n"
        "CLUSTER: hpca\n"
        "a line that\nno|one|understands\n"
    )
    assert list(jobs) == ["16", "2_1", "2_2", "2_3"]
    assert jobs["16"].phase is Phase.NEVER
    assert (jobs["2_1"].phase, jobs["2_1"].ran, jobs["2_1"].nodes) == (Phase.RUNNING, 86401, "n1")
    assert (jobs["2_3"].phase, jobs["2_3"].note, jobs["2_3"].element) == (Phase.WAITING, "recrate:5f", 3)


def test_of_a_listing_what_is_wanted_is_read() -> None:
    text = (
        "2_1|COMPLETED|0:01|n1|None|(null)\n2_[2-900]|PENDING|0:00||Resources|(null)\n3|RUNNING|0:01|n1|None|(null)\n"
    )
    assert list(parse_queue(text, {"2_1", "2_7", "4"})) == ["2_1", "2_7"]


def test_a_note_may_hold_the_separator() -> None:
    assert parse_queue("1|RUNNING|0:00|n1|None|some|one else's")["1"].note == "some|one else's"


def test_a_controlled_job_has_exit_code_and_instants() -> None:
    job = parse_control(f"{CONTROL}\n")["2_2"]
    assert (job.phase, job.exit_code, job.signal, job.restarts) == (Phase.FAILED, 2, None, 0)
    assert (job.started, job.ended, job.note, job.reason) == (1795654822, 1795654824, "recrate:bat", "NonZeroExitCode")


def test_elements_that_wait_stand_in_one_line() -> None:
    line = "JobId=2 ArrayJobId=2 ArrayTaskId=4-6%2 JobState=PENDING Reason=Priority Restarts=0"
    assert list(parse_control(line)) == ["2_4", "2_5", "2_6"]


def test_a_job_that_waits_again_was_requeued() -> None:
    job = parse_control("JobId=8 JobState=PENDING Reason=BeginTime Restarts=1 ExitCode=0:0")["8"]
    assert (job.phase, job.restarts) == (Phase.REQUEUED, 1)


def test_the_log_of_completions_has_the_same_fields() -> None:
    line = CONTROL.replace("1795654822", "2026-11-26T01:00:22")
    assert parse_completions(line)["2_2"].exit_code == 2
    assert parse_completions(line)["2_2"].started is None


def test_accounts_give_who_cancelled_and_what_was_used() -> None:
    jobs, figures = parse_accounts(
        "1|COMPLETED|1795655018|1795655023|00:00.288||||0:0|n1\n"
        "1.batch|COMPLETED|1795655018|1795655023|00:00.288|204892K|152.61M|1M|0:0|n1\n"
        "3_1|CANCELLED by 2000|1795655018|1795655023|00:00.001||||0:0|n1\n"
        "3_2|RUNNING|1795655018|Unknown|00:00:00||||0:0|n1\n"
    )
    assert (jobs["3_1"].phase, jobs["3_1"].word, jobs["3_1"].by) == (
        Phase.CANCELLED,
        "CANCELLED",
        "the user with id 2000",
    )
    assert set(figures) == {"1", "3_1"}
    assert (figures["1"].cpu_seconds, figures["1"].peak_rss) == (0.288, 204892 * 1024)
    assert (figures["1"].bytes_read, figures["1"].bytes_written) == (160023183, 1 << 20)


def test_a_job_that_was_put_back_has_several_records_of_which_the_one_counts_that_says_why() -> None:
    cut_off = "29|PREEMPTED|1795655018|1795655023|00:00.288||||0:0|n1\n"
    assert parse_accounts(f"{cut_off}29|PENDING|Unknown|Unknown|00:00:00||||0:0|None assigned\n")[0]["29"].phase is (
        Phase.PREEMPTED
    )
    over = f"{cut_off}29|COMPLETED|1795655030|1795655031|00:00.001||||0:0|n1\n"
    assert parse_accounts(over)[0]["29"].phase is Phase.COMPLETED
    assert parse_accounts(cut_off.replace("PREEMPTED", "REQUEUED") + cut_off)[0]["29"].phase is Phase.PREEMPTED


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:01.577", 1.577),
        ("0:00", 0),
        ("02:03:04", 7384),
        ("1-02:03:04", 93784),
        ("00:00:00", 0),
        ("INVALID", None),
        ("", None),
    ],
)
def test_spans_of_time(text: str, seconds: float | None) -> None:
    assert parse_span(text) == seconds


@pytest.mark.parametrize(
    ("text", "amount"), [("3296K", 3296 << 10), ("1.5M", 3 << 19), ("0", 0), ("2G", 2 << 30), ("", None), ("x", None)]
)
def test_amounts(text: str, amount: int | None) -> None:
    assert parse_amount(text) == amount


@pytest.mark.parametrize(
    ("text", "code"), [("3:0", (3, None)), ("0:9", (0, 9)), ("0:125", (0, None)), ("", (None, None))]
)
def test_exit_codes(text: str, code: tuple[int | None, int | None]) -> None:
    assert parse_code(text) == code


def test_settings_of_the_cluster() -> None:
    config = parse_config("Configuration data as of ...\nMaxArraySize            = 10001\nJobCompLoc = /a=b\n")
    assert (config["MaxArraySize"], config["JobCompLoc"]) == ("10001", "/a=b")


@given(st.text())
def test_no_answer_makes_a_reader_stumble(text: str) -> None:
    parse_queue(text)
    parse_control(text)
    parse_accounts(text)
    parse_completions(text)
    parse_submitted(text)
    parse_config(text)
    list(expand(text))


@pytest.mark.parametrize(
    ("word", "reason", "phase"),
    [
        ("PENDING", "Priority", Phase.WAITING),
        ("PENDING", "JobHeldUser", Phase.HELD),
        ("PENDING", "JobHeldAdmin", Phase.HELD),
        ("PENDING", "launch failed requeued held", Phase.HELD),
        ("PENDING", "PartitionConfig", Phase.NEVER),
        ("PENDING", "QOSMaxCpuPerJobLimit", Phase.NEVER),
        ("PENDING", "AssocMaxWallDurationPerJobLimit", Phase.NEVER),
        ("PENDING", "QOSMaxCpuPerUserLimit", Phase.WAITING),
        ("PENDING", "AssocGrpCpuLimit", Phase.WAITING),
        ("PENDING", "ReqNodeNotAvail, UnavailableNodes:n2", Phase.WAITING),
        ("OUT_OF_MEMORY", None, Phase.OUT_OF_MEMORY),
        ("NODE_FAIL", None, Phase.NODE_FAILED),
        ("BOOT_FAIL", None, Phase.NODE_FAILED),
        ("TIMEOUT", None, Phase.TIMED_OUT),
        ("DEADLINE", None, Phase.TIMED_OUT),
        ("PREEMPTED", None, Phase.PREEMPTED),
        ("COMPLETING", None, Phase.ENDING),
        ("CONFIGURING", None, Phase.RUNNING),
        ("A_STATE_OF_2031", None, Phase.RUNNING),
    ],
)
def test_states_and_reasons(word: str, reason: str | None, phase: Phase) -> None:
    assert phase_of(word, reason) is phase


def test_a_reason_is_explained() -> None:
    assert reason_in_words("JobHeldUser") == "JobHeldUser: held by its user (`scontrol release` lets it go on)"
    assert reason_in_words("ReqNodeNotAvail, UnavailableNodes:n2") == (
        "ReqNodeNotAvail, UnavailableNodes:n2: nodes that it needs are drained, down or reserved"
    )
    assert reason_in_words("Whatever") == "Whatever"
