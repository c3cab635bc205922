"""What a job costs the controller, with everything on record."""

from __future__ import annotations

import resource
import time

from testbed.pace import slowness

from .bench import Bench, shell, workflow

JOBS = 1000
MOST_SECONDS_A_JOB = 0.010
MOST_MIB_MORE = 100


def test_a_thousand_jobs_cost_little_time_and_memory(bench: Bench) -> None:
    tool = shell({"n": {"type": "int", "inputBinding": {}}}, {"o": "stdout"}, "", stdout="o.txt")
    tool["baseCommand"] = ["echo"]
    document = workflow(
        {"l": "int[]"},
        {"o": {"type": "File[]", "outputSource": "s/o"}},
        {"s": {"run": tool, "in": {"n": "l"}, "scatter": "n", "out": ["o"]}},
    )
    begun, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    options = bench.options(jobs=16)
    prepared = bench.prepare(document, {"l": list(range(JOBS))}, options)
    result = bench.execute(prepared, options)
    seconds, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF)
    cpu = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    more = (after.ru_maxrss - before.ru_maxrss) / 1024
    each = f"{seconds / JOBS * 1e3:.2f} ms and {cpu / JOBS * 1e3:.2f} ms of CPU each"
    print(f"\n{JOBS} jobs: {each}; {more:.0f} MiB more")
    assert len(result.outputs["o"]) == JOBS
    assert cpu / JOBS < MOST_SECONDS_A_JOB * slowness()
    assert more < MOST_MIB_MORE
