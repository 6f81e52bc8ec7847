"""The real chest CT and head CT, judged by numbers: what a radiograph of them must show."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from synthmed.xray.ct import CT, read_ct
from synthmed.xray.exposure import EXPOSURES
from synthmed.xray.scene import Scene
from synthmed.xray.simulate import Render, simulate
from synthmed.xray.table import without_table

# The label numbers of TotalSegmentator, which the chest's labels seem to follow.
NAMES = {
    5: "liver",
    **dict.fromkeys(range(10, 15), "lung"),
    51: "heart",
    **{number: f"vertebrae_{number}" for number in range(26, 51)},
    **{number: f"rib_{number}" for number in range(92, 116)},
}
ORGANS = {"lungs": ["10-14"], "heart": [51], "liver": [5], "spine": ["26-50"]}
SIZE = (128, 128)


@pytest.fixture(scope="module")
def chest(shared_data: Path) -> CT:
    folder = shared_data / "chest-ct"
    ct = read_ct(folder / "chest_ct_2mm.nii.gz", folder / "organs_2mm.nii.gz", NAMES)
    return dataclasses.replace(ct, hu_XYZ=without_table(ct.hu_XYZ, ct.affine))


def shot(ct: CT, view: str, exposure: str = "standard") -> Render:
    return simulate(ct, Scene(view=view, size=SIZE), [EXPOSURES[exposure]], 1, ORGANS)[0]


def column(mask: np.ndarray) -> float:
    return float(np.nonzero(mask)[1].mean())


def row(mask: np.ndarray) -> float:
    return float(np.nonzero(mask)[0].mean())


@pytest.mark.parametrize("view", ["AP", "PA"])
def test_a_frontal_chest(chest: CT, view: str) -> None:
    render = shot(chest, view)
    image, masks = render.image[0], render.masks
    assert 0.15 < masks["lungs"].mean() < 0.6
    spine = column(masks["spine"])
    assert column(masks["heart"]) > spine + 3  # the patient's left, on the image's right
    assert column(masks["liver"]) < spine - 3
    assert row(masks["liver"]) > row(masks["heart"]) > 20
    outer = masks["lungs"] & ~masks["heart"] & ~masks["liver"] & ~masks["spine"]
    middle = masks["heart"] | masks["liver"]
    assert image[outer].mean() < image[middle & ~outer].mean() - 0.3
    assert np.corrcoef(image.ravel(), shot(chest, view, "low-dose").image.ravel())[0, 1] > 0.97


def test_ap_magnifies_the_heart_more_than_pa(chest: CT) -> None:
    near = {"source_isocentre_mm": 800.0, "source_detector_mm": 1000.0, "size": SIZE}
    ap, pa = (
        simulate(chest, Scene(view=view, **near), [EXPOSURES["standard"]], 1, ORGANS)[0]
        for view in ("AP", "PA")
    )
    assert ap.masks["heart"].sum() > 1.05 * pa.masks["heart"].sum()


def test_a_left_lateral_chest_faces_left(chest: CT) -> None:
    render = shot(chest, "left lateral")
    masks = render.masks
    assert column(masks["heart"]) < column(masks["spine"]) - 15
    clear = masks["lungs"] & ~masks["heart"] & ~masks["spine"] & ~masks["liver"]
    assert render.image[0][clear].mean() < render.image[0][masks["liver"]].mean() - 0.2


def test_the_table_is_taken_out_and_the_organs_stay(chest: CT, shared_data: Path) -> None:
    scanned = read_ct(shared_data / "chest-ct" / "chest_ct_2mm.nii.gz").hu_XYZ
    assert chest.labels_XYZ is not None
    changed = scanned != chest.hu_XYZ
    assert changed[:, :20].mean() > 0.5  # behind the back
    assert not changed[chest.labels_XYZ > 0].any()


def test_the_head(shared_data: Path) -> None:
    ct = read_ct(shared_data / "head-ct" / "head_ct_1p5mm.nii.gz")
    scene = Scene(view="left lateral", detector_mm=(300.0, 300.0), size=SIZE)
    (render,) = simulate(ct, scene, [dataclasses.replace(EXPOSURES["soft"])], 1)
    image = render.image[0]
    assert image[64, 64] > 0 > image[2, 2]
    assert np.isfinite(image).all()
    assert image.std() > 0.4
