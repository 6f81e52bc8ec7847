"""The search for copies: type by type, with planted ones as a self-test of every type."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthmed.errors import SynthmedError
from synthmed.evaluation.context import Context
from synthmed.evaluation.privacy_searches import ALL as ALL_TYPES
from synthmed.evaluation.privacy_searches import Search, searched
from synthmed.measures.copies.audit import CopyAudit, audit
from synthmed.measures.copies.detector import AS_COPIES, PROBES, CopyDetector
from synthmed.measures.copies.kinds import self_test_kinds
from synthmed.measures.copies.planted import SelfTest, self_test
from synthmed.measures.copies.symmetries import ALL, USUAL
from synthmed.measures.features import load_extractor

FALSE_ALARM = 0.01
PER_KIND = 8


@dataclass(frozen=True)
class Found:
    """What one search found.

    Attributes:
        search: The rows that were compared.
        audit: Scores, threshold, copies.
        test: Planted copies and how many were found.
        certain: Score from which on an image is taken for a copy whatever the rates are: half of
            what exact copies score, the detector's rule for hold-out images that look like copies.
    """

    search: Search
    audit: CopyAudit
    test: SelfTest
    certain: float


def run_searches(
    context: Context,
    parts: Sequence[Search],
    warn: Callable[[str], None],
    trip: Callable[[Any], Any] | None,
) -> list[Found]:
    """Calibrate, search and test each type.

    Args:
        context: With `train` and `holdout`.
        parts: The searches.
        warn: Told of types that cannot be searched, and why.
        trip: The generator's codec, for planted copies; None plants another kind instead.

    Returns:
        What was found, for the types that could be searched.
    """
    found = []
    for part in parts:
        context.progress(f"privacy: copies among {len(part.synthetic)} images, {part.kind}")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                found.append(_run(context, part, trip))
            except SynthmedError as error:
                warn(f"{part.kind}: copies cannot be looked for: {error}")
        for warning in caught:
            if issubclass(warning.category, UserWarning):
                warn(f"{part.kind}: {warning.message}")
    return found


def _run(context: Context, part: Search, trip: Callable[[Any], Any] | None) -> Found:
    assert context.train is not None
    assert context.holdout is not None
    sides = (searched(context), context.train, context.holdout)
    rows = (part.synthetic, part.train, part.holdout)
    pairs = list(zip(sides, rows, strict=True))
    images = [side.images(chosen) for side, chosen in pairs]
    features = [context.features(side).values[chosen] for side, chosen in pairs]
    groups = [side.groups[chosen].tolist() for side, chosen in pairs]
    settings: dict[str, Any] = {
        "holdout_groups": groups[2],
        "train_groups": groups[1],
        "false_alarm": FALSE_ALARM,
        "symmetries": positions(context, part.kind),
        "seed": context.settings.seed,
    }
    detector = CopyDetector.fit(
        images[1], images[2], features=(features[1], features[2]), **settings
    )
    result = audit(detector, images[0], features=features[0])
    test = self_test(
        *(images[1], images[2]),
        **settings,
        extract=load_extractor(context.settings.extractor),
        kinds=self_test_kinds(settings["symmetries"], trip is not None),
        per_kind=PER_KIND,
        through_codec=trip,
        detector=detector,
    )
    return Found(part, result, test, AS_COPIES * _exact_score(detector, context.settings.seed))


def positions(context: Context, kind: str) -> tuple[str, ...]:
    """The positions of training images that are searched.

    Args:
        context: With `train`, whose types count where all types are searched together.
        kind: Image type.

    Returns:
        As they are and mirrored for types that training never turns round; all eight for types
        that it does, and for unknown ones.
    """
    assert context.train is not None
    kinds = set(context.train.kinds.tolist()) if kind == ALL_TYPES else {kind}
    return USUAL if all(_is_upright(name) for name in kinds) else ALL


def _is_upright(kind: str) -> bool:
    from synthmed.training.augment import SAFE

    return kind in SAFE and not {"turn", "symmetric"} & set(SAFE[kind])


def _exact_score(detector: CopyDetector, seed: int) -> float:
    """How far exact copies stand out: the median of a few training images."""
    known = detector.known
    rows = np.random.default_rng(seed).permutation(len(known.images))[:PROBES]
    features = None if known.features is None else known.features[rows]
    return float(np.median(detector.closest(known.images.take(rows), features).score))
