"""The training of a classifier: the same for every design but for the images.

Nothing is chosen along the way: no epoch, no rate, no threshold. The weights after the last step
are judged, so no validation patients are needed and none are peeked at.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from synthmed.errors import DivergedError, SynthmedError
from synthmed.evaluation.utility_parts.labelled import Labelled
from synthmed.measures.classifiers.registry import ImageClassifier, make_classifier
from synthmed.models.device import autocast, pick_device
from synthmed.training.augment import augment, operations_of
from synthmed.transport.seeds import step_generator


@dataclass(frozen=True)
class Fitting:
    """How classifiers are trained; equal for all designs of a table.

    Attributes:
        classifier: Spec of the network (`make_classifier`).
        steps: Optimiser steps; a design may take a multiple of them.
        batch_size: Images a step.
        learning_rate: Peak rate; None takes the network's own.
        weight_decay: Of AdamW.
        device: "auto", "cpu", "cuda", ...
        dtype: "float32", or "bfloat16" for autocast where the processor has it.
    """

    classifier: str = "small-cnn"
    steps: int = 400
    batch_size: int = 32
    learning_rate: float | None = None
    weight_decay: float = 0.05
    device: str = "cpu"
    dtype: str = "float32"

    def __post_init__(self) -> None:
        """Refuse numbers that train nothing."""
        if self.steps < 1 or self.batch_size < 2:
            raise SynthmedError(
                f"{self.steps} steps of {self.batch_size} images train no classifier",
                mend="Give at least one step and two images.",
            )


@dataclass(frozen=True)
class Phase:
    """Some steps on some images.

    Attributes:
        sides: Sets of images.
        shares: Probability that an image of a batch is of each set.
        steps: Optimiser steps.
    """

    sides: Sequence[Labelled]
    shares: Sequence[float]
    steps: int


def fit(phases: Sequence[Phase], classes: int, fitting: Fitting, seed: int) -> ImageClassifier:
    """Train a classifier phase by phase.

    Each image of a batch: its set by the shares, its class evenly among the classes of that set,
    then an image of that class evenly; so classes weigh the same whatever their frequency. It is
    changed by the operations that are safe for its type (`synthmed.training.augment.SAFE`; none
    for other types). AdamW, cross-entropy; in each phase the rate rises over 5 % of the steps and
    falls to 0 along a cosine. The same arguments and number of threads give the same weights.

    Args:
        phases: What to train on, in order; images of unknown class are left out.
        classes: Number of classes.
        fitting: How.
        seed: Seeds initial weights, batches, augmentation and dropout.

    Returns:
        The trained classifier, in evaluation mode.

    Raises:
        SynthmedError: A phase with fewer than two classes.
        DivergedError: A loss that is no finite number.
    """
    device = pick_device(fitting.device)
    classifier = make_classifier(fitting.classifier, classes, seed=seed)
    network = classifier.network.to(device)
    rate = fitting.learning_rate or classifier.learning_rate
    optimiser = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=fitting.weight_decay)
    step = 0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for phase in phases:
            batches = _Batches(phase, fitting.batch_size, seed)
            for own in range(phase.steps):
                x_BCHW, labels_B = batches.draw(step)
                for group in optimiser.param_groups:
                    group["lr"] = rate * _share_of_rate(own, phase.steps)
                with autocast(device, fitting.dtype):
                    logits = classifier(x_BCHW.to(device))
                loss = F.cross_entropy(logits.float(), labels_B.to(device))
                if not torch.isfinite(loss):
                    raise DivergedError(f"the classifier's loss is {loss.item()} at step {step}")
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                step += 1
    network.eval()
    return classifier


@torch.no_grad()
def predict(classifier: ImageClassifier, images: Any, batch_size: int = 128) -> NDArray[np.float64]:
    """Probabilities (N, classes) of images (N, 1 or 3, S, S), floats in [-1, 1]."""
    classifier.network.eval()
    device = next(classifier.network.parameters()).device
    parts = [
        classifier(three_channels(images[i : i + batch_size]).to(device)).double().softmax(1).cpu()
        for i in range(0, len(images), batch_size)
    ]
    return np.asarray(torch.cat(parts).numpy())


def three_channels(images: Any) -> Tensor:
    """Images (B, 1 or 3, S, S) to (B, 3, S, S) float32; grey ones are repeated."""
    x_BCHW = torch.from_numpy(np.ascontiguousarray(images, dtype=np.float32))
    return x_BCHW if x_BCHW.shape[1] == 3 else x_BCHW.repeat(1, 3, 1, 1)


class _Batches:
    """Draws the batches of a phase; each is a function of (seed, step)."""

    def __init__(self, phase: Phase, size: int, seed: int) -> None:
        self.sides, self.size, self.seed = phase.sides, size, seed
        self.shares = torch.tensor(phase.shares, dtype=torch.float64)
        self.classes = [
            [np.flatnonzero(side.labels == k) for k in np.unique(side.labels[side.labels >= 0])]
            for side in phase.sides
        ]
        if min(len(rows) for rows in self.classes) < 2:
            raise SynthmedError("a classifier needs training images of at least two classes")
        self.operations = [
            {kind: operations_of(kind, {}) for kind in np.unique(side.kinds).tolist()}
            for side in phase.sides
        ]

    def draw(self, step: int) -> tuple[Tensor, Tensor]:
        """Images (B, 3, S, S) and labels (B,) of a step."""
        draw = step_generator(self.seed, step, "utility batch")
        sources = torch.multinomial(self.shares, self.size, replacement=True, generator=draw)
        where = torch.rand(self.size, 2, generator=draw, dtype=torch.float64).tolist()
        images, labels = [], []
        for source, (a, b) in zip(sources.tolist(), where, strict=True):
            side, classes = self.sides[source], self.classes[source]
            rows = classes[int(a * len(classes))]
            row = rows[int(b * len(rows))]
            x_CHW = three_channels(side.images[row : row + 1])[0]
            images.append(augment(x_CHW, self.operations[source][str(side.kinds[row])], draw))
            labels.append(int(side.labels[row]))
        return torch.stack(images), torch.tensor(labels)


def _share_of_rate(step: int, steps: int) -> float:
    """Linear warm-up over 5 % of the steps, then cosine to 0."""
    warm = max(1, steps // 20)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1.0 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))
