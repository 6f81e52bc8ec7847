"""What the values of a recipe have to be; a wrong one is named before any work begins."""

from __future__ import annotations

import json
from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from synthmed.datasets.captions import STYLES
from synthmed.errors import SynthmedError
from synthmed.training.augment import operations_of
from synthmed.training.settings import (
    DTYPES,
    KINDS,
    NORMALISATIONS,
    PAIRINGS,
    TIMES,
    Recipe,
)

SPECTRAL_WINDOW = 16
"""Side of the windows whose spectra the codec's loss compares, in pixels."""

Rule = tuple[str, bool, str]
"""A key, whether its value is right, and what it has to be."""


def check_recipe(recipe: Recipe, where: object) -> None:
    """Check ranges, names and what has to fit together.

    Args:
        recipe: The recipe, its types already right.
        where: Its file, for the message.

    Raises:
        SynthmedError: The first value that is wrong, and what it has to be.
    """
    for rules in (_general, _codec, _condition, _denoiser, _flow):
        for key, right, rule in rules(recipe):
            if not right:
                value = attrgetter(key)(recipe)
                value = list(value) if isinstance(value, tuple) else value
                raise SynthmedError(f"{key} is {value!r}", where=where, mend=f"It must be {rule}.")
    for image_type in recipe.data.augment:
        operations_of(image_type, recipe.data.augment)


def _at_least(recipe: Recipe, least: int, *keys: str) -> Iterator[Rule]:
    for key in keys:
        yield key, attrgetter(key)(recipe) >= least, f"at least {least}"


def _shares(recipe: Recipe, *keys: str) -> Iterator[Rule]:
    for key in keys:
        yield key, 0 <= attrgetter(key)(recipe) <= 1, "between 0 and 1"


def _one_of(recipe: Recipe, key: str, known: tuple[str, ...]) -> Rule:
    return key, attrgetter(key)(recipe) in known, f"one of: {', '.join(known)}"


def _widths(recipe: Recipe, key: str, multiple: int) -> Rule:
    widths = attrgetter(key)(recipe)
    right = bool(widths) and all(w > 0 and w % multiple == 0 for w in widths)
    return key, right, f"a list of multiples of {multiple}"


def _training(recipe: Recipe, stage: str) -> Iterator[Rule]:
    """Rules for what codec and flow have in common."""
    schedule = f"{stage}.schedule"
    counts = (f"{schedule}.steps", f"{schedule}.validate_every", f"{schedule}.patience")
    yield from _at_least(recipe, 1, f"{stage}.batch_size", *counts)
    yield from _at_least(recipe, 0, f"{schedule}.warmup")
    yield from _shares(recipe, f"{schedule}.ema", f"{schedule}.final")
    rate = f"{stage}.learning_rate"
    yield rate, attrgetter(rate)(recipe) > 0, "above 0"


def _general(recipe: Recipe) -> Iterator[Rule]:
    yield _one_of(recipe, "dtype", DTYPES)
    styles = set(recipe.data.styles)
    yield "data.styles", bool(styles) and styles <= set(STYLES), f"a list of: {', '.join(STYLES)}"
    yield from _at_least(recipe, 8, "data.image_size")
    yield from _at_least(recipe, 1, "data.captions", "data.variants")
    yield from _shares(recipe, "data.balance")
    yield "card", _is_json(recipe.card), "keys, text, numbers and lists (quote dates)"


def _codec(recipe: Recipe) -> Iterator[Rule]:
    codec, size = recipe.codec, recipe.data.image_size
    yield _widths(recipe, "codec.block_out_channels", 8)
    factor = 1 if codec.path else 2 ** (len(codec.block_out_channels) - 1)
    yield (
        "data.image_size",
        size % factor == 0,
        f"a multiple of {factor}, by which the codec shrinks",
    )
    whole = codec.crop == 0 or (0 < codec.crop <= size and codec.crop % factor == 0)
    yield "codec.crop", whole, f"0 or a multiple of {factor}, at most data.image_size"
    least = min(size, codec.crop or size)
    enough = least >= SPECTRAL_WINDOW or not codec.spectral_weight
    key = "codec.crop" if codec.crop else "data.image_size"
    yield key, enough, f"at least {SPECTRAL_WINDOW} with codec.spectral_weight"
    yield from _at_least(recipe, 1, "codec.latent_channels", "codec.layers_per_block")
    yield from _at_least(
        recipe,
        0,
        "codec.kl_weight",
        "codec.spectral_weight",
        "codec.gradient_weight",
        "codec.crop_steps",
    )
    yield from _training(recipe, "codec")


def _condition(recipe: Recipe) -> Iterator[Rule]:
    condition = recipe.condition
    yield _one_of(recipe, "condition.kind", KINDS)
    textless = "text" not in condition.names
    yield "condition.path", not (textless and condition.path), "blank for labels and domains"
    counts = ("width", "layers", "heads", "vocabulary")
    yield from _at_least(recipe, 1, *(f"condition.{name}" for name in counts))
    yield from _at_least(recipe, 3, "condition.max_length")
    fits = condition.width % condition.heads == 0
    yield "condition.width", fits, f"a multiple of condition.heads ({condition.heads})"
    yield from _shares(recipe, "condition.dropout", "condition.domain_dropout")


def _denoiser(recipe: Recipe) -> Iterator[Rule]:
    denoiser = recipe.denoiser
    levels = len(denoiser.block_out_channels)
    yield _widths(recipe, "denoiser.block_out_channels", 16)
    yield "denoiser.attention", len(denoiser.attention) == levels, f"{levels} values, one a width"
    yield from _at_least(recipe, 1, "denoiser.layers_per_block", "denoiser.heads")


def _flow(recipe: Recipe) -> Iterator[Rule]:
    yield _one_of(recipe, "flow.times", TIMES)
    yield _one_of(recipe, "flow.pairing", PAIRINGS)
    yield _one_of(recipe, "flow.latent_normalisation", NORMALISATIONS)
    known = recipe.flow.latent_normalisation == "none" or "domain" in recipe.condition.names
    yield "flow.latent_normalisation", known, "none without a domain in condition.kind"
    yield from _at_least(recipe, 0, "flow.weight_decay", "flow.watch_images")
    yield from _shares(recipe, "flow.max_copies")
    yield from _training(recipe, "flow")


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
