"""Score unknown images by a trained detector; a bad file never stops the batch."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synthmed.errors import SynthmedError
from synthmed.evaluation.detector import Detector
from synthmed.evaluation.detector_candidates import Candidate, candidates_of, framed

_BATCH = 64


@dataclass(frozen=True)
class Detection:
    """What a detector says of a batch.

    Attributes:
        detector: The detector's card.
        images: "file", "image_type", "score" (0 real to 1 synthetic), "verdict" ("likely
            synthetic", "likely real" or "uncertain") and "why" of each image.
        rejected: "file" and "reason" of those that cannot be scored.
        warnings: What must be known before the scores are used.
    """

    detector: dict[str, Any]
    images: list[dict[str, Any]]
    rejected: list[dict[str, str]]
    warnings: list[str]


def detect(
    images: Sequence[str | os.PathLike[str]],
    detector: str | os.PathLike[str],
    *,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Detection:
    """Score images.

    Args:
        images: Files, folders of images, and dataset folders.
        detector: Folder of a detector that `fit_detector` wrote.
        progress: Called with (done, all).

    Raises:
        SynthmedError: No detector, or no image that can be scored.
        SafetyError: The detector's weights are not those that its card names.
    """
    model = Detector.load(Path(detector))
    rejected: list[dict[str, str]] = []
    many = len(images) > 1
    candidates = [each for path in images for each in candidates_of(Path(path), many, rejected)]
    found, seen = [], 0
    known = set(model.card.get("training_groups", ()))
    for start in range(0, len(candidates), _BATCH):
        part = candidates[start : start + _BATCH]
        pairs = [(each, framed(each, model.size, rejected)) for each in part]
        usable = [(each, x) for each, x in pairs if x is not None]
        if usable:
            scores, strange = model.scores(np.stack([x for _, x in usable]))
            found += [
                _verdict(model, c, float(s), float(d))
                for (c, _), s, d in zip(usable, scores, strange, strict=True)
            ]
            seen += sum(_hashed(c.group) in known for c, _ in usable)
        progress(min(start + _BATCH, len(candidates)), len(candidates))
    if not found:
        first = f"; the first: {rejected[0]['file']}: {rejected[0]['reason']}" if rejected else ""
        raise SynthmedError(f"no image can be scored ({len(rejected)} rejected{first})")
    return Detection(model.card, found, rejected, _warnings(model, found, seen))


def _verdict(model: Detector, candidate: Candidate, score: float, strange: float) -> dict[str, Any]:
    verdict, why = "likely synthetic" if score >= model.threshold else "likely real", ""
    if candidate.kind and candidate.kind not in model.kinds:
        verdict, why = "uncertain", "the detector never saw this image type"
    elif strange > float(model.card["unfamiliar_above"]):
        verdict, why = "uncertain", "unlike the images that the detector was trained on"
    return {
        "file": candidate.name,
        "image_type": candidate.kind,
        "score": round(score, 6),
        "verdict": verdict,
        "why": why,
    }


def _warnings(model: Detector, found: Sequence[dict[str, Any]], seen: int) -> list[str]:
    warnings = []
    kinds = ", ".join(kind or "unnamed" for kind in model.kinds)
    strangers = sorted({e["image_type"] for e in found if e["image_type"]} - set(model.kinds))
    if strangers:
        n = sum(each["image_type"] in strangers for each in found)
        warnings.append(
            f"{n} images are of types that the detector never saw ({', '.join(strangers)}; it "
            f"knows {kinds}): their scores mean nothing"
        )
    if unknown := sum(not each["image_type"] for each in found):
        warnings.append(f"the type of {unknown} images is not stated; the detector knows {kinds}")
    if odd := sum(each["why"].startswith("unlike") for each in found):
        warnings.append(f"{odd} images are unlike all that the detector was trained on")
    if seen:
        warnings.append(
            f"{seen} images are of patients that the detector was trained on: it judges them "
            "better than it would judge others"
        )
    return warnings


def _hashed(group: str) -> str:
    return hashlib.sha256(group.encode()).hexdigest() if group else ""
