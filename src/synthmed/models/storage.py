"""Read and write Generators as folders that plain diffusers opens."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKL,
    DPMSolverMultistepScheduler,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextModel, CLIPTokenizer

from synthmed.errors import SafetyError, SynthmedError
from synthmed.models.bundled import bundled_models
from synthmed.models.codec import AutoencoderCodec, Codec, IdentityCodec
from synthmed.models.conditioners import Conditioner, LabelConditioner, TextConditioner
from synthmed.models.device import pick_device, pick_dtype
from synthmed.models.generator import Generator
from synthmed.models.stable_diffusion import load_single_file, load_stable_diffusion
from synthmed.transport.paths import LinearPath

CARD = "synthmed.json"
FORMAT_VERSION = 1
_PICKLES = (".ckpt", ".pt", ".pth", ".bin", ".pkl")


def load_generator(
    source: str | Path, *, device: str = "auto", dtype: str = "auto", config: str | None = None
) -> Generator:
    """Open a Generator.

    Args:
        source: A bundled name, a folder (ours or of Stable Diffusion's type) or a single-file
            `.safetensors` checkpoint. Nothing is downloaded.
        device: "auto" or a torch device.
        dtype: Of the velocity network: "float32", "bfloat16" or "auto" (bfloat16 where the
            processor computes in it).
        config: For a single-file checkpoint: a folder with the pipeline's configuration files.

    Raises:
        SynthmedError: No such model, or a folder that is none.
        SafetyError: A pickle, which could run code.
    """
    path = bundled_models().get(str(source), Path(source))
    if path.suffix in _PICKLES and not path.is_dir():
        raise SafetyError("pickled weights can run code and are refused", where=path, mend="Convert to safetensors.")
    where, kind = pick_device(device), pick_dtype(dtype, device)
    if path.is_file() and path.suffix == ".safetensors":
        generator = load_single_file(path, config)
    elif (path / CARD).is_file():
        generator = _load_own(path)
    elif (path / "model_index.json").is_file():
        _refuse_pickles(path)
        generator = load_stable_diffusion(path)
    else:
        names = ", ".join(bundled_models()) or "none"
        raise SynthmedError(
            "no generator here",
            where=source,
            mend=f"Give a generator's folder, a .safetensors file or a bundled name ({names}).",
        )
    return _place(generator, where, kind)


def save_generator(generator: Generator, folder: Path, *, half: bool, shard: str) -> Path:
    """Write a Generator; a text Generator becomes a complete `StableDiffusionPipeline` folder.

    Args:
        generator: Must be on the linear path: its weights follow diffusers' flow convention.
        folder: Written whole or not at all; an older Generator there is replaced.
        half: Store float16 weights; say the dtype when opening the folder with diffusers.
        shard: Largest size of a weight file.

    Returns:
        The folder.

    Raises:
        SynthmedError: The path is not linear.
    """
    if not isinstance(generator.path, LinearPath):
        raise SynthmedError("only Generators on the linear path can be saved")
    temporary = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    dtype = torch.float16 if half else torch.float32
    _save_networks(generator, temporary, dtype, shard)
    card = dict(generator.card) | {
        "format_version": FORMAT_VERSION,
        "image_size": generator.image_size,
        "parameters": generator.parameters,
        "conditions": list(generator.conditioners),
        "pipeline": "StableDiffusionPipeline" if _has_pipeline(generator) else None,
        "dtype": "float16" if half else "float32",
        "drift": {"value": generator.path.drift.value, "mode": generator.path.drift.mode},
        "hash": weights_hash(temporary),
    }
    (temporary / CARD).write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n")
    shutil.rmtree(folder, ignore_errors=True)
    temporary.rename(folder)
    generator.hash = str(card["hash"])
    return folder


def weights_hash(folder: Path) -> str:
    """SHA-256 over the names and bytes of a folder's weight files, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.safetensors")):
        digest.update(file.relative_to(folder).as_posix().encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _has_pipeline(generator: Generator) -> bool:
    return list(generator.conditioners) == ["text"] and isinstance(generator.codec, AutoencoderCodec)


def _save_networks(generator: Generator, folder: Path, dtype: torch.dtype, shard: str) -> None:
    """Write copies of the networks in the wanted dtype."""
    copies: dict[str, Any] = {"unet": _copy(generator.unet, UNet2DConditionModel, dtype)}
    if isinstance(generator.codec, AutoencoderCodec):
        copies["vae"] = _copy(generator.codec.vae, AutoencoderKL, dtype)
    text = generator.conditioners.get("text")
    if isinstance(text, TextConditioner):
        model = CLIPTextModel(text.module.config)
        model.load_state_dict(text.module.state_dict())
        copies |= {"text_encoder": model.to(dtype), "tokenizer": text.tokenizer}
    scheduler = DPMSolverMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True)
    if _has_pipeline(generator):
        pipeline = StableDiffusionPipeline(
            **copies,
            scheduler=scheduler,
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
        pipeline.save_pretrained(folder, safe_serialization=True, max_shard_size=shard)
        return
    for name, part in copies.items():
        extra = {} if name == "tokenizer" else {"max_shard_size": shard}
        part.save_pretrained(folder / name, **extra)
    scheduler.save_pretrained(folder / "scheduler")
    for name, conditioner in generator.conditioners.items():
        if isinstance(conditioner, LabelConditioner):
            conditioner.save(folder / "conditioners" / name)


def _copy(module: Any, cls: Any, dtype: torch.dtype) -> Any:
    copy = cls.from_config(module.config)
    copy.load_state_dict(module.state_dict())
    return copy.to(dtype)


def _load_own(folder: Path) -> Generator:
    """Open a folder that `save_generator` wrote."""
    card = json.loads((folder / CARD).read_text())
    version = card.get("format_version")
    if version != FORMAT_VERSION:
        raise SynthmedError(
            f"the generator has format version {version}, this release reads {FORMAT_VERSION}",
            where=folder / CARD,
            mend="Install a newer synthmed.",
        )
    _refuse_pickles(folder)
    codec: Codec = IdentityCodec()
    if (folder / "vae").is_dir():
        codec = AutoencoderCodec(
            AutoencoderKL.from_pretrained(
                folder / "vae", torch_dtype=torch.float32, use_safetensors=True
            )
        )
    unet = UNet2DConditionModel.from_pretrained(
        folder / "unet", torch_dtype=torch.float32, use_safetensors=True
    )
    drift = card.get("drift", {"value": 0.0, "mode": "prior"})
    from synthmed.transport.drift import Drift

    return Generator(
        codec=codec,
        conditioners={name: _load_conditioner(folder, name) for name in card["conditions"]},
        unet=unet,
        path=LinearPath(drift=Drift(**drift)),
        image_size=int(card["image_size"]),
        card=card,
        hash=str(card["hash"]),
    )


def _load_conditioner(folder: Path, name: str) -> Conditioner:
    if name == "text" and (folder / "text_encoder").is_dir():
        return TextConditioner(
            CLIPTokenizer.from_pretrained(folder / "tokenizer"),
            CLIPTextModel.from_pretrained(
                folder / "text_encoder", dtype=torch.float32, use_safetensors=True
            ),
        )
    return LabelConditioner.load(folder / "conditioners" / name)


def _refuse_pickles(folder: Path) -> None:
    """Weights must be safetensors: a pickle beside none of them is refused by name."""
    for part in (folder, *(p for p in folder.iterdir() if p.is_dir())):
        pickles = [file for file in part.iterdir() if file.suffix in _PICKLES]
        if pickles and not list(part.glob("*.safetensors")):
            raise SafetyError(
                "pickled weights can run code and are refused",
                where=pickles[0],
                mend="Convert to safetensors.",
            )


def _place(generator: Generator, device: torch.device, dtype: str) -> Generator:
    """Move the networks to a device, ready to be called."""
    if isinstance(generator.codec, AutoencoderCodec):
        generator.codec.vae.to(device, memory_format=torch.channels_last).eval().requires_grad_(False)
    for conditioner in generator.conditioners.values():
        conditioner.module.to(device).eval().requires_grad_(False)
    network = torch.bfloat16 if dtype == "bfloat16" else torch.float32
    generator.unet.to(device, network, memory_format=torch.channels_last).eval().requires_grad_(False)
    generator.device, generator.dtype = device, dtype
    return generator
