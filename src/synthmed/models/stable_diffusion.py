"""Open folders and checkpoints of the Stable Diffusion family as Generators."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel

from synthmed.errors import SynthmedError
from synthmed.models.codec import AutoencoderCodec
from synthmed.models.conditioners import TextConditioner
from synthmed.models.generator import Generator
from synthmed.models.hashing import weights_hash
from synthmed.models.parts import open_network, open_text_conditioner
from synthmed.models.quiet import quiet
from synthmed.models.safety import refuse_pickled_parts
from synthmed.transport.paths import LinearPath
from synthmed.transport.paths import Path as TransportPath
from synthmed.transport.vp import VariancePreservingPath

INDEX = "model_index.json"
_PIPELINE = "StableDiffusionPipeline"


def load_stable_diffusion(folder: Path) -> Generator:
    """Open a diffusers folder with a `StableDiffusionPipeline` as a Generator, in float32.

    Only its networks, tokenizer and the scheduler's configuration are opened; no code in it runs.

    Raises:
        SynthmedError: Another pipeline class, or a folder that diffusers cannot open.
        SafetyError: Its weights are pickles.
    """
    _check_index(folder)
    refuse_pickled_parts(folder, ("unet", "vae", "text_encoder"))
    return _generator(
        unet=open_network(UNet2DConditionModel, folder / "unet"),
        vae=open_network(AutoencoderKL, folder / "vae"),
        text=open_text_conditioner(folder),
        path=_read_path(folder / "scheduler"),
        source=folder,
    )


def load_single_file(file: Path, config: str | None) -> Generator:
    """Open a single-file `.safetensors` checkpoint as a Generator, in float32.

    Args:
        file: The checkpoint.
        config: A local folder with the pipeline's configuration files and tokenizer; by default
            the file's own folder. Nothing is downloaded.

    Raises:
        SynthmedError: The file is no checkpoint, or its configuration is not at hand.
    """
    folder = file.parent if config is None else Path(config)
    if not (folder / INDEX).is_file():
        raise SynthmedError(
            f"no configuration of the checkpoint (no {INDEX})",
            where=folder,
            mend="Name a folder with the pipeline's configuration files and tokenizer (config=...)"
            " or put them beside the checkpoint.",
        )
    _check_index(folder)
    path = _read_path(folder / "scheduler")
    try:
        with quiet():
            from diffusers import StableDiffusionPipeline  # slow, and here it is quiet

            pipeline: Any = StableDiffusionPipeline.from_single_file(
                str(file),
                config=str(folder),
                dtype=torch.float32,
                local_files_only=True,
                scheduler=DDIMScheduler(steps_offset=1, clip_sample=False),  # stands in, unused
                safety_checker=None,
                feature_extractor=None,
                requires_safety_checker=False,
            )
    except Exception as error:  # the many ways in which a file can be something else
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise SynthmedError(
            f"the checkpoint cannot be opened with the configuration in {folder}: {reason}",
            where=file,
        ) from error
    for network in (pipeline.unet, pipeline.vae, pipeline.text_encoder):
        missing = [name for name, weight in network.named_parameters() if weight.is_meta]
        if missing:
            raise SynthmedError(f"{len(missing)} weights missing, {missing[0]} first", where=file)
    text = TextConditioner(pipeline.tokenizer, pipeline.text_encoder)
    return _generator(unet=pipeline.unet, vae=pipeline.vae, text=text, path=path, source=file)


def _check_index(folder: Path) -> None:
    try:
        name = json.loads((folder / INDEX).read_text(encoding="utf-8"))["_class_name"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SynthmedError(f"{INDEX} names no pipeline", where=folder) from error
    if name != _PIPELINE:
        raise SynthmedError(
            f"the folder holds a {name}, not a {_PIPELINE}",
            where=folder,
            mend="Models of the Stable Diffusion 1 and 2 type can be opened.",
        )


def _read_path(folder: Path) -> TransportPath:
    """The path that a scheduler's configuration describes, whatever scheduler it is."""
    try:
        with quiet():
            config: Any = DDIMScheduler.load_config(folder, local_files_only=True)
            alphas_cumprod = DDIMScheduler.from_config(config).alphas_cumprod
    except (OSError, ValueError, TypeError, NotImplementedError) as error:
        raise SynthmedError("the scheduler's configuration is unreadable", where=folder) from error
    kind = config.get("prediction_type", "epsilon")
    if kind == "flow_prediction":
        return LinearPath()
    return VariancePreservingPath(alphas_cumprod, kind)


def _generator(
    *, unet: Any, vae: Any, text: TextConditioner, path: TransportPath, source: Path
) -> Generator:
    codec = AutoencoderCodec(vae)
    side = unet.config.sample_size
    if not isinstance(side, int):
        raise SynthmedError(f"the network's latents are not square: {side}", where=source)
    return Generator(
        codec=codec,
        conditioners={"text": text},
        unet=unet,
        path=path,
        image_size=side * codec.factor,
        card={"name": source.stem if source.is_file() else source.resolve().name},
        hash=weights_hash(source),
    )
