"""What the jobs of a run recorded, as its page shows it: a table, and a chart of it."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from ..core.measurements import Measurement, measurements, varying
from ..data_classes import dataclass
from ..provenance.database import Database
from .charts import chart, number_text
from .words import clean, shortened

MOST_JOBS = 60
MOST_METRICS = 12
MOST_DRAWN = 4
MOST_PARAMETERS = 6
LONGEST_PARAMETER = 40


@dataclass(frozen=True, slots=True)
class MetricsView:
    """The last number of each job and name. `more` says that some are not shown, and how they are."""

    columns: Sequence[str]
    rows: Sequence[tuple[str, str, Sequence[str]]]
    """Id and path of the job, and its cells."""
    chart: str
    """An SVG, as a URL."""
    more: str


def metrics_view(database: Database, run_id: str) -> MetricsView | None:
    """Return what the jobs of a run recorded; None when they recorded nothing."""
    # Jobs may have recorded something in several attempts.
    every = measurements(database, [run_id], most=2 * MOST_JOBS)
    if not every:
        return None
    found = every[:MOST_JOBS]
    names = list(dict.fromkeys(one.name for job in found for one in job.metrics))
    given = varying(one.parameters for one in found)
    shown, parameters = names[:MOST_METRICS], given[:MOST_PARAMETERS]
    is_whole = len(every) == len(found) and len(names) <= MOST_DRAWN and parameters == given
    drawn = base64.b64encode(chart(database, found, shown[:MOST_DRAWN]).encode()).decode("ascii")
    return MetricsView(
        columns=[clean(name) for name in (*parameters, *shown)],
        rows=[(one.job.id, clean(one.job.path), list(_cells(one, parameters, shown))) for one in found],
        chart=f"data:image/svg+xml;base64,{drawn}",
        more="" if is_whole else "Not all of them are shown: recrate metrics has them all.",
    )


def _cells(one: Measurement, parameters: Sequence[str], names: Sequence[str]) -> Sequence[str]:
    cells = [shortened(clean(str(one.parameters.get(name, ""))), LONGEST_PARAMETER) for name in parameters]
    for name in names:
        metric = one.metric(name)
        value = None if metric is None else metric.last.value
        cells.append("" if metric is None else "not finite" if value is None else number_text(value))
    return cells
