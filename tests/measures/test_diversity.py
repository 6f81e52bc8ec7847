"""Feature diversity against the written-out mean over pairs."""

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.measures.blocks import Dealt, Pass
from synthmed.measures.diversity import diversity_family, feature_diversity, pair_groups
from synthmed.measures.metrics import measure

IDS = {"extractor": "made", "preprocessing": "none"}


def mean_square(rows, groups):
    pairs = [
        ((rows[i] - rows[j]) ** 2).sum()
        for i in range(len(rows))
        for j in range(i)
        if groups[i] != groups[j]
    ]
    return np.mean(pairs)


def written_out(real, synthetic, labels, groups):
    """Labels by their numbers of synthetic images; (real, synthetic) of everything."""
    means = []
    for side in (0, 1):
        rows, weights = (real, synthetic)[side], []
        total = 0.0
        for label in np.unique(labels[1]):
            inside, weight = labels[side] == label, (labels[1] == label).sum()
            total += weight * mean_square(rows[inside], groups[side][inside])
            weights.append(weight)
        means.append(total / sum(weights))
    return np.sqrt(means[1] / means[0])


def sample(seed):
    rng = np.random.default_rng(seed)
    labels = np.array(["a", "b", "c"])[rng.integers(3, size=60)]
    groups = np.array([f"{label}{rng.integers(6)}" for label in labels])
    return rng.normal(size=(60, 4)) * (1 + seed) + 50, labels, groups


def test_equals_the_written_out_mean_over_pairs_without_any_block():
    (real, la, ga), (synthetic, lb, gb) = sample(0), sample(1)
    value = feature_diversity(real, synthetic, la, lb, ga, gb)
    assert value == pytest.approx(written_out(real, synthetic, (la, lb), (ga, gb)), rel=1e-10)
    blocks = [np.unique(g, return_inverse=True)[1] % 5 for g in (ga, gb)]
    sides = Dealt(real, blocks[0], ga, la), Dealt(synthetic, blocks[1], gb, lb)
    sets = [(), (2,), (0, 4)]
    found: Pass = diversity_family(*sides, sets, [])
    for value, left in zip(found.values["feature-diversity"], sets, strict=True):
        keep = [~np.isin(b, left) for b in blocks]
        expected = written_out(
            real[keep[0]],
            synthetic[keep[1]],
            (la[keep[0]], lb[keep[1]]),
            (ga[keep[0]], gb[keep[1]]),
        )
        assert value == pytest.approx(expected, rel=1e-10)


def test_known_spread():
    """Twice the standard deviation is twice the distance; a shift between labels is not seen."""
    rng = np.random.default_rng(0)
    labels = np.arange(4000) % 4
    real = rng.normal(size=(4000, 8)) + 10 * labels[:, None]
    synthetic = 2 * rng.normal(size=(4000, 8)) - 5 * labels[:, None]
    value = feature_diversity(real, synthetic, labels, labels)
    assert value == pytest.approx(2.0, rel=0.02)
    assert feature_diversity(real, synthetic) < 1.0


def test_one_picture_per_prompt_is_seen():
    rng = np.random.default_rng(0)
    labels = [f"prompt {i // 5}" for i in range(100)]
    real, drawn = rng.normal(size=(2, 100, 6))
    alike = np.repeat(drawn[::5], 5, axis=0) + 0.1 * rng.normal(size=(100, 6))
    options = {"real_labels": labels, "synthetic_labels": labels, "synthetic_groups": labels}
    poor = measure("feature-diversity", real, alike, **options, **IDS)
    good = measure("feature-diversity", real, drawn, **options, **IDS)
    assert poor.high < 0.3
    assert good.low < 1 < good.high
    assert poor.extra["labels"] == 20
    parts = poor.extra["parts"]
    assert poor.value == pytest.approx(parts["synthetic"]["value"] / parts["real"]["value"])
    assert measure("feature-diversity", real, alike, **IDS).value > 0.8


def test_labels_of_one_side_alone_do_not_count():
    (real, la, ga), (synthetic, lb, gb) = sample(0), sample(1)
    more = np.concatenate([synthetic, np.full((9, 4), 1e3) * np.arange(9)[:, None]])
    value = feature_diversity(
        real, more, la, np.append(lb, ["z"] * 9), ga, np.append(gb, ["z"] * 9)
    )
    assert value == pytest.approx(feature_diversity(real, synthetic, la, lb, ga, gb), rel=1e-10)
    with pytest.raises(SynthmedError, match="no label has two images"):
        feature_diversity(real, synthetic, la, [f"{x}!" for x in lb])
    with pytest.raises(SynthmedError, match="no label has two images"):
        feature_diversity(real, synthetic, ["a"] * 60, None)


def test_equal_real_images_are_refused():
    with pytest.raises(SynthmedError, match="equal features"):
        feature_diversity(np.full((9, 3), 7.1), np.random.default_rng(0).normal(size=(9, 3)))


def test_groups_that_are_a_whole_label_split_into_images():
    """Four images of one prompt are pairs; two edits of one patient among others are not."""
    groups = pair_groups(np.array(list("xxppq")), np.array(list("aabbb")))
    assert groups[0] != groups[1]
    assert groups[2] == groups[3] != groups[4]
