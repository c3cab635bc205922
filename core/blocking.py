"""Where coroutines and code that blocks meet: either is carried out by the other."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache, partial
from typing import Any, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")
WAITING_THREADS = 32
"""So many threads may wait for what other places answer. These answer together what is asked at the same time."""


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


async def while_a_place_answers(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Call a function that mostly waits for another place, in one of many threads."""
    return await asyncio.get_running_loop().run_in_executor(_waiting(), partial(function, *arguments, **named))


@lru_cache(maxsize=1)
def _waiting() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(WAITING_THREADS, thread_name_prefix="recrate-waiting")
