"""Elastic deformation of a body: a cubic B-spline moves HU and labels alike.

Control points lie on a regular grid along the volume's axes; their displacements are uniform in
[-amplitude, amplitude] along each axis (free-form deformation: Rueckert et al., IEEE Trans. Med.
Imaging 18, 1999). Amplitudes of at most 0.4 of the spacing do not fold (Choi and Lee, 2000).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from synthmed.xray.geometry import Float64, spacing_of
from synthmed.xray.scene import Deformation

_SLAB = 2_000_000  # voxels at a time
Volume = npt.NDArray[np.float32]
Labels = npt.NDArray[np.uint16]


def basis(count: int, voxel_mm: float, spacing_mm: float) -> Volume:
    """Give the weights of the control points at each voxel along one axis.

    Args:
        count: Voxels along the axis.
        voxel_mm: Their distance.
        spacing_mm: Distance of the control points; one lies before the first voxel.

    Returns:
        float32 (count, control points); each row sums to 1.
    """
    place = np.arange(count) * voxel_mm / spacing_mm
    first = np.floor(place).astype(int)
    f = place - first
    weights = (
        (1 - f) ** 3 / 6,
        (3 * f**3 - 6 * f**2 + 4) / 6,
        (-3 * f**3 + 3 * f**2 + 3 * f + 1) / 6,
        f**3 / 6,
    )
    matrix = np.zeros((count, int(first[-1]) + 4), np.float32)
    for offset, weight in enumerate(weights):
        matrix[np.arange(count), first + offset] = weight
    return matrix


def displacement(shape: tuple[int, ...], affine: Float64, deformation: Deformation) -> Volume:
    """Give the displacement of every voxel, along the volume's axes, in mm.

    Args:
        shape: (X, Y, Z).
        affine: (4, 4) of the volume.
        deformation: Seed, spacing and amplitude.

    Returns:
        float32 (3, X, Y, Z), within the amplitude.
    """
    sides = spacing_of(affine)
    x, y, z = (
        basis(n, float(mm), deformation.spacing_mm) for n, mm in zip(shape, sides, strict=True)
    )
    rng = np.random.default_rng(deformation.seed)
    points = rng.uniform(-1, 1, (3, x.shape[1], y.shape[1], z.shape[1])).astype(np.float32)
    points *= np.float32(deformation.amplitude_mm)
    field: Volume = np.einsum("cijk,xi,yj,zk->cxyz", points, x, y, z, optimize=True)
    return field


def deformed(
    hu_XYZ: Volume, labels_XYZ: Labels | None, affine: Float64, deformation: Deformation | None
) -> tuple[Volume, Labels | None]:
    """Deform a volume and its labels: each voxel takes the value from its displaced place.

    Args:
        hu_XYZ: Hounsfield units, (X, Y, Z); trilinear, the border goes on outside.
        labels_XYZ: Labels of that shape, nearest neighbour; or None.
        affine: (4, 4) of the volume.
        deformation: None changes nothing.

    Returns:
        The volume and its labels, of the same shapes and types.
    """
    if deformation is None:
        return hu_XYZ, labels_XYZ
    moved_mm = displacement(hu_XYZ.shape, affine, deformation)
    size, sides = np.array(hu_XYZ.shape), spacing_of(affine)
    scale = (2 / np.maximum(size - 1, 1)).astype(np.float32)  # index to [-1, 1]
    hu, labels = np.empty_like(hu_XYZ), None if labels_XYZ is None else np.empty_like(labels_XYZ)
    rows = max(1, _SLAB // int(size[1] * size[2]))
    for begin in range(0, int(size[0]), rows):
        part = slice(begin, begin + rows)
        index = np.indices(moved_mm[0, part].shape, dtype=np.float32)
        index[0] += begin
        places = index + moved_mm[:, part] / sides[:, None, None, None].astype(np.float32)
        grid = (places * scale[:, None, None, None] - 1)[::-1].transpose(1, 2, 3, 0)
        where = torch.from_numpy(np.ascontiguousarray(grid, np.float32))[None]
        hu[part] = _sampled(hu_XYZ, where, "bilinear")
        if labels is not None and labels_XYZ is not None:
            labels[part] = _sampled(labels_XYZ.astype(np.float32), where, "nearest")
    return hu, labels


def _sampled(volume: Volume, where: torch.Tensor, mode: str) -> Volume:
    source = torch.from_numpy(np.ascontiguousarray(volume))[None, None]
    with torch.inference_mode():
        values = functional.grid_sample(
            source, where, mode=mode, padding_mode="border", align_corners=True
        )
    found: Volume = values[0, 0].numpy()
    return found
