"""The last stages of a run: the latent cache, the flow, and the Generator that comes of it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import torch

from synthmed.models.denoiser import build_unet
from synthmed.models.generator import Generator
from synthmed.models.storage import save_generator
from synthmed.training.bars import stage
from synthmed.training.card import make_card
from synthmed.training.claim import Place
from synthmed.training.codec_stage import ReadyCodec
from synthmed.training.conditions import Condition
from synthmed.training.data import TrainingImages
from synthmed.training.domains import balance_keys, pairing_keys
from synthmed.training.flow import FlowData, FlowTask
from synthmed.training.latents import LatentCache, cache_latents
from synthmed.training.loop import fit
from synthmed.training.normalisation import domain_statistics, normalised
from synthmed.training.settings import Recipe
from synthmed.training.watch import Watch, watched_rows
from synthmed.training.workers import first_process_first, is_first, wait
from synthmed.transport.paths import LinearPath


def train_generator(
    recipe: Recipe,
    images: TrainingImages,
    ready: ReadyCodec,
    conditions: Sequence[Condition],
    place: Place,
) -> Path:
    """Cache the latents, train the flow, write the Generator.

    Args:
        recipe: The run.
        images: Its images.
        ready: Its codec.
        conditions: What the images are conditioned on.
        place: Its folder; the Generator goes to `generator`.

    Returns:
        The Generator's folder.

    Raises:
        SynthmedError: A domain whose latents cannot be normalised.
        SafetyError: Validation images equal training images.
        DivergedError: A loss that is no number.
    """
    folder = place.folder / "flow"
    generator = _untrained(recipe, images, ready, conditions, place)
    latents = _latents(recipe, images, ready, place)
    if recipe.flow.latent_normalisation == "domain":
        generator.card["latent_normalisation"] = _normalise(images, latents)
    data = _data(recipe, images, latents, conditions)
    watch = _watch(recipe, images, data, folder / "samples")
    task = FlowTask(recipe, data, generator, place.device, watch)
    with stage("training the generator", shown=place.shown) as report:
        outcome = fit(task, recipe.flow.schedule, folder, progress=report)
    generator.card["training"] = {**ready.notes, "flow": dataclasses.asdict(outcome)}
    target = place.folder / "generator"
    if is_first():
        save_generator(generator, target, half=False, shard="2GB")
    wait()
    return target


def _latents(
    recipe: Recipe, images: TrainingImages, ready: ReadyCodec, place: Place
) -> dict[str, LatentCache]:
    """Encode the images, or open what was encoded before."""
    latents = {}
    title = "encoding the training images"
    with stage(title, shown=place.shown) as report, first_process_first():
        for split, versions in (("train", recipe.data.variants), ("val", 1)):
            latents[split] = cache_latents(
                recipe,
                images,
                ready.codec,
                ready.hash,
                split,
                versions,
                place.folder / "cache",
                report,
            )
    return latents


def _normalise(
    images: TrainingImages, latents: dict[str, LatentCache]
) -> dict[str, dict[str, list[float]]]:
    """Normalise the latents of both splits by domain, in place; give what the card records."""
    domains = {
        split: [images.rows[i].domain for i in cache.rows] for split, cache in latents.items()
    }
    statistics = domain_statistics(latents["train"], domains["train"])
    for split, cache in latents.items():
        latents[split] = normalised(cache, domains[split], statistics)
    return statistics


def _data(
    recipe: Recipe,
    images: TrainingImages,
    latents: dict[str, LatentCache],
    conditions: Sequence[Condition],
) -> FlowData:
    rows = [images.rows[i] for i in latents["train"].rows]
    return FlowData(
        latents["train"],
        latents["val"],
        balance_keys(recipe, rows),
        {condition.name: condition.train for condition in conditions},
        {condition.name: condition.val for condition in conditions},
        pairing_keys(recipe, rows),
    )


def _watch(recipe: Recipe, images: TrainingImages, data: FlowData, folder: Path) -> Watch | None:
    """Samples under the conditions of training rows; of shared groups none counts as a copy."""
    entries = watched_rows(data.types, recipe.flow.watch_images)
    if not entries:
        return None
    records = [
        {
            name: values.texts[int(values.index_NC[entry, 0])]
            for name, values in data.train_values.items()
        }
        for entry in entries
    ]
    groups = [images.rows[data.train.rows[entry]].group_id for entry in entries]
    judged = [group not in images.shared for group in groups]
    return Watch(images, records, recipe.seed, folder, recipe.flow.max_copies, judged=judged)


def _untrained(
    recipe: Recipe,
    images: TrainingImages,
    ready: ReadyCodec,
    conditions: Sequence[Condition],
    place: Place,
) -> Generator:
    codec, size = ready.codec, recipe.data.image_size
    torch.manual_seed(recipe.seed + 1)
    unet = build_unet(
        sample_size=size // codec.factor,
        latent_channels=codec.latent_channels,
        condition_width=conditions[0].conditioner.width,
        **dataclasses.asdict(recipe.denoiser),
    ).to(place.device)
    for condition in conditions:
        condition.conditioner.module.to(place.device)
    return Generator(
        codec,
        {condition.name: condition.conditioner for condition in conditions},
        unet,
        LinearPath(),
        size,
        make_card(recipe, images, conditions[0].train.texts, place.folder / "codec" / "vae"),
        device=place.device,
    )
