"""What both sides are compared by: features, and within what images count as alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthmed.errors import SynthmedError
from synthmed.evaluation.context import Context, Features
from synthmed.evaluation.sides import Side

Labels = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Material:
    """What both sides are compared by.

    Attributes:
        real: Features of the real images.
        synthetic: Features of the synthetic images.
        labels: Within what images count as alike, for diversity: (real, synthetic).
        within: What these labels are: "prompt", "type and labels" or "type".
    """

    real: Features
    synthetic: Features
    labels: tuple[Labels, Labels]
    within: str


def material(context: Context) -> Material:
    """Compute the features of both sides, and find out within what diversity is compared.

    Raises:
        SynthmedError: The extractor is unknown or not there, or gives values that are not finite.
    """
    labels, within = _labels(context.real, context.synthetic)
    features = [context.features(side) for side in (context.real, context.synthetic)]
    for side, found in zip((context.real, context.synthetic), features, strict=True):
        if not np.isfinite(found.values).all():
            raise SynthmedError(
                f"features of {side.name} images hold values that are not finite", where=found.id
            )
    return Material(features[0], features[1], labels, within)


def _labels(real: Side, synthetic: Side) -> tuple[tuple[Labels, Labels], str]:
    """Within what diversity is compared: prompts if real captions are the same words, else more.

    The finest of prompt, type with labels, and type for which half of the synthetic images or
    more have real images of the same name, two of either side.
    """
    for within in ("prompt", "type and labels", "type"):
        names = [_named(side, within) for side in (real, synthetic)]
        shared = [
            set(name[counts > 1].tolist())
            for name, counts in (np.unique(own, return_counts=True) for own in names)
        ]
        if np.isin(names[1], list(shared[0] & shared[1])).mean() >= 0.5:
            break
    return (names[0], names[1]), within


def _named(side: Side, within: str) -> Labels:
    if within == "prompt":
        return np.asarray([prompt.strip().casefold() for prompt in side.prompts], dtype=np.str_)
    if within == "type":
        return side.kinds
    labels = ("|".join(sorted(label.strip().casefold() for label in r.labels)) for r in side.rows)
    return np.asarray([f"{k}: {own}" for k, own in zip(side.kinds, labels, strict=True)])
