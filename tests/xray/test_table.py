"""Taking the scanner's table out of a CT."""

import numpy as np
import pytest
from xray_phantoms import affine_of, box, sphere, world

from synthmed.xray.table import without_table

SHAPE = (60, 60, 24)
AFFINE = affine_of(SHAPE, (4.0, 4.0, 6.0))


def patient() -> np.ndarray:
    """A torso with a lung and a rib of 8 mm, and an arm beside it."""
    hu = np.full(SHAPE, -1000.0, np.float32)
    places = world(SHAPE, AFFINE)
    hu[np.hypot(places[0] / 80, places[1] / 55) < 1] = 40
    hu[sphere(SHAPE, AFFINE, (30.0, 5.0, 0.0), 30.0) > 0.5] = -850
    hu[np.hypot(places[0] - 105, places[1]) < 14] = 20
    return hu


@pytest.mark.parametrize("gap_mm", [2.0, 20.0])
def test_the_table_goes_and_the_patient_stays(gap_mm: float) -> None:
    hu = patient()
    # A board of 8 mm, touching the back or not, and a blanket of one voxel above.
    top = -55 - gap_mm
    board = box(SHAPE, AFFINE, (-110.0, top - 8, -80.0), (110.0, top, 80.0)) & (hu < -500)
    blanket = box(SHAPE, AFFINE, (-60.0, 80.0, -80.0), (60.0, 83.9, 80.0))
    scanned = hu.copy()
    scanned[board], scanned[blanket] = 100, -100
    cleaned = without_table(scanned, AFFINE)
    assert cleaned.dtype == np.float32
    assert np.array_equal(cleaned[hu > -500], hu[hu > -500])  # body, arm
    assert np.array_equal(cleaned[hu == -850], hu[hu == -850])  # the lung, enclosed
    left = (cleaned > -500) & (board | blanket)
    assert left.sum() < (0.35 if gap_mm < 10 else 0.001) * (board | blanket).sum()
    assert not (cleaned[blanket] > -500).any()
    assert (scanned[board] == 100).all()  # the scan itself is untouched


def test_a_scan_without_table_keeps_its_body() -> None:
    hu = patient()
    assert np.array_equal(without_table(hu, AFFINE), hu)
    air = np.full(SHAPE, -1000.0, np.float32)
    assert np.array_equal(without_table(air, AFFINE), air)


def test_noise_in_the_air_becomes_air() -> None:
    rng = np.random.default_rng(0)
    hu = patient()
    noisy = np.where(hu == -1000, hu + rng.normal(0, 60, SHAPE), hu).astype(np.float32)
    away = box(SHAPE, AFFINE, (-118.0, 70.0, -80.0), (118.0, 118.0, 80.0))
    assert (without_table(noisy, AFFINE)[away] == -1000).all()
