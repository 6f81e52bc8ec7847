"""From Hounsfield units to materials: the definition holds, and labels decide what bone is."""

import numpy as np
import pytest

from synthmed.xray.attenuation import mass_attenuation
from synthmed.xray.materials import (
    BONE_HU,
    REFERENCE_KEV,
    bone_mask,
    bone_over_water,
    densities,
    is_bone,
)

HU = np.array([-1024, -1000, -500, 0, 60, 400, 1000, 1500, 3000], np.float32).reshape(-1, 1, 1)


def attenuation(hu: np.ndarray, bone: np.ndarray, energy: float) -> np.ndarray:
    """Linear attenuation, 1/cm."""
    water, cortical = densities(hu, bone)
    return water * mass_attenuation("water", energy) + cortical * mass_attenuation("bone", energy)


@pytest.mark.parametrize("is_bony", [False, True])
def test_the_definition_holds_at_the_energy_of_reference(is_bony: bool) -> None:
    found = attenuation(HU, np.full(HU.shape, is_bony), REFERENCE_KEV)
    expected = mass_attenuation("water", REFERENCE_KEV) * np.maximum(1 + HU / 1000, 0)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
    assert found[1] == 0  # -1000 HU
    assert found[3] == pytest.approx(mass_attenuation("water", REFERENCE_KEV))  # 0 HU
    assert found[6] == pytest.approx(2 * found[3], rel=1e-6)  # 1,000 HU


def test_bone_absorbs_more_at_low_energies_than_contrast_of_the_same_hu() -> None:
    for energy, sign in ((40.0, 1), (120.0, -1)):
        as_bone, as_soft = (
            attenuation(HU, np.full(HU.shape, bony), energy)[6] for bony in (True, False)
        )
        assert np.sign(as_bone - as_soft) == sign


def test_cortical_bone_is_bone_alone() -> None:
    hu = np.array([1000 * (bone_over_water() - 1)], np.float32).reshape(1, 1, 1)
    water, bone = densities(hu, np.ones((1, 1, 1), bool))
    assert water.item() == pytest.approx(0, abs=1e-4)
    assert bone.item() == pytest.approx(1.92, rel=1e-4)
    thin_water, thin_bone = densities(HU[2:4], np.ones((2, 1, 1), bool))
    assert thin_water.ravel().tolist() == [0.5, 1.0]
    assert not thin_bone.any()


def test_without_labels_bone_is_what_reaches_300_hu() -> None:
    assert bone_mask(HU).ravel().tolist() == (HU.ravel() >= 300).tolist()
    assert BONE_HU == 300


def test_labels_keep_the_contrast_in_the_heart_from_becoming_bone() -> None:
    hu = np.array([400, 150, 900, 700, 500], np.float32).reshape(-1, 1, 1)
    labels = np.array([51, 92, 92, 0, 7], np.uint16).reshape(-1, 1, 1)
    names = {51: "heart", 92: "rib_left_1", 200: "sternum"}
    assert bone_mask(hu, labels, names).ravel().tolist() == [False, True, True, False, False]
    # No label is named as a bone: what reaches 300 HU, but not in an organ that has a name.
    soft = {51: "heart", 92: "liver"}
    assert bone_mask(hu, labels, soft).ravel().tolist() == [False, False, False, True, True]
    assert bone_mask(hu, labels, {}).ravel().tolist() == [True, False, True, True, True]
    water, bone = densities(hu, bone_mask(hu, labels, names))
    assert bone[0] == 0
    assert water[0] == pytest.approx(1.4)
    assert bone[2] > 0


@pytest.mark.parametrize(
    "name",
    [
        *(
            "rib_left_3",
            "vertebrae_L1",
            "Sternum",
            "clavicula_left",
            "scapula right",
            "humerus_left",
        ),
        *("hip_left", "skull", "femur_right", "sacrum", "ribs", "bones"),
    ],
)
def test_names_of_bones(name: str) -> None:
    assert is_bone(name)


@pytest.mark.parametrize(
    "name",
    [
        *("heart", "spinal_cord", "costal_cartilages", "rib cartilage", "aorta", "tribe", "chip"),
        *("femoral_artery", "iliopsoas_left", "brachiocephalic_trunk", "background"),
    ],
)
def test_names_of_others(name: str) -> None:
    assert not is_bone(name)


def test_tissues_are_scaled_apart() -> None:
    hu = np.array([-800, 40, 700], np.float32).reshape(-1, 1, 1)
    bony = hu > 300
    water, bone = densities(hu, bony)
    scaled = densities(hu, bony, {"soft": 2.0, "lung": 3.0, "bone": 0.5})
    np.testing.assert_allclose(scaled[0].ravel(), water.ravel() * [3, 2, 0.5], rtol=1e-6)
    np.testing.assert_allclose(scaled[1].ravel(), bone.ravel() * [1, 1, 0.5], rtol=1e-6)
    only_lung = densities(hu, bony, {"lung": 3.0})
    np.testing.assert_allclose(only_lung[0].ravel(), water.ravel() * [3, 1, 1], rtol=1e-6)
