"""Which sets `utility_table` takes: what twice as many patients are worth, on training rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.utility_sets import HALF, SEED, RealSet
from synthmed.evaluation.utility_parts.designs import some_patients
from synthmed.evaluation.utility_parts.draws import Draws, scored
from synthmed.evaluation.utility_parts.labelled import Labelled
from synthmed.measures.features import load_extractor

FOLDS = 4


def gain(real: RealSet, repeats: int) -> dict[str, Any]:
    """What twice as many patients are worth to a plain classifier, on training rows alone.

    Logistic regression on image statistics and small pixels, cross-validated by patient; each time
    once with all other patients and once with half of them. No test row is read.

    Args:
        real: The set.
        repeats: Times that folds and halves are drawn anew.
    """
    side = real.double
    parts = [load_extractor(name)(side.images) for name in ("statistics", "pixels-16")]
    x = np.concatenate(parts, axis=1)
    both = [_held_out(x, side, fraction, repeats) for fraction in (HALF, 1.0)]
    draws = Draws.make(side.groups, repeats, 1000, SEED)
    n, double = (scored("auroc", side.labels, p, draws) for p in both)
    return {
        "n": n.estimate(),
        "2n": double.estimate(),
        "gain": double.minus(n).estimate(),
        "images": len(side),
        "patients": len(set(side.groups.tolist())),
        "classes": len(real.classes),
    }


def _held_out(
    x: npt.NDArray[np.float64], side: Labelled, fraction: float, repeats: int
) -> npt.NDArray[np.float64]:
    """Probabilities (repeats, N, K) by classifiers that saw a share of the other patients."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    names, codes = np.unique(side.groups, return_inverse=True)
    classes = int(side.labels.max()) + 1
    found = np.zeros((repeats, len(x), classes))
    for repeat in range(repeats):
        fold = np.random.default_rng([SEED, repeat]).permutation(len(names))[codes] % FOLDS
        for k in range(FOLDS):
            rest = np.flatnonzero(fold != k)
            rest = rest[some_patients(side.take(rest), fraction, repeat)]
            model = make_pipeline(
                StandardScaler(), LogisticRegression(C=0.01, class_weight="balanced", max_iter=300)
            ).fit(x[rest], side.labels[rest])
            known = model[-1].classes_
            found[np.ix_([repeat], fold == k, known)] = model.predict_proba(x[fold == k])
    return found
