"""One pass gives the values that computing a metric anew without each block gives."""

import warnings

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.measures import balls, radii, search
from synthmed.measures.blocks import Dealt, Pass, anew
from synthmed.measures.diversity import diversity_family, feature_diversity
from synthmed.measures.fidelity import cmmd, frechet_distance, kid
from synthmed.measures.jackknife import deal, jackknife_groups, left_out_sets
from synthmed.measures.kernels import kernel_family
from synthmed.measures.manifolds import coverage, density, manifold_family, precision, recall
from synthmed.measures.metrics import METRICS, Metric, measure, measure_all
from synthmed.measures.moments import frechet_family
from synthmed.measures.spectrum import spectrum_difference, spectrum_family
from synthmed.measures.structure import high_frequency_ratio

IDS = {"extractor": "made", "preprocessing": "none"}
MANIFOLDS = {"precision": precision, "recall": recall, "density": density, "coverage": coverage}


def dealt(real, synthetic, groups=None, blocks=20):
    (a, b), blocks = deal((real, groups), (synthetic, None), blocks=blocks)
    names = np.arange(len(real)).astype(str) if groups is None else np.asarray(groups)
    x = Dealt(real, a, names, np.repeat("", len(real)))
    rest = np.array([f"s{i}" for i in range(len(synthetic))])
    return x, Dealt(synthetic, b, rest, np.repeat("", len(synthetic))), left_out_sets(blocks)


def features(n, d, seed, shift=0.0):
    return np.random.default_rng(seed).normal(size=(n, d)) * 1.7 + shift


@pytest.mark.parametrize("groups", [None, [f"p{i // 13}" for i in range(150)]])
@pytest.mark.parametrize(
    ("family", "metrics", "scale"),
    [
        (kernel_family, {"kid": kid, "cmmd": cmmd}, 100.0),
        (frechet_family, {"frechet": frechet_distance}, 10.0),
        (manifold_family, MANIFOLDS, 1.0),
        (diversity_family, {"feature-diversity": feature_diversity}, 1.0),
    ],
)
def test_of_features(family, metrics, scale, groups):
    """To 1e-12 of what the terms add up to before they cancel."""
    real, synthetic = features(150, 6, 0, 5.0), features(140, 6, 1, 5.2)
    x, y, sets = dealt(real, synthetic, groups)
    found = family(x, y, sets, list(metrics))
    assert {name for name in found.values if ": " not in name} == set(metrics)
    for name, statistic in metrics.items():
        if family is diversity_family and groups is not None:
            continue  # needs the groups: below
        expected = anew(statistic, x, y, sets)
        np.testing.assert_allclose(found.values[name], expected, rtol=1e-12, atol=1e-12 * scale)
        assert len(set(expected.tolist())) > 5  # the blocks matter


@pytest.mark.parametrize("short", ["real", "synthetic"])
def test_of_a_side_without_rows_in_the_last_block(short):
    """Groups of both sides may leave a side without any row in some block."""
    rows = {"real": features(40, 3, 0), "synthetic": features(44, 3, 1)}
    x, y = (
        Dealt(own, np.arange(len(own)) % (3 if name == short else 4), *np.full((2, len(own)), ""))
        for name, own in rows.items()
    )
    sets = left_out_sets(4)
    found = manifold_family(x, y, sets, list(MANIFOLDS))
    for name, statistic in MANIFOLDS.items():
        np.testing.assert_allclose(found.values[name], anew(statistic, x, y, sets), rtol=1e-12)


def test_groups_that_leave_a_side_without_rows_in_a_block_are_measured():
    sizes = (
        {6: 15, 7: 4, 11: 19, 13: 4, 8: 6},
        {2: 7, 8: 5, 12: 8, 19: 7, 16: 2, 15: 8, 10: 2, 13: 8, 7: 8},
    )
    real, synthetic = ([f"g{i}" for i, n in own.items() for _ in range(n)] for own in sizes)
    (a, b), blocks = deal((real, real), (synthetic, synthetic))
    assert a.max() + 1 < blocks == b.max() + 1
    x, y = features(len(real), 3, 0), features(len(synthetic), 3, 1)
    result = measure("precision", x, y, **IDS, real_groups=real, synthetic_groups=synthetic)
    assert result.low <= result.value <= result.high


def test_of_images():
    rng = np.random.default_rng(0)
    real, synthetic = rng.normal(size=(60, 1, 16, 20)), rng.normal(size=(50, 1, 16, 20)) * 1.1
    x, y, sets = dealt(real, synthetic, [f"p{i // 2}" for i in range(60)])
    metrics = {
        "high-frequency-ratio": high_frequency_ratio,
        "spectrum-difference": spectrum_difference,
    }
    found = spectrum_family(x, y, sets, list(metrics))
    for name, statistic in metrics.items():
        expected = anew(statistic, x, y, sets)
        np.testing.assert_allclose(found.values[name], expected, rtol=1e-12)
        assert len(set(expected.tolist())) > 5


def test_of_tied_and_copied_rows():
    """Small integers: many equal distances, copies on both sides, radii of 0."""
    rng = np.random.default_rng(0)
    real = rng.integers(0, 3, (160, 3)).astype(float)
    synthetic = np.concatenate([real[:60], rng.integers(0, 4, (90, 3))])
    x, y, sets = dealt(real, synthetic)
    found = manifold_family(x, y, sets, list(MANIFOLDS))
    for name, statistic in MANIFOLDS.items():
        np.testing.assert_array_equal(found.values[name], anew(statistic, x, y, sets))


def test_small_chunks_change_nothing(monkeypatch):
    x, y, sets = dealt(features(150, 6, 0), features(140, 6, 1))
    expected = manifold_family(x, y, sets, list(MANIFOLDS)).values
    monkeypatch.setattr(balls, "MOST_OPEN", 10)
    for module in (balls, radii, search):
        monkeypatch.setattr(module, "rows_at_once", lambda columns, most: 7)
    found = manifold_family(x, y, sets, list(MANIFOLDS)).values
    for name in MANIFOLDS:
        np.testing.assert_array_equal(found[name], expected[name])


@pytest.mark.parametrize("copied", [False, True])
def test_of_neighbours_that_all_lie_in_one_block(copied):
    """Patients of many near-equal images: leaving one out moves the radii far."""
    rng = np.random.default_rng(1)
    people = rng.normal(size=(12, 5)) * 3
    real = np.repeat(people, 15, axis=0) + 1e-3 * rng.normal(size=(180, 5))
    synthetic = real[::2] if copied else real[::2] + 1e-3 * rng.normal(size=(90, 5))
    x, y, sets = dealt(real, synthetic, [f"p{i // 15}" for i in range(180)])
    found = manifold_family(x, y, sets, list(MANIFOLDS))
    for name, statistic in MANIFOLDS.items():
        np.testing.assert_array_equal(found.values[name], anew(statistic, x, y, sets))


def test_measure_gives_the_interval_of_the_general_jackknife():
    real, synthetic = features(120, 4, 0), features(120, 4, 1, 0.3)
    groups = [f"p{i // 3}" for i in range(120)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = measure_all(
            [name for name, metric in METRICS.items() if metric.takes == "features"],
            real,
            synthetic,
            real_groups=groups,
            **IDS,
        )
        alone = {
            name: measure(name, real, synthetic, real_groups=groups, **IDS) for name in results
        }
    for name, result in results.items():
        assert (result.value, result.low, result.high) == pytest.approx(
            (alone[name].value, alone[name].low, alone[name].high), rel=1e-10, abs=1e-12
        )
        if name == "feature-diversity":
            continue
        statistic = METRICS[name].statistic
        low, high = jackknife_groups(statistic, (real, groups), (synthetic, None))
        bounds = METRICS[name].bounds
        expected = [min(max(end, bounds[0]), bounds[1]) for end in (low, high)]
        assert [result.low, result.high] == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_a_metric_without_a_family_is_computed_anew(monkeypatch):
    def shift(real, synthetic):
        return float(synthetic.mean() - real.mean())

    monkeypatch.setitem(METRICS, "shift", Metric(shift, "features", (-9.0, 9.0), "zero"))
    real, synthetic = features(60, 3, 0), features(50, 3, 1)
    result = measure_all(["kid", "shift"], real, synthetic, **IDS)["shift"]
    assert (result.low, result.high) == pytest.approx(
        jackknife_groups(shift, (real, None), (synthetic, None)), rel=1e-12
    )
    assert result.value == shift(real, synthetic)


def test_a_family_serves_its_metrics_in_one_pass(monkeypatch):
    calls = []

    def family(real, synthetic, left_out, names):
        calls.append(tuple(names))
        values = {name: np.arange(len(left_out), dtype=float) for name in names}
        return Pass({**values, "a: half": values["a"] / 2}, {"a": {"fact": 3}})

    for name in "ab":
        metric = Metric(kid, "features", (-np.inf, np.inf), "low", family=family)
        monkeypatch.setitem(METRICS, name, metric)
    results = measure_all(["a", "b"], features(40, 2, 0), features(40, 2, 1), **IDS)
    assert calls == [("a", "b")]
    assert results["a"].extra["fact"] == 3
    half = results["a"].extra["parts"]["half"]
    assert half["high"] == pytest.approx(results["a"].high / 2)
    assert "parts" not in results["b"].extra


def test_what_does_not_fit_is_refused():
    x, images = features(40, 3, 0), np.zeros((9, 1, 16, 16))
    with pytest.raises(SynthmedError, match="features and images"):
        measure_all(["kid", "spectrum-difference"], x, x, **IDS)
    with pytest.raises(SynthmedError, match="0 metrics"):
        measure_all([], x, x, **IDS)
    with pytest.raises(SynthmedError, match=r"\(N, C, H, W\)"):
        measure("spectrum-difference", x, images, **IDS)
    with pytest.raises(SynthmedError, match="7 labels for 40 rows"):
        measure("feature-diversity", x, x, real_labels=["a"] * 7, **IDS)
    with pytest.raises(SynthmedError, match="dimensions"):
        measure_all(["kid", "recall"], x, features(40, 4, 0), **IDS)
    with pytest.raises(SynthmedError, match="too few for a 5-th neighbour"):
        measure("precision", x[:6], x, **IDS)


def test_every_feature_metric_shares_its_work():
    """No metric of the registry falls back on computing everything anew."""
    assert all(metric.family is not None for metric in METRICS.values())
