"""Who saw what: real images that the generator knows are left out of the comparison, and named."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.datasets.rows import as_text
from synthmed.errors import SafetyError, SynthmedError
from synthmed.evaluation.sides import Side
from synthmed.models.bundled import bundled_models

_FEWEST = 2
_NAMESAKES = 0.2  # share of identifiers in common that is no chance


def without_seen(
    real: Side, train: Side | None, card: dict[str, Any] | None, warnings: list[str]
) -> Side:
    """Leave out the real images that the generator was trained on.

    These are images of a patient (group) of the training set or of the generator's card (also of
    those that its given codec was trained on), and files that are also in the training set.

    Args:
        real: The real images.
        train: The generator's training images, if they were given.
        card: The generator's card, if it is known.
        warnings: Each reason is added, with the number of images.

    Returns:
        The other real images.

    Raises:
        SafetyError: Fewer than two are left.
    """
    seen = np.zeros(len(real), dtype=bool)
    for what, mask in _reasons(real, train, card):
        if mask.any():
            warnings.append(f"{int(mask.sum())} real images {what}: left out of the comparison")
        seen |= mask
    if len(real) - seen.sum() < _FEWEST:
        raise SafetyError(
            f"the generator or its codec was trained on {int(seen.sum())} of the {len(real)} real "
            "images",
            where=real.path,
            mend="Compare with images of other patients, for instance --real-split test.",
        )
    return real.take(~seen)


def without_shared(real: Side, synthetic: Side, warnings: list[str]) -> tuple[Side, Side]:
    """Leave out files that both sides hold, and refuse a real side that says it is synthetic.

    Raises:
        SynthmedError: Real images are marked as synthetic, or both sides hold the same files.
    """
    marked = sum(str(row.extra.get("synthetic", "")).casefold() == "true" for row in real.rows)
    if marked:
        raise SynthmedError(
            f"{marked} of the real images are marked as synthetic",
            where=real.path,
            mend="Give real images by --real.",
        )
    both = list(set(real.digests) & set(synthetic.digests))
    if not both:
        return real, synthetic
    kept = [side.take(~np.isin(side.digests, both)) for side in (real, synthetic)]
    if min(map(len, kept)) < _FEWEST:
        raise SynthmedError("both sets hold the same files", where=synthetic.path)
    warnings.append(f"{len(both)} files are in both sets: left out of the comparison")
    return kept[0], kept[1]


def name_namesakes(real: Side, train: Side, warnings: list[str]) -> None:
    """Warn where patients bear the same identifier under two names of sources.

    `cohort-a:0012` and `cohort-b:0012` may be one patient of a set that was cut in two folders.
    """
    (sources, ids), (others, known) = (_split_ids(side.groups) for side in (real, train))
    twice = set(ids) & set(known)
    if sources & others or len(twice) < max(2.0, _NAMESAKES * len(set(ids))):
        return
    warnings.append(
        f"{len(twice)} of {len(set(ids))} real patients have the identifier of a training patient, "
        f"under another source ({_names(np.asarray([*sources, *others]))}): if they are the same "
        "patients, give both sets the same group_id"
    )


def without_strangers(real: Side, synthetic: Side, warnings: list[str]) -> tuple[Side, Side]:
    """Leave out images of a type that the other side does not have.

    Raises:
        SynthmedError: The sides have no type in common.
    """
    shared = set(real.kinds) & set(synthetic.kinds)
    if not shared:
        raise SynthmedError(
            f"real images are {_names(real.kinds)}, synthetic ones {_names(synthetic.kinds)}",
            where="image_type",
            mend="Give both sets the same names in the column image_type.",
        )
    sides = []
    for side, other in ((real, synthetic), (synthetic, real)):
        known = np.isin(side.kinds, list(shared))
        if not known.all():
            warnings.append(
                f"{int((~known).sum())} {side.name} images of a type that no {other.name} image "
                f"has ({_names(side.kinds[~known])}): left out of the comparison"
            )
        sides.append(side.take(known))
    return sides[0], sides[1]


def generator_card(generator: str | None, synthetic: Side) -> dict[str, Any] | None:
    """Find the card of the generator that made a set.

    Args:
        generator: Its folder or bundled name, if it was given.
        synthetic: The set; a bundled generator is known by the hash in its dataset.json, or in
            the column `generator_hash`.

    Raises:
        SynthmedError: A generator was named that is not there, or whose hash is another than
            that of the set's generator.
    """
    stated = [as_text(row.extra.get("generator_hash")) for row in synthetic.rows]
    made_by = as_text(synthetic.info.get("generation", {}).get("generator_hash")) or max(
        stated, key=stated.count
    )
    folders = bundled_models()
    if generator is not None:
        folder = folders.get(generator, Path(generator))
        card = _card(folder)
        if card is None:
            raise SynthmedError(
                "no generator here", where=generator, mend="Give its folder, or a bundled name."
            )
        if made_by and card.get("hash") not in ("", None, made_by):
            raise SynthmedError(
                "the synthetic images were made by another generator than this",
                where=generator,
                mend=f"Their generator's hash begins with {made_by[:12]}.",
            )
        return card
    cards = (_card(folder) for folder in folders.values())
    return next((card for card in cards if card and made_by and card.get("hash") == made_by), None)


def _split_ids(groups: npt.NDArray[np.str_]) -> tuple[set[str], list[str]]:
    """Sources, and identifiers within them."""
    parts = [str(group).partition(":") for group in sorted(set(groups))]
    return {part[0] for part in parts if part[1]}, [part[2] for part in parts if part[1]]


def _reasons(
    real: Side, train: Side | None, card: dict[str, Any] | None
) -> list[tuple[str, npt.NDArray[np.bool_]]]:
    found = []
    if train is not None:
        same = np.isin(real.groups, train.groups)
        found.append(("are of patients of the training set", same))
        pixels = np.isin(real.digests, train.digests) | np.isin(real.looks(), train.looks())
        found.append(("look exactly like a training image of another patient", pixels & ~same))
    if card is not None:
        names = [hashlib.sha256(group.encode()).hexdigest() for group in real.groups]
        already = found[0][1] | found[1][1] if found else np.zeros(len(real), dtype=bool)
        for key, what in (
            ("training_groups", "the generator's card names"),
            ("codec_groups", "the generator's codec was trained on"),
        ):
            known = np.isin(names, card.get(key) or []) & ~already
            found.append((f"are of patients that {what}", known))
            already = already | known
    return found


def _card(folder: Path) -> dict[str, Any] | None:
    try:
        card = json.loads((folder / "synthmed.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return card if isinstance(card, dict) else None


def _names(kinds: Sequence[str] | npt.NDArray[np.str_]) -> str:
    return ", ".join(repr(str(kind)) for kind in sorted(set(kinds)))
