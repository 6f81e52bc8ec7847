"""Where an edit changed the image: inside the region that it should change, or elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array, as_images
from synthmed.measures.edits.estimates import Estimate, mean_over_patients
from synthmed.measures.edits.overlap import as_masks

UNCHANGED = 1.0 / 255.0
"""An image whose largest change is below this (half a grey level of 8 bits) did not change."""


@dataclass(frozen=True)
class Locality:
    """Where each image changed; (N,) arrays, not-a-number where undefined.

    Attributes:
        inside: Mean absolute change inside the mask; undefined for an empty mask.
        outside: Mean absolute change outside; undefined for a mask of the whole image.
        share: Share of the whole change that lies inside; undefined for an empty mask and where
            nothing changed.
        area: Share of the image that the mask covers: what ``share`` is for a change that is
            spread evenly.
        empty: Number of images with an empty mask.
        unchanged: Number of images that did not change.
    """

    inside: Array
    outside: Array
    share: Array
    area: Array
    empty: int
    unchanged: int


def change_map(source: Any, edited: Any) -> Array:
    """Absolute change of each pixel, averaged over channels.

    Args:
        source: (N, C, H, W) floats in [-1, 1].
        edited: (N, C, H, W) floats in [-1, 1].

    Returns:
        (N, H, W) from 0 to 2.

    Raises:
        SynthmedError: Integers (their differences wrap round), or shapes that differ.
    """
    a, b = as_images(source, "source images"), as_images(edited, "edited images")
    if a.shape != b.shape:
        raise SynthmedError(f"images of shapes {a.shape} and {b.shape} cannot be compared")
    return np.asarray(np.abs(a - b).mean(axis=1))


def locality(source: Any, edited: Any, masks: Any) -> Locality:
    """Change inside and outside a mask, image by image.

    Args:
        source: (N, C, H, W) floats in [-1, 1].
        edited: (N, C, H, W) floats in [-1, 1].
        masks: (N, H, W) booleans or integers; anything but 0 is the region to change.

    Returns:
        The changes. Empty masks and unchanged images are counted, never filled in by a number.

    Raises:
        SynthmedError: Shapes that do not fit.
    """
    change, regions = change_map(source, edited), as_masks(masks)
    if regions.shape != change.shape:
        raise SynthmedError(f"masks of shape {regions.shape} for changes of {change.shape}")
    pixels, covered = change[0].size, regions.sum(axis=(1, 2))
    within, total = (change * regions).sum(axis=(1, 2)), change.sum(axis=(1, 2))
    still = change.max(axis=(1, 2)) < UNCHANGED
    return Locality(
        inside=_ratio(within, covered, covered > 0),
        outside=_ratio(total - within, pixels - covered, covered < pixels),
        share=_ratio(within, total, (covered > 0) & ~still),
        area=covered / pixels,
        empty=int((covered == 0).sum()),
        unchanged=int(still.sum()),
    )


def locality_kept(
    source: Any,
    edited: Any,
    masks: Any,
    groups: Sequence[object],
    *,
    bootstraps: int = 1000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Means of ``locality`` over images, with intervals over patients.

    Args:
        source: (N, C, H, W) floats in [-1, 1].
        edited: (N, C, H, W) floats in [-1, 1].
        masks: (N, H, W) booleans or integers.
        groups: Patient of each image.
        bootstraps: Draws of the bootstrap.
        seed: Seeds the draws.

    Returns:
        ``inside``, ``outside``, ``share`` and ``area``, each over the images for which it is
        defined; a measure that is defined for none is left out. ``area`` covers the images that
        ``share`` covers, so that both can be compared.

    Raises:
        SynthmedError: Shapes that do not fit, or a single patient.
    """
    found = locality(source, edited, masks)
    values = {"inside": found.inside, "outside": found.outside, "share": found.share}
    values["area"] = np.where(np.isnan(found.share), np.nan, found.area)
    return {
        name: mean_over_patients(value, groups, bootstraps=bootstraps, seed=seed)
        for name, value in values.items()
        if not np.isnan(value).all()
    }


def _ratio(above: Array, below: Any, defined: Any) -> Array:
    """(N,) quotients, not-a-number where undefined."""
    return np.asarray(np.where(defined, above / np.where(defined, below, 1.0), np.nan))
