"""Dice and IoU: hand-made masks, empty ones counted rightly."""

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.measures.edits.overlap import dice, iou, overlap


def masks():
    """Equal, half overlapping, apart, both empty, lost, invented."""
    a, b = np.zeros((2, 6, 8, 8), bool)
    a[0, :2], b[0, :2] = True, True
    a[1, :4], b[1, 2:6] = True, True
    a[2, :2], b[2, 4:] = True, True
    a[4, :2] = True
    b[5, :2] = True
    return a, b


def test_hand_made_masks():
    np.testing.assert_allclose(dice(*masks()), [1, 0.5, 0, 1, 0, 0])
    np.testing.assert_allclose(iou(*masks()), [1, 1 / 3, 0, 1, 0, 0])


def test_unsigned_labels_do_not_wrap_round():
    a, b = masks()
    np.testing.assert_allclose(dice(a.astype(np.uint8) * 200, b.astype(np.uint16)), dice(a, b))


def test_the_counts_stand_beside_the_means():
    found = overlap(*masks(), groups=list("abcdef"))
    assert (found.both_empty, found.lost, found.invented) == (1, 1, 1)
    np.testing.assert_allclose(found.dice.value, 2.5 / 6)
    np.testing.assert_allclose(found.iou.value, (2 + 1 / 3) / 6)
    assert found.dice_where_any is not None
    np.testing.assert_allclose(found.dice_where_any.value, 1.5 / 5)
    assert found.dice_where_any.n == 5


def test_empty_masks_do_not_hide_a_lost_lesion():
    """Ninety-nine healthy patients and one whose lesion is gone: .99 over all, 0 where any."""
    a = np.zeros((100, 4, 4), bool)
    a[:2, 1:3] = True
    found = overlap(a, np.zeros_like(a), groups=range(100), bootstraps=50)
    assert found.dice.value == 0.98
    assert found.dice_where_any is not None
    assert found.dice_where_any.value == 0.0
    assert found.lost == 2


def test_no_lesion_at_all_has_no_mean_of_lesions():
    a = np.zeros((3, 4, 4), bool)
    assert overlap(a, a, groups=list("abc"), bootstraps=20).dice_where_any is None


def test_bad_masks():
    a, b = masks()
    with pytest.raises(SynthmedError, match="threshold"):
        dice(a.astype(np.float32), b)
    with pytest.raises(SynthmedError, match="cannot be compared"):
        dice(a, b[:3])
    with pytest.raises(SynthmedError, match="5 groups"):
        overlap(a, b, groups=list("abcde"))
