"""Sample the batches of a plan: padded to their full size, in pieces if memory runs out."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from synthmed.errors import SynthmedError
from synthmed.synthesis.domains import record_of
from synthmed.synthesis.plan import Job
from synthmed.transport.guidance import Guidance
from synthmed.transport.solvers import SOLVERS

if TYPE_CHECKING:
    from synthmed.models.generator import Generator

_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


@dataclass(frozen=True)
class Sampling:
    """How images are sampled; each value may be a model's own.

    Attributes:
        steps: Solver steps.
        guidance: Guidance scale.
        start: First time at which guidance acts, in [0, 1].
        stop: Last time at which it acts.
        shift: Above 1 spends more steps near the noise.
        solver: Name of the solver.

    Raises:
        SynthmedError: No step, a negative scale, an unknown solver.
    """

    steps: int = 16
    guidance: float = 2.0
    start: float = 0.0
    stop: float = 1.0
    shift: float = 1.0
    solver: str = "multistep"

    def __post_init__(self) -> None:
        """Check the values that a user gives."""
        if self.steps < 1:
            raise SynthmedError(f"steps is {self.steps}", mend="Give 1 or more.")
        if not 0 <= self.guidance < math.inf:
            raise SynthmedError(f"guidance is {self.guidance}", mend="Give 0 or more.")
        if self.solver not in SOLVERS:
            known = ", ".join(SOLVERS)
            raise SynthmedError(f"unknown solver {self.solver!r}", mend=f"Use one of {known}.")


@dataclass
class Sampler:
    """Makes the images of batches; remembers the batch size that fits into memory.

    Attributes:
        model: The generator.
        sampling: How images are sampled.
        size: Images evaluated together; halved whenever memory runs out.
    """

    model: Generator
    sampling: Sampling
    size: int

    def __call__(self, jobs: Sequence[Job]) -> Tensor:
        """Make the images of one batch.

        Args:
            jobs: At least one job; all share one guidance and one negative prompt.

        Returns:
            Images (len(jobs), 3, H, W), float32 in [-1, 1], on the CPU.

        Raises:
            SynthmedError: Memory does not even hold one image at a time.
        """
        while True:
            images = self._try(jobs)
            if images is not None:
                return images
            if self.size == 1:
                raise SynthmedError(
                    "out of memory with one image at a time",
                    mend="Free some memory, or use another --device.",
                )
            self.size = (self.size + 1) // 2
            warnings.warn(f"out of memory: continuing with batches of {self.size}", stacklevel=1)
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def _try(self, jobs: Sequence[Job]) -> Tensor | None:
        """Make the images in pieces of the current size; None if memory runs out."""
        starts = range(0, len(jobs), self.size)
        try:
            return torch.cat([self._piece(jobs[start : start + self.size]) for start in starts])
        except (RuntimeError, MemoryError) as error:
            short = any(sign in str(error).lower() for sign in _OUT_OF_MEMORY)
            if not short and not isinstance(error, MemoryError):
                raise
            return None

    def _piece(self, jobs: Sequence[Job]) -> Tensor:
        """Make up to `size` images; the last job is repeated to fill the shape."""
        padded = [*jobs, *[jobs[-1]] * (self.size - len(jobs))]
        how, negative = self.sampling, jobs[0].negative
        images = self.model.sample(
            [record_of(self.model, job.prompt.text, job.prompt.domain) for job in padded],
            [job.seed for job in padded],
            negative=None if negative is None else record_of(self.model, negative),
            steps=how.steps,
            guidance=Guidance(jobs[0].guidance, how.start, how.stop),
            solver=how.solver,
            shift=how.shift,
        )
        return images[: len(jobs)]
