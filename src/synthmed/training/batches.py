"""Which rows make up the batch of a step: a function of the run's seed and of the step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

from synthmed.transport.seeds import step_generator


class BalancedBatches:
    """Draw rows with replacement, types (or domains) balanced by the given power.

    A type with n images gets a share proportional to `n**power`: 1 draws rows evenly, 0 draws
    every type equally often.

    Args:
        types: The image type of each row, or its domain where that is a condition.
        batch_size: Rows in a batch.
        power: 0 to 1.
        seed: The run's seed.
    """

    def __init__(self, types: Sequence[str], batch_size: int, power: float, seed: int) -> None:
        counts = Counter(types)
        self.weights_N = torch.tensor(
            [counts[t] ** (power - 1.0) for t in types], dtype=torch.float64
        )
        self.batch_size = batch_size
        self.seed = seed

    def draw(self, step: int) -> tuple[Tensor, torch.Generator]:
        """Row indices `(batch,)` of a step, and the generator for its other draws."""
        generator = step_generator(self.seed, step, "batch")
        rows_B = torch.multinomial(
            self.weights_N, self.batch_size, replacement=True, generator=generator
        )
        return rows_B, generator
