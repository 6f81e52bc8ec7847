"""Where source, detector and rays are, in mm; which side of the patient lies where."""

import dataclasses

import numpy as np
import pytest
from xray_phantoms import affine_of, miss

from synthmed.errors import SynthmedError
from synthmed.xray.geometry import camera, cast_rays, corners, rays_for
from synthmed.xray.scene import Scene

RIGHT, FRONT, HEAD = np.eye(3)
SHAPE = (20, 24, 28)
AFFINE = affine_of(SHAPE, (5.0, 5.0, 5.0))


@pytest.mark.parametrize(
    ("view", "source", "right"),
    [
        ("AP", FRONT, -RIGHT),
        ("PA", -FRONT, -RIGHT),
        ("left lateral", RIGHT, -FRONT),
        ("right lateral", -RIGHT, FRONT),
    ],
)
def test_named_views(view: str, source: np.ndarray, right: np.ndarray) -> None:
    found = camera(Scene(view=view), np.zeros(3))
    np.testing.assert_allclose(found.source, 1600 * source, atol=1e-9)
    np.testing.assert_allclose(found.beam, -source, atol=1e-12)
    np.testing.assert_allclose(found.right, right, atol=1e-12)
    np.testing.assert_allclose(found.down, -HEAD, atol=1e-12)


@pytest.mark.parametrize(("azimuth", "towards_front"), [(30.0, True), (150.0, False)])
def test_obliques_keep_the_patients_right_on_the_left(azimuth: float, towards_front: bool) -> None:
    found = camera(Scene(view="oblique", angles_deg=(azimuth, 0.0, 0.0)), np.zeros(3))
    assert bool(found.source @ FRONT > 0) is towards_front
    assert found.source @ RIGHT < 0  # the source is turned to the patient's left
    assert found.right @ RIGHT < -0.8


@pytest.mark.parametrize("azimuth", [268.0, 270.0, 272.0])
def test_a_jittered_lateral_is_not_mirrored(azimuth: float) -> None:
    found = camera(Scene(view="left lateral", angles_deg=(azimuth, 1.0, 0.0)), np.zeros(3))
    assert found.right @ FRONT < -0.99


def test_elevation_lifts_the_source_and_roll_turns_the_image() -> None:
    lifted = camera(Scene(angles_deg=(0.0, 30.0, 0.0)), np.zeros(3))
    np.testing.assert_allclose(lifted.source, 1600 * (0.5 * HEAD + np.sqrt(0.75) * FRONT))
    assert lifted.down @ lifted.beam == pytest.approx(0, abs=1e-12)
    rolled = camera(Scene(angles_deg=(0.0, 0.0, 30.0)), np.zeros(3))
    assert rolled.right @ HEAD == pytest.approx(-0.5)
    np.testing.assert_allclose(np.cross(rolled.right, rolled.down), rolled.beam, atol=1e-12)


def test_the_isocentre_is_the_volumes_centre_and_the_shift() -> None:
    moved = AFFINE.copy()
    moved[:3, 3] += [100, -50, 20]
    scene = Scene(shift_mm=(3.0, 4.0, 5.0))
    rays = cast_rays(scene, SHAPE, moved)
    np.testing.assert_allclose(rays.starts[0], [103, -46 + 1600, 25])
    low, high = corners(SHAPE, moved)
    np.testing.assert_allclose(low, [50, -110, -50])
    np.testing.assert_allclose(high, [150, 10, 90])


@pytest.mark.parametrize("projection", ["cone", "parallel"])
def test_rays_meet_the_centres_of_the_pixels(projection: str) -> None:
    scene = Scene(
        projection=projection,
        source_detector_mm=1000.0,
        source_isocentre_mm=800.0,
        detector_mm=(200.0, 300.0),
        size=(4, 5),
    )
    rays = cast_rays(scene, SHAPE, AFFINE)
    assert rays.ends.shape == rays.starts.shape == (20, 3)
    # AP: the detector's plane lies 200 mm behind the isocentre; columns grow to the left.
    rows, columns = np.mgrid[:4, :5]
    pixels = np.stack([(2 - columns) * 60.0, np.full((4, 5), -200.0), (1.5 - rows) * 50.0], -1)
    away = [
        miss(dataclasses.replace(rays, starts=rays.starts[[i]], ends=rays.ends[[i]]), tuple(p))[0]
        for i, p in enumerate(pixels.reshape(-1, 3))
    ]
    np.testing.assert_allclose(away, 0, atol=1e-9)
    way = rays.ends - rays.starts
    is_parallel = np.allclose(np.cross(way, [0, -1, 0]), 0)
    assert is_parallel is (projection == "parallel")


def test_parts_of_pixels_lie_within_their_pixel() -> None:
    scene = Scene(projection="parallel", detector_mm=(40.0, 60.0), size=(2, 2))
    fine = cast_rays(scene, SHAPE, AFFINE, 3).starts.reshape(2, 3, 2, 3, 3)
    coarse = cast_rays(scene, SHAPE, AFFINE).starts.reshape(2, 2, 3)
    np.testing.assert_allclose(fine.mean(axis=(1, 3)), coarse)
    assert np.ptp(fine[0, :, 0, :, 0]) == pytest.approx(20)  # 2/3 of 30 mm


@pytest.mark.parametrize("projection", ["cone", "parallel"])
def test_rays_run_through_the_whole_volume(projection: str) -> None:
    scene = Scene(
        projection=projection,
        source_detector_mm=300.0,
        source_isocentre_mm=299.0,
        shift_mm=(0.0, 30.0, 0.0),
        detector_mm=(20.0, 20.0),
    )
    rays = cast_rays(scene, SHAPE, AFFINE)
    assert rays.ends[:, 1].max() < -60 < 60 < rays.starts[:, 1].min()


def test_a_source_inside_the_volume_is_refused() -> None:
    scene = Scene(source_isocentre_mm=50.0, source_detector_mm=500.0)
    with pytest.raises(SynthmedError, match="inside the volume"):
        cast_rays(scene, SHAPE, AFFINE)
    cast_rays(dataclasses.replace(scene, source_isocentre_mm=70.0), SHAPE, AFFINE)
    cast_rays(dataclasses.replace(scene, projection="parallel"), SHAPE, AFFINE)


def test_coarse_pixels_get_several_rays() -> None:
    scene = Scene(projection="parallel", detector_mm=(400.0, 400.0))
    assert [
        rays_for(dataclasses.replace(scene, size=(n, n)), AFFINE) for n in (100, 50, 25, 5)
    ] == [*(1, 2, 3, 4)]
    magnified = Scene(detector_mm=(400.0, 400.0), size=(50, 50), source_isocentre_mm=900.0)
    assert rays_for(magnified, AFFINE) == 1
