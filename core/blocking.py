"""Coroutines carried out to their end by code that is not one itself."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


def to_its_end(coroutine: Coroutine[Any, Any, T], interrupted: Callable[[], object] = lambda: None) -> T:
    """Carry a coroutine out, and return what it gives.

    Where an event loop runs in this thread already, as in notebooks, it has a thread of its own, which
    Ctrl-C and SIGTERM do not reach: then `interrupted` is called, and the end of the coroutine is awaited.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with _called_when_terminated(interrupted), ThreadPoolExecutor(1, thread_name_prefix="recrate") as threads:
        future = threads.submit(asyncio.run, coroutine)
        while True:
            try:
                return future.result()
            except KeyboardInterrupt:
                interrupted()


@contextmanager
def _called_when_terminated(interrupted: Callable[[], object]) -> Iterator[None]:
    """Call something when SIGTERM comes, by which a run is cancelled, rather than end the whole notebook."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: interrupted())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)
