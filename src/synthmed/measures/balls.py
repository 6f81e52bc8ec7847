"""How many points lie in which balls, without each set of blocks.

Distances come in float32 with a known margin of error. A point well inside a ball's smallest
radius, or well outside its largest one, needs no more; the few pairs between are measured in
float64 from the differences and compared with each radius. So every count is the exact one,
ties included (a point at the radius itself lies inside).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from synthmed.measures.arrays import Array
from synthmed.measures.blocks import Dealt, Index, LeftOut, block_count, indicator, kept_blocks
from synthmed.measures.search import Screen, reach_of, rows_at_once, squared_distances

CHUNK = 512
MOST_OPEN = 2**22
Measure = Callable[[Index, Index], Array]
"""(points, balls) -> squared distances of these pairs."""


class Census:
    """Counts the pairs of points and balls that contain them.

    Args:
        radii: (L, B) squared radius of each ball without each of L sets of blocks; not-a-number
            where the ball itself is left out.
        point_blocks: (P,) block of each point.
        ball_blocks: (B,) block of each ball.
        keep: (L, blocks) which blocks remain.
    """

    def __init__(
        self, radii: Array, point_blocks: Index, ball_blocks: Index, keep: NDArray[np.bool_]
    ) -> None:
        count = keep.shape[1]
        self.radii, self.keep, self.point_blocks = radii, keep, point_blocks
        seen = np.isfinite(radii).any(axis=0)
        self.smallest = np.where(seen, np.fmin.reduce(radii), -1.0)
        self.largest = np.where(seen, np.fmax.reduce(radii), -1.0)
        self.points = indicator(point_blocks, count, np.float32)
        self.balls = indicator(ball_blocks, count, np.float32)
        self.sure_of_point = np.zeros((len(point_blocks), count), np.float32)
        self.sure_in_ball = np.zeros((len(ball_blocks), count), np.float32)
        self.extra_of_point = np.zeros((len(keep), len(point_blocks)))
        self.extra_in_ball = np.zeros((len(keep), len(ball_blocks)))
        self.open: list[tuple[Index, Index, Array]] = []

    def add(
        self,
        points: slice,
        balls: slice,
        squares: NDArray[np.float32],
        margins: Array,
        scale: float,
        measure: Measure,
    ) -> None:
        """Counts a tile.

        Args:
            points: Which points the tile's rows are.
            balls: Which balls its columns are.
            squares: (p, b) lower bounds on squared distances, times ``scale²``.
            margins: (b,) by how much they may lie too low, in the same units.
            scale: See ``squares``.
            measure: Gives exact squared distances of pairs.
        """
        inside = (self.smallest[balls] * scale**2 - margins).astype(np.float32)
        outside = (self.largest[balls] * scale**2).astype(np.float32)
        sure = squares < np.nextafter(inside, np.float32(-np.inf))
        open_ = squares <= np.nextafter(outside, np.float32(np.inf))
        open_ ^= sure
        hits = sure.astype(np.float32)
        self.sure_of_point[points] += hits @ self.balls[balls]
        self.sure_in_ball[balls] += hits.T @ self.points[points]
        p, b = _where(open_)
        p, b = p + points.start, b + balls.start
        self.open.append((p, b, measure(p, b)))
        if sum(len(pairs[0]) for pairs in self.open) > MOST_OPEN:
            self._decide()

    def _decide(self) -> None:
        """Counts the open pairs, whose exact distances are known, for each set of blocks."""
        p, b, exact = (np.concatenate(x) for x in zip(*self.open, strict=True))
        self.open.clear()
        block = self.point_blocks[p]
        for i, kept in enumerate(self.keep):
            hit = (exact <= self.radii[i, b]) & kept[block]
            self.extra_of_point[i] += np.bincount(p[hit], minlength=len(self.point_blocks))
            self.extra_in_ball[i] += np.bincount(b[hit], minlength=self.radii.shape[1])

    def of_points(self) -> Array:
        """(L, P) number of remaining balls that contain each point."""
        if self.open:
            self._decide()
        return np.asarray(self.keep.astype(float) @ self.sure_of_point.T + self.extra_of_point)

    def in_balls(self) -> Array:
        """(L, B) number of remaining points in each ball."""
        if self.open:
            self._decide()
        return np.asarray(self.keep.astype(float) @ self.sure_in_ball.T + self.extra_in_ball)


def take_census(
    real: Dealt,
    synthetic: Dealt,
    real_radii: Array | None,
    synthetic_radii: Array | None,
    left_out: LeftOut,
) -> tuple[Census | None, Census | None]:
    """Counts synthetic points in real balls, and real points in synthetic balls.

    Args:
        real: (N, D) features in float64.
        synthetic: (M, D) features in float64.
        real_radii: (L, N) squared radii without each set of blocks; None: do not count.
        synthetic_radii: (L, M) likewise.
        left_out: The L sets of blocks.

    Returns:
        The count for real balls and the count for synthetic balls.
    """
    keep = kept_blocks(left_out, block_count(real, synthetic))
    x, y = real.rows, synthetic.rows
    screen = Screen(x, x.mean(axis=0), reach_of(x, y))
    slack_x, slack_y = (2.0 * screen.margin * screen.scaled(rows)[1] + 1e-35 for rows in (x, y))
    of_real = of_synthetic = None
    if real_radii is not None:
        of_real = Census(real_radii, synthetic.blocks, real.blocks, keep)
    if synthetic_radii is not None:
        of_synthetic = Census(synthetic_radii, real.blocks, synthetic.blocks, keep)
    every, scale = slice(0, len(x)), screen.scale

    def to_balls_of_x(point: Index, ball: Index) -> Array:
        return squared_distances(x, y, ball, point)

    def to_balls_of_y(point: Index, ball: Index) -> Array:
        return squared_distances(x, y, point, ball)

    chunk = rows_at_once(len(x), CHUNK)
    for start in range(0, len(y), chunk):
        rows = slice(start, min(start + chunk, len(y)))
        tile = screen.bounds(y[rows])
        if of_real is not None:
            margins = slack_x + slack_y[rows].max()
            of_real.add(rows, every, tile, margins, scale, to_balls_of_x)
        if of_synthetic is not None:
            margins = slack_y[rows] + slack_x.max()
            of_synthetic.add(every, rows, tile.T, margins, scale, to_balls_of_y)
    return of_real, of_synthetic


def _where(mask: NDArray[np.bool_]) -> tuple[Index, Index]:
    """Rows and columns of the true entries; much quicker than a search in two dimensions."""
    if mask.flags.c_contiguous:
        rows, columns = divmod(np.flatnonzero(mask), mask.shape[1])
    else:
        columns, rows = divmod(np.flatnonzero(mask.T), mask.shape[0])
    return rows, columns
