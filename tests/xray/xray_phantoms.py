"""Phantoms with known line integrals, and the line integrals."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from synthmed.xray.ct import CT
from synthmed.xray.geometry import Rays

Float64 = npt.NDArray[np.float64]


def affine_of(shape: tuple[int, ...], spacing: tuple[float, float, float]) -> Float64:
    """An affine that puts the volume's centre at the world's origin."""
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = -(np.array(shape) - 1) / 2 * np.array(spacing)
    return affine


def world(shape: tuple[int, ...], affine: Float64) -> Float64:
    """World coordinates of the voxels' centres, (3, X, Y, Z)."""
    return np.einsum("ij,jxyz->ixyz", affine[:3, :3], np.indices(shape)) + affine[:3, 3].reshape(
        3, 1, 1, 1
    )


def sphere(
    shape: tuple[int, ...], affine: Float64, centre: tuple[float, float, float], radius: float
) -> npt.NDArray[np.float32]:
    """A sphere of value 1 with partial volumes at its surface, float32 (X, Y, Z)."""
    away = np.linalg.norm(world(shape, affine) - np.reshape(centre, (3, 1, 1, 1)), axis=0)
    side = np.linalg.norm(affine[:3, :3], axis=0).mean()
    return np.clip((radius - away) / side + 0.5, 0, 1).astype(np.float32)


def box(
    shape: tuple[int, ...], affine: Float64, low: tuple[float, ...], high: tuple[float, ...]
) -> npt.NDArray[np.bool_]:
    """The voxels whose centres lie in a box, bool (X, Y, Z)."""
    places = world(shape, affine)
    bounds = [np.reshape(bound, (3, 1, 1, 1)) for bound in (low, high)]
    return ((places >= bounds[0]) & (places <= bounds[1])).all(axis=0)


def chord(rays: Rays, centre: tuple[float, float, float], radius: float) -> Float64:
    """Length of each ray inside a sphere, (N,)."""
    away = miss(rays, centre)
    return 2 * np.sqrt(np.maximum(radius**2 - away**2, 0))


def miss(rays: Rays, centre: tuple[float, float, float]) -> Float64:
    """Least distance of each ray from a point, (N,)."""
    way = rays.ends - rays.starts
    way = way / np.linalg.norm(way, axis=1, keepdims=True)
    to_centre = np.asarray(centre) - rays.starts
    return np.linalg.norm(to_centre - (to_centre * way).sum(1, keepdims=True) * way, axis=1)


def box_chord(rays: Rays, low: tuple[float, ...], high: tuple[float, ...]) -> Float64:
    """Length of each ray inside a box, (N,)."""
    way = rays.ends - rays.starts
    with np.errstate(divide="ignore", invalid="ignore"):
        one, two = (low - rays.starts) / way, (high - rays.starts) / way
    enter = np.nanmax(np.minimum(one, two), axis=1)
    leave = np.nanmin(np.maximum(one, two), axis=1)
    return np.maximum(leave - enter, 0) * np.linalg.norm(way, axis=1)


def make_ct(
    hu: npt.NDArray[np.floating],
    spacing: tuple[float, float, float] = (4.0, 4.0, 4.0),
    labels: npt.NDArray[np.integer] | None = None,
    names: dict[int, str] | None = None,
) -> CT:
    """A CT around the world's origin."""
    stored = None if labels is None else labels.astype(np.uint16)
    return CT(hu.astype(np.float32), affine_of(hu.shape, spacing), stored, names or {}, "ct:made")


def body(side: int = 40, spacing: float = 6.0) -> CT:
    """A made body of water, 240 mm a side: a right lung, a heart with contrast, a spine.

    The lung (label 1) lies at the patient's right, the heart (2, 400 HU) in front at the left, the
    spine (3, 800 HU) behind in the middle; a metal-like marker (4) at the right, the front, the
    head.
    """
    shape = (side, side, side)
    affine = affine_of(shape, (spacing,) * 3)
    reach = side * spacing / 2
    hu = np.full(shape, -1000.0, np.float32)
    labels = np.zeros(shape, np.uint16)
    parts = (
        (0, 0.0, (-0.85, -0.6, -1.0), (0.85, 0.6, 1.0)),
        (1, -800.0, (0.25, -0.4, -0.7), (0.75, 0.4, 0.7)),
        (2, 400.0, (-0.5, 0.0, -0.4), (-0.1, 0.4, 0.2)),
        (3, 800.0, (-0.12, -0.55, -1.0), (0.12, -0.3, 1.0)),
        (4, 2000.0, (0.6, 0.45, 0.75), (0.8, 0.58, 0.95)),
    )
    for label, value, low, high in parts:
        where = box(shape, affine, tuple(reach * x for x in low), tuple(reach * x for x in high))
        hu[where], labels[where] = value, label
    names = {1: "lung_right", 2: "heart", 3: "vertebrae_T8", 4: "marker"}
    return CT(hu, affine, labels, names, "ct:body")
