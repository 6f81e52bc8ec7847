"""Can one tell from a generator's loss whether an image was among its training images?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synthmed.evaluation.membership_losses import codec_errors, flow_losses
from synthmed.evaluation.membership_scores import (
    balanced,
    cross_fitted_calls,
    gain,
    standardised,
)
from synthmed.evaluation.sides import Side
from synthmed.measures.agreement import auroc
from synthmed.measures.intervals import bootstrap_groups

if TYPE_CHECKING:
    from synthmed.models.generator import Generator

Array = npt.NDArray[np.float64]
Interval = tuple[float, float, float]


@dataclass(frozen=True)
class Membership:
    """What the test found.

    Attributes:
        auroc: Probability that a training image has a lower loss than a hold-out image of its
            type, with its 95 % interval; 0.5 where nothing can be told.
        advantage: Share of training images called members less that of hold-out images, by
            thresholds from other patients, with its 95 % interval; 0 where nothing can be told.
        codec_auroc: The same as `auroc` by the codec's error alone: the control. The codec was
            trained on the same images, or on none of both; what it tells, the flow need not.
        n_train: Training images that were tested.
        n_holdout: Hold-out images that were tested.
        draws: Times at which the loss was taken.
        generator: Name of the generator.
        generator_hash: SHA-256 of its weights.
        scores: Standardised losses, negative: of training images and of hold-out images.
    """

    auroc: Interval
    advantage: Interval
    codec_auroc: Interval
    n_train: int
    n_holdout: int
    draws: int
    generator: str
    generator_hash: str
    scores: tuple[Array, Array]

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON values."""
        facts = {"n_train": self.n_train, "n_holdout": self.n_holdout}
        return {
            **{
                name: {"value": value, "low": low, "high": high, **facts}
                for name, (value, low, high) in (
                    ("auroc", self.auroc),
                    ("advantage", self.advantage),
                    ("codec_auroc", self.codec_auroc),
                )
            },
            **facts,
            "draws": self.draws,
            "generator": self.generator,
            "generator_hash": self.generator_hash,
        }


def membership(
    generator: Generator,
    train: Side,
    holdout: Side,
    *,
    n: int = 200,
    draws: int = 8,
    seed: int = 0,
    bootstraps: int = 1000,
    progress: Callable[[str], None] = lambda _: None,
) -> Membership:
    """Test whether a generator's loss tells its training images from others.

    Both sides have the same types in equal numbers; losses are standardised within each type,
    over both sides, so that a type that is hard to draw is not taken for a stranger.

    Args:
        generator: The generator.
        train: Its training images.
        holdout: Real images of no patient of these.
        n: Images a side at most.
        draws: Times at which the loss is taken.
        seed: Seeds choice, noise, folds and bootstrap.
        bootstraps: Draws of the bootstrap over patients.
        progress: Told what is being done.

    Returns:
        AUROC and advantage with 95 % intervals, and the control.

    Raises:
        SynthmedError: No type with images of at least four patients on both sides.
    """
    members, others = balanced(train, holdout, n, seed)
    sides = (train.take(members), holdout.take(others))
    kinds = np.concatenate([side.kinds for side in sides])
    groups = np.concatenate([side.groups for side in sides])
    truth = np.repeat([1, 0], [len(members), len(others)])
    losses = np.concatenate([flow_losses(generator, s, draws, seed, progress) for s in sides])
    errors = np.concatenate([codec_errors(generator, side) for side in sides])
    scores, control = standardised(-losses, kinds), standardised(-errors, kinds)

    def interval(statistic: Callable[..., float], values: Any) -> Interval:
        ends = bootstrap_groups(statistic, [truth, values], groups, n=bootstraps, seed=seed)
        return (statistic(truth, values), *ends)

    return Membership(
        interval(auroc, scores),
        interval(gain, cross_fitted_calls(truth, scores, groups, seed)),
        interval(auroc, control),
        len(members),
        len(others),
        draws,
        generator.name,
        generator.hash,
        (scores[truth == 1], scores[truth == 0]),
    )
