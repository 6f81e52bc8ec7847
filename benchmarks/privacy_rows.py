"""What `privacy_audit` measures on real images: planted copies, and images of other patients."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.common import Row
from benchmarks.estimates import Estimate, estimate
from benchmarks.privacy_scenes import Images, Scene
from benchmarks.samplers import SEED
from synthmed.measures.copies.audit import audit
from synthmed.measures.copies.detector import CopyDetector
from synthmed.measures.copies.kinds import PLANTED, USUAL_KINDS
from synthmed.measures.copies.planted import self_test
from synthmed.measures.intervals import wilson

FALSE_ALARM = 0.01
PLANT_SEED = 3
"""The detector's settings were chosen on copies planted with seeds 0, 1 and 2."""
Through = Callable[[Images], Images]


def share(hits: int, count: int) -> Estimate:
    """A share with its Wilson interval."""
    return estimate(hits / count, *wilson(hits, count), count)


def planted_row(scene: Scene, through: Through, per_kind: int) -> Row:
    """Share of planted copies found, by kind, and the false alarms on real images."""
    detector = CopyDetector.fit(
        scene.train_images,
        scene.held_images,
        holdout_groups=scene.held_groups,
        train_groups=scene.train_groups,
        symmetries=scene.symmetries,
        false_alarm=FALSE_ALARM,
        seed=SEED,
    )
    test = self_test(
        scene.train_images,
        scene.held_images,
        kinds=list(PLANTED),
        per_kind=per_kind,
        through_codec=through,
        detector=detector,
        seed=PLANT_SEED,
    )
    kinds = {
        name: {**share(own["found"], own["planted"]), "inside_search": own["inside_search"]}
        for name, own in test.by_kind.items()
    }
    usual = [test.by_kind[name] for name in USUAL_KINDS]
    outside = [own for own in usual if not own["inside_search"]]
    held = len(detector.holdout.score)
    return {
        "method": detector.method,
        "n_train": len(scene.train),
        "patients_train": len(set(scene.train_groups)),
        "n_holdout": held,
        "patients_holdout": len(set(scene.held_groups)),
        "suspects": len(detector.suspects),
        "quantile": detector.quantile,
        "threshold": detector.threshold,
        "kinds": kinds,
        "all": _sum(usual),
        "outside": _sum(outside),
        "false_alarms": share(detector.alarms, held),
    }


def others_row(scene: Scene, through: Through) -> Row:
    """Share of copies among images of other patients, judged half by half."""
    groups = np.asarray(scene.held_groups)
    order = np.random.default_rng(SEED).permutation(np.unique(groups))
    first = np.isin(groups, order[::2])
    hits = {"as they are": 0, "through the codec": 0}
    for judged in (first, ~first):
        detector = CopyDetector.fit(
            scene.train_images,
            scene.held_images[~judged],
            holdout_groups=groups[~judged].tolist(),
            train_groups=scene.train_groups,
            symmetries=scene.symmetries,
            false_alarm=FALSE_ALARM,
            seed=SEED,
        )
        images = scene.held_images[judged]
        for name, shown in (("as they are", images), ("through the codec", through(images))):
            hits[name] += len(audit(detector, shown).findings)
    return {name: share(count, len(groups)) for name, count in hits.items()}


def _sum(kinds: list[Row]) -> Estimate:
    return share(sum(own["found"] for own in kinds), sum(own["planted"] for own in kinds))
