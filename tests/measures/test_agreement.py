"""AUROC by ranks."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from synthmed.errors import SynthmedError
from synthmed.measures.agreement import auroc


def test_hand_made_cases():
    assert auroc([0, 0, 1, 1], [1, 2, 3, 4]) == 1.0
    assert auroc([1, 1, 0, 0], [1, 2, 3, 4]) == 0.0
    assert auroc([0, 1, 0, 1], [5, 5, 5, 5]) == 0.5
    assert auroc([0, 1, 1], [2, 2, 3]) == 0.75  # one tie, one win


def test_agrees_with_scikit_learn_with_many_ties():
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 2, 300), rng.integers(0, 10, 300)
    assert auroc(labels, scores) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)


def test_one_class_only_is_undefined():
    assert np.isnan(auroc([1, 1], [0.1, 0.2]))


def test_other_labels_are_refused():
    with pytest.raises(SynthmedError, match="0 and 1"):
        auroc([0, 1, -1], [0.1, 0.2, 0.3])
    with pytest.raises(SynthmedError, match="shape"):
        auroc([0, 1], [0.1, 0.2, 0.3])
