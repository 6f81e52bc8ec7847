"""Nearest neighbours, and planted copies that must be found."""

import numpy as np
import pytest

from synthmed.errors import SafetyError, SynthmedError
from synthmed.measures.features import load_extractor
from synthmed.measures.neighbours import copies, copy_threshold, nearest


def blobs(n, rng, size=64):
    """Images that differ between "patients" as anatomy does: a few random blobs, no noise."""
    y, x = np.mgrid[:size, :size] / size
    images = np.full((n, 1, size, size), -0.8)
    for image in images:
        for _ in range(8):
            cy, cx, width, height = rng.uniform((0.1, 0.1, 0.05, -0.5), (0.9, 0.9, 0.2, 0.9))
            image[0] += height * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * width**2))
    return np.clip(np.repeat(images, 3, axis=1), -1, 1).astype(np.float32)


@pytest.fixture(scope="module")
def sets():
    rng = np.random.default_rng(0)
    return {"train": blobs(300, rng), "holdout": blobs(100, rng), "fresh": blobs(200, rng)}


def planted(kind, train):
    rng = np.random.default_rng(1)
    return {
        "exact": lambda x: x,
        "noisy": lambda x: np.clip(x + rng.normal(0, 0.1, x.shape), -1, 1),
        "shifted": lambda x: np.roll(x, 1, axis=3),
        "brighter": lambda x: np.clip(x * 0.9 + 0.1, -1, 1),
    }[kind](train[:40])


def test_nearest_equals_brute_force_for_any_chunk():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(50, 5)) + 100, rng.normal(size=(70, 5)) + 100
    brute = np.linalg.norm(a[:, None] - b[None], axis=2)
    for chunk in (7, 1024):
        distance, index = nearest(a, b, k=3, chunk=chunk)
        np.testing.assert_array_equal(index, np.argsort(brute, axis=1)[:, :3])
        np.testing.assert_allclose(distance, np.sort(brute, axis=1)[:, :3], rtol=1e-12)


def test_the_distance_of_an_exact_copy_is_exactly_zero():
    b = np.random.default_rng(0).normal(size=(40, 300)) + 50
    distance, index = nearest(b[7:8], b)
    assert distance[0, 0] == 0.0
    assert index[0, 0] == 7


def test_uint8_features_do_not_wrap_round():
    distance, _ = nearest(np.array([[3]], np.uint8), np.array([[5], [250]], np.uint8))
    assert distance.tolist() == [[2.0, 247.0]]


@pytest.mark.parametrize("kind", ["exact", "noisy", "shifted", "brighter"])
def test_planted_copies_are_found(kind, sets):
    extract = load_extractor("structure-16")
    mixture = np.concatenate([sets["fresh"], planted(kind, sets["train"])])
    result = copies(*(extract(x) for x in (mixture, sets["train"], sets["holdout"])))
    found = np.array(result.indices)
    assert (found >= 200).sum() >= 38  # of the 40 planted ones
    assert (found < 200).sum() <= 16  # of the 200 others, whose expected rate is at most 5 %
    matched = np.array(result.matches)[found >= 200]
    assert (matched == found[found >= 200] - 200).mean() > 0.9
    assert result.low < 40 / 240 < result.high + 0.05
    assert (result.n, result.n_train, result.n_holdout) == (240, 300, 100)


def test_fresh_images_are_flagged_no_more_than_hold_out_ones(sets):
    extract = load_extractor("structure-16")
    result = copies(*(extract(sets[name]) for name in ("fresh", "train", "holdout")))
    assert result.rate < 0.06
    assert result.false_alarm_rate < 0.08
    assert result.low <= result.rate <= result.high


def test_images_close_to_everything_are_no_copies():
    """Blurred images lie near the mean: close to train and to hold-out alike."""
    rng = np.random.default_rng(0)
    train, holdout = rng.normal(size=(300, 40)), rng.normal(size=(100, 40))
    blurred = 0.3 * rng.normal(size=(200, 40))
    to_train, _ = nearest(blurred, train, k=1)
    result = copies(blurred, train, holdout)
    assert (to_train < result.threshold).mean() > 0.9  # the distance alone would flag them
    assert result.rate < 0.05


def test_no_training_image_is_left_out_of_a_larger_training_set():
    rng = np.random.default_rng(0)
    train, holdout = rng.normal(size=(2000, 30)), rng.normal(size=(50, 30))
    assert copies(train, train, holdout).rate == 1.0


def test_a_larger_hold_out_set_is_cut_by_whole_groups():
    rng = np.random.default_rng(0)
    groups = [f"p{i // 3}" for i in range(300)]
    train, holdout = rng.normal(size=(100, 10)), rng.normal(size=(300, 10))
    result = copies(train, train, holdout, holdout_groups=groups)
    assert result.n_holdout == 99
    assert result == copies(train, train, holdout, holdout_groups=groups)


def test_a_patients_own_images_do_not_calibrate_the_ratio():
    """Near-doubles within a hold-out patient would make every ratio large, the rule lax."""
    rng = np.random.default_rng(0)
    train, people = rng.normal(size=(200, 20)), rng.normal(size=(50, 20))
    holdout = np.repeat(people, 3, axis=0) + 0.01 * rng.normal(size=(150, 20))
    groups = [f"p{i // 3}" for i in range(150)]
    by_patient = copy_threshold(holdout, train, groups)
    assert by_patient[1] < 1.0 < copy_threshold(holdout, train)[1]
    assert by_patient[0] == copy_threshold(holdout, train)[0]


def test_hold_out_images_among_the_training_images_are_refused():
    train = np.random.default_rng(0).normal(size=(100, 5))
    with pytest.raises(SafetyError, match="equal training images"):
        copies(train, train, train[:20])


def test_too_small_a_hold_out_set_is_refused():
    x = np.random.default_rng(0).normal(size=(10, 5))
    with pytest.raises(SynthmedError, match="3 groups"):
        copies(x, x, x[:6] + 1, holdout_groups=["a", "a", "b", "b", "c", "c"])


def test_features_of_different_extractors_are_refused():
    with pytest.raises(SynthmedError, match="3 and 4 dimensions"):
        nearest(np.zeros((5, 3)), np.zeros((5, 4)))
