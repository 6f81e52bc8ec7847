"""`train`: a recipe and its data to a Generator, stage by stage, each resumable."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import yaml
from diffusers import AutoencoderKL

from synthmed.errors import SynthmedError
from synthmed.models.codec import AutoencoderCodec, Codec, IdentityCodec, fold_normalisation
from synthmed.models.conditioners import Conditioner, LabelConditioner
from synthmed.models.denoiser import build_unet
from synthmed.models.device import pick_device
from synthmed.models.generator import Generator
from synthmed.models.storage import save_generator, weights_hash
from synthmed.training.bars import stage
from synthmed.training.card import make_card
from synthmed.training.codec import CodecTask
from synthmed.training.data import TrainingImages, load_images
from synthmed.training.flow import FlowData, FlowTask
from synthmed.training.gate import codec_gate
from synthmed.training.latents import cache_latents, channel_statistics
from synthmed.training.loop import Outcome, fit
from synthmed.training.recipe import Recipe, load_recipe, save_recipe
from synthmed.training.text import (
    CaptionTable,
    build_text_conditioner,
    caption_table,
    label_table,
    load_text_conditioner,
)
from synthmed.training.watch import Watch
from synthmed.transport.paths import LinearPath


@dataclass(frozen=True)
class _Place:
    """Where a run lives and how it reports."""

    folder: Path
    base: Path
    device: torch.device
    shown: bool


def train(
    recipe: Path | str,
    *,
    out: Path | str | None = None,
    overrides: Sequence[str] = (),
    resume: bool = False,
    progress: bool = True,
) -> Path:
    """Train a Generator as a recipe says: codec, gate, latent cache, flow.

    A run that was killed continues with `resume=True` and then ends with the same weights, bit for
    bit, as an uninterrupted one (same machine, same number of threads).

    Args:
        recipe: A YAML recipe.
        out: Folder of the run; by default `runs/` and the recipe's name.
        overrides: `key.subkey=value`, as with `--set`.
        resume: Continue the run in `out`.
        progress: Show progress on standard error.

    Returns:
        The Generator's folder, `out/generator`.

    Raises:
        SynthmedError: A recipe or data that cannot be used, a folder with another run, a codec
            that fails its gate.
        DivergedError: A loss that is no number; the last checkpoint is kept.
    """
    settings = load_recipe(recipe, overrides)
    folder = Path(out) if out is not None else Path("runs") / settings.name
    place = _Place(folder, Path(recipe).parent, pick_device(settings.device), progress)
    _claim(folder, settings, resume)
    with stage("reading images", shown=progress) as report:
        images = load_images(settings.data, place.base, folder / "cache", report)
    codec, codec_hash, notes = _codec(settings, images, place)
    return _generator(settings, images, codec, codec_hash, notes, place)


def _claim(folder: Path, recipe: Recipe, resume: bool) -> None:
    """Take an empty folder, or with `resume` one of the same recipe."""
    file = folder / "recipe.yaml"
    if file.is_file():
        if not resume:
            raise SynthmedError(
                "the folder holds a run", where=folder, mend="Continue it with --resume, or choose another --out."
            )
        saved, wanted = folder / "recipe.yaml", folder / ".recipe.tmp"
        save_recipe(recipe, wanted)
        old, new = yaml.safe_load(saved.read_text()), yaml.safe_load(wanted.read_text())
        wanted.unlink()
        if old != new:
            changed = ", ".join(key for key in new if old.get(key) != new[key])
            raise SynthmedError(
                f"the run in the folder has another recipe (different: {changed})",
                where=saved,
                mend="Resume with the same recipe and --set, or choose another --out.",
            )
        return
    if folder.is_dir() and any(folder.iterdir()):
        raise SynthmedError("the folder is not empty and holds no run", where=folder)
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / ".recipe.tmp"
    save_recipe(recipe, temporary)
    temporary.rename(file)


def _codec(
    recipe: Recipe, images: TrainingImages, place: _Place
) -> tuple[Codec, str, dict[str, object]]:
    """Train or open the codec, judge it, and give its latents mean 0 and deviation 1."""
    if recipe.codec.path == "identity":
        return IdentityCodec(), "identity", {"codec": "identity"}
    final = place.folder / "codec" / "vae"
    if not final.is_dir():
        if recipe.codec.path:
            vae = AutoencoderKL.from_pretrained(recipe.codec.path, use_safetensors=True)
            vae.register_to_config(scaling_factor=1.0)
            outcome = None
        else:
            task = CodecTask(recipe, images, place.device)
            with stage("training the codec", shown=place.shown) as report:
                outcome = fit(task, recipe.codec.schedule, place.folder / "codec", progress=report)
            vae = task.vae
        vae = vae.to(place.device).eval()
        fold_normalisation(vae, *channel_statistics(AutoencoderCodec(vae), images))
        temporary = final.with_name(".vae.tmp")
        vae.save_pretrained(temporary, safe_serialization=True)
        (temporary / "outcome.yaml").write_text(yaml.safe_dump(_outcome(outcome)))
        temporary.rename(final)
    vae = AutoencoderKL.from_pretrained(final, use_safetensors=True).to(place.device).eval()
    codec = AutoencoderCodec(vae.requires_grad_(False))
    with stage("judging the codec", shown=place.shown):
        gate = codec_gate(codec, images, recipe.codec.gate, place.folder / "codec" / "gate", recipe.seed)
    notes: dict[str, object] = {
        "codec": yaml.safe_load((final / "outcome.yaml").read_text()),
        "gate": [dataclasses.asdict(row) for row in gate],
    }
    return codec, weights_hash(final), notes


def _outcome(outcome: Outcome | None) -> dict[str, object]:
    return {} if outcome is None else dataclasses.asdict(outcome)


def _values(recipe: Recipe, images: TrainingImages, split: str) -> CaptionTable:
    rows = [images.rows[i] for i in images.indices(split)]
    if recipe.condition.kind == "label":
        return label_table(rows)
    return caption_table(rows, recipe.data.styles, recipe.data.captions, recipe.seed)


def _conditioner(recipe: Recipe, values: CaptionTable) -> Conditioner:
    if recipe.condition.kind == "label":
        torch.manual_seed(recipe.seed)
        return LabelConditioner(sorted(set(values.texts) - {""}), recipe.condition.width)
    if recipe.condition.kind != "text":
        raise SynthmedError(f"unknown condition kind {recipe.condition.kind!r}", mend="Known: text, label.")
    if recipe.condition.path:
        return load_text_conditioner(recipe.condition)
    return build_text_conditioner(values.texts, recipe.condition, recipe.seed)


def _generator(
    recipe: Recipe,
    images: TrainingImages,
    codec: Codec,
    codec_hash: str,
    notes: dict[str, object],
    place: _Place,
) -> Path:
    """Cache the latents, train the flow, write the Generator."""
    cache, folder = place.folder / "cache", place.folder / "flow"
    with stage("encoding the training images", shown=place.shown) as report:
        train_latents = cache_latents(
            recipe, images, codec, codec_hash, "train", recipe.data.variants, cache, report
        )
        val_latents = cache_latents(recipe, images, codec, codec_hash, "val", 1, cache, report)
    values = _values(recipe, images, "train")
    conditioner = _conditioner(recipe, values)
    size = recipe.data.image_size
    torch.manual_seed(recipe.seed + 1)
    unet = build_unet(
        sample_size=size // codec.factor,
        latent_channels=codec.latent_channels,
        condition_width=conditioner.width,
        **dataclasses.asdict(recipe.denoiser),
    ).to(place.device, memory_format=torch.channels_last)
    conditioner.module.to(place.device)
    name = "label" if recipe.condition.kind == "label" else "text"
    generator = Generator(
        codec, {name: conditioner}, unet, LinearPath(), size, make_card(recipe, images, values.texts)
    )
    generator.device = place.device
    data = FlowData(
        train_latents,
        val_latents,
        [images.rows[i].image_type for i in train_latents.rows],
        values,
        _values(recipe, images, "val"),
    )
    prompts = _watch_prompts(recipe, images, values)
    watch = Watch(images, prompts, recipe.seed, folder / "samples", recipe.flow.max_copies) if prompts else None
    task = FlowTask(recipe, data, generator, place.device, watch)
    with stage("training the generator", shown=place.shown) as report:
        outcome = fit(task, recipe.flow.schedule, folder, progress=report)
    generator.card["training"] = {**notes, "flow": dataclasses.asdict(outcome)}
    return save_generator(generator, place.folder / "generator", half=False, shard="2GB")


def _watch_prompts(recipe: Recipe, images: TrainingImages, values: CaptionTable) -> list[str]:
    """Conditions of training rows, the types in turn, as many as the recipe watches."""
    train = images.indices("train")
    by_type = {
        name: [n for n, i in enumerate(train) if images.rows[i].image_type == name]
        for name in images.types()
    }
    prompts: list[str] = []
    turn = 0
    while len(prompts) < recipe.flow.watch_images:
        for entries in by_type.values():
            prompts.append(values.texts[int(values.index_NC[entries[turn % len(entries)], 0])])
        turn += 1
    return prompts[: recipe.flow.watch_images]
