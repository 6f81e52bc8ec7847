"""The two-sample tests of "detectability": a linear and a kernel classifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.errors import SynthmedError
from synthmed.evaluation.context import Settings
from synthmed.evaluation.detectability_samples import TRACES, Sample, too_few
from synthmed.evaluation.judged_estimates import estimate
from synthmed.measures import forensics, judge_features
from synthmed.measures.cross_fitting import Features, Fit
from synthmed.measures.kernel_judge import KernelJudge
from synthmed.measures.linear_probe import LinearProbe
from synthmed.measures.two_sample import TwoSample, two_sample_test


class TraceProbe:
    """A linear probe of traces alone, whatever other features it is given."""

    def __init__(self, features: Features, labels: Any, groups: Any) -> None:
        self.probe = LinearProbe.fit(_traces(features), labels, groups)

    def scores(self, features: Features) -> npt.NDArray[np.float64]:
        """(M,) log-odds of label 1."""
        return self.probe.scores(_traces(features))


def fit_kernel(features: Features, labels: Any, _: Any) -> KernelJudge:
    """Train the kernel classifier, on all features."""
    return KernelJudge.fit(features, labels)


CLASSIFIERS: Mapping[str, Fit] = {
    "linear": TraceProbe,
    "kernel": fit_kernel,
}
IDS = {
    "linear": f"linear-probe/1 on {forensics.ID}",
    "kernel": f"kernel-judge/1 on {forensics.ID} + {judge_features.ID}",
}
PREPROCESSING = {
    "linear": forensics.PREPROCESSING,
    "kernel": f"{forensics.PREPROCESSING}; {judge_features.PREPROCESSING}",
}


def tell_apart(
    first: Sample, second: Sample, name: str, settings: Settings
) -> tuple[dict[str, Any], TwoSample | None]:
    """Test whether a classifier tells two samples apart.

    Args:
        first: Label 0, real.
        second: Label 1.
        name: "linear" or "kernel".
        settings: Seed and draws.

    Returns:
        "auroc", "p", "n_train"; or "not_measurable". And the test, if there was one.
    """
    few = too_few(first, second)
    if few:
        return {"auroc": None, "p": None, "not_measurable": few}, None
    features = {
        key: np.concatenate([first.features[key], second.features[key]]) for key in first.features
    }
    labels = np.repeat([0, 1], [len(first.groups), len(second.groups)])
    groups = np.concatenate([first.groups, second.groups])
    try:
        found = two_sample_test(
            features,
            labels,
            groups.tolist(),
            CLASSIFIERS[name],
            seed=settings.seed,
            bootstraps=settings.bootstraps,
        )
    except SynthmedError as error:
        return {"auroc": None, "p": None, "not_measurable": str(error)}, None
    tested = labels[found.test]
    counts = int((tested == 0).sum()), int((tested == 1).sum())
    ids = IDS[name], PREPROCESSING[name]
    area = estimate(found.auroc, (found.low, found.high), counts, ids)
    return {"auroc": area, "p": round(found.p, 6), "n_train": int((~found.test).sum())}, found


def _traces(features: Features) -> dict[str, Any]:
    return {name: features[name] for name in TRACES}
