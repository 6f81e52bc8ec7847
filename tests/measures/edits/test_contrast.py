"""Retained contrast: known values, what counts as visible, and the control that must be flagged."""

from __future__ import annotations

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.measures.edits.contrast import contrast_kept, filled, local_contrast, rings


def disc(size: int = 40, radius: int = 6) -> np.ndarray:
    y, x = np.mgrid[:size, :size]
    return (y - size // 2) ** 2 + (x - size // 2) ** 2 <= radius**2


def lesions(height: float, noise: float = 0.1, count: int = 5) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(0, noise, (count, 1, 40, 40)) + height * disc()


MASKS = np.repeat(disc()[None], 5, axis=0)


def test_a_ring_lies_around_the_mask_and_on_the_image() -> None:
    ring = rings(MASKS, 2)
    assert not (ring & MASKS).any()
    assert ring[0, 20, 20 + 7]
    assert ring[0, 20, 20 + 8]
    assert not ring[0, 20, 20 + 9]
    inside = np.zeros_like(MASKS)
    inside[:, :20] = True
    assert not rings(MASKS, 2, inside)[:, 20:].any()


def test_contrast_is_the_difference_in_units_of_the_spread() -> None:
    found = local_contrast(lesions(0.4), MASKS, 4)
    assert found == pytest.approx(np.full(5, 4.0), rel=0.25)
    assert local_contrast(-lesions(0.4), MASKS, 4) == pytest.approx(found)  # dark or bright
    assert local_contrast(lesions(0.0), MASKS, 4).max() < 0.5
    flat = local_contrast(lesions(0.4, noise=0.0), MASKS, 4)
    assert flat == pytest.approx(np.full(5, 0.4 / (2 / 255)))  # one grey level at least


def test_padding_is_no_surrounding() -> None:
    image = lesions(0.4)
    image[:, :, 20:] = -1.0
    inside = np.zeros_like(MASKS)
    inside[:, :20] = True
    half = MASKS & inside
    assert local_contrast(image, half, 4, inside) == pytest.approx(np.full(5, 4.0), rel=0.3)
    assert local_contrast(image, half, 4).max() < 3


def test_masks_without_pixels_or_surroundings_have_no_contrast() -> None:
    tiny, whole = np.zeros((1, 40, 40), bool), np.ones((1, 40, 40), bool)
    tiny[0, 3, 3] = True
    assert np.isnan(local_contrast(lesions(1)[:1], tiny, 3)).all()
    assert np.isnan(local_contrast(lesions(1)[:1], whole, 3)).all()


def test_half_of_the_contrast_must_stay_and_only_visible_ones_count() -> None:
    before = [4.0, 4.0, 4.0, 0.4, np.nan, 4.0]
    after = [4.1, 2.0, 1.9, 0.0, 1.0, np.nan]
    found = contrast_kept(before, after)
    assert found[:3].tolist() == [1, 1, 0]
    assert np.isnan(found[3:]).all()
    assert np.isnan(contrast_kept([0.49], [0.0])).all()
    assert contrast_kept([0.5], [0.0]).tolist() == [0]


def test_a_filled_lesion_is_gone_and_identity_keeps_all() -> None:
    image = lesions(0.5)
    before = local_contrast(image, MASKS, 4)
    assert contrast_kept(before, before).tolist() == [1] * 5
    gone = filled(image, MASKS, 4, seed=1)
    assert contrast_kept(before, local_contrast(gone, MASKS, 4)).tolist() == [0] * 5
    assert np.array_equal(gone[:, 0][~MASKS], image[:, 0][~MASKS])
    ring = set(image[0, 0][rings(MASKS[:1], 4)[0]].tolist())
    assert set(gone[0, 0][MASKS[0]].tolist()) <= ring
    assert np.array_equal(gone, filled(image, MASKS, 4, seed=1))


def test_colours_are_filled_alike() -> None:
    image = np.repeat(lesions(0.5), 3, axis=1)
    gone = filled(image, MASKS, 4)
    assert np.array_equal(gone[:, 0], gone[:, 2])


def test_what_does_not_fit_is_an_error() -> None:
    image = lesions(0.5)
    with pytest.raises(SynthmedError, match="masks of shape"):
        local_contrast(image, MASKS[:2], 4)
    with pytest.raises(SynthmedError, match="masks of shape"):
        filled(image, MASKS[:, :20], 4)
    with pytest.raises(SynthmedError, match="do not fit"):
        rings(MASKS, 4, MASKS[:1])
    with pytest.raises(SynthmedError, match="not booleans"):
        local_contrast(image, MASKS.astype(float), 4)
    with pytest.raises(SynthmedError, match="contrasts of shapes"):
        contrast_kept([1.0], [1.0, 2.0])
