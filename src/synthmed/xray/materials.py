"""From Hounsfield units to materials: water-equivalent soft tissue and cortical bone.

At the energy of reference (70 keV, about the mean of a 120 kVp scanner) every voxel attenuates by
the definition of the Hounsfield unit, mu = mu_water * (1 + HU / 1000), whatever it is taken for;
the material decides how the attenuation changes with the energy.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from synthmed.xray.attenuation import DENSITIES, mass_attenuation

REFERENCE_KEV = 70.0
BONE_HU = 300.0  # from here on, bone, where no label says otherwise
LUNG_HU = -400.0  # below, lung (or air)
_BONES = re.compile(
    r"(?:^|[^a-z])(?:bones?|ribs?|vertebrae?|spine|sternum|clavic(?:les?|ulae?)|scapulae?"
    r"|humer(?:us|i)|radius|ulna|carpals?|hips?|pelvis|ilium|sacrum|coccyx|femurs?|femora"
    r"|patellae?|tibiae?|fibulae?|skull|cranium|mandible|maxilla|teeth|tooth)(?=$|[^a-z])"
)

Volume = npt.NDArray[np.float32]


def is_bone(name: str) -> bool:
    """Whether an organ's name is a bone's ("rib_left_3", "vertebrae_L1", "sternum", "skull").

    Cartilage and the spinal cord are none.
    """
    words = name.lower()
    return "cartilage" not in words and _BONES.search(words) is not None


def bone_mask(
    hu_XYZ: Volume,
    labels_XYZ: npt.NDArray[np.uint16] | None = None,
    names: Mapping[int, str] | None = None,
) -> npt.NDArray[np.bool_]:
    """Find the voxels of bone.

    Where a label is named as a bone, bone is what the labels say, and nothing else is (contrast in
    the heart exceeds 300 HU). Where no label is, bone is what reaches 300 HU outside the organs
    that have a name.

    Args:
        hu_XYZ: Hounsfield units, (X, Y, Z).
        labels_XYZ: Organ labels of the same shape, or None.
        names: Organ name by label number.

    Returns:
        bool (X, Y, Z).
    """
    dense = hu_XYZ >= BONE_HU
    if labels_XYZ is None or not names:
        return dense
    known = np.zeros(1 + max(int(labels_XYZ.max()), *names), bool)
    bones = np.zeros_like(known)
    for number, name in names.items():
        known[number], bones[number] = number > 0, is_bone(name)
    if (found := bones[labels_XYZ]).any():
        return found
    return dense & ~known[labels_XYZ]


def densities(
    hu_XYZ: Volume, bone_XYZ: npt.NDArray[np.bool_], tissue_scale: Mapping[str, float] | None = None
) -> tuple[Volume, Volume]:
    """Give the densities of water-equivalent soft tissue and of cortical bone.

    Soft tissue, lung and air are water of the density that gives the Hounsfield unit. A voxel of
    bone is a mixture of volumes of water and cortical bone that gives it (two materials that fill
    the voxel, as in Joseph and Spital, J. Comput. Assist. Tomogr. 2, 1978); below 0 HU it is thin
    water, above cortical bone (about 1,600 HU) denser bone.

    Args:
        hu_XYZ: Hounsfield units, (X, Y, Z); below -1000 counts as nothing.
        bone_XYZ: bool of the same shape.
        tissue_scale: Factors on the density of "soft", "bone" and "lung" (below -400 HU).

    Returns:
        Two float32 (X, Y, Z), in g/cm3.
    """
    scale = tissue_scale or {}
    relative = np.maximum(1 + hu_XYZ / np.float32(1000), np.float32(0))  # mu over water's
    ratio = np.float32(bone_over_water())
    inside = relative[bone_XYZ]
    one = np.float32(1)
    share = np.clip((inside - one) / (ratio - one), 0, one)
    soft = relative.copy()
    if scale:
        lung = (hu_XYZ < LUNG_HU) & ~bone_XYZ
        soft *= np.float32(scale.get("soft", 1.0))
        soft[lung] = relative[lung] * np.float32(scale.get("lung", 1.0))
    of_bone = np.float32(scale.get("bone", 1.0))
    bone = np.zeros_like(relative)
    soft[bone_XYZ] = of_bone * (one - share) * np.minimum(inside, one)
    cortical = of_bone * np.float32(DENSITIES["bone"])
    bone[bone_XYZ] = cortical * share * np.maximum(inside / ratio, one)
    return soft, bone


def bone_over_water() -> float:
    """Linear attenuation of cortical bone over that of water, at the energy of reference."""
    linear = {
        name: DENSITIES[name] * float(mass_attenuation(name, REFERENCE_KEV))
        for name in ("bone", "water")
    }
    return linear["bone"] / linear["water"]
