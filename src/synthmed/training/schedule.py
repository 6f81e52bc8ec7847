"""The schedule of a training: how long, how fast, when to validate."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """When to stop, to validate and how fast to learn.

    Attributes:
        steps: Optimiser steps at most.
        warmup: Steps of linear warm-up; afterwards the rate falls along a cosine.
        validate_every: Steps between validations; a checkpoint is written at each.
        patience: Validations without improvement after which training ends.
        ema: Decay of the weights' average.
        final: Share of the peak rate left at the last step.
    """

    steps: int
    warmup: int = 100
    validate_every: int = 250
    patience: int = 8
    ema: float = 0.999
    final: float = 0.05

    def rate(self, step: int) -> float:
        """Share of the peak learning rate at a step (counted from 0): a function of it alone."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        along = min(1.0, (step - self.warmup) / max(1, self.steps - self.warmup))
        return self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * along))
