"""The files of a large crate of ours are copied before its metadata are read, by another process meanwhile."""

from __future__ import annotations

from types import TracebackType

from ..data_classes import dataclass
from ..provenance.store import Store
from . import rows
from .holders import Folder, Holder
from .staging import Staging, directory_for, is_worth_another_process
from .writing import complete_run


@dataclass(slots=True)
class EarlyCopies:
    """The copies, until somebody takes them. To be used in a `with`: those that nobody took are gone then."""

    store: Store
    _staging: Staging | None = None

    def begin(self, holder: Holder, prefix: str) -> None:
        """Begin, if it is worth it and the run is not in the store; the arguments are those of `Crate`.

        Raises CrateInvalid and StoreFailed as `rows.run_of` and `Staging.made`.
        """
        if rows.PATH not in holder.files or not is_worth_another_process(holder, prefix):
            return
        assert isinstance(holder, Folder)
        with holder.open(rows.PATH) as stream:
            run_id = rows.run_of(stream)
        if complete_run(self.store.database, run_id) is None:
            needed = sum(holder.files.values())
            self._staging = Staging.made(directory_for(self.store, run_id), needed, holder.root)
            self._staging.begin(holder)

    def take(self) -> Staging | None:
        """Return the copies that were begun, which the caller is to close."""
        taken, self._staging = self._staging, None
        return taken

    def __enter__(self) -> EarlyCopies:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._staging is not None:
            self._staging.close()
