"""One CT volume, one scene, several exposures: the synthetic X-rays."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synthmed.errors import SynthmedError
from synthmed.xray.deformation import deformed
from synthmed.xray.detector import expose
from synthmed.xray.display import displayed
from synthmed.xray.exposure import Exposure
from synthmed.xray.geometry import Float64, Rays, cast_rays, rays_for
from synthmed.xray.materials import bone_mask, densities
from synthmed.xray.organs import resolve_groups
from synthmed.xray.projector import class_lengths, line_integrals
from synthmed.xray.scene import Scene
from synthmed.xray.spectrum import spectrum, transmission

if TYPE_CHECKING:
    from synthmed.xray.ct import CT

MASK_MM = 5.0
_MM_TO_CM = 0.1
Float32 = npt.NDArray[np.float32]
Labels = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Render:
    """One synthetic X-ray.

    Attributes:
        image: float32 (1, H, W) in [-1, 1].
        masks: By organ, bool (H, W): where the ray runs inside the organ for more than `mask_mm`.
        window: The display values shown as -1 and 1 (before a MONOCHROME1 inversion).
        lengths_mm: By organ, float32 (H, W): how long the ray runs inside it, mean over the pixel.
    """

    image: Float32
    masks: dict[str, npt.NDArray[np.bool_]]
    window: tuple[float, float]
    lengths_mm: dict[str, Float32] = field(default_factory=dict)


def simulate(
    ct: CT,
    scene: Scene,
    exposures: Sequence[Exposure],
    seed: int,
    organs: Mapping[str, Sequence[int | str]] | None = None,
    *,
    mask_mm: float = MASK_MM,
) -> list[Render]:
    """Render one CT in one scene at several exposures: the same pose, deformation and masks.

    Pixels that are much larger than the voxels are the mean of several rays' transmission.

    Args:
        ct: The volume. Bone is taken from its labels where they name any, else from 300 HU on.
        scene: Geometry, deformation and tissue densities.
        exposures: One image each.
        seed: Seeds photons and noise, together with the scene and the exposure; not negative.
        organs: Parts (numbers, names or patterns, see `organs.parse_groups`) by the mask's name.
        mask_mm: The length that a ray must exceed inside an organ.

    Returns:
        One render an exposure, in their order. The same arguments give the same bytes; one
        exposure's render does not depend on the others.

    Raises:
        SynthmedError: No exposure, a negative seed or length, organs of a CT without labels or
            that no label names, a source inside the volume, `nanodrr` not installed
            (``pip install "synthmed[xray]"``).
    """
    if not exposures or seed < 0 or not 0 <= mask_mm < float("inf"):
        raise SynthmedError(
            f"{len(exposures)} exposures, seed {seed}, mask length {mask_mm} mm",
            mend="Give an exposure; seed and length are not negative.",
        )
    hu, labels = deformed(ct.hu_XYZ, ct.labels_XYZ, ct.affine, scene.deformation)
    members = _members(ct, labels, organs or {})
    parts = rays_for(scene, ct.affine)
    rays = cast_rays(scene, hu.shape, ct.affine, parts)
    volumes = densities(hu, bone_mask(hu, labels, ct.names), scene.tissue_scale)
    areas = line_integrals(volumes, ct.affine, rays) * np.float32(_MM_TO_CM)
    lengths = {} if labels is None else organ_lengths(labels, members, ct.affine, rays)
    lengths = {name: _pixels(values, scene, parts) for name, values in lengths.items()}
    masks = {name: values > mask_mm for name, values in lengths.items()}
    renders = []
    for exposure in exposures:
        passed = transmission(areas[0], areas[1], spectrum(exposure.spectrum))
        image, window = _image(_pixels(passed, scene, parts), scene, exposure, seed)
        renders.append(Render(image, masks, window, lengths))
    return renders


def organ_lengths(
    labels_XYZ: Labels, members: Mapping[str, Sequence[int]], affine: Float64, rays: Rays
) -> dict[str, Float32]:
    """Measure how long rays run inside organs, which may share labels.

    Args:
        labels_XYZ: Labels, (X, Y, Z).
        members: The label numbers of each organ.
        affine: (4, 4) of the volume.
        rays: N rays.

    Returns:
        By organ, float32 (N,), mm.

    Raises:
        SynthmedError: More than 255 different combinations of organs.
    """
    owners: dict[int, tuple[str, ...]] = {}
    for name, numbers in members.items():
        for number in numbers:
            owners[number] = (*owners.get(number, ()), name)
    kinds = sorted(set(owners.values()))
    if len(kinds) > 255:
        raise SynthmedError(f"{len(kinds)} organs at once", mend="Join them, or take 255 at most.")
    if not kinds:
        return {name: np.zeros(len(rays.ends), np.float32) for name in members}
    table = np.zeros(1 + max(int(labels_XYZ.max()), *owners), np.uint8)
    for number, names in owners.items():
        table[number] = 1 + kinds.index(names)
    found = class_lengths(table[labels_XYZ], 1 + len(kinds), affine, rays)
    return {
        name: sum(
            (found[i] for i, kind in enumerate(kinds) if name in kind),
            start=np.zeros(len(rays.ends), np.float32),
        )
        for name in members
    }


def _members(
    ct: CT, labels: Labels | None, organs: Mapping[str, Sequence[int | str]]
) -> dict[str, tuple[int, ...]]:
    if not organs:
        return {}
    if labels is None:
        raise SynthmedError(
            f"no labels to project {', '.join(organs)} from", mend="Give the organ labels."
        )
    seen = np.zeros(1 + int(labels.max()), bool)
    seen[labels] = True
    return resolve_groups(organs, ct.names, [n for n in np.flatnonzero(seen).tolist() if n > 0])


def _pixels(values: npt.NDArray[Any], scene: Scene, parts: int) -> npt.NDArray[Any]:
    """Average the rays of each pixel: (N,) to (H, W)."""
    rows, columns = scene.size
    return values.reshape(rows, parts, columns, parts).mean(axis=(1, 3))


def _image(
    passed_HW: Float64, scene: Scene, exposure: Exposure, seed: int
) -> tuple[Float32, tuple[float, float]]:
    settings = json.dumps([seed, asdict(scene), asdict(exposure)], sort_keys=True)
    digest = hashlib.sha256(settings.encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:16], "big"))
    pixel_mm = (scene.detector_mm[0] / scene.size[0], scene.detector_mm[1] / scene.size[1])
    return displayed(expose(passed_HW, exposure, pixel_mm, rng), exposure)
