"""Whether an edited image still looks like the same patient, by a verifier trained locally."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthmed.errors import SafetyError
from synthmed.measures.edits.estimates import SMALLEST_AUROC, Estimate, mean_over_patients
from synthmed.measures.edits.verifier import FALSE_ACCEPTANCE, Verifier, fit_verifier

__all__ = ["IdentityKept", "Verifier", "fit_verifier", "identity_kept"]


@dataclass(frozen=True)
class IdentityKept:
    """Whether edits are still taken for their patients.

    Attributes:
        rate: Share of edits taken for their source's patient; None if not measurable.
        ceiling: The same share of pairs of real images of one held-out patient.
        floor: Share of pairs of different patients taken for one, by choice of the threshold.
        auroc: The verifier's AUROC on held-out patients.
        not_measurable: Why there is no rate, else None.
    """

    rate: Estimate | None
    ceiling: Estimate
    floor: float
    auroc: Estimate
    not_measurable: str | None = None


def identity_kept(
    verifier: Verifier,
    source: Any,
    edited: Any,
    groups: Sequence[str],
    *,
    bootstraps: int = 1000,
    seed: int = 0,
) -> IdentityKept:
    """Share of edits that are still taken for their source's patient.

    Args:
        verifier: Trained on other patients.
        source: (N, D) features of the sources.
        edited: (N, D) features of their edits.
        groups: Patient of each source.
        bootstraps: Draws of the bootstrap.
        seed: Seeds the draws.

    Returns:
        The rate between its two controls, or why it is not measurable. An edit that changes
        nothing has the rate 1, above the ceiling of two real images of one patient.

    Raises:
        SafetyError: Sources of patients that the verifier was trained on.
        SynthmedError: Arrays that do not fit, or a single patient.
    """
    names = np.asarray(groups).astype(str)
    if both := verifier.trained_on & set(names.tolist()):
        raise SafetyError(
            f"the verifier was trained on {len(both)} of the patients that it is to judge",
            mend="Judge edits of patients that are not in `trained_on`",
        )
    scores = verifier.scores(source, edited)
    rate, reason = None, None
    if verifier.measurable:
        taken = scores >= verifier.threshold
        rate = mean_over_patients(taken, names, bootstraps=bootstraps, seed=seed)
    else:
        reason = (
            f"not measurable: the verifier reaches an AUROC of {verifier.auroc.value:.2f} on "
            f"held-out patients, {SMALLEST_AUROC:.2f} is needed"
        )
    return IdentityKept(rate, verifier.accepted, FALSE_ACCEPTANCE, verifier.auroc, reason)
