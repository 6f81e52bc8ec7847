"""Known answers: every metric moves the way it should, and which metric sees which fault.

What it shows, and how to read it. Gaussians whose distance is known in closed form: KID and
Fréchet distance beside the truth. Then real images, split by patient into a reference, undamaged
images, and images of further patients. The undamaged ones are blurred, made noisy, robbed of
modes, given wrong labels, or replaced by copies of the reference, at four strengths each. A
metric *sees* a fault if the 95 % interval of its difference (damaged less undamaged, both against
the reference, one jackknife of both) excludes 0 in the right direction. The further patients are
the control: what is seen there is a false alarm.

    python -m benchmarks.known_answers --profile smoke
    python -m benchmarks.known_answers --profile cpu
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks import common
from benchmarks.data import load_framed, read_rows
from benchmarks.faults import FAULTS, Part, thirds
from benchmarks.gaussians import gaussian_row
from benchmarks.known_metrics import (
    NEAR_COPIES,
    ON_FEATURES,
    ON_IMAGES,
    WITHIN_LABELS,
    Values,
    fault_row,
    near_copies,
    registered,
    within_labels,
)
from benchmarks.known_tables import ALL, tables
from synthmed.datasets.rows import Row
from synthmed.datasets.splits import group_hashes
from synthmed.errors import SynthmedError
from synthmed.evaluation.context import Settings
from synthmed.measures.extractors.pixels import Structure16
from synthmed.measures.features import load_extractor

__all__ = ["main", "tables"]
SIZE, BLOCKS, SEED, WIDTH = 64, 20, 0, 8
# Types, images of a type at most, samples of a Gaussian, strengths of a fault.
PROFILES = {
    "smoke": (2, 120, 500, (0, -1)),
    "cpu": (4, 400, 4000, (0, 1, 2, 3)),
    "gpu": (4, 400, 4000, (0, 1, 2, 3)),
}
CHANGES = {"shift": (0.25, 0.5, 1.0, 2.0), "scale": (1.1, 1.25, 1.5, 2.0)}
IMAGES = "images"


def main(argv: Sequence[str] | None = None) -> None:
    options = common.parse(__doc__, argv)
    types, most, samples, chosen = PROFILES[options.profile]
    extractors = available(("statistics", Settings().extractor))
    facts = {
        "data": options.data.name,
        "images": most,
        "samples": samples,
        "extractors": {name: extract.id for name, extract in extractors.items()},
        "blocks": BLOCKS,
        "seed": SEED,
    }
    results = common.Results(
        options.results, "known_answers", options.profile, facts, options.fresh
    )
    for change, strengths in CHANGES.items():
        for strength in strengths:
            name = f"gaussian, {change}, {strength:g}"
            if results.lacks(name):
                results.add(name, gaussian_row(change, strength, WIDTH, samples))
    seen = {group for extract in extractors.values() for group in getattr(extract, "groups", ())}
    parts = real_parts(options.data, types, most, seen)
    if len(parts) > 1:
        parts[ALL] = together(parts)
    for kind, part in parts.items():
        measure_type(results, kind, part, extractors, chosen)
    common.show(tables(results.content))


def measure_type(
    results: common.Results,
    kind: str,
    part: Part,
    extractors: Mapping[str, Callable[[Any], Any]],
    chosen: Sequence[int],
) -> None:
    """Measure all faults on the images of one type, by all features and by the images."""
    parts = thirds(part, SEED)
    spaces: dict[str, tuple[Callable[[Any], Any], dict[str, Values]]] = {
        name: (extract, {**{m: registered(m) for m in ON_FEATURES}, WITHIN_LABELS: within_labels})
        for name, extract in extractors.items()
    }
    spaces[IMAGES] = (lambda x: x.astype(np.float64), {m: registered(m) for m in ON_IMAGES})
    structure = Structure16()
    near = near_copies(structure(parts[0].images), structure(parts[2].images))
    spaces["structure-16"] = (structure, {NEAR_COPIES: near})
    for space, (extract, metrics) in spaces.items():
        for fault, (_, every) in FAULTS.items():
            name = f"{kind}, {space}, {fault}"
            strengths = [every[i] for i in chosen] if len(every) > 1 else every
            if results.lacks(name):
                common.say(name)
                results.add(name, fault_row(parts, fault, strengths, extract, metrics, BLOCKS))


def available(names: Sequence[str]) -> dict[str, Any]:
    """The extractors that this installation has."""
    found = {}
    for name in names:
        try:
            found[name] = load_extractor(name)
        except SynthmedError as error:
            common.say(f"without {name}: {error}")
    return found


def real_parts(listing: Any, types: int, most: int, seen: set[str]) -> dict[str, Part]:
    """Framed validation and test images of the types with the most images that bear two labels.

    Args:
        listing: List of sources.
        types: How many types.
        most: Images of a type at most.
        seen: Hashes of groups that an extractor was trained on: left out.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        rows = [row for split in ("val", "test") for row in read_rows(listing, split)]
    rows = [row for row in rows if not seen.intersection(group_hashes([row]))]
    labels = {kind: _labels([r for r in rows if r.image_type == kind]) for kind in _kinds(rows)}
    usable = [kind for kind in labels if min(Counter(labels[kind]).values()) >= 6]
    found = {}
    for kind in [kind for kind in usable if len(set(labels[kind])) == 2][:types]:
        own = [row for row in rows if row.image_type == kind]
        order = np.random.default_rng(SEED).permutation(len(own))[:most]
        found[kind] = Part(
            load_framed([own[i] for i in order], SIZE),
            np.asarray([own[i].group_id for i in order]),
            np.asarray(labels[kind])[order],
        )
    return found


def together(parts: Mapping[str, Part]) -> Part:
    """All types in one set; the labels tell the first type from the others."""
    first = next(iter(parts))
    labels = [np.full(len(p.images), "first" if k == first else "other") for k, p in parts.items()]
    return Part(
        np.concatenate([part.images for part in parts.values()]),
        np.concatenate([part.groups for part in parts.values()]),
        np.concatenate(labels),
    )


def _kinds(rows: Sequence[Row]) -> list[str]:
    """Types by falling number of images."""
    return [kind for kind, _ in Counter(row.image_type for row in rows).most_common()]


def _labels(rows: Sequence[Row]) -> list[str]:
    """The most frequent label of a type, or "other"."""
    names = ["|".join(sorted(row.labels)) for row in rows]
    first = Counter(names).most_common(1)[0][0]
    return ["most frequent label" if name == first else "other" for name in names]


if __name__ == "__main__":
    common.run(main)
