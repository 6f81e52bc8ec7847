"""Whether images are as close to real ones as a baseline's: per type, with a margin set beforehand.

For every image type and for KID and CMMD:

    d = distance(real test images, ours) - distance(real test images, baseline's)

"No worse" means that the upper end of d's 95 % interval lies below the margin: `MARGIN` times the
distance between the type's real test images and those of all other types. The margin is a tenth of
the way to another kind of picture. On real images (validation beside test rows of the bundled
model's types) a Gaussian blur with a standard deviation of 0.4 pixels stays below it in every type
and both distances (at most 0.08), one of 0.8 pixels lies above it in all of them (at least 0.12).

The features are `statistics` (histogram, spectrum, texture): they have no weights, so no patient
can have been seen by them, and they notice blur and noise, to which a classifier's features were
blind (a blur of 0.8 pixels moved those of one trained on the validation rows by less than 0.3 %).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.data import eight_bits, load_framed, slug
from benchmarks.samplers import SEED, Order
from synthmed.datasets.captions import caption
from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.measures.features import load_extractor
from synthmed.measures.fidelity import cmmd, kid
from synthmed.measures.jackknife import jackknife_difference, jackknife_groups

METRICS: dict[str, Callable[[Any, Any], float]] = {"KID": kid, "CMMD": cmmd}
MARGIN = 0.1
FEWEST_IMAGES, FEWEST_GROUPS = 8, 4
Features = npt.NDArray[np.float64]


def judged_types(rows: Sequence[Row], card: Mapping[str, Any], most: int | None) -> list[str]:
    """The model's image types that have enough real test images and patients, at most `most`.

    Raises:
        SynthmedError: There are fewer than two.
    """
    known = [str(entry["name"]) for entry in card.get("types", [])]
    found = []
    for name in dict.fromkeys(known or [row.image_type for row in rows]):
        own = [row for row in rows if row.image_type == name]
        if len(own) >= FEWEST_IMAGES and len({row.group_id for row in own}) >= FEWEST_GROUPS:
            found.append(name)
    if len(found) < 2:
        raise SynthmedError("fewer than two of the model's types have enough real test images")
    return found[:most]


def orders_of(rows: Sequence[Row], types: Sequence[str], count: int) -> list[Order]:
    """Prompts for `count` images or a few more, the types in turn and equally often.

    The prompts are captions of the real test rows, so that both sides are asked for what the real
    images show; where a type has fewer rows than images, captions are used again with new seeds.
    """
    draw = np.random.default_rng(SEED)
    columns = []
    for name in types:
        own = [row for row in rows if row.image_type == name]
        order = draw.permutation(len(own))
        chosen = [own[order[i % len(own)]] for i in range(-(-count // len(types)))]
        columns.append(
            [
                Order(f"{slug(name)}-{i:04d}", caption(row, "simple"), name, row.group_id)
                for i, row in enumerate(chosen)
            ]
        )
    return [order for turn in zip(*columns, strict=True) for order in turn]


@dataclass(frozen=True)
class RealSide:
    """Features of the real test images.

    Attributes:
        features: `(N, D)` by type.
        groups: Patient of each image, by type.
        margins: By metric and type.
        extractor: Id of the features.
    """

    features: dict[str, Features]
    groups: dict[str, list[str]]
    margins: dict[str, dict[str, float]]
    extractor: str


def real_side(rows: Sequence[Row], types: Sequence[str], size: int) -> RealSide:
    """Read the real test images of the types and compute features and margins."""
    extract = load_extractor("statistics")
    features, groups = {}, {}
    for name in types:
        own = [row for row in rows if row.image_type == name]
        features[name] = extract(load_framed(own, size))
        groups[name] = [row.group_id for row in own]
    margins: dict[str, dict[str, float]] = {metric: {} for metric in METRICS}
    for metric, distance in METRICS.items():
        for name in types:
            others = np.concatenate([features[other] for other in types if other != name])
            margins[metric][name] = MARGIN * distance(features[name], others)
    return RealSide(features, groups, margins, extract.id)


def features_of(
    images: npt.NDArray[np.float32], orders: Sequence[Order], card: Mapping[str, Any]
) -> dict[str, Features]:
    """Features of made images by type, with 8 bits and grey where the type is grey, as in files."""
    extract = load_extractor("statistics")
    grey = {entry["name"] for entry in card.get("types", []) if entry.get("grey")}
    found = {}
    for name in dict.fromkeys(order.image_type for order in orders):
        own = images[[order.image_type == name for order in orders]]
        found[name] = extract(eight_bits(own.mean(axis=1, keepdims=True) if name in grey else own))
    return found


def distances(
    real: RealSide,
    orders: Sequence[Order],
    made: Mapping[str, Features],
    baseline: Mapping[str, Features] | None,
) -> dict[str, Any]:
    """Distances to the real images per type, and their differences from the baseline's.

    Images of the same order are pairs, and a real patient's images and those made from the
    patient's captions are left out together by the jackknife.

    Returns:
        By metric and type: value and interval; with a baseline also `difference` (value and
        interval), `margin` and `passes`.
    """
    table: dict[str, Any] = {}
    for metric, distance in METRICS.items():
        table[metric] = {}
        for name, features in made.items():
            own = [order.group for order in orders if order.image_type == name]
            truth, ours = (real.features[name], real.groups[name]), (features, own)
            low, high = jackknife_groups(distance, truth, ours)
            entry: dict[str, Any] = {
                "value": distance(truth[0], features),
                "low": low,
                "high": high,
                "n_real": len(truth[0]),
                "n": len(features),
                "patients": len(set(truth[1])),
            }
            if baseline is not None:
                entry |= _difference(distance, truth, ours, (baseline[name], own))
                entry["margin"] = real.margins[metric][name]
                entry["passes"] = entry["difference"]["high"] < entry["margin"]
            table[metric][name] = entry
    return table


def _difference(
    distance: Callable[[Any, Any], float], truth: Any, ours: Any, baseline: Any
) -> dict[str, Any]:
    value = distance(truth[0], ours[0]) - distance(truth[0], baseline[0])
    low, high = jackknife_difference(distance, truth, ours, baseline)
    return {"difference": {"value": value, "low": low, "high": high}}


def passes(row: Mapping[str, Any]) -> bool:
    """Whether every type is no worse than the baseline in every metric."""
    return all(e["passes"] for metric in METRICS for e in row["distances"][metric].values())


def closest_call(row: Mapping[str, Any], metric: str) -> tuple[str, float]:
    """The type whose upper end comes closest to its margin, or exceeds it most: name and share."""
    shares = {
        name: entry["difference"]["high"] / entry["margin"]
        for name, entry in row["distances"][metric].items()
    }
    worst = max(shares, key=lambda name: shares[name])
    return worst, shares[worst]
