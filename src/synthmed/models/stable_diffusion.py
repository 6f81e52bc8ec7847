"""Open folders and checkpoints of the Stable Diffusion family as Generators."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline
from safetensors import safe_open

from synthmed.errors import SynthmedError
from synthmed.models.codec import AutoencoderCodec
from synthmed.models.conditioners import TextConditioner
from synthmed.models.generator import Generator
from synthmed.transport.paths import LinearPath
from synthmed.transport.paths import Path as TransportPath
from synthmed.transport.vp import VariancePreservingPath

_TEXT_CLASS = "StableDiffusionPipeline"


def load_stable_diffusion(folder: Path) -> Generator:
    """Open a diffusers folder with a `StableDiffusionPipeline` as a Generator, in float32.

    Raises:
        SynthmedError: Another pipeline class, or a folder that diffusers cannot open.
    """
    name = json.loads((folder / "model_index.json").read_text()).get("_class_name")
    if name != _TEXT_CLASS:
        raise SynthmedError(
            f"the folder holds a {name}, not a {_TEXT_CLASS}",
            where=folder,
            mend="Models of the Stable Diffusion 1 and 2 type can be opened.",
        )
    try:
        pipeline = StableDiffusionPipeline.from_pretrained(
            folder,
            torch_dtype=torch.float32,
            use_safetensors=True,
            safety_checker=None,
            requires_safety_checker=False,
            local_files_only=True,
        )
    except (OSError, ValueError) as error:
        raise SynthmedError(f"diffusers cannot open it: {error}", where=folder) from error
    return _from_pipeline(pipeline, folder.name)


def load_single_file(file: Path, config: str | None) -> Generator:
    """Open a single-file `.safetensors` checkpoint as a Generator, in float32.

    Args:
        file: The checkpoint.
        config: A local folder with the pipeline's configuration files and tokenizer; without it
            diffusers' own copy in the local cache is looked for. Nothing is downloaded.

    Raises:
        SynthmedError: The file is no checkpoint, or its configuration is not at hand.
    """
    try:
        with safe_open(file, "pt") as tensors:
            tensors.keys()
        pipeline = StableDiffusionPipeline.from_single_file(
            str(file),
            config=config,
            torch_dtype=torch.float32,
            local_files_only=True,
            safety_checker=None,
        )
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise SynthmedError(
            f"cannot be opened as a checkpoint: {reason}",
            where=file,
            mend="Name a local folder with its configuration files (config=...).",
        ) from error
    return _from_pipeline(pipeline, file.stem)


def _from_pipeline(pipeline: Any, name: str) -> Generator:
    codec = AutoencoderCodec(pipeline.vae)
    return Generator(
        codec=codec,
        conditioners={"text": TextConditioner(pipeline.tokenizer, pipeline.text_encoder)},
        unet=pipeline.unet,
        path=_path_of(pipeline.scheduler),
        image_size=int(pipeline.unet.config.sample_size) * codec.factor,
        card={"name": name},
    )


def _path_of(scheduler: Any) -> TransportPath:
    """The path that a scheduler's configuration describes."""
    kind = scheduler.config.get("prediction_type", "epsilon")
    if kind == "flow_prediction":
        return LinearPath()
    return VariancePreservingPath(scheduler.alphas_cumprod, kind)
