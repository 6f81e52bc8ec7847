"""Weight-free features of the judges."""

from __future__ import annotations

import numpy as np
import pytest

from synthmed.errors import SynthmedError
from synthmed.measures.judge_features import judge_features


def images(n: int = 2, channels: int = 3, size: int = 32) -> np.ndarray:
    drawn = np.random.default_rng(0).uniform(-1, 1, (n, channels, size, size))
    return drawn.astype(np.float32)


def same(a, b, names=None) -> bool:
    return all(np.allclose(a[name], b[name], atol=1e-5) for name in names or a)


@pytest.mark.parametrize(
    ("operations", "change"),
    [
        (("flip",), lambda x: x[..., ::-1]),
        (("symmetric",), lambda x: x[..., ::-1, :]),
        (("turn",), lambda x: np.rot90(x, 1, (-2, -1))),
    ],
)
def test_what_a_type_does_not_mean_does_not_count(operations, change) -> None:
    x = images()
    assert same(judge_features(x, operations), judge_features(change(x), operations))
    assert not same(judge_features(x), judge_features(change(x)), ["layout"])


def test_grey_images_are_those_with_equal_channels() -> None:
    grey = images(channels=1)
    assert same(judge_features(grey), judge_features(np.repeat(grey, 3, axis=1)))


def test_larger_images_are_shrunk() -> None:
    x = images(size=64)
    doubled = x.repeat(2, axis=2).repeat(2, axis=3)
    assert same(judge_features(x), judge_features(doubled))


def test_halves_of_a_brain_with_a_lesion_on_one_side_differ() -> None:
    y, x = np.mgrid[:64, :64]
    brain = np.where((y - 32) ** 2 + (x - 32) ** 2 < 24**2, 0.0, -1.0)
    lesion = brain.copy()
    lesion[28:36, 18:26] = 0.8
    both = np.stack([brain, lesion])[:, None].astype(np.float32)
    healthy, ill = judge_features(both, symmetric=True)["halves"]
    assert np.abs(ill - healthy).max() > 0.5
    black = judge_features(np.full((1, 1, 64, 64), -1.0), symmetric=True)["halves"]
    assert np.isfinite(black).all()
    assert "halves" not in judge_features(both)


def test_stored_values_are_refused() -> None:
    with pytest.raises(SynthmedError, match="from -1 to 1"):
        judge_features(images() * 100)
