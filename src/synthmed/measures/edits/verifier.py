"""A verifier of identity: are two images of the same patient? Trained locally, never shipped.

It is trained on real images of patients who have several, tested on other patients, and stays on
the machine: it could be used to find a person again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from synthmed.errors import SynthmedError
from synthmed.measures.agreement import auroc
from synthmed.measures.arrays import Array, as_features, same_width
from synthmed.measures.edits.estimates import SMALLEST_AUROC, Estimate, mean_over_patients
from synthmed.measures.edits.pairs import (
    different_pairs,
    pair_features,
    same_pairs,
    split_patients,
)
from synthmed.measures.intervals import bootstrap_groups

FEWEST_PATIENTS = 12
WIDTH = 32
FALSE_ACCEPTANCE = 0.05


@dataclass(frozen=True)
class Verifier:
    """Scores pairs of images: high for the same patient.

    Attributes:
        auroc: AUROC on pairs of held-out patients, with its interval.
        threshold: Score that 5 % of the held-out pairs of different patients reach.
        accepted: Share of held-out pairs of one patient at or above the threshold: the best
            that an edit can be expected to reach.
        trained_on: Patients it was trained on; it must not judge their images.
        measurable: Whether the AUROC is at least .80.
    """

    auroc: Estimate
    threshold: float
    accepted: Estimate
    trained_on: frozenset[str]
    centre: Array = field(repr=False)
    basis: Array = field(repr=False)
    weights: Array = field(repr=False)

    @property
    def measurable(self) -> bool:
        """Whether the verifier is good enough to judge."""
        return self.auroc.value >= SMALLEST_AUROC

    def scores(self, a: Any, b: Any) -> Array:
        """Score of each pair.

        Args:
            a: (N, D) features.
            b: (N, D) features.

        Returns:
            (N,) in [0, 1], the logistic of a weighted sum; calibrated to equal numbers of same
            and different pairs only.

        Raises:
            SynthmedError: Shapes that differ, from each other or from the training features.
        """
        a, b = as_features(a), as_features(b)
        same_width(a, b)
        if len(a) != len(b) or a.shape[1] != len(self.centre):
            raise SynthmedError(
                f"features of {a.shape} and {b.shape} do not fit a verifier of "
                f"{len(self.centre)} features"
            )
        a, b = ((x - self.centre) @ self.basis for x in (a, b))
        return _logistic(pair_features(a, b), self.weights)


def fit_verifier(
    features: Any,
    groups: Sequence[str],
    *,
    kinds: Sequence[str] | None = None,
    bootstraps: int = 1000,
    seed: int = 0,
) -> Verifier:
    """Trains a verifier on two thirds of the patients and tests it on the rest.

    The features are whitened by the principal components of the training patients (32 at most);
    a logistic regression of squared differences and cosine tells pairs of one patient from as
    many pairs of two patients of one kind.

    Args:
        features: (N, D) features of real images, several of some patients.
        groups: Patient of each image.
        kinds: Image type of each image; without it all are of one kind.
        bootstraps: Draws of the bootstrap.
        seed: Seeds the split and the pairs.

    Returns:
        The verifier with its AUROC on held-out patients; see ``measurable``.

    Raises:
        SynthmedError: Fewer than 12 patients with two images or more, or lengths that differ.
    """
    x, names = as_features(features), np.asarray(groups).astype(str)
    sorts = np.asarray(kinds if kinds is not None else [""] * len(x)).astype(str)
    if len(names) != len(x) or len(sorts) != len(x):
        raise SynthmedError(f"{len(names)} groups and {len(sorts)} kinds for {len(x)} images")
    repeated = int((np.unique(names, return_counts=True)[1] > 1).sum())
    if repeated < FEWEST_PATIENTS:
        raise SynthmedError(
            f"{repeated} patients with two images or more are too few for a verifier",
            mend=f"Give at least {FEWEST_PATIENTS}",
        )
    first = split_patients(names.tolist(), 2 / 3, seed)
    learns = np.isin(names, list(first))
    centre, basis = _whitening(x[learns])
    white = (x - centre) @ basis
    weights = _fit(*_drawn(white, names, sorts, learns, seed)[:2])
    seen, same, owners = _drawn(white, names, sorts, ~learns, seed + 1)
    scores = _logistic(seen, weights)
    area = bootstrap_groups(auroc, [same, scores], owners, n=bootstraps, seed=seed)
    held_out = len(np.unique(owners))
    threshold = float(np.quantile(scores[same == 0], 1.0 - FALSE_ACCEPTANCE, method="higher"))
    taken = np.where(same == 1, scores >= threshold, np.nan)
    return Verifier(
        auroc=Estimate(auroc(same, scores), *area, n=len(same), patients=held_out),
        threshold=threshold,
        accepted=mean_over_patients(taken, owners, bootstraps=bootstraps, seed=seed),
        trained_on=frozenset(names[learns].tolist()),
        centre=centre,
        basis=basis,
        weights=weights,
    )


def _whitening(x: Array) -> tuple[Array, Array]:
    """Mean, and a basis (D, K) in which the features have variance 1 and no correlation."""
    centre = x.mean(axis=0)
    _, values, vectors = np.linalg.svd(x - centre, full_matrices=False)
    kept = max(1, min(WIDTH, len(x) // 4, int((values > 1e-6 * max(values[0], 1e-12)).sum())))
    return centre, vectors[:kept].T / np.maximum(values[:kept], 1e-12) * np.sqrt(len(x) - 1)


def _drawn(white: Array, names: Any, kinds: Any, chosen: Any, seed: int) -> tuple[Array, Any, Any]:
    """Pair features of some patients, 1 for pairs of one patient, and the first one's name."""
    x, owners, sorts = white[chosen], names[chosen], kinds[chosen]
    same = same_pairs(owners, seed)
    other = different_pairs(owners, sorts, len(same), seed)
    if not len(other):
        raise SynthmedError("no two patients of one kind to tell apart")
    rows = np.concatenate([same, other])
    labels = np.repeat([1, 0], [len(same), len(other)])
    return pair_features(x[rows[:, 0]], x[rows[:, 1]]), labels, owners[rows[:, 0]]


def _fit(x: Array, y: Any) -> Array:
    """Intercept and weights of a logistic regression (C = 1) on scaled pair features."""
    from sklearn.linear_model import LogisticRegression

    scale = np.maximum(x.std(axis=0), 1e-12)
    model = LogisticRegression(C=1.0, max_iter=1000).fit(x / scale, y)
    return np.concatenate([model.intercept_, model.coef_[0] / scale])


def _logistic(x: Array, weights: Array) -> Array:
    logits = x @ weights[1:] + weights[0]
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logits, -500.0, 500.0))))
