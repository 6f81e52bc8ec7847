"""Train the classifiers of a table in several processes, one thread each.

Networks this small gain little from a second thread; two processes on two cores do.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

from synthmed.errors import SynthmedError
from synthmed.evaluation.utility_parts.designs import Design
from synthmed.evaluation.utility_parts.runs import Runs

_HERE: list[Runs] = []


def fill(runs: Runs, designs: Sequence[Design], seeds: Sequence[int], workers: int) -> None:
    """Train what the store lacks; afterwards `runs.probabilities` only reads.

    As with all of Python's process pools, a script calls this under
    ``if __name__ == "__main__":``.

    Args:
        runs: What a table needs, with a store.
        designs: Its designs.
        seeds: Its seeds.
        workers: Processes at a time.

    Raises:
        SynthmedError: No store to hand the results over.
    """
    if runs.store is None:
        raise SynthmedError("several workers need a store", mend="Give store=, or workers=1.")
    jobs = [(d, seed) for d in designs for seed in seeds if not runs.done(d, seed)]
    if not jobs:
        return
    quiet = replace(runs, progress=_silent)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(jobs)), spawn, _begin, (quiet,)) as pool:
        for (design, seed), _ in zip(jobs, pool.map(_train, *zip(*jobs, strict=True)), strict=True):
            runs.progress(f"trained: {design.name}, seed {seed}")


def _begin(runs: Runs) -> None:
    """Make a process ready: its own copy of the images, one thread."""
    import torch

    torch.set_num_threads(1)
    _HERE[:] = [runs]


def _train(design: Design, seed: int) -> None:
    _HERE[0].probabilities(design, [seed])


def _silent(_: str) -> None:
    """Say nothing."""
