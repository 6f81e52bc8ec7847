"""Made patients: the same anatomy in all, and tissue of their own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from scipy.ndimage import gaussian_filter

Images = npt.NDArray[np.float32]


def made_patients(n: int, seed: int, size: int = 64, channels: int = 1) -> Images:
    """Two dark lungs that all share, a little displaced, and random tissue at three scales."""
    rng = np.random.default_rng([seed, size])
    y, x = np.mgrid[:size, :size] / size
    images = np.empty((n, channels, size, size))
    for image in images:
        dy, dx = rng.normal(0, 0.02, 2)
        grey = np.full((size, size), 0.2)
        for middle in (0.3, 0.7):
            inside = ((y - 0.5 - dy) / 0.32) ** 2 + ((x - middle - dx) / 0.16) ** 2
            grey -= 0.7 / (1.0 + np.exp(12.0 * (inside - 1.0)))
        for sigma, strength in ((1.2, 0.08), (3.0, 0.12), (8.0, 0.15)):
            field = gaussian_filter(rng.normal(size=(size, size)), sigma * size / 64)
            grey += strength * field / field.std()
        tints = rng.uniform(0.8, 1.0, channels) if channels > 1 else np.ones(1)
        image[:] = grey[None] * tints[:, None, None]
    return np.clip(images, -1, 1).astype(np.float32)


@pytest.fixture(scope="session")
def patients() -> Callable[..., Images]:
    """Makes images of so many patients; other seeds are other patients."""
    return made_patients


@pytest.fixture(scope="session")
def sets() -> dict[str, Images]:
    """Images of 90 training patients, 60 held-out ones and 30 others."""
    return {
        "train": made_patients(90, 1),
        "holdout": made_patients(60, 2),
        "fresh": made_patients(30, 3),
    }
