"""How well features see what matters: neighbours, linear probes, altered copies."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.ndimage import gaussian_filter, rotate, zoom
from sklearn.linear_model import RidgeClassifierCV
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.data import eight_bits

Array = npt.NDArray[np.float64]
Images = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]
STRENGTHS = np.logspace(-1, 5, 13)
FOLDS = 10


def nearest_of_others(features: Array, groups: Sequence[str]) -> Labels:
    """(N,) the nearest image (Euclidean) of another patient."""
    square = _squares(features, features)
    _, code = np.unique(np.asarray(groups), return_inverse=True)
    square[code[:, None] == code[None]] = np.inf
    return np.asarray(square.argmin(axis=1))


def found_again(features: Array, copies: Array) -> Array:
    """(N,) 1.0 where the nearest of all images to an altered copy is its original."""
    nearest = _squares(copies, features).argmin(axis=1)
    return np.asarray(nearest == np.arange(len(features)), np.float64)


def probe(features: Array, labels: Labels, groups: Sequence[str]) -> Array:
    """Scores of linear probes, each image's by a probe that has not seen its patient.

    Ridge regression on -1 and 1 for each class against the others; features scaled to standard
    deviation 1, classes weighing the same, the strength chosen by leaving out one image of the
    training folds at a time.

    Returns:
        (N,) for two classes, high for class 1; else (N, classes).
    """
    few = min(
        len({g for g, own in zip(groups, labels == k, strict=True) if own}) for k in set(labels)
    )
    folds = StratifiedGroupKFold(min(FOLDS, few), shuffle=True, random_state=0)
    classes = len(set(labels))
    scores = np.empty((len(labels), classes) if classes > 2 else len(labels))
    for train, test in folds.split(features, labels, np.asarray(groups)):
        judge = make_pipeline(
            StandardScaler(), RidgeClassifierCV(STRENGTHS, class_weight="balanced")
        )
        judge.fit(features[train], labels[train])
        scores[test] = judge.decision_function(features[test])
    return scores


def _squares(a: Array, b: Array) -> Array:
    """(N, M) squared distances."""
    square = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.asarray(np.maximum(square, 0))


def _shifted(x: Images) -> Images:
    padded = np.pad(x, ((0, 0), (0, 0), (4, 4), (4, 4)), mode="edge")
    return padded[..., 1 : 1 + x.shape[-2], 6 : 6 + x.shape[-1]]


def _turned(x: Images) -> Images:
    return rotate(x, 7, axes=(-1, -2), reshape=False, order=1, mode="nearest")


def _cropped(x: Images) -> Images:
    side = x.shape[-1]
    cut = side // 10
    inner = x[..., cut : side - cut, cut : side - cut]
    scale = side / inner.shape[-1]
    return zoom(inner, (1, 1, scale, scale), order=1, grid_mode=True, mode="nearest")


def _noisy(x: Images) -> Images:
    grain = np.random.default_rng(0).normal(0, 0.1, (len(x), 1, *x.shape[2:]))
    return np.asarray(x + grain, np.float32)


def _jpeg(x: Images) -> Images:
    out = np.empty_like(x)
    for i, image in enumerate(np.rint((x + 1) * 127.5).astype(np.uint8)):
        stream = io.BytesIO()
        Image.fromarray(image.transpose(1, 2, 0)).save(stream, "JPEG", quality=30)
        out[i] = np.asarray(Image.open(stream)).transpose(2, 0, 1) / np.float32(127.5) - 1
    return out


COPIES: dict[str, Callable[[Images], Images]] = {
    "shifted by 3 and 2 px": _shifted,
    "turned by 7°": _turned,
    "middle 80 %, enlarged": _cropped,
    "mirrored": lambda x: x[..., ::-1],
    "paler and brighter": lambda x: 0.7 * x + 0.2,
    "blurred, 1 px": lambda x: gaussian_filter(x, (0, 0, 1, 1)),
    "noise, 0.1 of 2": _noisy,
    "JPEG, quality 30": _jpeg,
}
"""Ways to alter images (N, 3, S, S) in [-1, 1]."""


def altered(images: Images, way: str) -> Images:
    """Altered copies, 8 bits deep."""
    return eight_bits(np.ascontiguousarray(COPIES[way](images)))
