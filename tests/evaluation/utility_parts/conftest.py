"""Made images whose class is a faint pattern, and a classifier that needs no training steps."""

from __future__ import annotations

import numpy as np
import pytest

from synthmed.evaluation.utility_parts.labelled import Labelled


def made_set(n, seed, *, strength=0.35, name="p", classes=2, per_patient=2, **more):
    """n images of 8 x 8; class k has its own faint pattern; `per_patient` images a patient."""
    draw = np.random.default_rng(seed)
    labels = (np.arange(n) // per_patient) % classes
    patterns = np.random.default_rng(99).normal(0, 1, (classes, 1, 8, 8))
    images = 0.25 * (draw.normal(0, 1, (n, 1, 8, 8)) + strength * patterns[labels])
    groups = np.asarray([f"{name}{i // per_patient:04d}" for i in range(n)])
    return Labelled(np.clip(images, -1, 1).astype(np.float32), labels, groups, **more)


def mean_fit(phases, classes, fitting, seed):
    """Class means over all phases, weighted by shares and steps."""
    total, weight = 0.0, np.zeros(classes)
    for phase in phases:
        for side, share in zip(phase.sides, phase.shares, strict=True):
            one = np.eye(classes)[side.labels]
            each = share * phase.steps / np.maximum(one.sum(axis=0), 1)
            total = total + (one * each).T @ side.images.reshape(len(side), -1).astype(float)
            weight += share * phase.steps * (one.sum(axis=0) > 0)
    return total / weight[:, None]


def mean_predict(means, images):
    flat = np.asarray(images, dtype=float).reshape(len(images), -1)
    logits = flat @ means.T - 0.5 * (means**2).sum(axis=1)
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


@pytest.fixture
def fast(monkeypatch):
    """Classifiers of class means instead of networks; gives the list of what was trained."""
    trained = []

    def fit(phases, classes, fitting, seed):
        trained.append((phases, seed))
        return mean_fit(phases, classes, fitting, seed)

    monkeypatch.setattr("synthmed.evaluation.utility_parts.runs.fit", fit)
    monkeypatch.setattr("synthmed.evaluation.utility_parts.runs.predict", mean_predict)
    return trained


@pytest.fixture
def make_set():
    return made_set
