"""Open the parts of a model: networks and tokenizers in folders of safetensors and JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import ModelMixin
from safetensors import SafetensorError
from transformers import AutoModel, AutoTokenizer

from synthmed.errors import SynthmedError
from synthmed.models.conditioners import TextConditioner
from synthmed.models.quiet import quiet

_UNREADABLE = (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError)


def open_network(cls: Any, folder: Path) -> Any:
    """Open a network in float32, from safetensors alone, without a network connection.

    Args:
        cls: A model class of diffusers or transformers.
        folder: Its folder: `config.json` and weights, in one file or in shards.

    Raises:
        SynthmedError: Files are missing or damaged, or weights are missing or of other shapes.
    """
    trust = {} if issubclass(cls, ModelMixin) else {"trust_remote_code": False}
    try:
        with quiet():
            network, report = cls.from_pretrained(
                folder,
                dtype=torch.float32,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
                **trust,
            )
    except _UNREADABLE as error:
        raise _unreadable(folder, error) from error
    if missing := sorted(report["missing_keys"]):
        raise SynthmedError(f"{len(missing)} weights are missing, {missing[0]} first", where=folder)
    return network


def open_text_conditioner(folder: Path) -> TextConditioner:
    """Open the text model in `text_encoder/` and its tokenizer in `tokenizer/`.

    Raises:
        SynthmedError: Files are missing or damaged.
    """
    network = open_network(AutoModel, folder / "text_encoder")
    try:
        with quiet():
            tokenizer = AutoTokenizer.from_pretrained(
                folder / "tokenizer", local_files_only=True, trust_remote_code=False
            )
    except _UNREADABLE as error:
        raise _unreadable(folder / "tokenizer", error) from error
    return TextConditioner(tokenizer, network)


def _unreadable(folder: Path, error: Exception) -> SynthmedError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return SynthmedError(
        f"a part of the model cannot be opened: {reason}",
        where=folder,
        mend="Copy or download the folder again.",
    )
