"""Locality: a change of known size at a known place."""

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.measures.edits.locality import change_map, locality, locality_kept


def scene():
    """Four images; a square of 4 × 4 of 16 × 16 pixels is to change."""
    source = np.zeros((4, 1, 16, 16))
    masks = np.zeros((4, 16, 16), bool)
    masks[:, 2:6, 2:6] = True
    return source, masks


def test_a_change_inside_outside_and_everywhere():
    source, masks = scene()
    edited = source.copy()
    edited[0, 0, 2:6, 2:6] = 0.5  # inside only
    edited[1, 0, 10:14, 10:14] = 0.5  # outside only
    edited[2] += 0.5  # everywhere
    edited[3, 0, 2:6, 2:4] = -0.5  # half of the region
    found = locality(source, edited, masks)
    np.testing.assert_allclose(found.inside, [0.5, 0.0, 0.5, 0.25])
    np.testing.assert_allclose(found.outside, [0.0, 0.5 * 16 / 240, 0.5, 0.0])
    np.testing.assert_allclose(found.share, [1.0, 0.0, 1 / 16, 1.0])
    np.testing.assert_allclose(found.area, 1 / 16)


def test_empty_masks_full_masks_and_unchanged_images_are_never_numbers():
    source, masks = scene()
    masks[0], masks[1] = False, True
    edited = source + 0.5
    edited[2] = source[2]
    found = locality(source, edited, masks)
    assert (found.empty, found.unchanged) == (1, 1)
    assert np.isnan(found.inside[0])
    assert found.outside[0] == 0.5
    assert np.isnan(found.outside[1])
    assert found.share[1] == 1.0
    np.testing.assert_array_equal(np.isnan(found.share), [True, False, True, False])
    kept = locality_kept(source, edited, masks, ["a", "b", "c", "d"])
    assert (kept["share"].n, kept["inside"].n, kept["outside"].n) == (2, 3, 3)
    assert kept["area"].n == 2  # of the same images as the share
    np.testing.assert_allclose(kept["area"].value, (1 + 1 / 16) / 2)


def test_a_measure_that_is_defined_nowhere_is_left_out():
    source, masks = scene()
    kept = locality_kept(source, source + 0.1, np.zeros_like(masks), ["a", "b", "c", "d"])
    assert sorted(kept) == ["outside"]


def test_channels_are_averaged_and_integers_refused():
    source = np.zeros((1, 3, 4, 4))
    edited = source.copy()
    edited[:, 0] = 0.6
    np.testing.assert_allclose(change_map(source, edited), 0.2)
    with pytest.raises(SynthmedError, match="not floats"):
        change_map(source.astype(np.uint8), edited)


def test_shapes_must_fit():
    source, masks = scene()
    with pytest.raises(SynthmedError, match="masks of shape"):
        locality(source, source, masks[:, :8])
    with pytest.raises(SynthmedError, match="threshold"):
        locality(source, source, masks.astype(float))
