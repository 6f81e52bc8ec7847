"""The last stages of a run: the latent cache, the flow, and the Generator that comes of it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import torch

from synthmed.models.conditioners import Conditioner, LabelConditioner, TextConditioner
from synthmed.models.denoiser import build_unet
from synthmed.models.generator import Generator
from synthmed.models.storage import save_generator
from synthmed.training.bars import stage
from synthmed.training.captions import CaptionTable, caption_table, label_table
from synthmed.training.card import make_card
from synthmed.training.claim import Place
from synthmed.training.codec_stage import ReadyCodec
from synthmed.training.data import TrainingImages
from synthmed.training.flow import FlowData, FlowTask
from synthmed.training.latents import cache_latents
from synthmed.training.loop import fit
from synthmed.training.settings import Recipe
from synthmed.training.text import build_text_conditioner, load_text_conditioner
from synthmed.training.watch import Watch, watch_prompts
from synthmed.training.workers import first_process_first, is_first, wait
from synthmed.transport.paths import LinearPath


@dataclass(frozen=True)
class Conditions:
    """What the images of a run are conditioned on, and the network that reads it.

    Attributes:
        train: Values of the training rows.
        val: Values of the validation rows.
        conditioner: Reads them.
    """

    train: CaptionTable
    val: CaptionTable
    conditioner: Conditioner


def ready_conditions(recipe: Recipe, images: TrainingImages) -> Conditions:
    """Write the captions (or labels) and make or open the conditioner, before anything is trained.

    Args:
        recipe: The run.
        images: Its images.

    Raises:
        SynthmedError: A text model that cannot be opened, or a caption that is too long for it.
    """
    train_rows, val_rows = (
        [images.rows[i] for i in images.indices(split)] for split in ("train", "val")
    )
    settings, data = recipe.condition, recipe.data
    if settings.kind == "label":
        train = label_table(train_rows)
        torch.manual_seed(recipe.seed)
        labels = LabelConditioner(sorted(set(train.texts) - {""}), settings.width)
        return Conditions(train, label_table(val_rows, set(train.texts)), labels)
    train = caption_table(train_rows, data.styles, data.captions, recipe.seed)
    val = caption_table(val_rows, data.styles, data.captions, recipe.seed)
    if settings.path:
        text: TextConditioner = load_text_conditioner(settings)
    else:
        text = build_text_conditioner(train.texts, settings, recipe.seed)
    for table in (train, val):
        text.token_ids(table.texts)
    return Conditions(train, val, text)


def train_generator(
    recipe: Recipe, images: TrainingImages, ready: ReadyCodec, conditions: Conditions, place: Place
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
        SafetyError: Validation images equal training images.
        DivergedError: A loss that is no number.
    """
    folder = place.folder / "flow"
    generator = _untrained(recipe, images, ready, conditions, place)
    data = _data(recipe, images, ready, conditions, place)
    prompts = watch_prompts(images, conditions.train, recipe.flow.watch_images)
    watch = None
    if prompts:
        watch = Watch(images, prompts, recipe.seed, folder / "samples", recipe.flow.max_copies)
    task = FlowTask(recipe, data, generator, place.device, watch)
    with stage("training the generator", shown=place.shown) as report:
        outcome = fit(task, recipe.flow.schedule, folder, progress=report)
    generator.card["training"] = {**ready.notes, "flow": dataclasses.asdict(outcome)}
    target = place.folder / "generator"
    if is_first():
        save_generator(generator, target, half=False, shard="2GB")
    wait()
    return target


def _data(
    recipe: Recipe, images: TrainingImages, ready: ReadyCodec, conditions: Conditions, place: Place
) -> FlowData:
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
    types = [images.rows[i].image_type for i in latents["train"].rows]
    return FlowData(latents["train"], latents["val"], types, conditions.train, conditions.val)


def _untrained(
    recipe: Recipe, images: TrainingImages, ready: ReadyCodec, conditions: Conditions, place: Place
) -> Generator:
    codec, conditioner, size = ready.codec, conditions.conditioner, recipe.data.image_size
    torch.manual_seed(recipe.seed + 1)
    unet = build_unet(
        sample_size=size // codec.factor,
        latent_channels=codec.latent_channels,
        condition_width=conditioner.width,
        **dataclasses.asdict(recipe.denoiser),
    ).to(place.device)
    conditioner.module.to(place.device)
    card = make_card(recipe, images, conditions.train.texts)
    return Generator(
        codec,
        {recipe.condition.kind: conditioner},
        unet,
        LinearPath(),
        size,
        card,
        device=place.device,
    )
