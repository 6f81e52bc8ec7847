"""Conditioners: a field of a record (text, domain, ...) to tokens that the denoiser attends to.

Every conditioner has its own null. Tokens of several conditioners are joined along their length.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from synthmed.errors import SynthmedError


class Conditioner(Protocol):
    """What a Generator needs of a conditioner.

    Attributes:
        width: Width of a token.
        module: The network behind it.
    """

    width: int
    module: nn.Module

    def __call__(self, values: Sequence[str]) -> Tensor:
        """Values to tokens `(B, L, width)`; "" is the null."""


class TextConditioner:
    """Text by a transformers text model, padded to a fixed length and attended without a mask.

    The null is the empty text: a real token sequence, as Stable Diffusion has it.

    Args:
        tokenizer: A tokenizer whose `model_max_length` is the padded length.
        model: A text model whose `last_hidden_state` gives the tokens.

    Raises:
        SynthmedError: The tokenizer pads to more tokens than the model has positions.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel) -> None:
        self.tokenizer, self.module = tokenizer, model
        self.length = int(tokenizer.model_max_length)
        self.width = int(model.config.hidden_size)
        positions = getattr(model.config, "max_position_embeddings", self.length)
        if self.length > positions:
            raise SynthmedError(
                f"the tokenizer pads to {self.length} tokens, the text model has {positions}",
                mend=f"Set the tokenizer's model_max_length to {positions} or less.",
            )

    def __call__(self, values: Sequence[str]) -> Tensor:
        """Texts to tokens `(B, length, width)`, one run of the model per distinct text."""
        distinct = list(dict.fromkeys(values))
        index = {text: i for i, text in enumerate(distinct)}
        tokens = self.embed(self.token_ids(distinct))
        return tokens[[index[text] for text in values]]

    def token_ids(self, texts: Sequence[str]) -> Tensor:
        """Token numbers `(B, length)`.

        Raises:
            SynthmedError: A text is longer than `length` tokens; it is never cut silently.
        """
        ids = self.tokenizer(
            list(texts),
            padding="max_length",
            max_length=self.length,
            truncation=False,
            verbose=False,  # the error below says it
        )["input_ids"]
        for text, row in zip(texts, ids, strict=True):
            if len(row) > self.length:
                raise SynthmedError(
                    f"the text has {len(row)} tokens, this model reads {self.length}",
                    where=text,
                    mend="Shorten it.",
                )
        return torch.tensor(ids)

    def embed(self, ids_BL: Tensor) -> Tensor:
        """Token numbers to tokens `(B, length, width)`."""
        device = next(self.module.parameters()).device
        output: Tensor = self.module(input_ids=ids_BL.to(device)).last_hidden_state
        return output


class LabelTokens(nn.Module):
    """One learnt token a label, and one for the null (the last)."""

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(count + 1, width)

    def forward(self, numbers_B: Tensor) -> Tensor:
        """Label numbers `(B,)` to tokens `(B, 1, width)`."""
        tokens: Tensor = self.embedding(numbers_B)[:, None]
        return tokens


class LabelConditioner:
    """A closed list of labels, one learnt token each.

    Args:
        labels: The labels, in a fixed order.
        width: Width of a token.
    """

    def __init__(self, labels: Sequence[str], width: int) -> None:
        self.labels, self.width = list(labels), width
        self.module: nn.Module = LabelTokens(len(self.labels), width)

    def __call__(self, values: Sequence[str]) -> Tensor:
        """Labels to tokens `(B, 1, width)`; "" is the null.

        Raises:
            SynthmedError: A label that the model never saw; the known ones are listed.
        """
        device = next(self.module.parameters()).device
        tokens: Tensor = self.module(self.numbers(values).to(device))
        return tokens

    def numbers(self, values: Sequence[str]) -> Tensor:
        """Labels to their numbers `(B,)`; the null is the last number."""
        known = {label: i for i, label in enumerate(self.labels)} | {"": len(self.labels)}
        for value in values:
            if value not in known:
                raise SynthmedError(
                    f"the model knows no label {value!r}", mend=f"Known: {', '.join(self.labels)}."
                )
        return torch.tensor([known[value] for value in values])

    def save(self, folder: Path) -> None:
        """Write labels and weights into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        saved = json.dumps({"labels": self.labels, "width": self.width})
        (folder / "labels.json").write_text(saved, encoding="utf-8")
        weights = {k: v.contiguous() for k, v in self.module.state_dict().items()}
        save_file(weights, folder / "labels.safetensors")

    @classmethod
    def load(cls, folder: Path) -> LabelConditioner:
        """Read what `save` wrote.

        Raises:
            SynthmedError: Files are missing or damaged.
        """
        try:
            text = (folder / "labels.json").read_text(encoding="utf-8")
            saved: dict[str, Any] = json.loads(text)
            conditioner = cls(saved["labels"], saved["width"])
            conditioner.module.load_state_dict(load_file(folder / "labels.safetensors"))
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise SynthmedError("the labels cannot be opened", where=folder) from error
        return conditioner
