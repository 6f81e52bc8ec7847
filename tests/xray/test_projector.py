"""Line integrals against the formulas of spheres and boxes; tolerances stated beforehand."""

import sys

import numpy as np
import pytest
import torch
from xray_phantoms import affine_of, box, box_chord, chord, miss, sphere

from synthmed.errors import SynthmedError
from synthmed.xray.geometry import cast_rays
from synthmed.xray.projector import class_lengths, crossing_mm, line_integrals
from synthmed.xray.scene import Scene

SHAPE = (50, 44, 48)
SPACING = (2.0, 2.0, 2.0)
AFFINE = affine_of(SHAPE, SPACING)
CENTRE, RADIUS = (9.0, -7.0, 11.0), 28.0
LOW, HIGH = (-30.0, -20.0, -16.0), (10.0, 32.0, 24.0)  # on faces between voxels
VIEWS = {
    "AP": (0.0, 0.0, 0.0),
    "PA": (180.0, 0.0, 0.0),
    "left lateral": (270.0, 0.0, 0.0),
    "oblique": (37.0, 21.0, 13.0),
}


def scene_of(view: str, projection: str) -> Scene:
    return Scene(
        projection=projection,
        view=view,
        angles_deg=VIEWS[view],
        shift_mm=(4.0, -3.0, 2.0),
        source_detector_mm=600.0,
        source_isocentre_mm=450.0,
        detector_mm=(130.0, 150.0),
        size=(40, 44),
    )


@pytest.mark.parametrize("projection", ["cone", "parallel"])
@pytest.mark.parametrize("view", VIEWS)
def test_a_spheres_chords(view: str, projection: str) -> None:
    rays = cast_rays(scene_of(view, projection), SHAPE, AFFINE)
    volume = 0.02 * sphere(SHAPE, AFFINE, CENTRE, RADIUS)
    found = line_integrals([volume], AFFINE, rays)[0] / 0.02
    expected, away = chord(rays, CENTRE, RADIUS), miss(rays, CENTRE)
    inside = away < RADIUS - 4
    assert inside.sum() > 100
    # The rest is the voxels' own: a quarter of the step changes it by 0.03 mm.
    assert np.abs(found - expected)[inside].max() < 0.8  # mm, of up to 56; voxels of 2 mm
    assert np.sqrt(((found - expected)[inside] ** 2).mean()) < 0.25
    assert abs(found[inside].mean() / expected[inside].mean() - 1) < 0.003
    assert not found[away > RADIUS + 4].any()


@pytest.mark.parametrize("projection", ["cone", "parallel"])
@pytest.mark.parametrize("view", VIEWS)
def test_a_boxs_chords(view: str, projection: str) -> None:
    rays = cast_rays(scene_of(view, projection), SHAPE, AFFINE)
    volume = box(SHAPE, AFFINE, LOW, HIGH).astype(np.float32)
    found = line_integrals([volume], AFFINE, rays)[0]
    expected = box_chord(rays, LOW, HIGH)
    within = box_chord(rays, tuple(np.add(LOW, 4)), tuple(np.subtract(HIGH, 4))) > 8
    beyond = box_chord(rays, tuple(np.subtract(LOW, 4)), tuple(np.add(HIGH, 4))) == 0
    assert within.sum() > 90
    assert np.abs(found - expected)[within].max() < 1.0  # half a voxel
    assert abs(found[within].mean() / expected[within].mean() - 1) < 0.005
    assert not found[beyond].any()


def test_a_grid_of_other_axes_and_unequal_sides_gives_the_same_integrals() -> None:
    shape = (70, 30, 52)  # the axes are foot to head, front to back, left to right
    affine = np.array([[0, 0, 2.0, -51.0], [0, -3.0, 0, 43.5], [1.5, 0, 0, -51.75], [0, 0, 0, 1.0]])
    rays = cast_rays(scene_of("oblique", "cone"), shape, affine)
    found = line_integrals([sphere(shape, affine, CENTRE, RADIUS)], affine, rays)[0]
    inside = miss(rays, CENTRE) < RADIUS - 4
    np.testing.assert_allclose(found[inside], chord(rays, CENTRE, RADIUS)[inside], atol=0.8)


def test_a_full_volume_counts_to_its_outer_faces() -> None:
    scene = Scene(projection="parallel", detector_mm=(20.0, 20.0), size=(4, 4))
    rays = cast_rays(scene, SHAPE, AFFINE)
    found = line_integrals([np.ones(SHAPE, np.float32)], AFFINE, rays)[0]
    np.testing.assert_allclose(found, 88.0, rtol=2e-3)
    np.testing.assert_allclose(crossing_mm(rays, SHAPE, AFFINE), 90.0)  # half a voxel more a side


def test_several_volumes_at_once_equal_each_alone() -> None:
    rays = cast_rays(scene_of("AP", "cone"), SHAPE, AFFINE)
    volumes = [sphere(SHAPE, AFFINE, CENTRE, r) for r in (10.0, 20.0)]
    both = line_integrals(volumes, AFFINE, rays)
    assert both.shape == (2, 40 * 44)
    for volume, found in zip(volumes, both, strict=True):
        assert np.array_equal(line_integrals([volume], AFFINE, rays)[0], found)


def test_chunks_change_little(monkeypatch: pytest.MonkeyPatch) -> None:
    rays = cast_rays(scene_of("oblique", "cone"), SHAPE, AFFINE)
    volume = sphere(SHAPE, AFFINE, CENTRE, RADIUS)
    whole = line_integrals([volume], AFFINE, rays)
    monkeypatch.setattr("synthmed.xray.projector.CHUNK", 100)
    assert np.abs(line_integrals([volume], AFFINE, rays) - whole).max() < 0.5


def test_rays_beside_the_volume_give_nothing() -> None:
    scene = Scene(projection="parallel", shift_mm=(500.0, 0.0, 0.0), detector_mm=(20.0, 20.0))
    rays = cast_rays(scene, SHAPE, AFFINE)
    assert not line_integrals([np.ones(SHAPE, np.float32)], AFFINE, rays).any()
    assert not crossing_mm(rays, SHAPE, AFFINE).any()


@pytest.mark.parametrize("few", [5, 0])  # each class by itself; all by one march of nanodrr's
@pytest.mark.parametrize("view", ["AP", "oblique"])
def test_lengths_in_classes(view: str, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthmed.xray.projector.FEW", few)
    rays = cast_rays(scene_of(view, "cone"), SHAPE, AFFINE)
    classes = box(SHAPE, AFFINE, LOW, HIGH).astype(np.uint8)
    ball, radius = (30.0, -25.0, -25.0), 12.0
    inside = sphere(SHAPE, AFFINE, ball, radius) > 0.5
    classes[inside] = 2
    found = class_lengths(classes, 4, AFFINE, rays)
    assert found.shape == (3, 40 * 44)
    assert not found[2].any()
    for length, expected in (
        (found[0], box_chord(rays, LOW, HIGH)),
        (found[1], chord(rays, ball, radius) * inside.sum() * 8 / (4 / 3 * np.pi * radius**3)),
    ):
        assert length.sum() == pytest.approx(expected.sum(), rel=0.02)
        touched = expected > 10
        assert touched.sum() > 30
        # Voxels of 2 mm; a ray that grazes a face may miss by much more.
        assert np.percentile(np.abs(length - expected)[touched], 95) < 3


def test_volumes_are_not_taken_for_hounsfield_units() -> None:
    preprocess = pytest.importorskip("nanodrr.data.preprocess")
    own = preprocess.hu_to_mu(torch.tensor(1000.0)).item() / preprocess.MU_WATER
    assert own > 1.4 * 2  # nanodrr's map; by the definition, 1,000 HU is twice water
    rays = cast_rays(scene_of("AP", "cone"), SHAPE, AFFINE)
    volume = sphere(SHAPE, AFFINE, CENTRE, RADIUS)
    plain, large = line_integrals([volume, 1000 * volume], AFFINE, rays)
    np.testing.assert_allclose(large, 1000 * plain, rtol=1e-4, atol=1e-3)


def test_without_nanodrr_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nanodrr.data", None)
    rays = cast_rays(Scene(), SHAPE, AFFINE)
    with pytest.raises(SynthmedError, match=r'pip install "synthmed\[xray\]"'):
        line_integrals([np.ones(SHAPE, np.float32)], AFFINE, rays)
