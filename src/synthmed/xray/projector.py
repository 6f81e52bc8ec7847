"""Line integrals through volumes, by nanodrr's ray marching on the CPU.

nanodrr (MIT; V. Gopalakrishnan) samples a volume trilinearly at the midpoints of equal parts of
each ray. Its own map from HU to attenuation is not used: the volumes are densities already.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from synthmed.errors import SynthmedError
from synthmed.xray.geometry import Float64, Rays, spacing_of

CHUNK = 4096  # rays at a time: tens of MB
STEP = 1.0  # of the smallest side of a voxel
FEW = 5  # classes up to which one march each is quicker than one of nanodrr's for all


def line_integrals(
    volumes: Sequence[npt.NDArray[np.float32]], affine: Float64, rays: Rays
) -> npt.NDArray[np.float32]:
    """Integrate volumes along rays.

    Args:
        volumes: V volumes (X, Y, Z) on one grid, trilinear between the centres of voxels; outside
            them there is nothing.
        affine: (4, 4), voxel index to world mm.
        rays: N rays.

    Returns:
        float32 (V, N): the unit of the volume times mm.

    Raises:
        SynthmedError: nanodrr is not installed.
    """
    return np.concatenate([_march(volume, None, 1, affine, rays) for volume in volumes])


def class_lengths(
    classes: npt.NDArray[np.uint8], n_classes: int, affine: Float64, rays: Rays
) -> npt.NDArray[np.float32]:
    """Measure how long rays run inside each class of voxels, trilinear as the volumes are.

    Args:
        classes: (X, Y, Z), numbers from 0 (none) to n_classes - 1.
        n_classes: At least 2.
        affine: (4, 4), voxel index to world mm.
        rays: N rays.

    Returns:
        float32 (n_classes - 1, N), mm, from class 1 on.

    Raises:
        SynthmedError: nanodrr is not installed.
    """
    if n_classes - 1 <= FEW:
        masks = [(classes == number).astype(np.float32) for number in range(1, n_classes)]
        return line_integrals(masks, affine, rays)
    return _march((classes > 0).astype(np.float32), classes, n_classes, affine, rays)[1:]


def _march(
    volume: npt.NDArray[np.float32],
    classes: npt.NDArray[np.uint8] | None,
    n_classes: int,
    affine: Float64,
    rays: Rays,
) -> npt.NDArray[np.float32]:
    """Integrate the part of a volume that is not 0, by class: (n_classes, N)."""
    subject_of, render = _nanodrr()
    found = np.zeros((n_classes, len(rays.ends)), np.float32)
    part, affine = _filled(volume, affine)
    if not volume[part].size:
        return found
    subject = subject_of(
        volume[part], None if classes is None else classes[part], n_classes, affine
    )
    lengths = crossing_mm(rays, volume[part].shape, affine)
    step = STEP * float(spacing_of(affine).min())
    one, nothing = torch.ones(1), torch.eye(3)[None]  # sdd and camera are unused: rays are given
    for chunk in _chunks(len(lengths)):
        samples = int(np.ceil(lengths[chunk].max() / step))
        if not samples:
            continue
        starts, ends = (
            torch.from_numpy(np.ascontiguousarray(points[chunk], np.float32))[None]
            for points in (rays.starts, rays.ends)
        )
        with torch.inference_mode():
            integral = render(
                *(subject, nothing, torch.eye(4)[None], one, 1, ends.shape[1], max(2, samples)),
                soft_labels=True,
                src=starts,
                tgt=ends,
                backend="torch",
            )
        found[:, chunk] = integral[0, :, 0].numpy()
    return found


def _filled(volume: npt.NDArray[np.float32], affine: Float64) -> tuple[Any, Float64]:
    """Give the smallest box of voxels that holds all that is not 0, and its affine."""
    filled = volume != 0
    slices = []
    for axes in ((1, 2), (0, 2), (0, 1)):
        places = np.flatnonzero(filled.any(axis=axes))
        slices.append(slice(places[0], places[-1] + 1) if len(places) else slice(0, 0))
    moved = affine.copy()
    moved[:3, 3] += affine[:3, :3] @ [float(each.start) for each in slices]
    return tuple(slices), moved


def crossing_mm(rays: Rays, shape: tuple[int, ...], affine: Float64) -> Float64:
    """Give how long each ray runs within one voxel around the voxels' centres, mm, (N,)."""
    inverse = np.linalg.inv(affine)
    starts, ends = (
        points @ inverse[:3, :3].T + inverse[:3, 3] for points in (rays.starts, rays.ends)
    )
    way = ends - starts
    way[np.abs(way) < 1e-12] = 1e-12
    near, far = (-1 - starts) / way, (np.asarray(shape) - starts) / way
    enter = np.minimum(near, far).max(axis=1).clip(0, 1)
    leave = np.maximum(near, far).min(axis=1).clip(0, 1)
    length: Float64 = np.linalg.norm(rays.ends - rays.starts, axis=1)
    return (leave - enter).clip(0) * length


def _chunks(count: int) -> Iterator[slice]:
    for begin in range(0, count, CHUNK):
        yield slice(begin, min(begin + CHUNK, count))


def _nanodrr() -> tuple[Any, Any]:
    """Give the maker of a subject, and nanodrr's `render`."""
    try:
        from nanodrr.data import Subject
        from nanodrr.drr import render
    except ImportError as error:
        raise SynthmedError(
            "rendering X-rays needs nanodrr", mend='Run: pip install "synthmed[xray]"'
        ) from error
    return partial(_subject, Subject), render


def _subject(
    maker: Any,
    volume: npt.NDArray[np.float32],
    classes: npt.NDArray[np.uint8] | None,
    n_classes: int,
    affine: Float64,
) -> Any:
    """Give nanodrr's subject: (X, Y, Z) becomes (1, 1, Z, Y, X), as `grid_sample` wants it."""
    image = torch.from_numpy(np.ascontiguousarray(volume.transpose(2, 1, 0)))[None, None]
    labels = torch.zeros((1, 1, 1, 1, 1))
    if classes is not None:
        labels = torch.from_numpy(classes.transpose(2, 1, 0).astype(np.float32))[None, None]
    size = np.asarray(volume.shape, np.float64)
    to_grid = np.eye(4)  # the voxels' outer faces lie at -1 and 1
    to_grid[:3, :3], to_grid[:3, 3] = np.diag(2 / size), 1 / size - 1
    world, index, grid = (
        torch.from_numpy(matrix).float() for matrix in (affine, np.linalg.inv(affine), to_grid)
    )
    centre, last = torch.zeros(3), n_classes - 1  # the centre is nanodrr's own; rays need none
    return maker(image, labels, world, index, grid, centre, max_label=last, convert_to_mu=False)
