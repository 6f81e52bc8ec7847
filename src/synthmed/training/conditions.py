"""The conditions of a run: their values for each row, and the networks that read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from synthmed.datasets.rows import Row
from synthmed.models.conditioners import Conditioner, LabelConditioner
from synthmed.training.captions import CaptionTable, caption_table, domain_table, label_table
from synthmed.training.data import TrainingImages
from synthmed.training.domains import check_domains, without_domain
from synthmed.training.settings import Recipe
from synthmed.training.text import build_text_conditioner, load_text_conditioner


@dataclass(frozen=True)
class Condition:
    """One thing that the images of a run are conditioned on.

    Attributes:
        name: "text", "label" or "domain".
        conditioner: The network that reads it.
        train: Values of the training rows.
        val: Values of the validation rows.
    """

    name: str
    conditioner: Conditioner
    train: CaptionTable
    val: CaptionTable


def ready_conditions(recipe: Recipe, images: TrainingImages) -> list[Condition]:
    """Write captions, labels and domains and make or open what reads them.

    This happens before anything is trained.

    Args:
        recipe: The run.
        images: Its images.

    Returns:
        The conditions in the order of their tokens; all tokens have one width.

    Raises:
        SynthmedError: A text model that cannot be opened, a caption that is too long for it, or
            rows without a domain in a domain recipe.
    """
    train, val = ([images.rows[i] for i in images.indices(split)] for split in ("train", "val"))
    ready: list[Condition] = []
    for name in recipe.condition.names:
        if name == "text":
            ready.append(_text(recipe, train, val))
        elif name == "label":
            ready.append(_label(recipe, train, val))
        else:
            width = ready[0].conditioner.width if ready else recipe.condition.width
            ready.append(_domain(recipe, images.rows, train, val, width))
    return ready


def _text(recipe: Recipe, train_rows: Sequence[Row], val_rows: Sequence[Row]) -> Condition:
    settings, data = recipe.condition, recipe.data
    if "domain" in settings.names:
        train_rows, val_rows = ([without_domain(row) for row in r] for r in (train_rows, val_rows))
    train = caption_table(train_rows, data.styles, data.captions, recipe.seed)
    val = caption_table(val_rows, data.styles, data.captions, recipe.seed)
    if settings.path:
        text = load_text_conditioner(settings)
    else:
        text = build_text_conditioner(train.texts, settings, recipe.seed)
    for table in (train, val):
        text.token_ids(table.texts)
    return Condition("text", text, train, val)


def _label(recipe: Recipe, train_rows: Sequence[Row], val_rows: Sequence[Row]) -> Condition:
    train = label_table(train_rows)
    torch.manual_seed(recipe.seed)
    labels = LabelConditioner(sorted(set(train.texts) - {""}), recipe.condition.width)
    return Condition("label", labels, train, label_table(val_rows, set(train.texts)))


def _domain(
    recipe: Recipe, rows: Sequence[Row], train: Sequence[Row], val: Sequence[Row], width: int
) -> Condition:
    names = check_domains(recipe, rows)
    torch.manual_seed(recipe.seed + 2)  # not the labels' numbers, nor the denoiser's
    return Condition(
        "domain", LabelConditioner(names, width), domain_table(train), domain_table(val)
    )
