"""Write docs/benchmarks.md from the results of a sitting:  python -m benchmarks.report [RESULTS.json]"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from . import places
from .results import LATEST, Sitting, load
from .table import figures, ratios

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"

INTRODUCTION = """\
# Benchmarks

Made by `python -m benchmarks.report` from `benchmarks/results/latest.json`, the last sitting.
"""

QUICK = """
**These figures only show that all works: the sizes were small and the machine was not idle.
Do not quote them.**
"""

HOW = """
## How they were taken

<!-- not run: it takes hours, and wants a machine for itself -->
```console
$ python -m benchmarks            # all questions, all engines; installs the peers from PyPI
$ python -m benchmarks --quick    # a few minutes, small sizes: shows that all works
$ python -m benchmarks --only scatter,chain --engines recrate,cwltool --runs 3
$ python -m benchmarks.report     # writes this page
```

- The engines that have figures for a question were asked in one sitting, in turns, and each round begins with
  another engine; other questions may be of another sitting of that day, on the same machine. Times are
  medians, with the shortest and the longest; what takes over a minute is run three times at most.
- Every run starts in a new home directory, with a new store and new directories: nothing is
  cached, and no result of an earlier run can be taken. Only the questions that say "again" ask
  twice in the same home, and measure the second time, with a new store as well.
- What a run has left is removed when the sitting ends, but for large files: ext4 keeps away from inodes that
  were freed in the last minutes and looks at each of them whenever a file is made, which would make the runs
  after a removal slower by a millisecond a file.
- What comes out is checked, text by text. A run that gives something else has no time.
- Jobs do next to nothing (`echo`, `cat`), so that what is measured is the engine. Two run at a
  time. `xargs -P2` starts the same processes and does nothing else: it is the floor.
- Peak memory is that of the controller's own process, read every 10 ms (`VmHWM`), without its
  jobs. CPU time of the controller is its own process's; that of the jobs is of all processes that
  it started, helpers of the engine too. For xargs the controller is the shell that starts it.
- The store is what stays on record after the run: of Recrate and StreamFlow the database with its
  write-ahead log, of `cwltool --provenance` the research object, which holds copies of the files.
  cwltool alone and Toil keep none.
- Peers are installed from PyPI, each in its own environment, and run with their own defaults, but
  for `cwltool --parallel`. All engines run on the Python that runs the benchmarks; it should be one that was built
  with all optimisations, as Debian's is.
"""

PLACES = """
## Other places and stores

Hosts and Slurm clusters of the testbed, on the same machine: two clusters, one behind a bastion, and a host behind SSH;
a PostgreSQL server beside the controller; and hashing.
Each is at its quickest of some runs, since the machine may have been busy; `load` says how busy it was at the end.
The ratio is Recrate's time to that of what stands beside it. Peak memory and CPU time are those of the controller.

<!-- not run: it needs root, and takes a quarter of an hour -->
```console
$ python -m benchmarks.ssh        # jobs, a large file, small files
$ python -m benchmarks.slurm      # an array on two clusters; two scatters and a merge, beside StreamFlow
$ python -m benchmarks.stores     # a store in PostgreSQL, hashing
```

"""


READING = """
## Ratios

The columns of the other engines say how many times as long as Recrate they took: 5x means that
Recrate was five times faster. A dash: there is nothing to ask, such as a version of `xargs -P2`
that validates. A number in brackets: the reason is below. The last columns are Recrate's own.
"""


def facts(sitting: Sitting) -> str:
    """Return what the sitting was held on and with, as a list."""
    lines = [f"- {key}: {value}" for key, value in sitting.machine.items()]
    lines += [f"- {info.title}: {info.version or info.missing}" for info in sitting.engines.values()]
    taken = f"Taken on {sitting.taken}, at most {sitting.runs} runs each, {sitting.limit:.0f} s at most a run."
    return "\n".join(["\n## Where and with what\n", taken, "", *lines, ""])


def elsewhere(lines: Sequence[places.Line]) -> str:
    """Return the section about other places; nothing when nothing is known."""
    return f"{PLACES}{places.table(lines)}\n" if lines else ""


def page(sitting: Sitting, lines: Sequence[places.Line] = ()) -> str:
    """Return the page of a sitting, and of what is known of other places."""
    return "".join(
        [
            INTRODUCTION,
            QUICK if sitting.quick else "",
            READING,
            f"\n{ratios(sitting)}\n",
            elsewhere(lines),
            HOW,
            facts(sitting),
            f"\n## All figures\n\n{figures(sitting)}\n",
        ]
    )


def main() -> None:
    """Write the page of the latest results, or of those named."""
    results = Path(sys.argv[1]) if len(sys.argv) > 1 else LATEST
    PAGE.write_text(page(load(results), places.kept()), encoding="utf-8")


if __name__ == "__main__":
    main()
