"""The first stage of a run: a codec, trained or given, judged, its latents standardised."""

from __future__ import annotations

import dataclasses
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from diffusers import AutoencoderKL

from synthmed.datasets.splits import group_hashes
from synthmed.errors import SynthmedError
from synthmed.models.codec import AutoencoderCodec, Codec, IdentityCodec, fold_normalisation
from synthmed.models.storage import weights_hash
from synthmed.training.bars import stage
from synthmed.training.claim import Place
from synthmed.training.codec import CodecTask
from synthmed.training.data import TrainingImages
from synthmed.training.gate import codec_gate
from synthmed.training.given_codec import codec_folder, codec_groups, write_groups
from synthmed.training.latents import channel_statistics
from synthmed.training.loop import fit
from synthmed.training.settings import Recipe
from synthmed.training.workers import agreed, first_process_first, is_first, wait


@dataclass(frozen=True)
class ReadyCodec:
    """A codec that may be built upon.

    Attributes:
        codec: Its latents have mean 0 and standard deviation 1 in each channel.
        hash: Of its weights.
        notes: How it was made and judged, for the card.
    """

    codec: Codec
    hash: str
    notes: dict[str, Any]


def ready_codec(recipe: Recipe, images: TrainingImages, place: Place) -> ReadyCodec:
    """Train or open the codec, standardise its latents, and judge it.

    Args:
        recipe: The run.
        images: Its images.
        place: Its folder; the codec goes to `codec/vae`.

    Raises:
        SynthmedError: A given codec that cannot be used, or one that fails its gate.
        DivergedError: A loss that is no number.
    """
    if recipe.codec.path == "identity":
        return ReadyCodec(IdentityCodec(), "identity", {"codec": "identity"})
    final = place.folder / "codec" / "vae"
    if agreed(not final.is_dir()):
        _make(recipe, images, place, final)
    wait()
    vae = AutoencoderKL.from_pretrained(final, use_safetensors=True).to(place.device).eval()
    codec = AutoencoderCodec(vae.requires_grad_(False))
    name = weights_hash(final)
    with stage("judging the codec", shown=place.shown), first_process_first():
        gate = codec_gate(
            codec,
            images,
            recipe.codec.gate,
            place.folder / "codec" / "gate",
            codec_hash=name,
            seed=recipe.seed,
        )
    how = yaml.safe_load((final / "outcome.yaml").read_text())
    return ReadyCodec(codec, name, {"codec": how, "gate": gate})


def _make(recipe: Recipe, images: TrainingImages, place: Place, final: Path) -> None:
    """Write the standardised codec, how it was made and whom it saw, whole or not at all."""
    groups: list[str] | None
    if recipe.codec.path:
        vae, how = _given(recipe), {"given": recipe.codec.path}
        groups = codec_groups(recipe.codec.path)
    else:
        task = CodecTask(recipe, images, place.device)
        with stage("training the codec", shown=place.shown) as report:
            outcome = fit(task, recipe.codec.schedule, final.parent, progress=report)
        vae, how = task.vae, dataclasses.asdict(outcome)
        groups = group_hashes(images.rows[i] for i in images.indices("train"))
    if not is_first():
        return
    vae = vae.to(place.device).eval()
    fold_normalisation(vae, *channel_statistics(AutoencoderCodec(vae), images))
    temporary = final.with_name(".vae.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    vae.save_pretrained(temporary, safe_serialization=True)
    (temporary / "outcome.yaml").write_text(yaml.safe_dump(how))
    if groups is not None:
        write_groups(temporary, groups)
    temporary.rename(final)


def _given(recipe: Recipe) -> AutoencoderKL:
    """Open a given autoencoder; its scale is replaced by our standardisation."""
    where = recipe.codec.path
    try:
        vae = AutoencoderKL.from_pretrained(
            codec_folder(where), use_safetensors=True, local_files_only=True
        )
    except (OSError, ValueError) as error:
        raise SynthmedError(
            f"the codec cannot be opened: {str(error).splitlines()[0]}",
            where=where,
            mend="Give a local folder with an AutoencoderKL in safetensors, or a Generator.",
        ) from error
    factor = 2 ** (len(vae.config.block_out_channels) - 1)
    if recipe.data.image_size % factor:
        raise SynthmedError(
            f"data.image_size is {recipe.data.image_size}, the codec shrinks by {factor}",
            where=where,
            mend=f"Use a multiple of {factor}.",
        )
    vae.register_to_config(scaling_factor=1.0)
    return vae
