"""Run a function over a stream in worker processes: in order, bounded, surviving any item.

At most a few items a worker are under way, so memory does not grow with the stream. An item that
kills its process or never ends is given up with a reason, and the others go on.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from synthmed.datasets.importers.items import Item

_AHEAD = 4  # items under way for each worker
_work: Callable[[Item], Any] | None = None  # in a worker process: what it does with an item


def run_ordered(
    work: Callable[[Item], Any], items: Iterable[Item], jobs: int, timeout: float
) -> Iterator[tuple[Item, Any]]:
    """Give each item with its result, in the order of the items.

    Args:
        work: Picklable; called in the workers. Its errors end the run.
        items: The stream; it is read only a little ahead.
        jobs: Worker processes; 1 works in this process, unprotected.
        timeout: Seconds after which an item is given up.

    Yields:
        The item and what `work` returned, or a string that says why the item was given up.
    """
    if jobs == 1:
        yield from ((item, work(item)) for item in items)
        return
    pool = _Pool(work, jobs, timeout)
    stream = iter(items)
    waiting: deque[tuple[Item, Future[Any]]] = deque()
    try:
        while True:
            for item in stream:
                waiting.append((item, pool.submit(item)))
                if len(waiting) >= _AHEAD * jobs:
                    break
            if not waiting:
                return
            item, future = waiting.popleft()
            try:
                yield item, future.result(timeout)
            except (BrokenProcessPool, TimeoutError):
                again = [item, *(later for later, _ in waiting)]
                waiting.clear()
                pool.kill()
                for one in again:  # alone, so that it is known which of them it was
                    yield one, pool.alone(one)
    finally:
        pool.kill()


class _Pool:
    """Worker processes that can be killed and started again."""

    def __init__(self, work: Callable[[Item], Any], jobs: int, timeout: float) -> None:
        self.work, self.jobs, self.timeout = work, jobs, timeout
        self.executor: ProcessPoolExecutor | None = None

    def submit(self, item: Item) -> Future[Any]:
        """Hand an item to a worker; a pool that broke gives a future that says so."""
        if self.executor is None:
            self.executor = ProcessPoolExecutor(
                self.jobs, multiprocessing.get_context("spawn"), _start, (self.work,)
            )
        try:
            return self.executor.submit(_run, item)
        except BrokenProcessPool as error:
            broken: Future[Any] = Future()
            broken.set_exception(error)
            return broken

    def alone(self, item: Item) -> Any:
        """Work on one item with nothing else under way; say why if it cannot be done."""
        try:
            return self.submit(item).result(self.timeout)
        except BrokenProcessPool:
            self.kill()
            return "reading it ended its process (damaged data, or out of memory)"
        except TimeoutError:
            self.kill()
            return f"reading it took more than {self.timeout:g} seconds"

    def kill(self) -> None:
        """End all workers at once; the next item starts new ones."""
        if self.executor is None:
            return
        processes = list((getattr(self.executor, "_processes", None) or {}).values())
        self.executor.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.kill()
        for process in processes:
            process.join()
        self.executor = None


def _start(work: Callable[[Item], Any]) -> None:
    """Prepare a worker: it leaves an interrupt (Ctrl-C) to the process that started it."""
    global _work  # noqa: PLW0603
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    warnings.simplefilter("ignore")  # a library's remarks on a file; errors become reasons
    _work = work
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    """End this process when the one that started it is gone, killed without a word too."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run(item: Item) -> Any:
    assert _work is not None
    return _work(item)
