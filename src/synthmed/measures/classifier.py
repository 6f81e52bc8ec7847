"""Trains a small classifier of several attributes at once.

Tasks are, for instance, the image type and, within types, findings; labels may be missing in any
row and task.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from synthmed.errors import DivergedError, SynthmedError
from synthmed.measures.small_cnn import Classifier, SmallCNN, prepare
from synthmed.transport.seeds import step_generator

__all__ = ["Augment", "Classifier", "fit_classifier"]

Augment = Callable[[Tensor, int, torch.Generator], Tensor]
"""(image (3, 64, 64), its row in the training set, generator) -> image."""


def fit_classifier(
    images: Any,
    targets: Mapping[str, Any],
    *,
    groups: Sequence[str],
    classes: Mapping[str, Sequence[str]] | None = None,
    augment: Augment | None = None,
    epochs: int = 30,
    batch_size: int = 64,
    learning_rate: float = 2e-3,
    seed: int = 0,
) -> Classifier:
    """Trains a classifier of several tasks on the CPU.

    AdamW (weight decay 0.05), 5 % linear warm-up, then cosine to 0. The loss is the mean over
    tasks of the cross-entropy over rows with a known label, each class of a task weighing the
    same in sum. The same arguments and number of threads give the same weights.

    Args:
        images: (N, 1 or 3, H, W) floats in [-1, 1]; shrunk to 64 px.
        targets: For each task (N,) integers from 0; -1 where the label is unknown.
        groups: Hashes of the groups that the images come from, for the card.
        classes: Names of each task's classes; by default "0", "1", …
        augment: Changes one image at a time; is given the row so that it can keep to what is
            safe for the image's type, and must draw from the given generator alone.
        epochs: Passes over the images.
        batch_size: Images a step.
        learning_rate: Its peak.
        seed: Seeds initial weights, order, dropout and augmentation.

    Returns:
        The trained classifier.

    Raises:
        SynthmedError: Images or labels that do not fit, or a task with a single known class.
        DivergedError: A loss that is no finite number.
    """
    x_NCHW = prepare(images)
    names = _class_names(targets, classes)
    labels, weights = _labels(targets, names, len(x_NCHW))
    steps = epochs * -(-len(x_NCHW) // batch_size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = SmallCNN([len(task) for task in names.values()]).train()
        optimiser = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=0.05)
        step = 0
        for epoch in range(epochs):
            order = torch.randperm(len(x_NCHW), generator=step_generator(seed, epoch, "order"))
            for rows in order.split(batch_size):
                for group in optimiser.param_groups:
                    group["lr"] = learning_rate * _schedule(step, steps)
                draw = step_generator(seed, step, "augmentation")
                x_BCHW = torch.stack(
                    [augment(x_NCHW[i], i, draw) if augment else x_NCHW[i] for i in rows.tolist()]
                )
                loss = _loss(network(x_BCHW), labels[rows], weights[rows])
                if not torch.isfinite(loss):
                    raise DivergedError(f"the classifier's loss is {loss.item()} at step {step}")
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                step += 1
    training = {
        "images": len(x_NCHW),
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "seed": seed,
    }
    return Classifier(network.eval(), names, tuple(sorted(set(groups))), training)


def _loss(logits: list[Tensor], labels_BT: Tensor, weights_BT: Tensor) -> Tensor:
    """Weighted cross-entropy, mean over the batch, summed over tasks; weight 0: unknown."""
    losses = [
        F.cross_entropy(logits[t], labels_BT[:, t].clamp(min=0), reduction="none")
        for t in range(len(logits))
    ]
    return (torch.stack(losses, dim=1) * weights_BT).mean(dim=0).mean()


def _schedule(step: int, steps: int) -> float:
    """Linear warm-up over 5 % of the steps, then cosine to 0."""
    warm = max(1, steps // 20)
    if step < warm:
        return (step + 1) / warm
    return float(0.5 * (1.0 + np.cos(np.pi * (step - warm) / max(1, steps - warm))))


def _class_names(
    targets: Mapping[str, Any], classes: Mapping[str, Sequence[str]] | None
) -> dict[str, tuple[str, ...]]:
    if not targets:
        raise SynthmedError("a classifier needs at least one task")
    names = {}
    for task, values in targets.items():
        highest = int(np.max(values, initial=-1))
        names[task] = tuple(classes[task]) if classes else tuple(map(str, range(highest + 1)))
        if highest >= len(names[task]):
            raise SynthmedError(f"label {highest} of {len(names[task])} classes", where=task)
    return names


def _labels(
    targets: Mapping[str, Any], names: Mapping[str, tuple[str, ...]], n: int
) -> tuple[Tensor, Tensor]:
    """(N, tasks) labels and weights; a task's weights are equal in sum for all its classes.

    No class weighs more than ten times its share. Over a task they add up to N (unless one is
    capped), whatever the share of rows with a known label.
    """
    table, weights = np.full((n, len(names)), -1), np.zeros((n, len(names)))
    for t, (task, values) in enumerate(targets.items()):
        column = np.asarray(values)
        if column.shape != (n,) or not np.issubdtype(column.dtype, np.integer):
            raise SynthmedError(f"labels must be {n} integers, -1 for unknown", where=task)
        counts = np.bincount(column[column >= 0], minlength=len(names[task]))
        if (counts > 0).sum() < 2:
            raise SynthmedError("a task needs known labels of at least two classes", where=task)
        known = column >= 0
        table[:, t] = column
        balance = known.sum() / ((counts > 0).sum() * counts[column[known]])
        weights[known, t] = np.minimum(balance, 10.0) * n / known.sum()
    return torch.from_numpy(table), torch.from_numpy(weights).float()
