"""Are the distances right: against independent float64 references, prdc and torchmetrics.

What it shows, and how to read it. Every row takes the same made features to both sides.

- *Fréchet*: against `scipy.linalg.sqrtm` of the product of the covariances, float64; the target is
  1e-6 relative. *KID* and *CMMD*: against a plain double loop in Python, float64; the target is
  1e-9 absolute. torchmetrics stands beside, without a target, on the same float64 features.
- *Precision, recall, density, coverage*: counts of images (pairs, for density) against `prdc` and
  against a table of all distances (scipy's `cdist`, from the differences). A point at a ball's
  radius itself lies inside, as in the papers' equations; `prdc` leaves it out. Such ties are
  counted and their rows listed in the results; the counts must agree with the table's, and with
  prdc's once the ties are taken off. Where features are copied, prdc's own rounding decides its
  ties: there it may differ by no more than their number.

Targets were set before any run.

    python -m benchmarks.evaluate_numerics --profile smoke    # never quoted
    python -m benchmarks.evaluate_numerics --profile cpu
"""

from __future__ import annotations

import contextlib
import io
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.common import Results, Row, Table, parse, run, say, show
from benchmarks.evaluate_references import double_loop, four_counts, sqrtm_distance
from synthmed.errors import SynthmedError
from synthmed.measures.fidelity import cmmd, frechet_distance, kid
from synthmed.measures.manifolds import coverage, density, precision, recall

NAME = "evaluate_numerics"
TARGETS = {"frechet": 1e-6, "kid": 1e-9, "cmmd": 1e-9}
K = 5
Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Profile:
    """Size of a run.

    Attributes:
        n: Images a side for Fréchet and neighbour metrics.
        width: Number of features.
        loop: Images a side in the double loops.
    """

    n: int
    width: int
    loop: int


PROFILES = {
    "smoke": Profile(150, 24, 30),
    "cpu": Profile(3000, 768, 300),
    "gpu": Profile(3000, 768, 300),
}


def gaussian(n: int, width: int) -> tuple[Array, Array]:
    """Two Gaussians of slightly other means and variances."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, n, width))
    return a, 1.01 * b + 0.05


def correlated(n: int, width: int) -> tuple[Array, Array]:
    """Features as a network gives: few directions, heavy tails, not negative."""
    rng = np.random.default_rng(1)
    mix = rng.normal(size=(max(2, width // 16), width)) / math.sqrt(max(2, width // 16))
    a, b = (0.3 * rng.standard_t(5, size=(n, len(mix))) @ mix for _ in range(2))
    return np.maximum(a + 0.4, 0), np.maximum(1.1 * b + 0.5, 0)


def few(n: int, width: int) -> tuple[Array, Array]:
    """Fewer images than features: covariances that have no inverse."""
    a, b = gaussian(n, width)
    return a[: width // 2], b[: width // 2]


def tied(n: int, width: int) -> tuple[Array, Array]:
    """Small integers in three dimensions: many equal distances, all of them exact."""
    rng = np.random.default_rng(2)
    return rng.integers(0, 9, (n, 3)).astype(float), rng.integers(0, 10, (n, 3)).astype(float)


def copied(n: int, width: int) -> tuple[Array, Array]:
    """A third of the synthetic images are copies of real ones."""
    a, b = gaussian(n, width)
    b[: n // 3] = a[: n // 3]
    return a, b


KINDS: dict[str, Callable[[int, int], tuple[Array, Array]]] = {
    "Gaussian": gaussian,
    "correlated": correlated,
    "fewer images than features": few,
    "tied": tied,
    "copied": copied,
}
DISTANCES = {"frechet": frechet_distance, "kid": kid, "cmmd": cmmd}
SHARES = {"precision": precision, "recall": recall, "density": density, "coverage": coverage}


def distance_row(metric: str, kind: str, profile: Profile) -> Row:
    """A distance, its reference, and torchmetrics' value where it has the metric."""
    n = profile.n if metric == "frechet" else profile.loop
    a, b = KINDS[kind](n, profile.width)
    value = DISTANCES[metric](a, b)
    reference = sqrtm_distance(a, b) if metric == "frechet" else double_loop(metric, a, b)
    scale = abs(reference) if metric == "frechet" else 1.0
    row = {"value": value, "reference": reference, "error": abs(value - reference) / scale}
    return {
        **row,
        "n": len(a),
        "width": a.shape[1],
        "torchmetrics": torchmetrics_value(metric, a, b),
    }


def torchmetrics_value(metric: str, a: Array, b: Array) -> float | str | None:
    """FID or KID of torchmetrics on given features; a sentence where it does not run."""
    if metric not in {"frechet", "kid"}:
        return None
    try:
        import torch
        from torchmetrics.image.fid import FrechetInceptionDistance
        from torchmetrics.image.kid import KernelInceptionDistance

        class Features(torch.nn.Module):
            """Takes features for images."""

            num_features = a.shape[1]

            def forward(self, x: torch.Tensor) -> torch.Tensor:
                return x

        warnings.simplefilter("ignore")  # "will save all extracted features in buffer"
        judge: Any
        if metric == "frechet":
            judge = FrechetInceptionDistance(feature=Features()).set_dtype(torch.float64)
        else:
            size = min(len(a), len(b))
            judge = KernelInceptionDistance(feature=Features(), subsets=1, subset_size=size)
        for side, real in ((a, True), (b, False)):
            judge.update(torch.from_numpy(side), real=real)
        found = judge.compute()
        return float(found[0] if metric == "kid" else found)
    except (ImportError, RuntimeError, ValueError, TypeError) as error:
        return f"does not run: {str(error).splitlines()[0][:90]}"


def shares_row(kind: str, profile: Profile) -> Row:
    """The four counts: ours, prdc's, and those of a table of all distances."""
    from prdc import compute_prdc

    real, synthetic = KINDS[kind](profile.n, profile.width)
    sizes = {"precision": len(synthetic), "recall": len(real), "coverage": len(real)}
    sizes["density"] = len(synthetic) * K
    with contextlib.redirect_stdout(io.StringIO()):
        found = compute_prdc(real, synthetic, nearest_k=K)
    table = four_counts(real, synthetic, K)
    row: Row = {"n": len(real), "width": real.shape[1]}
    for name, statistic in SHARES.items():
        row[name] = {
            "ours": round(statistic(real, synthetic, k=K) * sizes[name]),
            "prdc": round(float(found[name]) * sizes[name]),
            **table[name],
        }
    return row


def main(argv: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    options = parse(__doc__, argv)
    profile = PROFILES[options.profile]
    facts = {"settings": asdict(profile), "versions": versions()}
    results = Results(options.results, NAME, options.profile, facts, options.fresh)
    for metric in DISTANCES:
        few_too = ["fewer images than features"] if metric == "frechet" else []
        for kind in ("Gaussian", "correlated", *few_too):
            name = f"{metric}, {kind}"
            if name not in results.rows:
                say(f"{name} ...")
                results.add(name, distance_row(metric, kind, profile))
    for kind in ("Gaussian", "correlated", "tied", "copied"):
        name = f"shares, {kind}"
        if name not in results.rows:
            say(f"{name} ...")
            results.add(name, shares_row(kind, profile))
    show(tables(results.content))


def versions() -> dict[str, str]:
    """Versions of what is compared.

    Raises:
        SynthmedError: One of them is not installed.
    """
    try:
        return {x: version(x) for x in ("numpy", "scipy", "scikit-learn", "prdc", "torchmetrics")}
    except PackageNotFoundError as error:
        raise SynthmedError(
            f"{error.name} is not installed", mend="pip install -e .[dev]"
        ) from error


def tables(content: Mapping[str, Any]) -> list[Table]:
    """The tables of a results file."""
    return [_distances(content), _shares(content)]


def _distances(content: Mapping[str, Any]) -> Table:
    lines = []
    for name, row in content["rows"].items():
        metric, _, kind = name.partition(", ")
        if metric not in TARGETS:
            continue
        other = row["torchmetrics"]
        beside = "" if other is None else other
        if isinstance(other, float):
            off = abs(other - row["reference"])
            beside = f"{off / abs(row['reference']) if metric == 'frechet' else off:.1e}"
        right = math.isfinite(row["error"]) and row["error"] <= TARGETS[metric]
        size = f"{row['n']:,} x {row['width']}"
        line = [metric, kind, size, f"{row['reference']:.6g}", f"{row['error']:.1e}"]
        lines.append([*line, "yes" if right else "no", str(beside)])
    notes = [
        "Error: relative for frechet (target 1e-6), absolute for kid and cmmd (target 1e-9).",
        "frechet against scipy's sqrtm, kid and cmmd against a double loop, all in float64; with "
        "fewer images than features, where sqrtm is not accurate, against singular values.",
    ]
    header = ["metric", "features", "images x width", "reference", "error", "within target"]
    return Table("Distances", [*header, "torchmetrics' error"], lines, notes)


def agreement(kind: str, entry: Mapping[str, Any]) -> str:
    """Whether counts agree: with the table of distances, and with prdc but for ties."""
    if entry["ours"] != entry["inside"]:
        return "no"
    off = abs(entry["ours"] - entry["ties"] - entry["prdc"])
    return "yes" if off == 0 or (kind == "copied" and off <= entry["ties"]) else "no"


def _shares(content: Mapping[str, Any]) -> Table:
    lines = []
    for name, row in content["rows"].items():
        start, _, kind = name.partition(", ")
        if start != "shares":
            continue
        for metric in SHARES:
            entry = row[metric]
            counts = [f"{entry[key]:,}" for key in ("ours", "inside", "ties", "prdc")]
            lines.append([metric, kind, f"{row['n']:,} x {row['width']}", *counts])
            lines[-1].append(agreement(kind, entry))
    notes = [
        "Counts of images; of pairs for density. Ties: inside only because a point at the radius "
        "counts; prdc leaves it out.",
    ]
    header = ["metric", "features", "images x width", "ours", "all distances", "of them ties"]
    return Table("Neighbour metrics", [*header, "prdc", "agree"], lines, notes)


if __name__ == "__main__":
    run(main)
