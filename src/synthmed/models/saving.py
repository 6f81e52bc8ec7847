"""Write Generators as folders that plain diffusers opens, whole or not at all."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path
from typing import Any

import torch
from diffusers import DPMSolverMultistepScheduler, ModelMixin
from safetensors import SafetensorError
from torch import nn

from synthmed.errors import SynthmedError
from synthmed.models.codec import AutoencoderCodec
from synthmed.models.conditioners import LabelConditioner, TextConditioner
from synthmed.models.domain_norm import check_statistics
from synthmed.models.generator import Generator
from synthmed.models.hashing import generator_hash
from synthmed.models.quiet import quiet
from synthmed.transport.paths import LinearPath

CARD = "synthmed.json"
FORMAT_VERSION = 2
"""The newest format that this release reads: 2 adds latents normalised per domain. Folders that do
not use them are written as format 1, which older releases read too."""


def save_generator(generator: Generator, folder: Path, *, half: bool, shard: str) -> Path:
    """Write a Generator; a text Generator becomes a complete `StableDiffusionPipeline` folder.

    Plain diffusers then gives the same images, except that it knows nothing of a drift.

    Args:
        generator: On the linear path (its weights follow diffusers' flow convention), in float32.
        folder: Written whole or not at all; an older Generator there is replaced.
        half: Store float16 weights; say the dtype when opening the folder with diffusers.
        shard: Largest size of a weight file, such as "15MB".

    Returns:
        The folder.

    Raises:
        SynthmedError: The path is not linear, the network is in bfloat16, a domain lacks latent
            statistics that others have, the folder holds something else, or the disk is full.
    """
    if not isinstance(generator.path, LinearPath):
        raise SynthmedError(
            "only Generators on the linear path can be saved", mend="Copy the model's own folder."
        )
    if generator.unet.dtype != torch.float32:
        raise SynthmedError(
            "the network was rounded to bfloat16, which would be saved",
            mend='Open the generator with dtype="float32" and save it then.',
        )
    statistics, channels = generator.latent_normalisation, generator.codec.latent_channels
    check_statistics(statistics, generator.domains, channels, generator.name)
    place = folder.resolve()
    temporary, aside = (place.with_name(f".{place.name}.{end}") for end in ("tmp", "old"))
    try:
        _recover(place, aside)
        _refuse_foreign(place)
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        with quiet():
            _write_parts(generator, temporary, torch.float16 if half else torch.float32, shard)
        digest = generator_hash(temporary, statistics)
        card = _card(generator, "float16" if half else "float32", digest)
        text = json.dumps(card, indent=1, ensure_ascii=False) + "\n"
        (temporary / CARD).write_text(text, encoding="utf-8")
        for file in temporary.rglob("*.safetensors"):
            shutil.copymode(temporary / CARD, file)  # safetensors lets nobody else read them
        _swap(temporary, place, aside)
    except (OSError, SafetensorError) as error:
        raise SynthmedError(f"the generator cannot be written: {error}", where=folder) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    generator.hash = str(card["hash"])
    return folder


def has_pipeline(generator: Generator) -> bool:
    """Whether plain diffusers has a pipeline for it: text is the one condition, on latents."""
    return (
        isinstance(generator.codec, AutoencoderCodec)
        and list(generator.conditioners) == ["text"]
        and isinstance(generator.conditioners["text"], TextConditioner)
    )


def _recover(place: Path, aside: Path) -> None:
    """Undo a save that was killed between its two renames."""
    if aside.is_dir() and not place.exists():
        aside.rename(place)
    shutil.rmtree(aside, ignore_errors=True)


def _refuse_foreign(place: Path) -> None:
    """Replace nothing but a Generator or an empty folder."""
    if place.is_dir() and not (place / CARD).is_file() and any(place.iterdir()):
        raise SynthmedError(
            "the folder is not empty and holds no generator",
            where=place,
            mend="Name a new or empty folder.",
        )
    if place.exists() and not place.is_dir():
        raise SynthmedError("the generator's folder is a file", where=place, mend="Name a folder.")


def _swap(new: Path, place: Path, aside: Path) -> None:
    """Put the new folder in place; if that fails the old one is put back."""
    if place.exists():
        place.rename(aside)
    try:
        new.rename(place)
    except OSError:
        if aside.exists():
            aside.rename(place)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _card(generator: Generator, dtype: str, digest: str) -> dict[str, Any]:
    assert isinstance(generator.path, LinearPath)
    return dict(generator.card) | {
        "format_version": FORMAT_VERSION if generator.latent_normalisation else 1,
        "image_size": generator.image_size,
        "parameters": generator.parameters,
        "conditions": list(generator.conditioners),
        "pipeline": "StableDiffusionPipeline" if has_pipeline(generator) else None,
        "dtype": dtype,
        "drift": {"value": generator.path.drift.value, "mode": generator.path.drift.mode},
        "hash": digest,
    }


def _write_parts(generator: Generator, folder: Path, dtype: torch.dtype, shard: str) -> None:
    """Write copies of the networks in the wanted dtype, and diffusers' index where it has one."""
    parts: dict[str, Any] = {"unet": _stored(generator.unet, dtype)}
    if isinstance(generator.codec, AutoencoderCodec):
        parts["vae"] = _stored(generator.codec.vae, dtype)
    for name, conditioner in generator.conditioners.items():
        if isinstance(conditioner, TextConditioner):
            where = "" if name == "text" else f"conditioners/{name}/"
            parts[f"{where}text_encoder"] = _stored(conditioner.module, dtype)
            parts[f"{where}tokenizer"] = conditioner.tokenizer
        elif isinstance(conditioner, LabelConditioner):
            conditioner.save(folder / "conditioners" / name)
    for name, part in parts.items():
        sizes = {"max_shard_size": shard} if isinstance(part, nn.Module) else {}
        part.save_pretrained(folder / name, **sizes)
    scheduler = DPMSolverMultistepScheduler(
        prediction_type="flow_prediction",
        use_flow_sigmas=True,
        steps_offset=1,  # not used with flow sigmas; the pipeline warns of any other value
    )
    scheduler.save_pretrained(folder / "scheduler")
    if has_pipeline(generator):
        from diffusers import StableDiffusionPipeline  # slow, and here it is quiet

        unused: dict[str, Any] = {"safety_checker": None, "feature_extractor": None}
        pipeline = StableDiffusionPipeline(
            **parts, **unused, scheduler=scheduler, requires_safety_checker=False
        )
        pipeline.save_config(folder)


def _stored(network: nn.Module, dtype: torch.dtype) -> Any:
    """A copy of a network on the CPU in a dtype; the path that it was read from is forgotten."""
    stored: Any = copy.deepcopy(network).to("cpu", dtype)
    if isinstance(stored, ModelMixin) and "_name_or_path" in stored.config:
        stored.register_to_config(_name_or_path="")
    return stored
