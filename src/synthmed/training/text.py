"""The text model of a run: a small one with a tokenizer of its own, or a given one."""

from __future__ import annotations

import json
from collections.abc import Sequence

import torch
from tokenizers import Tokenizer
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer
from transformers import AutoModel, AutoTokenizer, CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from synthmed.errors import SynthmedError
from synthmed.models.conditioners import TextConditioner
from synthmed.training.settings import ConditionSettings

START, END = "<|startoftext|>", "<|endoftext|>"


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
        # In a fixed order: pairs that are equally frequent are merged by their parts' numbers.
        special_tokens=[*letters, *(f"{letter}</w>" for letter in _ends(backend, texts))],
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    ids = {token: i for i, token in enumerate(tokens)}
    merges = []
    for left, right in json.loads(backend.to_str())["model"]["merges"]:
        room = left + right in ids or len(ids) < vocabulary
        if room and left in ids and right in ids:
            ids.setdefault(left + right, len(ids))
            merges.append((left, right))
    return CLIPTokenizer(vocab=ids, merges=merges, model_max_length=max_length)


def _ends(backend: Tokenizer, texts: Sequence[str]) -> list[str]:
    """The letters with which the words of texts end, sorted."""
    found: set[str] = set()
    for text in dict.fromkeys(texts):
        words = backend.pre_tokenizer.pre_tokenize_str(backend.normalizer.normalize_str(text))
        found |= {word[-1] for word, _ in words}
    return sorted(found)


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
    """Open a given CLIP text model, alone or within a CLIP model.

    Args:
        settings: `path` is a local folder, or a hub id in the local cache: nothing is downloaded.

    Raises:
        SynthmedError: It cannot be opened, or is no CLIP text model, which alone fits into the
            `StableDiffusionPipeline` folder that a text Generator becomes.
    """
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
    if not isinstance(model, CLIPTextModel) or not isinstance(tokenizer, CLIPTokenizer):
        raise SynthmedError(
            f"a {type(model).__name__} with a {type(tokenizer).__name__} is no CLIP text model",
            where=settings.path,
            mend="Give the folder of a CLIP text model and its tokenizer.",
        )
    longest = int(model.config.max_position_embeddings)
    tokenizer.model_max_length = min(int(tokenizer.model_max_length), longest, settings.max_length)
    return TextConditioner(tokenizer, model.eval())
