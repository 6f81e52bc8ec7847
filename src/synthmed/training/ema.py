"""Exponential moving average of weights."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class Ema:
    """Average the weights of several modules, with the usual warm-up of the decay.

    After step k the decay is `min(decay, (1 + k) / (10 + k))`.

    Args:
        modules: Named modules; their floating-point parameters and buffers are averaged.
        decay: The decay reached in the end, below 1.
    """

    def __init__(self, modules: Mapping[str, nn.Module], decay: float) -> None:
        self.modules = dict(modules)
        self.decay = decay
        self.average = {key: tensor.detach().clone() for key, tensor in self._current()}

    def _current(self) -> list[tuple[str, Tensor]]:
        return [
            (f"{name}/{key}", tensor)
            for name, module in self.modules.items()
            for key, tensor in module.state_dict().items()
        ]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move the average towards the present weights; `step` counts from 0."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for key, tensor in self._current():
            if tensor.is_floating_point():
                self.average[key].lerp_(tensor, 1 - decay)
            else:
                self.average[key].copy_(tensor)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange the averaged and the present weights; a second call undoes it."""
        for key, tensor in self._current():
            present = tensor.clone()
            tensor.copy_(self.average[key])
            self.average[key].copy_(present)

    def load(self, average: Mapping[str, Tensor]) -> None:
        """Take over a saved average."""
        for key, tensor in self.average.items():
            tensor.copy_(average[key])
