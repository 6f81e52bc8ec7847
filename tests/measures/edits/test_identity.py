"""The verifier: it knows patients by what is theirs, and says so when it cannot."""

import numpy as np
import pytest

from synthmed.errors import SafetyError, SynthmedError
from synthmed.measures.edits.identity import fit_verifier, identity_kept
from synthmed.measures.edits.pairs import different_pairs, same_pairs, split_patients


def patients(n=60, images=3, spread=1.0, within=0.2, width=24, seed=0):
    """Features: a patient's own point, and noise for each image."""
    rng = np.random.default_rng(seed)
    own = rng.normal(0, spread, (n, width)).repeat(images, axis=0)
    groups = [f"p{i // images:03d}" for i in range(n * images)]
    return own + rng.normal(0, within, own.shape), groups


def held_out(verifier, features, groups):
    rows = np.flatnonzero([group not in verifier.trained_on for group in groups])
    return features[rows], [groups[i] for i in rows]


def test_a_verifier_knows_held_out_patients():
    features, groups = patients()
    verifier = fit_verifier(features, groups, bootstraps=100)
    assert verifier.measurable
    assert verifier.auroc.value > 0.98
    assert verifier.auroc.low <= verifier.auroc.value <= verifier.auroc.high
    assert verifier.accepted.value > 0.9
    assert len(verifier.trained_on) == 40
    a = np.random.default_rng(1).normal(size=(50, 24))
    near, far = verifier.scores(a, a + 0.1), verifier.scores(a, a[::-1])
    assert near.min() > np.quantile(far, 0.9)
    np.testing.assert_allclose(verifier.scores(a, a[::-1]), verifier.scores(a[::-1], a))


def test_features_without_identity_are_not_measurable():
    features, groups = patients(spread=0.0)
    verifier = fit_verifier(features, groups, bootstraps=50)
    assert verifier.auroc.value < 0.7
    x, names = held_out(verifier, features, groups)
    kept = identity_kept(verifier, x, x, names, bootstraps=20)
    assert kept.rate is None
    assert kept.not_measurable is not None
    assert "0.80 is needed" in kept.not_measurable


def test_small_edits_keep_the_patient_and_large_ones_lose_it():
    features, groups = patients()
    verifier = fit_verifier(features, groups, bootstraps=50)
    x, names = held_out(verifier, features, groups)
    noise = np.random.default_rng(2).normal(size=x.shape)
    rates = []
    for strength in (0.0, 0.2, 1.0, 3.0):
        kept = identity_kept(verifier, x, x + strength * noise, names, bootstraps=50)
        assert kept.rate is not None
        rates.append(kept.rate.value)
    assert rates[0] == 1.0
    assert rates[1] > 0.9
    assert rates[1] >= rates[2] >= rates[3]
    assert rates[3] < 0.2
    swapped = identity_kept(verifier, x, np.roll(x, 3, axis=0), names, bootstraps=50)
    assert swapped.rate is not None
    assert swapped.rate.value < 0.2  # somebody else's images


def test_kinds_are_not_identity():
    """Every patient has one kind, and nothing else: pairs of one kind cannot be told apart."""
    rng = np.random.default_rng(0)
    kinds = np.repeat(["x-ray", "photograph"], 60)
    features = rng.normal(size=(120, 8)) + 10 * (kinds == "x-ray")[:, None]
    groups = [f"p{i // 2}" for i in range(120)]
    blind = fit_verifier(features, groups, bootstraps=20)
    aware = fit_verifier(features, groups, kinds=kinds.tolist(), bootstraps=20)
    assert blind.auroc.value > aware.auroc.value + 0.1
    assert aware.auroc.value < 0.7


def test_patients_that_it_was_trained_on_are_refused():
    features, groups = patients()
    verifier = fit_verifier(features, groups, bootstraps=20)
    with pytest.raises(SafetyError, match="trained on 40 of the patients"):
        identity_kept(verifier, features, features, groups)


def test_too_few_patients_and_other_bad_input():
    features, groups = patients(n=11)
    with pytest.raises(SynthmedError, match="11 patients with two images or more are too few"):
        fit_verifier(features, groups)
    with pytest.raises(SynthmedError, match="too few"):
        fit_verifier(*patients(images=1))
    with pytest.raises(SynthmedError, match="3 groups"):
        fit_verifier(features, groups[:3])
    verifier = fit_verifier(*patients(), bootstraps=20)
    with pytest.raises(SynthmedError, match="do not fit a verifier of 24"):
        verifier.scores(np.ones((2, 5)), np.ones((2, 5)))


def test_the_same_seed_gives_the_same_verifier():
    features, groups = patients()
    one, two = (fit_verifier(features, groups, bootstraps=20, seed=3) for _ in range(2))
    assert one.auroc == two.auroc
    np.testing.assert_array_equal(one.weights, two.weights)


def test_pairs():
    groups = np.asarray(["a", "a", "a", "b", "c", "c"])
    kinds = np.asarray(["x", "x", "x", "x", "y", "y"])
    same = same_pairs(groups, 0)
    assert sorted(map(tuple, same.tolist())) == [(0, 1), (0, 2), (1, 2), (4, 5)]
    other = different_pairs(groups, kinds, 50, 0)
    assert 0 < len(other) < 50  # the images of c have no partner of their kind
    assert (groups[other[:, 0]] != groups[other[:, 1]]).all()
    assert (kinds[other[:, 0]] == kinds[other[:, 1]]).all()
    assert len(same_pairs(np.asarray(["a"] * 30), 0)) == 20
    first = split_patients([f"p{i // 2}" for i in range(60)], 2 / 3, 0)
    assert len(first) == 20
