"""The kernel judge of `synthmed.measures`, cross-fitted with a ridge of the benchmark's choice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from synthmed.measures import cross_fitting
from synthmed.measures.arrays import Array
from synthmed.measures.cross_fitting import Features, select
from synthmed.measures.kernel_judge import KernelJudge

__all__ = ["Array", "CrossFitted", "Features", "KernelJudge", "select"]


class CrossFitted(cross_fitting.CrossFitted):
    """Kernel judges that were each fitted without one fold of patients."""

    @classmethod
    def fit(
        cls,
        features: Features,
        labels: npt.NDArray[np.int64],
        groups: Sequence[str],
        *,
        folds: int,
        ridge: float,
    ) -> CrossFitted:
        """Fit judges on all but one fold of patients, for each fold.

        Args:
            features: (N, D) by group of features.
            labels: (N,) of 0 and 1.
            groups: Patient of each image.
            folds: Number of folds; fewer if there are fewer patients.
            ridge: Strength of the regularisation.

        Raises:
            SynthmedError: An answer that occurs in one fold only.
        """
        fitted = cross_fitting.cross_fit(
            lambda x, y, _: KernelJudge.fit(x, y, ridge), features, labels, groups, folds
        )
        return cls(fitted.judges, fitted.fold)
