"""Captions of a run, its tokenizer and its small text model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer
from torch import Tensor
from transformers import AutoModel, AutoTokenizer, CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from synthmed.datasets.captions import caption
from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.models.conditioners import TextConditioner
from synthmed.training.recipe import ConditionSettings

START, END = "<|startoftext|>", "<|endoftext|>"


@dataclass(frozen=True)
class CaptionTable:
    """The captions of a run: which of them each row may be trained with.

    Attributes:
        texts: The distinct captions; the first is "", the null.
        index_NC: Number of each row's captions.
    """

    texts: list[str]
    index_NC: Tensor


def caption_table(rows: Sequence[Row], styles: Sequence[str], count: int, seed: int) -> CaptionTable:
    """Write `count` captions per row, the styles in turn; equal captions are kept once."""
    numbers: dict[str, int] = {"": 0}
    index = np.zeros((len(rows), count), np.int64)
    for i, row in enumerate(rows):
        for c in range(count):
            text = caption(row, styles[c % len(styles)], seed + c)
            index[i, c] = numbers.setdefault(text, len(numbers))
    return CaptionTable(list(numbers), torch.from_numpy(index))


def label_table(rows: Sequence[Row]) -> CaptionTable:
    """One value per row: its labels joined by ", ", or its image type where it has none."""
    numbers: dict[str, int] = {"": 0}
    chosen = [", ".join(row.labels) or row.image_type for row in rows]
    index = [[numbers.setdefault(value, len(numbers))] for value in chosen]
    return CaptionTable(list(numbers), torch.tensor(index))


def train_tokenizer(texts: Sequence[str], vocabulary: int, max_length: int) -> CLIPTokenizer:
    """Learn a byte-level BPE from captions, in the form that `StableDiffusionPipeline` loads.

    Words are split as CLIP splits them: letters, single digits, other signs.

    Args:
        texts: Training captions.
        vocabulary: Tokens at most; the 512 byte tokens and two special ones come first.
        max_length: Tokens to which every text is padded.
    """
    letters = sorted(ByteLevel.alphabet())
    tokens = [*letters, *(f"{letter}</w>" for letter in letters), START, END]
    blank = CLIPTokenizer(vocab={token: i for i, token in enumerate(tokens)}, merges=[])
    backend = blank.backend_tokenizer
    trainer = BpeTrainer(
        vocab_size=max(vocabulary, len(tokens)),
        initial_alphabet=letters,
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    merges = [tuple(pair) for pair in json.loads(backend.to_str())["model"]["merges"]]
    for left, right in merges:
        joined = left + right
        if joined not in tokens and len(tokens) < max(vocabulary, 514):
            tokens.append(joined)
    known = set(tokens)
    return CLIPTokenizer(
        vocab={token: i for i, token in enumerate(tokens)},
        merges=[pair for pair in merges if pair[0] + pair[1] in known],
        model_max_length=max_length,
    )


def build_text_conditioner(
    texts: Sequence[str], settings: ConditionSettings, seed: int
) -> TextConditioner:
    """Make an untrained small CLIP text model with a tokenizer learnt from the captions."""
    tokenizer = train_tokenizer(texts, settings.vocabulary, settings.max_length)
    torch.manual_seed(seed)
    model = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=settings.width,
            intermediate_size=4 * settings.width,
            num_hidden_layers=settings.layers,
            num_attention_heads=settings.heads,
            max_position_embeddings=settings.max_length,
            projection_dim=settings.width,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    return TextConditioner(tokenizer, model)


def load_text_conditioner(settings: ConditionSettings) -> TextConditioner:
    """Open a given text model (a local folder, or a hub id in the local cache)."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(settings.path, local_files_only=True)
        model = AutoModel.from_pretrained(
            settings.path, local_files_only=True, use_safetensors=True, dtype=torch.float32
        )
    except (OSError, ValueError) as error:
        raise SynthmedError(
            f"the text model cannot be opened: {str(error).splitlines()[0]}",
            where=settings.path,
            mend="Give a local folder of a transformers text model.",
        ) from error
    model = getattr(model, "text_model", model)
    tokenizer.model_max_length = min(int(tokenizer.model_max_length), settings.max_length)
    return TextConditioner(tokenizer, model)
