"""Whole renders of made bodies: orientation, magnification, physics, masks, seeds."""

import dataclasses

import numpy as np
import pytest
from xray_phantoms import affine_of, body, box, chord, make_ct, sphere

from synthmed.errors import SynthmedError
from synthmed.xray.attenuation import mass_attenuation
from synthmed.xray.exposure import EXPOSURES, Exposure
from synthmed.xray.geometry import cast_rays
from synthmed.xray.scene import Deformation, Scene
from synthmed.xray.simulate import Render, simulate

CLEAN = Exposure(
    "clean",
    photons=1e11,
    electronic_noise=0.0,
    scatter=0.0,
    blur_mm=0.0,
    spectrum="mono-70keV",
    window=(0.0, 10.0),
)
SCENE = Scene(
    source_detector_mm=1000.0,
    source_isocentre_mm=850.0,
    detector_mm=(300.0, 300.0),
    size=(60, 60),
)
ORGANS = {"lung": ["lung_right"], "heart": [2], "spine": ["vertebrae_*"], "marker": ["marker"]}


def view(name: str, **more: object) -> Scene:
    angles = {"angles_deg": Scene(view=name).angles_deg}
    return dataclasses.replace(SCENE, view=name, **{**angles, **more})  # type: ignore[arg-type]


def centre(mask: np.ndarray) -> tuple[float, float]:
    """Row and column of a mask's middle, from -1 to 1."""
    rows, columns = np.nonzero(mask)
    return 2 * (rows.mean() + 0.5) / mask.shape[0] - 1, 2 * (columns.mean() + 0.5) / mask.shape[
        1
    ] - 1


def attenuation(render: Render) -> np.ndarray:
    """The clean exposure's display values: the line integral of mu."""
    return (render.image[0] + 1) * 5


@pytest.mark.parametrize("projection", ["cone", "parallel"])
@pytest.mark.parametrize("name", ["AP", "PA"])
def test_frontal_views_show_the_patients_right_on_the_left(name: str, projection: str) -> None:
    (render,) = simulate(body(), view(name, projection=projection), [CLEAN], 0, ORGANS)
    assert render.image.shape == (1, 60, 60)
    assert render.image.dtype == np.float32
    assert centre(render.masks["lung"])[1] < -0.3
    assert centre(render.masks["heart"])[1] > 0.1
    assert abs(centre(render.masks["spine"])[1]) < 0.05
    row, column = centre(render.masks["marker"])
    assert row < -0.5
    assert column < -0.3
    # The image agrees with the masks: lung dark, spine and marker bright.
    means = {organ: render.image[0][mask].mean() for organ, mask in render.masks.items()}
    soft = render.image[0, 30, 48]  # beside the heart, at the patient's left
    assert means["lung"] < soft < means["spine"]
    assert render.image[0][render.masks["marker"]].max() > soft + 0.05


@pytest.mark.parametrize(("name", "sign"), [("left lateral", -1), ("right lateral", 1)])
def test_laterals_face_the_side_of_the_detector(name: str, sign: int) -> None:
    (render,) = simulate(body(), view(name), [CLEAN], 0, ORGANS)
    assert sign * centre(render.masks["heart"])[1] > 0.1  # in front
    assert sign * centre(render.masks["spine"])[1] < -0.1  # behind
    assert centre(render.masks["marker"])[0] < -0.5


@pytest.mark.parametrize("depth", [-70.0, 0.0, 70.0])
@pytest.mark.parametrize("projection", ["cone", "parallel"])
def test_magnification_is_sdd_over_sod(projection: str, depth: float) -> None:
    shape = (50, 50, 50)
    ball = sphere(shape, affine_of(shape, (4.0,) * 3), (-40.0, depth, 24.0), 16.0)
    ct = make_ct(1000 * ball - 1000, labels=ball > 0.5, names={1: "ball"})
    (render,) = simulate(ct, view("AP", projection=projection), [CLEAN], 0, {"ball": ["ball"]})
    factor = 1000 / (850 - depth) if projection == "cone" else 1.0
    row, column = (c * 150 for c in centre(render.masks["ball"]))
    assert column == pytest.approx(40 * factor, abs=1.5)
    assert row == pytest.approx(-24 * factor, abs=1.5)
    # The area of the shadow, too: the mask's chord of 5 mm lies at 15.8 mm from the centre.
    area = render.masks["ball"].sum() * 25
    assert area == pytest.approx(np.pi * (15.8 * factor) ** 2, rel=0.12)


def test_one_energy_gives_the_line_integral_of_the_definition() -> None:
    shape = (40, 40, 40)
    hu = np.full(shape, -1000.0)
    affine = affine_of(shape, (4.0,) * 3)
    hu[box(shape, affine, (-60.0, -40.0, -60.0), (0.0, 40.0, 60.0))] = 0.0
    hu[box(shape, affine, (0.0, -40.0, -60.0), (60.0, 40.0, 60.0))] = 1000.0
    scene = view("AP", projection="parallel")
    (render,) = simulate(make_ct(hu), scene, [CLEAN], 0)
    water = 8.0 * mass_attenuation("water", 70.0)  # 80 mm
    values = attenuation(render)
    np.testing.assert_allclose(values[22:38, 34:40], water, rtol=2e-3)  # left, on the right
    np.testing.assert_allclose(values[22:38, 20:26], 2 * water, rtol=2e-3)
    np.testing.assert_allclose(values[:, :10], 0, atol=1e-4)


def test_the_masks_are_the_organs_lengths_beyond_the_limit() -> None:
    shape, place = (56, 56, 56), (12.0, -20.0, 8.0)
    ball = sphere(shape, affine_of(shape, (4.0,) * 3), place, 60.0)
    ct = make_ct(1000 * ball - 1000, labels=3 * (ball > 0.5))
    scene = view("PA", angles_deg=(170.0, 8.0, 12.0))
    for limit in (5.0, 60.0):
        (render,) = simulate(ct, scene, [CLEAN], 0, {"ball": [3]}, mask_mm=limit)
        expected = chord(cast_rays(scene, shape, ct.affine), place, 60.0).reshape(60, 60)
        away = render.masks["ball"] != (expected > limit)
        assert (np.abs(expected - limit)[away] < 30).all()
        assert away.sum() < 0.06 * (expected > limit).sum()  # of the edge alone
        error = render.lengths_mm["ball"] - expected
        assert np.abs(error[expected > 60]).max() < 8  # two voxels
        assert render.lengths_mm["ball"].sum() == pytest.approx(expected.sum(), rel=0.02)


def test_organs_may_share_labels_and_be_absent() -> None:
    organs = {"both": [1, 2], "lung": [1], "none": [99]}
    (render,) = simulate(body(), SCENE, [CLEAN], 0, organs)
    (alone,) = simulate(body(), SCENE, [CLEAN], 0, {"heart": ["heart"]})
    both = render.lengths_mm["lung"] + alone.lengths_mm["heart"]
    np.testing.assert_allclose(render.lengths_mm["both"], both, atol=1e-3)
    assert not render.masks["none"].any()
    assert list(render.masks) == list(organs)


def test_same_arguments_same_bytes_and_one_exposure_does_not_touch_another() -> None:
    low, standard = EXPOSURES["low-dose"], EXPOSURES["standard"]
    scene = dataclasses.replace(SCENE, deformation=Deformation(5, 60.0, 10.0))
    both = simulate(body(), scene, [low, standard], 11, ORGANS)
    again = simulate(body(), scene, [standard, low], 11, ORGANS)[::-1]
    for one, two in zip(both, again, strict=True):
        assert one.image.tobytes() == two.image.tobytes()
        assert one.window == two.window
    for organ, mask in both[0].masks.items():
        assert np.array_equal(mask, both[1].masks[organ])
    replayed = Scene.from_dict(dataclasses.asdict(scene))
    assert simulate(body(), replayed, [low], 11)[0].image.tobytes() == both[0].image.tobytes()
    assert simulate(body(), scene, [low], 12)[0].image.tobytes() != both[0].image.tobytes()


def test_two_doses_of_one_pose_differ_by_noise_alone() -> None:
    window = (0.0, 6.0)
    low, high = (
        dataclasses.replace(EXPOSURES[name], window=window) for name in ("low-dose", "high-dose")
    )
    truth, noisy, fine = simulate(
        body(), SCENE, [dataclasses.replace(high, photons=1e12), low, high], 2
    )
    errors = [(render.image - truth.image).std() for render in (noisy, fine)]
    assert errors[0] > 10 * errors[1] > 0
    assert np.corrcoef(noisy.image.ravel(), fine.image.ravel())[0, 1] > 0.95


def test_monochrome1_inverts() -> None:
    (plain,) = simulate(body(), SCENE, [CLEAN], 0)
    (inverted,) = simulate(body(), SCENE, [dataclasses.replace(CLEAN, monochrome1=True)], 0)
    np.testing.assert_allclose(inverted.image, -plain.image, atol=1e-4)


def test_labels_keep_the_heart_from_absorbing_as_bone() -> None:
    ct = body()
    unlabelled = dataclasses.replace(ct, labels_XYZ=None, names={})
    heart = simulate(ct, SCENE, [CLEAN], 0, ORGANS)[0].masks["heart"]
    soft, mono = dataclasses.replace(CLEAN, spectrum="60kVp"), CLEAN
    labelled = [attenuation(r) for r in simulate(ct, SCENE, [soft, mono], 0)]
    by_hu = [attenuation(r) for r in simulate(unlabelled, SCENE, [soft, mono], 0)]
    assert (by_hu[0] - labelled[0])[heart].mean() > 0.1
    np.testing.assert_allclose(by_hu[1], labelled[1], atol=0.03)  # at 70 keV HU are HU


def test_density_scales_and_deformation_moves_image_and_masks() -> None:
    (plain,) = simulate(body(), SCENE, [CLEAN], 0, ORGANS)
    dense = dataclasses.replace(SCENE, tissue_scale={"lung": 3.0})
    (scaled,) = simulate(body(), dense, [CLEAN], 0, ORGANS)
    lung = plain.masks["lung"] & ~plain.masks["spine"]
    assert (attenuation(scaled) - attenuation(plain))[lung].mean() > 0.3
    np.testing.assert_allclose(scaled.image[0, :, 40:], plain.image[0, :, 40:], atol=1e-4)
    moved_scene = dataclasses.replace(SCENE, deformation=Deformation(1, 100.0, 40.0))
    (moved,) = simulate(body(), moved_scene, [CLEAN], 0, ORGANS)
    assert 0.02 < (moved.masks["lung"] != plain.masks["lung"]).mean() < 0.3
    inner = moved.masks["lung"] & ~plain.masks["lung"]
    assert moved.image[0][inner].mean() < plain.image[0][inner].mean()


def test_large_pixels_average_the_transmission_of_their_rays() -> None:
    open_window = dataclasses.replace(CLEAN, display="linear", window=(-1.0, 0.0))
    fine, coarse = (
        simulate(
            body(),
            dataclasses.replace(SCENE, detector_mm=(280.0, 280.0), size=(n, n)),
            [open_window],
            0,
        )[0].image[0]
        for n in (32, 8)
    )
    blocks = fine.reshape(8, 4, 8, 4).mean(axis=(1, 3))
    np.testing.assert_allclose(coarse, blocks, atol=1e-4)


def test_what_cannot_be_rendered() -> None:
    ct = body()
    with pytest.raises(SynthmedError, match="0 exposures"):
        simulate(ct, SCENE, [], 0)
    with pytest.raises(SynthmedError, match="seed -1"):
        simulate(ct, SCENE, [CLEAN], -1)
    with pytest.raises(SynthmedError, match="mask length nan"):
        simulate(ct, SCENE, [CLEAN], 0, mask_mm=float("nan"))
    with pytest.raises(SynthmedError, match="no organ is called 'liver'"):
        simulate(ct, SCENE, [CLEAN], 0, {"liver": ["liver"]})
    with pytest.raises(SynthmedError, match="no labels to project heart from"):
        simulate(dataclasses.replace(ct, labels_XYZ=None), SCENE, [CLEAN], 0, {"heart": [2]})
