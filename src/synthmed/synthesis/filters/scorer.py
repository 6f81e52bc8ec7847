"""The scorer: a small classifier of image types and labels that `broken` and `off-prompt` ask.

It must never be the judge of an evaluation: its id and hash stand in the filtered set's
dataset.json.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from synthmed.datasets.splits import group_hashes
from synthmed.synthesis.filters.materials import Part

if TYPE_CHECKING:
    from synthmed.measures.small_cnn import Classifier

TYPE_TASK = "image_type"
LEAST = 20
"""Images with, and without, a label that its task needs."""
_MOST, _VIEWS = 2000, 12_000  # images; image views of the whole fit


def open_scorer(folder: Path) -> Classifier:
    """Open a trained classifier.

    Args:
        folder: What `Classifier.save` wrote. `off-prompt` asks the task `image_type`, whose
            classes are image types, and tasks `TYPE|LABEL` of two classes, the second for images
            that have the label.

    Raises:
        SynthmedError: No classifier there.
    """
    from synthmed.measures.small_cnn import Classifier

    return Classifier.load(folder)


def fit_scorer(part: Part, seed: int) -> Classifier | None:
    """Fit a classifier of image types and common labels.

    Args:
        part: Real training images; 2,000 of them are enough.
        seed: Seeds the choice and the fit.

    Returns:
        The classifier; None where the images have one type and no common label.
    """
    from synthmed.measures.classifier import fit_classifier

    chosen = np.sort(np.random.default_rng(seed).permutation(len(part))[:_MOST])
    rows = [part.rows[i] for i in chosen]
    targets, classes = _tasks(rows, part.kinds[chosen])
    if not targets:
        return None
    return fit_classifier(
        part.frames(chosen),
        targets,
        groups=group_hashes(rows),
        classes=classes,
        epochs=max(6, min(20, _VIEWS // len(rows))),
        seed=seed,
    )


def label_task(kind: str, label: str) -> str:
    """Give the name of the task that tells whether images of a type have a label."""
    return f"{kind}|{label}"


def _tasks(
    rows: list[Any], kinds: npt.NDArray[np.str_]
) -> tuple[dict[str, npt.NDArray[np.int64]], dict[str, tuple[str, ...]]]:
    """Targets and class names of each task."""
    targets: dict[str, npt.NDArray[np.int64]] = {}
    classes: dict[str, tuple[str, ...]] = {}
    names = sorted(set(kinds.tolist()) - {""})
    if len(names) > 1:
        index = {name: i for i, name in enumerate(names)}
        targets[TYPE_TASK] = np.asarray([index.get(str(kind), -1) for kind in kinds])
        classes[TYPE_TASK] = tuple(names)
    counts = Counter(
        (str(kind), label) for kind, row in zip(kinds, rows, strict=True) for label in row.labels
    )
    for kind, label in sorted(counts):
        has = np.asarray([label in row.labels for row in rows])
        here = kinds == kind
        if min(int((has & here).sum()), int((~has & here).sum())) >= LEAST:
            targets[label_task(kind, label)] = np.where(here, has.astype(np.int64), -1)
            classes[label_task(kind, label)] = ("absent", "present")
    return targets, classes
