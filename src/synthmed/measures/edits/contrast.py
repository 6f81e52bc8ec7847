"""Whether a masked structure, such as a lesion, still stands out from what surrounds it.

This is no segmentation: it says that something can still be seen at the place where the mask is,
brighter or darker than its surroundings, not that it is the same lesion.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, generate_binary_structure

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array, as_images
from synthmed.measures.edits.overlap import as_masks

SMALLEST, RING = 4, 8
"""Fewest pixels of a mask and of the ring around it."""
GREY_LEVEL = 2.0 / 255.0
"""Spreads below one grey level of 8 bits count as one."""
VISIBLE = 0.5
"""Contrast from which on a structure counts as visible."""
KEPT = 0.5
"""Share of a structure's contrast that it must keep."""


def rings(masks: Any, width: int, inside: Any = None) -> NDArray[np.bool_]:
    """The surroundings of each mask: what lies outside it, at most `width` pixels away.

    Args:
        masks: (N, H, W) booleans or integers.
        width: In pixels, at least 1.
        inside: (N, H, W) booleans: where the image is, without its padding; None is everywhere.

    Returns:
        (N, H, W) booleans.

    Raises:
        SynthmedError: Floats, or shapes that differ.
    """
    regions = as_masks(masks)
    shape = generate_binary_structure(2, 2)
    grown = [binary_dilation(region, shape, iterations=width) for region in regions]
    found = np.stack(grown) & ~regions
    if inside is None:
        return found
    allowed = as_masks(inside)
    if allowed.shape != regions.shape:
        raise SynthmedError(f"masks of shapes {regions.shape} and {allowed.shape} do not fit")
    return found & allowed


def local_contrast(images: Any, masks: Any, width: int, inside: Any = None) -> Array:
    """Contrast of each masked structure against its surroundings.

    ``|mean inside - mean of the ring| / √((var inside + var of the ring) / 2)``: the absolute
    difference of means in units of the spread (Cohen's d with equal weights). Absolute, because
    a translation between devices or sequences may turn bright to dark.

    Args:
        images: (N, C, H, W) floats; channels are averaged.
        masks: (N, H, W) booleans or integers.
        width: Of the ring, in pixels.
        inside: (N, H, W) booleans: where the image is, without its padding.

    Returns:
        (N,) at least 0; not-a-number where the mask has fewer than 4 pixels or its ring fewer
        than 8.

    Raises:
        SynthmedError: Integers, or shapes that do not fit.
    """
    grey, regions = as_images(images).mean(axis=1), as_masks(masks)
    if grey.shape != regions.shape:
        raise SynthmedError(f"masks of shape {regions.shape} for images of {grey.shape}")
    found = np.full(len(grey), np.nan)
    for i, (image, region, ring) in enumerate(
        zip(grey, regions, rings(regions, width, inside), strict=True)
    ):
        if region.sum() >= SMALLEST and ring.sum() >= RING:
            one, other = image[region], image[ring]
            spread = max(np.sqrt((one.var() + other.var()) / 2.0), GREY_LEVEL)
            found[i] = abs(one.mean() - other.mean()) / spread
    return found


def contrast_kept(before: Any, after: Any) -> Array:
    """Whether each visible structure kept half of its contrast.

    Args:
        before: (N,) contrasts in the sources, as `local_contrast` gives them.
        after: (N,) contrasts in the edits.

    Returns:
        (N,) of 1 and 0; not-a-number where the structure was not visible before (contrast below
        0.5) or a contrast is not defined: nothing can be lost there.

    Raises:
        SynthmedError: Shapes that differ.
    """
    one, other = (np.asarray(x, dtype=np.float64) for x in (before, after))
    if one.shape != other.shape or one.ndim != 1:
        raise SynthmedError(f"contrasts of shapes {one.shape} and {other.shape}")
    visible = (np.nan_to_num(one, nan=-1.0) >= VISIBLE) & ~np.isnan(other)
    kept = np.nan_to_num(other, nan=-1.0) >= KEPT * np.nan_to_num(one)
    return np.where(visible, kept.astype(np.float64), np.nan)


def filled(images: Any, masks: Any, width: int, inside: Any = None, seed: int = 0) -> Array:
    """Fill each masked structure with pixels drawn from its surroundings: the structure is gone.

    The control of `contrast_kept`: it must find these structures lost.

    Args:
        images: (N, C, H, W) floats.
        masks: (N, H, W) booleans or integers.
        width: Of the ring, in pixels.
        inside: (N, H, W) booleans: where the image is, without its padding.
        seed: Seeds the draw.

    Returns:
        (N, C, H, W) float64; an image without a ring stays as it is.

    Raises:
        SynthmedError: Integers, or shapes that do not fit.
    """
    result, regions = as_images(images).copy(), as_masks(masks)
    if result.shape[0] != len(regions) or result.shape[2:] != regions.shape[1:]:
        raise SynthmedError(f"masks of shape {regions.shape} for images of {result.shape}")
    rng = np.random.default_rng(seed)
    for image, region, ring in zip(result, regions, rings(regions, width, inside), strict=True):
        if ring.any() and region.any():
            drawn = rng.choice(np.flatnonzero(ring), int(region.sum()))
            image[:, region] = image.reshape(len(image), -1)[:, drawn]
    return result
