"""Structure kept: known answers, and what each number does not see."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from synthmed.errors import SynthmedError
from synthmed.measures.edits.structure import (
    feature_distance,
    gradient_correlation,
    relative_feature_distance,
    structure_kept,
)


def smooth(n=6, size=32, seed=0):
    draw = np.random.default_rng(seed).normal(size=(n, 1, size, size))
    images = gaussian_filter(draw, (0, 0, 2, 2))
    return images / np.abs(images).max()


def test_gradient_correlation_of_known_pairs():
    a = smooth()
    np.testing.assert_allclose(gradient_correlation(a, a), 1.0)
    np.testing.assert_allclose(gradient_correlation(a, -a), -1.0)
    np.testing.assert_allclose(gradient_correlation(a, 0.3 * a + 0.2), 1.0)  # not brightness
    assert (np.abs(gradient_correlation(a, smooth(seed=1))) < 0.35).all()
    moved = gradient_correlation(a, np.roll(a, 3, axis=3))
    assert (moved < 0.6).all()


def test_gradient_correlation_is_the_mean_of_both_directions():
    y, x = np.mgrid[:16, :16] / 8.0 - 1.0
    a, b = (np.sin(3 * x) + np.sin(5 * y))[None, None], (np.sin(3 * x) - np.sin(5 * y))[None, None]
    np.testing.assert_allclose(gradient_correlation(a, b), [0.0], atol=1e-9)  # one +1, one -1


def test_an_image_without_gradient_has_no_correlation():
    a = smooth(n=2)
    a[1] = 0.5
    found = gradient_correlation(a, smooth(n=2, seed=1))
    assert np.isfinite(found[0])
    assert np.isnan(found[1])


def test_feature_distances():
    source = np.array([[0.0, 0.0], [0.0, 0.1], [3.0, 4.0], [3.0, 4.1]])
    offset = np.array([0.3, 0.4])
    np.testing.assert_allclose(feature_distance(source, source + offset), 0.5)
    relative = relative_feature_distance(source, source + offset, ["a", "a", "b", "b"])
    np.testing.assert_allclose(relative, 0.1, rtol=0.02)  # patients are 5 apart
    with pytest.raises(SynthmedError, match="at least two patients"):
        relative_feature_distance(source, source, ["a"] * 4)
    with pytest.raises(SynthmedError, match="4 sources for 3 edits"):
        feature_distance(source, source[:3])


def test_the_edit_that_changes_nothing_is_perfect_and_damage_is_seen():
    a, groups = smooth(n=12), [f"p{i // 2}" for i in range(12)]
    features = a.reshape(12, -1)
    same = structure_kept(a, a, groups, source_features=features, edited_features=features)
    assert {name: round(e.value, 6) for name, e in same.items()} == {
        "ssim": 1.0,
        "gradient_correlation": 1.0,
        "feature_distance": 0.0,
    }
    noisy = a + np.random.default_rng(1).normal(0, 0.1, a.shape)
    more = a + np.random.default_rng(1).normal(0, 0.3, a.shape)
    kept = [
        structure_kept(
            a, x, groups, source_features=features, edited_features=x.reshape(12, -1), bootstraps=50
        )
        for x in (noisy, more)
    ]
    for name in ("ssim", "gradient_correlation"):
        assert 1.0 > kept[0][name].value > kept[1][name].value
    assert 0.0 < kept[0]["feature_distance"].value < kept[1]["feature_distance"].value
    for estimate in kept[0].values():
        assert estimate.low <= estimate.value <= estimate.high
        assert (estimate.n, estimate.patients) == (12, 6)


def test_bad_input_is_one_clear_error():
    a = smooth(n=2)
    with pytest.raises(SynthmedError, match="not floats"):
        gradient_correlation((a * 100).astype(np.uint8), (a * 100).astype(np.uint8))
    with pytest.raises(SynthmedError, match="cannot be compared"):
        gradient_correlation(a, a[:, :, :16])
    with pytest.raises(SynthmedError, match="at least two groups"):
        structure_kept(a, a, ["p", "p"])
    with pytest.raises(SynthmedError, match="3 groups"):
        structure_kept(a, a, ["p", "q", "r"])


def test_images_of_a_batch_do_not_mix():
    a, b = smooth(), smooth(seed=1)
    alone = [gradient_correlation(a[i : i + 1], b[i : i + 1])[0] for i in range(len(a))]
    np.testing.assert_allclose(gradient_correlation(a, b), alone)
