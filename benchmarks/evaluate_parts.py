"""What `evaluate_speed` runs in processes of their own.

python -m benchmarks.evaluate_parts everything|four|prdc|nearest|sklearn N WIDTH OUT
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Features = npt.NDArray[np.float32]
Seconds = dict[str, float]
K = 5


def make(n: int, width: int) -> dict[str, Features]:
    """Features of real, synthetic and training images: few directions and noise, far from 0."""
    rng = np.random.default_rng(0)
    mix = rng.normal(size=(32, width)).astype(np.float32)
    made = {}
    for name, scale in (("real", 1.0), ("synthetic", 1.05), ("train", 1.0)):
        latent = scale * rng.normal(size=(n, 32)).astype(np.float32)
        noise = rng.normal(size=(n, width)).astype(np.float32)
        made[name] = latent @ mix + 2.0 * noise + 10.0
    return made


@contextlib.contextmanager
def timed(seconds: Seconds, part: str) -> Iterator[None]:
    """Add the time of a block to a part."""
    start = time.perf_counter()
    yield
    seconds[part] = time.perf_counter() - start


def everything(sets: dict[str, Features]) -> tuple[Seconds, dict[str, float]]:
    """All of fidelity, diversity and privacy distances, intervals included."""
    from synthmed.measures.fidelity import kid_subsets
    from synthmed.measures.memorisation import authenticity, closer_share, data_copying
    from synthmed.measures.metrics import METRICS, measure_all
    from synthmed.measures.search import nearest

    real, synthetic, train = sets["real"], sets["synthetic"], sets["train"]
    n, seconds = len(real), {}
    patients, labels = [f"p{i // 2}" for i in range(n)], [f"type {i % 10}" for i in range(n)]
    families: dict[Any, list[str]] = {}
    for name, metric in METRICS.items():
        if metric.takes == "features":
            families.setdefault(metric.family, []).append(name)
    numbers = {}
    for names in families.values():
        with timed(seconds, ", ".join(names)), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results = measure_all(
                names,
                real,
                synthetic,
                extractor="made",
                preprocessing="none",
                real_groups=patients,
                real_labels=labels,
                synthetic_labels=labels,
            )
            numbers |= {name: result.value for name, result in results.items()}
    with timed(seconds, "kid over 100 subsets"):
        numbers["kid over subsets"] = kid_subsets(real, synthetic).mean
    with timed(seconds, "two nearest neighbours both ways"):
        to_train, match = nearest(synthetic, train, k=2)
        nearest(train, synthetic, k=2)
    with timed(seconds, "closer share"):
        to_real, other = nearest(synthetic, real, k=1)
        nearer = np.where(to_train[:, 0] < to_real[:, 0], match[:, 0], n + other[:, 0]) // 2
        numbers["closer share"] = closer_share(to_train[:, 0], to_real[:, 0], nearer).value
    with timed(seconds, "authenticity"):
        numbers["authenticity"] = authenticity(synthetic, train, patients).value
    with timed(seconds, "data copying (C_T)"):
        found = data_copying(synthetic, real, train, holdout_groups=patients)
        numbers["data copying"] = found.value
    return seconds, numbers


def four(sets: dict[str, Features]) -> tuple[Seconds, dict[str, float]]:
    """Precision, recall, density and coverage without intervals."""
    from synthmed.measures.blocks import WHOLE, Dealt
    from synthmed.measures.manifolds import manifold_family

    names, seconds = ("precision", "recall", "density", "coverage"), {}
    with timed(seconds, "four"):
        real, synthetic = (Dealt.whole(sets[x].astype(np.float64)) for x in ("real", "synthetic"))
        found = manifold_family(real, synthetic, WHOLE, names, K)
    return seconds, {name: float(found.values[name][0]) for name in names}


def prdc(sets: dict[str, Features]) -> tuple[Seconds, dict[str, float]]:
    """The same by prdc."""
    from prdc import compute_prdc

    seconds: Seconds = {}
    with timed(seconds, "prdc"), contextlib.redirect_stdout(io.StringIO()):
        found = compute_prdc(sets["real"], sets["synthetic"], nearest_k=K)
    return seconds, {name: float(value) for name, value in found.items()}


def nearest(sets: dict[str, Features]) -> tuple[Seconds, dict[str, float]]:
    """Two nearest training images of each synthetic one."""
    from synthmed.measures.search import nearest as search

    seconds: Seconds = {}
    with timed(seconds, "nearest"):
        distance, _ = search(sets["synthetic"], sets["train"], k=2)
    return seconds, {"first": float(distance[:, 0].sum()), "second": float(distance[:, 1].sum())}


def sklearn(sets: dict[str, Features]) -> tuple[Seconds, dict[str, float]]:
    """The same by scikit-learn's brute force."""
    from sklearn.neighbors import NearestNeighbors

    seconds: Seconds = {}
    with timed(seconds, "sklearn"):
        search = NearestNeighbors(n_neighbors=2, algorithm="brute").fit(sets["train"])
        distance, _ = search.kneighbors(sets["synthetic"])
    sums = distance.astype(np.float64).sum(axis=0)
    return seconds, {"first": float(sums[0]), "second": float(sums[1])}


PARTS = {"everything": everything, "four": four, "prdc": prdc, "nearest": nearest}
PARTS["sklearn"] = sklearn


def main(words: list[str]) -> None:
    """Run a part and write what it took and found."""
    sets = make(int(words[1]), int(words[2]))
    seconds, numbers = PARTS[words[0]](sets)
    Path(words[3]).write_text(json.dumps({"seconds": seconds, "numbers": numbers}))


if __name__ == "__main__":
    main(sys.argv[1:])
