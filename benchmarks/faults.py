"""Faults of a synthetic set, made of real images: blur, noise, lost modes, labels, copies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from benchmarks.data import eight_bits
from synthmed.measures.extractors.pixels import Pixels16

Images = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Part:
    """Some real images of one type.

    Attributes:
        images: (N, 3, S, S) in [-1, 1].
        groups: (N,) patient of each.
        labels: (N,) one of two labels of each.
    """

    images: Images
    groups: npt.NDArray[np.str_]
    labels: npt.NDArray[np.str_]

    def take(self, rows: Any) -> Part:
        """Some of the images, in the order of the rows."""
        return Part(self.images[rows], self.groups[rows], self.labels[rows])


Fault = Callable[[Part, Part, Part, float], Part]
"""(reference, undamaged, further patients, strength) -> damaged."""


def thirds(part: Part, seed: int) -> tuple[Part, Part, Part]:
    """Split a part into three of one size, no patient in two of them.

    Large patients first, each into the smallest third; larger thirds are then cut.
    """
    names, codes = np.unique(part.groups, return_inverse=True)
    sizes = np.bincount(codes)
    order = np.random.default_rng(seed).permutation(len(names))
    order = order[np.argsort(-sizes[order], kind="stable")]
    load, place = np.zeros(3), np.zeros(len(names), dtype=int)
    for group in order:
        place[group] = load.argmin()
        load[place[group]] += sizes[group]
    least = int(load.min())
    shuffled = np.random.default_rng(seed).permutation(len(codes))
    a, b, c = (shuffled[place[codes[shuffled]] == i][:least] for i in range(3))
    return part.take(a), part.take(b), part.take(c)


def blur(_: Part, undamaged: Part, __: Part, sigma: float) -> Part:
    """Gaussian blur; the strength is its standard deviation in pixels."""
    images = gaussian_filter(undamaged.images, (0, 0, sigma, sigma))
    return replace(undamaged, images=eight_bits(images))


def noise(_: Part, undamaged: Part, __: Part, std: float) -> Part:
    """White noise; the strength is its standard deviation, images being in [-1, 1]."""
    grain = np.random.default_rng(0).normal(0, std, undamaged.images[:, :1].shape)
    return replace(undamaged, images=eight_bits(undamaged.images + grain))


def mode_drop(_: Part, undamaged: Part, __: Part, share: float) -> Part:
    """Images at one end of the first principal component of coarse pixels are lost.

    As many of the others are repeated; the strength is the share that is lost.
    """
    pixels = Pixels16()(undamaged.images)
    centred = pixels - pixels.mean(axis=0)
    place = centred @ np.linalg.svd(centred, full_matrices=False)[2][0]
    keep = np.argsort(place, kind="stable")[: max(1, round((1 - share) * len(place)))]
    again = np.random.default_rng(0).choice(keep, len(place) - len(keep))
    return undamaged.take(np.concatenate([keep, again]))


def label_swap(_: Part, undamaged: Part, __: Part, share: float) -> Part:
    """Images bear the other of the two labels; the strength is their share."""
    names = np.unique(undamaged.labels)
    rows = np.random.default_rng(0).permutation(len(undamaged.labels))
    rows = rows[: round(share * len(rows))]
    labels = undamaged.labels.copy()
    labels[rows] = np.where(labels[rows] == names[0], names[-1], names[0])
    return replace(undamaged, labels=labels)


def copies(reference: Part, undamaged: Part, _: Part, share: float) -> Part:
    """Images are copies of images of the reference; the strength is their share."""
    count = round(share * len(undamaged.images))
    copied = reference.take(np.random.default_rng(0).permutation(len(reference.images))[:count])
    rest = undamaged.take(slice(count, None))
    joined = zip(*(vars(each).values() for each in (copied, rest)), strict=True)
    return Part(*(np.concatenate(pair) for pair in joined))


def other_patients(_: Part, __: Part, further: Part, ___: float) -> Part:
    """No fault: undamaged images of further patients. The control that must not be seen."""
    return further


FAULTS: dict[str, tuple[Fault, tuple[float, ...]]] = {
    "blur": (blur, (0.4, 0.7, 1.0, 2.0)),
    "noise": (noise, (0.02, 0.05, 0.1, 0.2)),
    "mode drop": (mode_drop, (0.2, 0.4, 0.6, 0.8)),
    "label swap": (label_swap, (0.25, 0.5, 0.75, 1.0)),
    "copies": (copies, (0.1, 0.25, 0.5, 1.0)),
    "other patients": (other_patients, (0.0,)),
}
"""Faults, and their strengths from weak to strong."""
