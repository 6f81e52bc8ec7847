"""MS-SSIM against its written-out formula; pairs within labels; how alike a set's images are."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from synthmed.errors import SynthmedError
from synthmed.measures.blocks import Dealt
from synthmed.measures.likeness import ms_ssim_difference, ms_ssim_family, ms_ssim_within
from synthmed.measures.metrics import measure
from synthmed.measures.ms_ssim import WEIGHTS, ms_ssim, scales_of
from synthmed.measures.pairs import draw_pairs
from synthmed.measures.structure import ssim

IDS = {"extractor": "none", "preprocessing": "none"}


def smooth(n, size=48, seed=0, channels=1):
    noise = np.random.default_rng(seed).normal(size=(n, channels, size, size))
    return np.clip(3 * gaussian_filter(noise, (0, 0, 3, 3)), -1, 1)


def written_out(x, y, scales):
    """Window by window, for one grey pair."""
    g = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    w = np.outer(g, g) / g.sum() ** 2
    c1, c2 = 0.02**2, 0.06**2
    weights = np.array(WEIGHTS[:scales]) / sum(WEIGHTS[:scales])
    value = 1.0
    for scale in range(scales):
        terms = []
        for i in range(x.shape[0] - 10):
            for j in range(x.shape[1] - 10):
                a, b = x[i : i + 11, j : j + 11], y[i : i + 11, j : j + 11]
                ma, mb = (w * a).sum(), (w * b).sum()
                va, vb = (w * (a - ma) ** 2).sum(), (w * (b - mb) ** 2).sum()
                cov = (w * (a - ma) * (b - mb)).sum()
                term = (2 * cov + c2) / (va + vb + c2)
                if scale == scales - 1:
                    term *= (2 * ma * mb + c1) / (ma**2 + mb**2 + c1)
                terms.append(term)
        value *= max(np.mean(terms), 0.0) ** weights[scale]
        x, y = (z[: len(z) // 2 * 2, : len(z) // 2 * 2] for z in (x, y))
        x, y = ((z[::2, ::2] + z[1::2, ::2] + z[::2, 1::2] + z[1::2, 1::2]) / 4 for z in (x, y))
    return value


@pytest.mark.parametrize("size", [48, 51])
def test_equals_the_written_out_formula(size):
    a = smooth(1, size)
    b = np.clip(a + 0.3 * smooth(1, size, seed=1), -1, 1)
    assert ms_ssim(a, b)[0] == pytest.approx(written_out(a[0, 0] + 1, b[0, 0] + 1, 3), rel=1e-9)


def test_number_of_scales():
    assert [scales_of(n, n) for n in (48, 87, 88, 175, 176, 1024)] == [3, 3, 4, 4, 5, 5]
    assert scales_of(48, 1000) == 3
    with pytest.raises(SynthmedError, match="at least 48 pixels, not 47 × 100"):
        scales_of(47, 100)


def test_equal_images_unlike_ones_and_the_order():
    a = smooth(6, 64, channels=3)
    np.testing.assert_allclose(ms_ssim(a, a), np.ones(6), rtol=1e-9)
    noise = np.random.default_rng(1).normal(size=a.shape)
    little, much = ms_ssim(a, a + 0.05 * noise), ms_ssim(a, a + 0.5 * noise)
    assert (little < 1).all()
    assert (little > much).all()
    np.testing.assert_allclose(ms_ssim(a, a[::-1]), ms_ssim(a[::-1], a), rtol=1e-12)
    assert (ms_ssim(a, -a) >= 0).all()  # negative terms count as 0, never not-a-number


def test_a_fault_of_the_fine_scale_costs_less_than_in_plain_ssim():
    """That is what the scales are for: white noise sits in the finest one."""
    a = smooth(4, 96)
    b = a + 0.2 * np.random.default_rng(1).normal(size=a.shape)
    assert (ms_ssim(a, b) > ssim(a, b)).all()


def test_what_does_not_fit_is_refused():
    a = smooth(2)
    with pytest.raises(SynthmedError, match="shapes"):
        ms_ssim(a, a[:1])
    with pytest.raises(SynthmedError, match="uint8"):
        ms_ssim(a.astype(np.uint8), a.astype(np.uint8))
    with pytest.raises(SynthmedError, match="48 pixels"):
        measure("ms-ssim-difference", np.zeros((9, 1, 16, 16)), np.zeros((9, 1, 16, 16)), **IDS)
    with pytest.raises(SynthmedError, match="cannot be compared"):
        ms_ssim_difference(a, smooth(2, 64))
    with pytest.raises(SynthmedError, match="no label has two images"):
        ms_ssim_within(a, labels=["a", "b"])


def test_pairs_are_distinct_of_one_label_and_two_groups_and_even():
    labels = ["a"] * 40 + ["b"] * 7 + ["c"]
    groups = [f"p{i // 2}" for i in range(48)]
    pairs = draw_pairs(labels, groups, most=80)
    assert len({tuple(sorted(pair)) for pair in pairs.tolist()}) == len(pairs)
    a, b = np.array(labels)[pairs].T
    assert (a == b).all()
    p, q = np.array(groups)[pairs].T
    assert (p != q).all()
    of_a = pairs[a == "a"]
    assert len(of_a) == 40
    assert np.bincount(of_a.ravel(), minlength=40).max() <= 4
    assert (a == "b").sum() == 7 * 6 // 2 - 3  # all its pairs but those of one group
    np.testing.assert_array_equal(pairs, draw_pairs(labels, groups, most=80))
    assert len(draw_pairs(["x", "y"])) == 0


def test_every_pair_of_a_small_set_is_drawn():
    for n in (2, 3, 6, 9):
        assert len(draw_pairs(["a"] * n)) == n * (n - 1) // 2


def test_one_picture_per_prompt_is_seen_and_only_within_prompts():
    """Ten prompts with four images each: all four alike, while the prompts differ."""
    real, drawn = smooth(40), smooth(40, seed=1)
    alike = np.clip(np.repeat(drawn[::4], 4, axis=0) + 0.03 * smooth(40, seed=2), -1, 1)
    labels = [f"type {i // 4}" for i in range(40)]
    options = {"real_labels": labels, "synthetic_labels": labels, "synthetic_groups": labels}
    poor = measure("ms-ssim-difference", real, alike, **options, **IDS)
    good = measure("ms-ssim-difference", real, drawn, **options, **IDS)
    assert poor.low > 0.3
    assert good.low < 0 < good.high
    assert (poor.extra["scales"], poor.extra["labels"]) == (3, 10)
    assert (poor.extra["pairs_real"], poor.extra["pairs_synthetic"]) == (60, 60)
    parts = poor.extra["parts"]
    assert poor.value == pytest.approx(parts["synthetic"]["value"] - parts["real"]["value"])
    across = measure("ms-ssim-difference", real, alike, **IDS)
    assert across.value < 0.2 * poor.value


def test_images_of_one_patient_are_no_pair():
    real = np.repeat(smooth(10), 2, axis=0)  # each patient's two images are equal
    patients = [f"p{i // 2}" for i in range(20)]
    values = [ms_ssim_within(real, groups=groups)[0] for groups in (patients, None)]
    assert values[0] < values[1] - 0.02


def test_leaving_out_drops_the_pairs_of_a_block():
    images, blocks = smooth(12), np.arange(12) % 4
    names = np.arange(12).astype(str)
    side = Dealt(images, blocks, names, np.repeat("a", 12))
    other = Dealt(images[::-1], blocks, names, np.repeat("a", 12))
    found = ms_ssim_family(side, other, [(), (1,), (0, 3)], []).values["ms-ssim-difference: real"]
    for value, left in zip(found, [(), (1,), (0, 3)], strict=True):
        kept = images[~np.isin(blocks, left)]
        i, j = np.triu_indices(len(kept), 1)
        assert value == pytest.approx(ms_ssim(kept[i], kept[j]).mean(), rel=1e-12)
