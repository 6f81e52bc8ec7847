"""The registry: what a result carries, and what it refuses."""

import json
import warnings

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.measures.metrics import METRICS, measure

IDS = {"extractor": "pixels-16/1", "preprocessing": "16 × 16"}


def features(n, seed):
    return np.random.default_rng(seed).normal(size=(n, 6))


@pytest.mark.parametrize("name", METRICS)
def test_a_result_carries_interval_numbers_and_ids(name):
    a, b = features(120, 0), features(120, 1)
    if METRICS[name].takes == "images":
        a, b = (np.random.default_rng(i).normal(size=(24, 1, 48, 48)) for i in (0, 1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = measure(name, a, b, **IDS)
    assert result.value == pytest.approx(METRICS[name].statistic(a, b), rel=1e-12, abs=1e-12)
    assert METRICS[name].bounds[0] <= result.low <= result.value <= result.high
    assert result.high <= METRICS[name].bounds[1]
    assert (result.n_real, result.n_synthetic) == (len(a), len(b))
    assert json.loads(json.dumps(result.to_dict()))["extractor"] == "pixels-16/1"
    assert f"real {len(a)}" in str(result)


def test_groups_widen_the_interval():
    """120 images of 12 patients say less than of 120 patients."""
    a = np.repeat(features(12, 0), 10, axis=0) + 0.1 * features(120, 2)
    patients = [f"p{i // 10}" for i in range(120)]
    by_patient = measure("kid", a, features(120, 1), real_groups=patients, **IDS)
    by_image = measure("kid", a, features(120, 1), **IDS)
    assert by_patient.high - by_patient.low > 1.3 * (by_image.high - by_image.low)


def test_frechet_distance_only_at_equal_numbers_and_with_a_warning_below_2048():
    with pytest.raises(SynthmedError, match="120 real and 100 synthetic"):
        measure("frechet", features(120, 0), features(100, 1), **IDS)
    with pytest.warns(UserWarning, match="below 2048"):
        result = measure("frechet", features(100, 0), features(100, 1), **IDS)
    assert "bias" in str(result.extra["warning"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        measure("frechet", features(2048, 0), features(2048, 1), blocks=4, **IDS)


def test_an_unknown_metric_lists_the_known_ones():
    with pytest.raises(SynthmedError, match="kid, cmmd, frechet"):
        measure("fid", features(9, 0), features(9, 1), **IDS)
