"""Taking things out of the store, and finding what lies on disk that nothing needs.

Rows are removed only with their whole run (`remove_run`) or when nothing refers to them
(`sweep`). Files are removed by `collect`, which carries out what `gc_plan` found; before a file
goes, its replica is marked as no longer valid, so that the store never promises what is not
there. Everything may be interrupted and done again.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ..errors import RunIsHeld, StoreFailed
from .database import Database
from .leases import is_live
from .processes import this_process
from .queries.runs import get_run
from .queries.tokens import files_of, outputs_of_run
from .rows import LeaseRow, LeftoverRow, ReplicaRow, RunRow
from .states import Keep, ReplicaKind, RunState
from .statements import statements
from .store import Store
from .trees import disk_usage, remove_tree
from .urls import Dialect
