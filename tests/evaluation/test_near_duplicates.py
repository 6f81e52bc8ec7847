import numpy as np
from evaluation_folders import picture

from synthmed.evaluation.near_duplicates import name_near_duplicates


def pictures(n, seed):
    rng = np.random.default_rng(seed)
    return np.stack([picture(rng, 64) for _ in range(n)])


def test_near_duplicates_of_training_images_are_counted(make_side) -> None:
    train = make_side("train", pictures(20, 0))
    noise = np.random.default_rng(2).normal(0, 0.02, (3, 1, 64, 64))
    again = np.clip(0.8 * train.images([1, 5, 7]) + 0.1 + noise, -1, 1)
    real = make_side("real", np.concatenate([pictures(15, 1), again]))
    warnings: list[str] = []
    name_near_duplicates(real, train, warnings)
    assert "3 of 18 real images are nearly the same as a training image" in warnings[0]
    warnings = []
    name_near_duplicates(real.take(slice(0, 15)), train, warnings)
    assert not warnings
