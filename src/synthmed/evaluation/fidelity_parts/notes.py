"""The section's warnings and methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image

from synthmed.evaluation.context import Context
from synthmed.evaluation.fidelity_parts.material import Material
from synthmed.evaluation.fidelity_parts.strata import Stratum
from synthmed.evaluation.sides import Side
from synthmed.measures.metrics import FRECHET_MINIMUM

FEW_GROUPS = 20
MIXED = 0.10
_FILES = 200


def warnings_of(
    context: Context, parts: Sequence[Stratum], entries: Mapping[str, Any]
) -> list[str]:
    """Say what a reader must know before trusting the numbers.

    Args:
        context: The compared sides.
        parts: All strata.
        entries: By title of a stratum what ``compare.compared`` gave.
    """
    return [*_small(entries), *_types(context, parts), *_sizes(context.real, context.synthetic)]


def _small(entries: Mapping[str, Any]) -> list[str]:
    told = []
    whole = next(iter(entries.values()), None)
    if whole and whole["n_compared"] < FRECHET_MINIMUM:
        told.append(
            f"Fréchet distances are of {whole['n_compared']:,} images a side or fewer: below "
            f"{FRECHET_MINIMUM:,} they are mostly bias; go by KID and CMMD"
        )
    for key, word in (("groups_real", "real"), ("groups_synthetic", "synthetic")):
        few = [
            f"{name} ({entry[key]})" for name, entry in entries.items() if entry[key] < FEW_GROUPS
        ]
        if few:
            told.append(
                f"fewer than {FEW_GROUPS} groups (patients, or images) of {word} images: the "
                f"intervals of {_listed(few)} are rough"
            )
    own = [
        f"{name} ({entry['n_baseline']:,} instead of {entry['n_compared']:,})"
        for name, entry in entries.items()
        if entry["n_baseline"] < entry["n_compared"]
    ]
    if own:
        told.append(
            f"the real set is too small for two halves of the compared size: the baseline of "
            f"{_listed(own)} images a side has its own n; Fréchet distance, precision and recall "
            "depend on n, so theirs are not comparable"
        )
    return told


def _types(context: Context, parts: Sequence[Stratum]) -> list[str]:
    told = []
    for part in parts:
        if part.level == "type" and not (len(part.real) and len(part.synthetic)):
            side = "synthetic" if len(part.real) else "real"
            told.append(f"type {part.kind or '(none)'!r}: no {side} image")
    names = sorted({*context.real.kinds.tolist(), *context.synthetic.kinds.tolist()})
    shares = [
        np.array([(side.kinds == name).mean() for name in names])
        for side in (context.real, context.synthetic)
    ]
    apart = float(np.abs(shares[0] - shares[1]).sum() / 2)
    if apart > MIXED:
        told.append(
            f"the sets mix types differently ({apart:.0%} of the images would have to change "
            "type): the figures of all images contain this; go by those of the types"
        )
    return told


def _sizes(real: Side, synthetic: Side) -> list[str]:
    """Warn of images that were made smaller or larger: the figures are those of the frame."""
    shown, ends = [], []
    for side in (real, synthetic):
        longer = [max(size) for size in _file_sizes(side)]
        if not longer:
            return []
        ends += [min(longer), max(longer)]
        shown.append(f"{side.name} {min(longer)} to {max(longer)}")
    if set(ends) == {real.size}:
        return []
    limit = "" if max(ends) <= real.size else ": nothing is said of finer detail"
    blur = "" if min(ends) >= real.size else "; those that were enlarged look blurred"
    return [
        f"images of other sizes (longer side in pixels: {', '.join(shown)}) were framed to "
        f"{real.size} pixels{limit}{blur}"
    ]


def _file_sizes(side: Side) -> list[tuple[int, int]]:
    """Width and height of at most 200 files, spread over the set; none where they are not there."""
    found = []
    for row in side.rows[:: max(1, len(side) // _FILES)]:
        try:
            with Image.open(row.file, formats=("PNG", "JPEG", "TIFF", "BMP")) as image:
                found.append(image.size)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            continue
    return found


def methods_of(context: Context, given: Material, entries: Mapping[str, Any]) -> list[str]:
    """Say how everything was measured, so that it can be cited.

    Args:
        context: The compared sides.
        given: Features of both sides.
        entries: By title of a stratum what ``compare.compared`` gave.
    """
    settings, whole = context.settings, next(iter(entries.values()), None)
    n = f"{whole['n_compared']:,} images a side" if whole else "no images"
    return [
        f"Features: {given.real.id}; preprocessing: {given.real.preprocessing}. All images were "
        f"framed to {context.real.size} pixels.",
        f"Real and synthetic images are compared at equal n ({n} in all): the larger side is cut "
        f"by whole groups (seed {settings.seed}). The baseline compares two halves of the real "
        "set, no group in both, every type dealt evenly, at the same n where the set suffices.",
        "KID: unbiased U-statistic with the cubic kernel over all pairs (Bińkowski et al. 2018). "
        "CMMD: unbiased, Gaussian kernel of sigma 10 on unit-norm features, times 1,000 "
        "(Jayasumana et al. 2024). Fréchet distance: eigenvalue form in float64 (Heusel et al. "
        "2017). Precision and recall: Kynkäänniemi et al. 2019; density and coverage: Naeem et "
        "al. 2020; fifth neighbour.",
        f"Diversity is compared within each {given.within}. Spectra: radial power with a Hann "
        "window.",
        "Intervals: 95 %, delete-a-group jackknife over patients (synthetic: images) with "
        f"{settings.blocks} blocks, fewer where there are fewer groups.",
        "Lights: excess and loss compare two halves of the real images (at most 2,048 each, and no "
        "more than there are synthetic images) with each other and with as many synthetic images, "
        "with one jackknife of the difference; the samples of a control have one size, too; blurs "
        "are Gaussian.",
    ]


def _listed(names: Sequence[str], most: int = 5) -> str:
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest
