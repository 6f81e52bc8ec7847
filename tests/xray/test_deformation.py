"""Elastic deformation: smooth, bounded, without folds, the same for HU and labels."""

import numpy as np
import pytest
from xray_phantoms import affine_of, sphere, world

from synthmed.xray.deformation import basis, deformed, displacement
from synthmed.xray.scene import Deformation

SHAPE = (36, 30, 40)
AFFINE = affine_of(SHAPE, (4.0, 5.0, 3.0))
STRONG = Deformation(seed=3, spacing_mm=40.0, amplitude_mm=16.0)


def test_the_spline_is_a_partition_of_one_and_reproduces_lines() -> None:
    weights = basis(30, 5.0, 40.0)
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-6)
    assert (weights >= 0).all()
    control = (np.arange(weights.shape[1]) - 1) * 40.0  # the points' own places
    np.testing.assert_allclose(weights @ control, np.arange(30) * 5.0, atol=1e-3)


def test_displacements_are_bounded_smooth_and_seeded() -> None:
    moved = displacement(SHAPE, AFFINE, STRONG)
    assert moved.shape == (3, *SHAPE)
    assert moved.dtype == np.float32
    assert 3 < np.abs(moved).max() <= 16
    assert np.array_equal(moved, displacement(SHAPE, AFFINE, STRONG))
    other = Deformation(seed=4, spacing_mm=40.0, amplitude_mm=16.0)
    assert np.abs(moved - displacement(SHAPE, AFFINE, other)).max() > 3


@pytest.mark.parametrize("seed", range(5))
def test_the_strongest_deformation_does_not_fold(seed: int) -> None:
    moved = displacement(SHAPE, AFFINE, Deformation(seed, 40.0, 16.0)).astype(np.float64)
    sides = np.linalg.norm(AFFINE[:3, :3], axis=0)
    gradient = np.stack([np.stack(np.gradient(u, *sides)) for u in moved])  # (3, 3, X, Y, Z)
    jacobian = np.linalg.det(np.moveaxis(gradient, (0, 1), (-2, -1)) + np.eye(3))
    assert jacobian.min() > 0
    assert np.ptp(jacobian) > 0.3  # and it deforms


def test_labels_move_with_the_hu() -> None:
    inside = sphere(SHAPE, AFFINE, (10.0, 5.0, -5.0), 35.0)
    hu, labels = 1000 * inside - 1000, (inside > 0.5).astype(np.uint16) * 300
    moved_hu, moved_labels = deformed(hu, labels, AFFINE, STRONG)
    assert moved_hu.dtype == np.float32
    assert moved_labels is not None
    assert moved_labels.dtype == np.uint16
    assert set(np.unique(moved_labels)) == {0, 300}
    assert np.mean((moved_labels > 0) != (labels > 0)) > 0.01
    organ = moved_labels > 0
    assert np.mean((moved_hu > -500) == organ) > 0.99
    assert np.mean((hu > -500) == organ) < 0.99


def test_the_hu_come_from_the_displaced_places() -> None:
    # A field of HU that is linear in the place shows the displacement itself.
    places = world(SHAPE, AFFINE).astype(np.float32)
    moved = displacement(SHAPE, AFFINE, STRONG)
    for axis in range(3):
        found, _ = deformed(places[axis], None, AFFINE, STRONG)
        inner = np.s_[6:-6, 6:-6, 8:-8]
        np.testing.assert_allclose((found - places[axis])[inner], moved[axis][inner], atol=0.01)


def test_no_amplitude_and_no_deformation_change_nothing() -> None:
    rng = np.random.default_rng(0)
    hu = rng.normal(0, 300, SHAPE).astype(np.float32)
    labels = rng.integers(0, 5, SHAPE).astype(np.uint16)
    same_hu, same_labels = deformed(hu, labels, AFFINE, Deformation(1, 40.0, 0.0))
    np.testing.assert_allclose(same_hu, hu, atol=0.1)
    assert np.array_equal(same_labels, labels)
    untouched, none = deformed(hu, None, AFFINE, None)
    assert untouched is hu
    assert none is None


def test_slabs_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    hu = sphere(SHAPE, AFFINE, (0.0, 0.0, 0.0), 40.0)
    whole, _ = deformed(hu, None, AFFINE, STRONG)
    monkeypatch.setattr("synthmed.xray.deformation._SLAB", 5000)
    parts, _ = deformed(hu, None, AFFINE, STRONG)
    np.testing.assert_allclose(parts, whole, atol=1e-5)
