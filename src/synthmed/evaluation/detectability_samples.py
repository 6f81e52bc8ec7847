"""What detectors look at: matched images of both sides, and their features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from synthmed.evaluation.judged_estimates import sampled
from synthmed.evaluation.sides import Side
from synthmed.measures import forensics, judge_features
from synthmed.measures.cross_fitting import select

FEWEST, FEWEST_GROUPS = 40, 8
"""Images, and groups, a side without which nothing is tested."""
LARGEST = 2000
"""Images a side that are looked at."""
TILES = 8
TRACES = ("axes", "colour", "histogram", "peaks", "residual", "spectrum", "texture")
"""The groups of `forensic_features`."""
_BATCH = 64

Groups = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Sample:
    """Images of one side, with features of all that is tested.

    Attributes:
        groups: (N,) group of each image.
        kinds: (N,) type of each image.
        features: (N, D) by group of features: traces, and what the kernel judge adds.
        tiles: (N, T, T, 4) features of tiles.
    """

    groups: Groups
    kinds: Groups
    features: dict[str, Any]
    tiles: npt.NDArray[np.float64]

    def take(self, rows: npt.NDArray[Any]) -> Sample:
        """Give some of the images."""
        return Sample(
            self.groups[rows], self.kinds[rows], select(self.features, rows), self.tiles[rows]
        )


def matched(real: Side, synthetic: Side, seed: int, largest: int = LARGEST) -> tuple[Side, Side]:
    """Give parts of both sides with as many images of each type on one side as on the other.

    Args:
        real: Real images.
        synthetic: Synthetic images.
        seed: Seeds the draw of groups.
        largest: Images a side, at most.
    """
    sides = real, synthetic
    kinds = [str(kind) for kind in np.unique(sides[0].kinds)]
    share = largest // max(1, len(kinds))
    chosen: tuple[list[Any], list[Any]] = ([], [])
    for kind in kinds:
        rows = [np.flatnonzero(side.kinds == kind) for side in sides]
        n = min(share, *map(len, rows))
        for kept, side, own in zip(chosen, sides, rows, strict=True):
            kept.append(own[sampled(side.groups[own], n, seed)])
    rows = [np.sort(np.concatenate(kept)).astype(np.int64) for kept in chosen]
    return real.take(rows[0]), synthetic.take(rows[1])


def sample_of(side: Side, blur: float = 0.0) -> Sample:
    """Compute the features of a side's images, 64 at a time.

    Args:
        side: The images.
        blur: Standard deviation in pixels of a blur that is put on them first.
    """
    parts, tiles = [], []
    for batch in side.batches(_BATCH):
        x = gaussian_filter(batch, (0, 0, blur, blur)) if blur else batch
        x = forensics.rounded(x).astype(np.float32)
        parts.append(forensics.forensic_features(x) | judge_features.judge_features(x))
        tiles.append(forensics.tile_features(x, TILES))
    features = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return Sample(side.groups, side.kinds, features, np.concatenate(tiles))


def too_few(first: Sample, second: Sample) -> str:
    """Say why two samples cannot be tested; "" if they can."""
    for sample in (first, second):
        n, groups = len(sample.groups), len(set(sample.groups))
        if n < FEWEST or groups < FEWEST_GROUPS:
            return (
                f"{n} images of {groups} groups on a side; {FEWEST} of {FEWEST_GROUPS} are needed"
            )
    return ""


def halves(sample: Sample, seed: int) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Deal the groups of a sample into two random halves: two masks (N,)."""
    names, code = np.unique(sample.groups, return_inverse=True)
    first = np.random.default_rng(seed).permutation(len(names)) < (len(names) + 1) // 2
    return first[code], ~first[code]
