"""What is likely to help after an attempt that failed."""

from __future__ import annotations

from ..connectors.base import Ending
from ..provenance.rows import AttemptRow


def remedy(row: AttemptRow) -> str | None:
    """Return what is likely to help, when the way an attempt ended says so."""
    if row.ending == Ending.TIMED_OUT.name:
        return "give it more time (ToolTimeLimit), or find out what it waits for"
    if row.ending == Ending.OUT_OF_MEMORY.name or (row.signal == 9 and row.ending == Ending.SIGNALLED.name):
        return "it may have run out of memory: ask for more (ResourceRequirement, ramMin)"
    if row.exit_code == 127:
        return "install the program, put it on the PATH, or run the tool in a container (DockerRequirement)"
    if row.exit_code == 126:
        return "make the file executable, or name its interpreter in baseCommand"
    if row.ending == Ending.EXITED.name and row.exit_code == 0:
        return "compare what the tool wrote (directory above) with what its outputs promise"
    return None
