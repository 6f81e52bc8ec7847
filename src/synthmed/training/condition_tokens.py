"""One condition of a training: which value each image gets, and the tokens that the network reads.

Every condition has its own null and its own drop-out, drawn for each image by itself.
"""

from __future__ import annotations

import torch
from torch import Tensor

from synthmed.models.conditioners import Conditioner, LabelConditioner, TextConditioner
from synthmed.training.captions import CaptionTable


class ConditionTokens:
    """Values and tokens of one condition.

    Args:
        conditioner: What reads the values; its network is on the device where tokens are wanted.
        train: Values of the training entries.
        val: Values of the validation entries.
        dropout: Probability that an image gets the null instead.
        learns: Whether its network is trained along; the tokens of one that is not are computed
            once and kept.
        device: Where tokens are wanted.
    """

    def __init__(
        self,
        conditioner: Conditioner,
        train: CaptionTable,
        val: CaptionTable,
        *,
        dropout: float,
        learns: bool,
        device: torch.device,
    ) -> None:
        self.conditioner, self.train, self.val = conditioner, train, val
        self.dropout, self.learns, self.device = dropout, learns, device
        if not learns:
            conditioner.module.eval().requires_grad_(False)
        self.numbers_train, self.numbers_val = self._numbers(train), self._numbers(val)
        self.cached = None if learns else self._cache()

    def _numbers(self, table: CaptionTable) -> Tensor:
        """What the conditioner's network reads for each distinct value; row 0 is the null."""
        if isinstance(self.conditioner, TextConditioner):
            return self.conditioner.token_ids(table.texts)
        assert isinstance(self.conditioner, LabelConditioner)
        return self.conditioner.numbers(table.texts)

    @torch.no_grad()
    def _cache(self) -> Tensor:
        """Tokens of every distinct value."""
        parts = self.numbers_train.split(64)
        return torch.cat([self._run(numbers).cpu() for numbers in parts])

    def _run(self, numbers: Tensor) -> Tensor:
        if isinstance(self.conditioner, TextConditioner):
            return self.conditioner.embed(numbers)
        tokens: Tensor = self.conditioner.module(numbers.to(self.device))
        return tokens

    def draw(self, entries_B: Tensor, draw: torch.Generator) -> Tensor:
        """Draw a value of each training entry; with probability `dropout` it is 0, the null."""
        choices = self.train.index_NC
        which = torch.randint(choices.shape[1], entries_B.shape, generator=draw)
        values_B = choices[entries_B, which]
        dropped = torch.rand(len(entries_B), generator=draw) < self.dropout
        return torch.where(dropped, 0, values_B)

    def tokens(self, values_B: Tensor) -> Tensor:
        """Tokens `(B, L, width)` of drawn values, one run of the network per distinct value."""
        if self.cached is not None:
            return self.cached[values_B].to(self.device)
        distinct, inverse = torch.unique(values_B, return_inverse=True)
        return self._run(self.numbers_train[distinct])[inverse.to(self.device)]

    def validation_tokens(self, entries_B: Tensor) -> Tensor:
        """Tokens of the first value of each validation entry; none is dropped."""
        return self._run(self.numbers_val[self.val.index_NC[entries_B, 0]])
