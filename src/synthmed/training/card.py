"""The card of a trained Generator: what it knows, what it was trained on, what it is for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from synthmed.datasets.captions import CAPTION_VERSION, caption
from synthmed.datasets.splits import group_hashes
from synthmed.datasets.words import vocabulary
from synthmed.training.data import TrainingImages
from synthmed.training.domains import domain_facts, without_domain
from synthmed.training.given_codec import codec_groups
from synthmed.training.recipe import Recipe

INTENDED_USE = "Research and teaching: training, testing and stress-testing of medical AI."
MISUSE = (
    "No diagnosis, treatment or any other clinical decision; never pass an image off as a real "
    "patient's."
)


def make_card(
    recipe: Recipe, images: TrainingImages, captions: Sequence[str], codec: Path | None = None
) -> dict[str, Any]:
    """Collect what is known before training: types, domains, words, sources, groups seen.

    Args:
        recipe: The run; what its `card` says comes last and wins.
        images: Its images.
        captions: Its distinct training captions, labels or domains.
        codec: The run's own copy of its codec, which remembers whom a given codec saw.

    Returns:
        A JSON-serialisable dictionary. The training groups are hashes, never names. For a given
        codec `codec_groups` are the groups that it was trained on, None where that is not known.

    Raises:
        SynthmedError: The given codec's card cannot be read.
    """
    train = [images.rows[i] for i in images.indices("train")]
    val = [images.rows[i] for i in images.indices("val")]
    card: dict[str, Any] = {
        "name": recipe.name,
        "caption_version": CAPTION_VERSION,
        "types": _types(recipe, images),
        "known_words": sorted(vocabulary(captions)),
        "sources": images.credits,
        "training_images": len(train),
        "training_groups": group_hashes(train),
        "validation_groups": group_hashes(val),
        "intended_use": INTENDED_USE,
        "misuse": MISUSE,
    }
    if "domain" in recipe.condition.names:
        card["domains"] = domain_facts(train, images.shared)
    if recipe.codec.path not in ("", "identity"):
        card["codec_groups"] = _codec_groups(recipe.codec.path, codec)
    if images.shared:
        shared = (row for row in images.rows if row.group_id in images.shared)
        card["shared_groups"] = group_hashes(shared)
    return card | recipe.card


def _codec_groups(given: str, copy: Path | None) -> list[str] | None:
    """Whom a given codec saw, by the run's copy of it, else by its own folder."""
    kept = None if copy is None else codec_groups(str(copy))
    return codec_groups(given) if kept is None else kept


def _types(recipe: Recipe, images: TrainingImages) -> list[dict[str, Any]]:
    """Name, channels, count and telling words of each type: those of no other type's captions."""
    used: dict[str, set[str]] = defaultdict(set)
    counts: dict[str, int] = defaultdict(int)
    for i in images.indices("train"):
        row = images.rows[i]
        row = without_domain(row) if "domain" in recipe.condition.names else row
        counts[row.image_type] += 1
        for seed, style in enumerate(("simple", "diverse", "diverse", "diverse")):
            used[row.image_type] |= vocabulary([caption(row, style, seed)])
    entries = []
    for name, grey in images.types().items():
        others = set().union(*(found for other, found in used.items() if other != name))
        own = sorted(used[name] - others) if len(used) > 1 else sorted(vocabulary([name]))
        entries.append({"name": name, "grey": grey, "images": counts[name], "words": own})
    return entries
