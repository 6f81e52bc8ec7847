"""The search for copies: type by type, with planted ones as a self-test of every type."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from synthmed.errors import SynthmedError
from synthmed.evaluation.context import Context
from synthmed.evaluation.privacy_searches import Search
from synthmed.measures.copies.audit import CopyAudit, audit
from synthmed.measures.copies.detector import CopyDetector
from synthmed.measures.copies.planted import SelfTest, self_test
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
    """

    search: Search
    audit: CopyAudit
    test: SelfTest


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
    sides = (context.synthetic, context.train, context.holdout)
    rows = (part.synthetic, part.train, part.holdout)
    pairs = list(zip(sides, rows, strict=True))
    images = [side.images(chosen) for side, chosen in pairs]
    features = [context.features(side).values[chosen] for side, chosen in pairs]
    groups = [side.groups[chosen].tolist() for side, chosen in pairs]
    settings: dict[str, Any] = {
        "holdout_groups": groups[2],
        "train_groups": groups[1],
        "false_alarm": FALSE_ALARM,
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
        per_kind=PER_KIND,
        through_codec=trip,
        detector=detector,
    )
    return Found(part, result, test)
