"""The rays of a scene: where each begins and ends, in mm."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthmed.errors import SynthmedError
from synthmed.xray.scene import Scene
from synthmed.xray.views import seen_from_source

Float64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Camera:
    """Where a scene's source stands and how its detector lies; world mm, all of shape (3,).

    Attributes:
        isocentre: The point that the central ray meets at `source_isocentre_mm`.
        source: The point source of a cone.
        beam: Direction of the central ray, from the source to the detector.
        right: Direction in which the image's columns grow.
        down: Direction in which the image's rows grow.
    """

    isocentre: Float64
    source: Float64
    beam: Float64
    right: Float64
    down: Float64


@dataclass(frozen=True)
class Rays:
    """N straight rays through a whole volume, row by row of the image; world mm.

    Attributes:
        starts: (N, 3).
        ends: (N, 3).
    """

    starts: Float64
    ends: Float64


def camera(scene: Scene, centre_mm: Float64) -> Camera:
    """Give the camera of a scene.

    The source stands at the azimuth and elevation (see `views`). Seen from it, the image's right is
    beam x head; seen from the detector's side, the opposite. A positive roll then turns the camera
    clockwise, so that the patient turns anticlockwise in the image.

    Args:
        scene: The scene.
        centre_mm: (3,), the volume's centre in the world.
    """
    azimuth, elevation, roll = (math.radians(angle) for angle in scene.angles_deg)
    beam = -np.array(
        [
            -math.sin(azimuth) * math.cos(elevation),
            math.cos(azimuth) * math.cos(elevation),
            math.sin(elevation),
        ]
    )
    right = np.cross(beam, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    down = -np.cross(right, beam)
    if not seen_from_source(scene.view, scene.angles_deg[0]):
        right = -right
    isocentre = centre_mm + np.asarray(scene.shift_mm)
    return Camera(
        isocentre=isocentre,
        source=isocentre - scene.source_isocentre_mm * beam,
        beam=beam,
        right=math.cos(roll) * right + math.sin(roll) * down,
        down=math.cos(roll) * down - math.sin(roll) * right,
    )


def cast_rays(
    scene: Scene, shape: tuple[int, ...], affine: Float64, rays_per_side: int = 1
) -> Rays:
    """Give the rays of a scene, one through the centre of each pixel or part of a pixel.

    The rays run on beyond the detector to the volume's far side: a detector drawn too near to the
    body cuts nothing off.

    Args:
        scene: The scene.
        shape: (X, Y, Z) of the volume.
        affine: (4, 4), voxel index to world mm.
        rays_per_side: K; each pixel has K x K parts.

    Returns:
        rows * K * columns * K rays.

    Raises:
        SynthmedError: The source of a cone stands inside the volume.
    """
    low, high = corners(shape, affine)
    view = camera(scene, (low + high) / 2)
    y, x = (
        ((np.arange(n * rays_per_side) + 0.5) / (n * rays_per_side) - 0.5) * length
        for n, length in zip(scene.size, scene.detector_mm, strict=True)
    )
    plane = (y[:, None, None] * view.down + x[None, :, None] * view.right).reshape(-1, 3)
    reach = float(np.linalg.norm(high - low)) / 2 + float(np.linalg.norm(scene.shift_mm)) + 1.0
    if scene.projection == "parallel":
        plane = plane + view.isocentre
        return Rays(plane - reach * view.beam, plane + reach * view.beam)
    inside = np.linalg.solve(affine, np.append(view.source, 1.0))[:3]
    if np.all((inside > -1) & (inside < np.asarray(shape))):
        raise SynthmedError(
            "the source stands inside the volume",
            where="source_isocentre_mm",
            mend=f"Take more than {reach:.0f} mm.",
        )
    far = (scene.source_isocentre_mm + reach) / scene.source_detector_mm
    ends = (plane + scene.source_detector_mm * view.beam) * max(1.0, far) + view.source
    return Rays(np.broadcast_to(view.source, ends.shape), ends)


def corners(shape: tuple[int, ...], affine: Float64) -> tuple[Float64, Float64]:
    """Give two opposite outer corners of a volume, world mm, (3,) each."""
    low = affine[:3, :3] @ np.full(3, -0.5) + affine[:3, 3]
    high = affine[:3, :3] @ (np.asarray(shape) - 0.5) + affine[:3, 3]
    return low, high


def spacing_of(affine: Float64) -> Float64:
    """Give the size of a voxel along each axis of the volume, in mm, (3,)."""
    return np.linalg.norm(affine[:3, :3], axis=0)


def rays_for(scene: Scene, affine: Float64, most: int = 4) -> int:
    """Give how many rays a side a pixel needs to miss no voxel: pixels much larger are sampled.

    Args:
        scene: The scene.
        affine: (4, 4) of the volume.
        most: Greatest answer.

    Returns:
        1 where a pixel, seen at the isocentre, is at most 1.5 voxels (their mean side) wide.
    """
    pitch = max(mm / n for mm, n in zip(scene.detector_mm, scene.size, strict=True))
    if scene.projection == "cone":
        pitch *= scene.source_isocentre_mm / scene.source_detector_mm
    return min(most, max(1, math.ceil(pitch / (1.5 * float(spacing_of(affine).mean())))))
