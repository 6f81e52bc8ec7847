"""Image-text models: CLIP, SigLIP and their like, by folder or hub id of transformers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array
from synthmed.measures.extractors.transformers_model import TransformersModel, open_transformers
from synthmed.models.quiet import quiet

_BATCH = 32
_LONGEST = 512  # tokens, where neither tokenizer nor model names a limit
_ADDED = 64  # words that a tokenizer may have beyond the model's


class ImageTextModel:
    """Embeds images and texts in one space.

    Attributes:
        vision: Embeds images.
        tokenizer: The model's.
        text_config: Configuration of the text tower.
        longest: Tokens that it reads.
        id: Id of the model, with the hash of its weights.
        preprocessing: What is done to images and texts first.
    """

    def __init__(self, vision: TransformersModel, tokenizer: Any) -> None:
        self.vision, self.tokenizer = vision, tokenizer
        self.text_config = getattr(vision.model.config, "text_config", vision.model.config)
        positions = int(getattr(self.text_config, "max_position_embeddings", _LONGEST))
        self.longest = min(int(tokenizer.model_max_length), positions)
        self.id = vision.id
        self.preprocessing = f"{vision.preprocessing}; texts cut at {self.longest} tokens"

    def images(self, batches: Iterator[Any]) -> Array:
        """Embed images.

        Args:
            batches: (B, C, S, S) floats in [-1, 1] each.

        Returns:
            (N, D) float64.
        """
        return np.concatenate([self.vision(batch) for batch in batches])

    def texts(self, texts: Sequence[str]) -> Array:
        """Embed texts: (N, D) float64. Longer ones than `longest` tokens are cut."""
        fixed = str(self.vision.model.config.model_type).startswith("siglip")
        parts = []
        for start in range(0, len(texts), _BATCH):
            inputs = self.tokenizer(
                list(texts[start : start + _BATCH]),
                padding="max_length" if fixed else True,
                truncation=True,
                max_length=self.longest,
                return_tensors="pt",
            )
            known = {k: v for k, v in inputs.items() if k in ("input_ids", "attention_mask")}
            with torch.inference_mode():
                found = self.vision.model.get_text_features(**known)
            embeds = found if isinstance(found, torch.Tensor) else found.pooler_output
            parts.append(embeds.double().numpy())
        return np.concatenate(parts)

    def cut(self, texts: Sequence[str]) -> int:
        """Count the texts that are longer than the model reads."""
        with quiet():
            lengths = [len(ids) for ids in self.tokenizer(list(texts))["input_ids"]]
        return sum(length > self.longest for length in lengths)


def open_image_text(source: str) -> ImageTextModel:
    """Open an image-text model.

    Args:
        source: Its folder, or a hub id, which is fetched unless it was before; "hf:" may stand
            before it. Only safetensors are read, and no code that comes with the model.

    Raises:
        SynthmedError: No such model, one without text or without images, or without tokenizer.
        SafetyError: Pickled weights only.
    """
    source = source.removeprefix("hf:")
    vision = open_transformers(source)
    if vision.pool != "image_embeds" or not hasattr(vision.model, "get_text_features"):
        raise SynthmedError(
            f"{type(vision.model).__name__} does not compare images with texts",
            where=source,
            mend="Give a CLIP or SigLIP model.",
        )
    from transformers import AutoTokenizer

    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(
                source, local_files_only=Path(source).is_dir(), trust_remote_code=False
            )
    except Exception as error:  # transformers raises many kinds for a folder that is wrong
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise SynthmedError(
            f"the tokenizer cannot be opened: {first}",
            where=source,
            mend="Save the model's tokenizer beside it.",
        ) from error
    model = ImageTextModel(vision, tokenizer)
    words = int(getattr(model.text_config, "vocab_size", 0))
    if not words / 2 <= len(tokenizer) <= words + _ADDED:  # files missing: a vocabulary of 2
        raise SynthmedError(
            f"the tokenizer has {len(tokenizer)} words, the model {words}",
            where=source,
            mend="Save the model's tokenizer beside it.",
        )
    return model
