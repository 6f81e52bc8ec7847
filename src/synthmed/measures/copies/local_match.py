"""How well two images fit tile by tile, each tile free to move a little.

Every tile of the query looks for its best place in the known image: normalised correlation of
local contrast over all shifts of up to 6 pixels (of 64). Neighbouring tiles must move alike: four
of them form a block, whose score is the largest mean of their correlations under one shift, each
tile being allowed one pixel more in every direction. This is one level of the correlation pyramid
of DeepMatching (Revaud et al. 2016, section 3.2). It bears small turns, zooms and warps; tiles of
strangers find good places too, but not side by side.

A candidate is compared as it is and with its local contrast negated, as an image with inverted
grey values (a negative) has it: the correlations change their sign, nothing else. The better fit
counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from synthmed.measures.copies.prepare import LARGEST, Float32
from synthmed.measures.copies.search import Index
from synthmed.measures.copies.symmetries import positioned

TILES = 7
"""Tiles along a side; a tile is a quarter of the side wide, neighbours overlap by half."""
BLOCKS = (TILES - 1) ** 2
FLAT = 0.05
"""Local contrast (standard deviation) at which a tile's correlation is halved on either side."""
TEXTURED = 0.3
"""A tile with less local contrast (standard deviation) does not count."""
STRAIGHT = 0.05
"""Nor does one whose slopes across are weaker than this share of the steepest ones (in squares)."""
PIECE = 48
"""Pairs correlated at a time."""


@dataclass(frozen=True)
class Grid:
    """Sizes in pixels for images of one side.

    Attributes:
        side: Side of the images.
    """

    side: int

    @property
    def tile(self) -> int:
        """Side of a tile."""
        return self.side // 4

    @property
    def step(self) -> int:
        """Distance of neighbouring tiles."""
        return self.side // 8

    @property
    def reach(self) -> int:
        """Largest shift."""
        return max(1, round(6 * self.side / LARGEST))

    @property
    def shifts(self) -> int:
        """Shifts along one axis."""
        return 2 * self.reach + 1


def match_blocks(
    queries: Float32, known: Float32, pairs: Index, symmetries: Sequence[str]
) -> Float32:
    """Scores the blocks of each query against its candidates.

    Args:
        queries: (N, s, s) local contrast.
        known: (T, s, s) local contrast.
        pairs: (N, K) candidates; number ``v * T + t`` is image t in position v of ``symmetries``.
        symmetries: Names of positions.

    Returns:
        (N, K, 36) float32 in [-1, 1], blocks row by row: of the candidate or of its negative,
        whichever fits better over all blocks.
    """
    grid = Grid(queries.shape[-1])
    scores = np.empty((pairs.size, BLOCKS), np.float32)
    numbers = pairs.ravel()
    order = np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(np.diff(numbers[order])) + 1
    for members in np.split(order, starts):
        position, row = divmod(int(numbers[members[0]]), len(known))
        windows, norms = _windows(positioned(known[row], symmetries[position]), grid)
        for start in range(0, len(members), PIECE):
            part = members[start : start + PIECE]
            tiles = _tiles(queries[part // pairs.shape[1]], grid)
            scores[part] = _better_sign(_correlations(tiles, windows, norms, grid))
    return scores.reshape(*pairs.shape, BLOCKS)


def textured(queries: Float32) -> NDArray[np.bool_]:
    """Which blocks of an image show enough to be compared.

    A tile counts if it has contrast, and if that changes in every direction: the eigenvalues of its
    structure tensor (Shi and Tomasi 1994) differ by less than a factor of 20. A straight border,
    such as the edge of a film, fits every other one and says nothing of a patient.

    Args:
        queries: (N, s, s) local contrast.

    Returns:
        (N, 36): at least half of the block's tiles count.
    """
    grid = Grid(queries.shape[-1])
    enough = np.empty((len(queries), TILES, TILES), dtype=np.int64)
    for start in range(0, len(queries), PIECE):
        slopes = np.gradient(queries[start : start + PIECE], axis=(1, 2))
        dy, dx = (np.asarray(slope, np.float32) for slope in slopes)
        a, b, c = (_cut(part, grid).mean(axis=(3, 4)) for part in (dy * dy, dx * dx, dy * dx))
        root = np.sqrt(((a - b) / 2.0) ** 2 + c**2)
        bent = (a + b) / 2.0 - root > STRAIGHT * ((a + b) / 2.0 + root)
        spread = _cut(queries[start : start + PIECE], grid).std(axis=(3, 4))
        enough[start : start + PIECE] = bent & (spread > TEXTURED)
    around = enough[:, :-1, :-1] + enough[:, 1:, :-1] + enough[:, :-1, 1:] + enough[:, 1:, 1:]
    return np.asarray(around >= 2).reshape(len(queries), BLOCKS)


def _cut(images: Float32, grid: Grid) -> Float32:
    """(n, 7, 7, tile, tile) view of the tiles."""
    windows = sliding_window_view(images, (grid.tile, grid.tile), axis=(1, 2))
    return np.asarray(windows[:, :: grid.step, :: grid.step])


def _tiles(images: Float32, grid: Grid) -> Float32:
    """(49, tile², n) tiles with mean 0 and length 1, shorter where they are flat."""
    tiles = _cut(images, grid).reshape(len(images), TILES**2, grid.tile**2).transpose(1, 2, 0)
    centred = tiles - tiles.mean(axis=1, keepdims=True)
    length = np.sqrt((centred**2).sum(axis=1, keepdims=True))
    return np.asarray(centred / (length + np.float32(FLAT * grid.tile)))


def _windows(image: Float32, grid: Grid) -> tuple[Float32, Float32]:
    """All windows of a tile's size, zeros around the image, and their lengths."""
    padded = np.pad(image, grid.reach)
    windows = sliding_window_view(padded, (grid.tile, grid.tile))
    total, squares = _box_sums(padded, grid.tile), _box_sums(padded**2, grid.tile)
    variance = np.maximum(squares - total**2 / grid.tile**2, 0.0)
    norms = np.sqrt(variance) + FLAT * grid.tile
    return windows, norms.astype(np.float32)


def _box_sums(image: Float32, size: int) -> NDArray[np.float64]:
    """Sum of every window of ``size`` × ``size`` pixels."""
    sums = np.pad(image.astype(np.float64).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    return np.asarray(
        sums[size:, size:] - sums[:-size, size:] - sums[size:, :-size] + sums[:-size, :-size]
    )


def _correlations(tiles: Float32, windows: Float32, norms: Float32, grid: Grid) -> Float32:
    """(shifts, shifts, 7, 7, n) correlation of each tile with the window at each shift."""
    reach, pixels = grid.shifts, grid.tile**2
    volume = np.empty((reach**2, TILES**2, tiles.shape[2]), np.float32)
    for number in range(TILES**2):
        top, left = (grid.step * i for i in divmod(number, TILES))
        place = np.s_[top : top + reach, left : left + reach]
        found = windows[place].reshape(reach**2, pixels) @ tiles[number]
        volume[:, number] = found / norms[place].reshape(-1, 1)
    return volume.reshape(reach, reach, TILES, TILES, -1)


def _better_sign(volume: Float32) -> Float32:
    """(n, 36): scores of the blocks, or of those of the negative where their sum is larger."""
    plain = _pooled(volume)
    inverted = _pooled(np.negative(volume, out=volume))
    better = inverted.sum(axis=1) > plain.sum(axis=1)
    return np.where(better[:, None], inverted, plain)


def _pooled(volume: Float32) -> Float32:
    """(n, 36): best common shift of four neighbouring tiles, each one pixel free."""
    for axis in (0, 1):
        moved = np.moveaxis(volume, axis, 0)
        wide = moved.copy()
        np.maximum(wide[1:], moved[:-1], out=wide[1:])
        np.maximum(wide[:-1], moved[1:], out=wide[:-1])
        volume = np.moveaxis(wide, 0, axis)
    four = volume[:, :, :-1, :-1] + volume[:, :, 1:, :-1]
    four += volume[:, :, :-1, 1:]
    four += volume[:, :, 1:, 1:]
    best = four.reshape(-1, *four.shape[2:]).max(axis=0) / 4.0
    return np.asarray(best.reshape(BLOCKS, -1).T)
