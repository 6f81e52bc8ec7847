"""Open Generators: our own folders, folders and checkpoints of the Stable Diffusion family."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel

from synthmed.errors import SynthmedError
from synthmed.models.bundled import bundled_models
from synthmed.models.codec import AutoencoderCodec, Codec, IdentityCodec
from synthmed.models.conditioners import Conditioner, LabelConditioner
from synthmed.models.device import pick_device, pick_dtype
from synthmed.models.domain_norm import check_statistics
from synthmed.models.generator import Generator
from synthmed.models.hashing import weights_hash
from synthmed.models.parts import open_network, open_text_conditioner
from synthmed.models.quiet import quiet
from synthmed.models.safety import refuse_pickle, refuse_pickled_parts
from synthmed.models.saving import CARD, FORMAT_VERSION, save_generator
from synthmed.models.stable_diffusion import INDEX, load_single_file, load_stable_diffusion
from synthmed.transport.drift import Drift
from synthmed.transport.paths import LinearPath

__all__ = ["CARD", "FORMAT_VERSION", "load_generator", "save_generator", "weights_hash"]


def load_generator(
    source: str | Path, *, device: str = "auto", dtype: str = "auto", config: str | None = None
) -> Generator:
    """Open a Generator.

    Args:
        source: A folder (ours or of Stable Diffusion's type), a single-file `.safetensors`
            checkpoint, or a bundled name where no such path exists. Nothing is downloaded.
        device: "auto" or a torch device.
        dtype: Of the velocity network: "float32", "bfloat16" or "auto" (bfloat16 where the
            processor computes in it).
        config: For a single-file checkpoint: a folder with the pipeline's configuration files;
            by default the checkpoint's own folder.

    Raises:
        SynthmedError: No such model, or one that cannot be opened.
        SafetyError: A pickle, which could run code.
    """
    path = Path(source)
    if not path.exists():
        path = bundled_models().get(str(source), path)
    where, kind = pick_device(device), pick_dtype(dtype, device)
    refuse_pickle(path)
    if path.is_file() and path.suffix == ".safetensors":
        generator = load_single_file(path, config)
    elif (path / CARD).is_file():
        generator = _load_own(path)
    elif (path / INDEX).is_file():
        generator = load_stable_diffusion(path)
    else:
        names = ", ".join(bundled_models()) or "none"
        raise SynthmedError(
            "no generator here",
            where=source,
            mend=f"Give a generator's folder, a .safetensors file or a bundled name ({names}).",
        )
    return _place(generator, where, kind)


def _read_card(file: Path) -> dict[str, Any]:
    """Read the card of a folder and check that this release can open it."""
    try:
        card = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        card = None
    version = card.get("format_version") if isinstance(card, dict) else None
    if not isinstance(version, int):
        raise SynthmedError("the generator's card cannot be read", where=file)
    if version > FORMAT_VERSION:
        raise SynthmedError(
            f"the generator has format version {version}, this release reads {FORMAT_VERSION}",
            where=file,
            mend="Install a newer synthmed.",
        )
    if missing := {"conditions", "image_size", "hash"} - card.keys():
        raise SynthmedError(f"the generator's card lacks {', '.join(sorted(missing))}", where=file)
    return dict(card)


def _load_own(folder: Path) -> Generator:
    """Open a folder that `save_generator` wrote."""
    card = _read_card(folder / CARD)
    refuse_pickled_parts(folder, ("unet", "vae", "text_encoder"))
    codec: Codec = IdentityCodec()
    if (folder / "vae").is_dir():
        codec = AutoencoderCodec(open_network(AutoencoderKL, folder / "vae"))
    generator = Generator(
        codec=codec,
        conditioners={name: _load_conditioner(folder, name) for name in card["conditions"]},
        unet=open_network(UNet2DConditionModel, folder / "unet"),
        path=LinearPath(drift=Drift(**card.get("drift", {}))),
        image_size=int(card["image_size"]),
        card=card,
        hash=str(card["hash"]),
    )
    statistics, channels = card.get("latent_normalisation"), codec.latent_channels
    check_statistics(statistics, generator.domains, channels, folder / CARD)
    return generator


def _load_conditioner(folder: Path, name: str) -> Conditioner:
    """Open a conditioner; the text of diffusers' pipelines lies at the top."""
    own = folder / "conditioners" / name
    if (own / "labels.json").is_file():
        return LabelConditioner.load(own)
    return open_text_conditioner(folder if name == "text" else own)


def _place(generator: Generator, device: torch.device, dtype: str) -> Generator:
    """Move the networks to a device, ready to be called."""
    layout = torch.channels_last
    kind = torch.bfloat16 if dtype == "bfloat16" else torch.float32
    if isinstance(generator.codec, AutoencoderCodec):
        generator.codec.vae.to(device, memory_format=layout).eval().requires_grad_(False)
    for conditioner in generator.conditioners.values():
        conditioner.module.to(device).eval().requires_grad_(False)
    with quiet():
        generator.unet.to(device, kind, memory_format=layout).eval().requires_grad_(False)
    generator.device, generator.dtype = device, dtype
    return generator
