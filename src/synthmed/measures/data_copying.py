"""The data-copying test C_T (Meehan et al. 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array, as_features
from synthmed.measures.blocks import Index
from synthmed.measures.jackknife import jackknife_groups
from synthmed.measures.search import nearest

FEWEST_IN_CELL = 20


@dataclass(frozen=True)
class DataCopying:
    """The data-copying test of Meehan et al. 2020.

    Attributes:
        value: C_T: mean z-score over the cells; well below 0: copies; well above: underfitted.
        low: Lower end of its 95 % interval.
        high: Upper end of its 95 % interval.
        cells: Number of cells that count.
        covered: Share of the hold-out images in these cells.
        n_synthetic: Number of synthetic images.
        n_holdout: Number of hold-out images.
    """

    value: float
    low: float
    high: float
    cells: int
    covered: float
    n_synthetic: int
    n_holdout: int


def data_copying(
    synthetic: Any,
    holdout: Any,
    train: Any,
    *,
    cells: int = 10,
    synthetic_groups: Any = None,
    holdout_groups: Any = None,
    seed: int = 0,
) -> DataCopying:
    """C_T, the data-copying test (Meehan et al. 2020, section 4.2).

    Space is cut into cells by k-means on the training images. In each cell the distances of
    synthetic and of hold-out images to their nearest training image are compared by the
    Mann-Whitney U statistic as a z-score; C_T is the mean over cells, each weighing its share
    of the hold-out images. Cells with fewer than 20 images of a side do not count.

    Args:
        synthetic: (N, D) features.
        holdout: (H, D) features of real images of no training patient.
        train: (T, D) features.
        cells: Number of cells.
        synthetic_groups: (N,) groups, for the interval.
        holdout_groups: (H,) patients, for the interval.
        seed: Seeds k-means.

    Returns:
        C_T with a grouped delete-a-group jackknife interval, the cells being fixed.

    Raises:
        SynthmedError: No cell with enough images, too few groups, or widths that differ.
    """
    train = as_features(train, "train", rows=cells)
    sides = as_features(synthetic, "synthetic"), as_features(holdout, "hold-out")
    centres = _cell_centres(train, cells, seed)
    tables = []
    for rows in sides:
        cell = nearest(rows, centres, k=1)[1][:, 0]
        tables.append(np.stack([nearest(rows, train, k=1)[0][:, 0], cell], axis=1))
    counts = [np.bincount(x[:, 1].astype(int), minlength=cells) for x in tables]
    used = np.flatnonzero(np.minimum(*counts) >= FEWEST_IN_CELL)
    if len(used) == 0:
        raise SynthmedError(
            f"no cell holds {FEWEST_IN_CELL} synthetic and {FEWEST_IN_CELL} hold-out images",
            mend="Take fewer cells or more images",
        )
    samples = (tables[0], synthetic_groups), (tables[1], holdout_groups)
    low, high = jackknife_groups(lambda a, b: _mean_score(a, b, used), *samples)
    covered = float(counts[1][used].sum() / len(sides[1]))
    value = _mean_score(tables[0], tables[1], used)
    return DataCopying(value, low, high, len(used), covered, len(sides[0]), len(sides[1]))


def _cell_centres(train: Array, cells: int, seed: int) -> Array:
    """(cells, D) centres of k-means."""
    from sklearn.cluster import KMeans

    found = KMeans(cells, n_init=1, random_state=seed).fit(train)
    return np.asarray(found.cluster_centers_, dtype=np.float64)


def _mean_score(synthetic: Array, holdout: Array, cells: Index) -> float:
    """Mean z-score over cells, by the share of hold-out images; tables of (distance, cell)."""
    scores, weights = [], []
    for cell in cells:
        a, b = (x[x[:, 1] == cell, 0] for x in (synthetic, holdout))
        n, m = len(a), len(b)
        if n and m:
            ranks = rankdata(np.concatenate([a, b]))[:n]
            u = ranks.sum() - n * (n + 1) / 2
            scores.append((u - n * m / 2) / np.sqrt(n * m * (n + m + 1) / 12))
            weights.append(m)
    if not scores:
        raise SynthmedError("a few groups hold all images of the cells", mend="Take fewer cells")
    return float(np.average(scores, weights=weights))
