"""Coroutines carried out to their end by code that is not one itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def to_its_end(coroutine: Coroutine[Any, Any, T], interrupted: Callable[[], object] = lambda: None) -> T:
    """Carry a coroutine out, and return what it gives.

    Where an event loop runs in this thread already, as in notebooks, it has a thread of its own, which
    Ctrl-C does not reach: then `interrupted` is called, and the end of the coroutine is awaited.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with ThreadPoolExecutor(1, thread_name_prefix="recrate") as threads:
        future = threads.submit(asyncio.run, coroutine)
        while True:
            try:
                return future.result()
            except KeyboardInterrupt:
                interrupted()
