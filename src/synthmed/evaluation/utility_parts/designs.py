"""What a classifier is trained on: real, synthetic, both, or one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from synthmed.errors import SynthmedError
from synthmed.evaluation.utility_parts.labelled import Labelled

Way = Literal["real", "synthetic", "together", "synthetic then real"]
RATIOS = (1.0, 2.0, 4.0)
"""Synthetic images per real image in `standard` designs, as far as there are images."""


@dataclass(frozen=True)
class Design:
    """One row of the table.

    Attributes:
        name: Its name, unique in a table.
        way: "real" and "synthetic" train on one of them; "together" draws each image of a batch
            from the real ones with probability 1 / (1 + ratio), else from the synthetic ones;
            "synthetic then real" takes half of the steps on synthetic images alone, then half on
            real ones alone.
        real: Name of the set of real images. For "synthetic" it is the set that `ratio` counts by.
        synthetic: Name of the set of synthetic images.
        fraction: Share of the real images that is used, patients drawn anew for each seed.
        ratio: Synthetic images per real image in use.
        shuffled: Give the synthetic images each other's labels: a control, which must not help.
        times: Multiple of the steps of all other designs: a control, "twice as long".
    """

    name: str
    way: Way
    real: str = "real"
    synthetic: str = ""
    fraction: float = 1.0
    ratio: float = 0.0
    shuffled: bool = False
    times: int = 1

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        if not 0 < self.fraction <= 1:
            raise SynthmedError(f"fraction is {self.fraction:g}, not above 0 and at most 1")
        if self.times < 1:
            raise SynthmedError(f"times is {self.times}", mend="Give 1 or more.")
        if (self.way != "real") != bool(self.synthetic and self.ratio > 0):
            raise SynthmedError(
                f"the way {self.way!r} does not go with synthetic images {self.synthetic!r} at "
                f"ratio {self.ratio:g}",
                where=self.name,
            )

    @property
    def control(self) -> bool:
        """Whether it is a control rather than something to recommend."""
        return self.shuffled or self.times > 1


def headline(
    n: str = "N", double: str = "2N", synthetic: str = "synthetic", ratio: float = 1.0
) -> list[Design]:
    """The designs of MediSyn's main claim (Cho et al., arXiv:2405.09806), with two controls.

    Args:
        n: Name of the real set that the generator was trained on: the baseline.
        double: Name of the real set of twice as many patients.
        synthetic: Name of the synthetic set.
        ratio: Synthetic images per image of `n`.
    """
    mixed = f"real {n} + {synthetic}"
    return [
        Design(f"real {n}", "real", n),
        Design(f"real {double}", "real", double),
        Design(mixed, "together", n, synthetic, ratio=ratio),
        Design(f"{synthetic} only", "synthetic", n, synthetic, ratio=ratio),
        Design(f"{synthetic} then real {n}", "synthetic then real", n, synthetic, ratio=ratio),
        Design(f"real {n}, twice as long", "real", n, times=2),
        Design(f"{mixed}, labels shuffled", "together", n, synthetic, ratio=ratio, shuffled=True),
    ]


def standard(
    fractions: Sequence[float] = (0.1, 0.5, 1.0),
    ratios: Sequence[float] = RATIOS,
    real: str = "real",
    synthetic: str = "synthetic",
) -> list[Design]:
    """The designs of a report: real fractions with and without synthetic images, mixing ratios.

    Args:
        fractions: Shares of the real images; 1 is always there and is the baseline.
        ratios: Synthetic images per real image; the first is used wherever one is needed.
        real: Name of the real set.
        synthetic: Name of the synthetic set.

    Raises:
        SynthmedError: No ratio.
    """
    if not ratios:
        raise SynthmedError("there is no mixing ratio", mend="Give at least one.")
    first, mixed = ratios[0], f"{real} + {synthetic}"
    designs = [Design(real, "real", real)]
    for share in sorted(set(fractions) - {1.0}):
        part = f"{share:.0%} of {real}"
        designs.append(Design(part, "real", real, fraction=share))
        designs.append(
            Design(f"{part} + {synthetic}", "together", real, synthetic, share, ratio=first)
        )
    designs += [Design(f"{mixed} x{r:.3g}", "together", real, synthetic, ratio=r) for r in ratios]
    designs += [
        Design(f"{synthetic} only", "synthetic", real, synthetic, ratio=max(ratios)),
        Design(f"{synthetic} then {real}", "synthetic then real", real, synthetic, ratio=first),
        Design(f"{real}, twice as long", "real", real, times=2),
        Design(
            f"{mixed} x{first:.3g}, labels shuffled",
            "together",
            real,
            synthetic,
            ratio=first,
            shuffled=True,
        ),
    ]
    return designs


def some_patients(side: Labelled, fraction: float, seed: int) -> NDArray[np.int64]:
    """Draw a share of the images by whole patients, class by class, nested for growing shares.

    Patients are dealt by the class of their first image, so that each class keeps its share.

    Args:
        side: The real images.
        fraction: Share of them, above 0 and at most 1.
        seed: Of the draw; the same seed and a larger share give a superset.

    Returns:
        Row numbers, ascending; at least one patient of each class.
    """
    if fraction >= 1:
        return np.arange(len(side))
    names, first, codes = np.unique(side.groups, return_index=True, return_inverse=True)
    order = np.random.default_rng([seed, 1]).permutation(len(names))
    sizes, chosen = np.bincount(codes), np.zeros(len(names), dtype=bool)
    for label in np.unique(side.labels):
        own = order[side.labels[first[order]] == label]
        before = sizes[own].cumsum() - sizes[own]
        chosen[own[before < fraction * sizes[own].sum()]] = True
    return np.flatnonzero(chosen[codes])


def some_images(side: Labelled, count: int, seed: int) -> NDArray[np.int64]:
    """Draw synthetic images, each class keeping its share, nested for growing counts.

    Args:
        side: The synthetic images.
        count: How many; all where there are not more.
        seed: Of the draw.

    Returns:
        Row numbers, ascending.
    """
    order = np.random.default_rng([seed, 2]).permutation(len(side))
    place = np.empty(len(side))
    for label in np.unique(side.labels):
        own = order[side.labels[order] == label]
        place[own] = (np.arange(len(own)) + 0.5) / len(own)
    return np.sort(np.argsort(place, kind="stable")[:count])


def shuffled_labels(labels: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    """Give the images each other's labels: the frequencies stay, the meaning goes."""
    return np.random.default_rng([seed, 3]).permutation(labels)
