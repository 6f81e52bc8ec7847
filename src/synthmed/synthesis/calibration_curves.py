"""The curves of a calibration, as a Generator's card holds them: read and checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from synthmed.errors import SynthmedError

FORMAT = 2
"""2: SSIM without padding, and `matched`. Curves of format 1 are to be measured anew."""
_MEND = "Measure it: synthmed calibrate MODEL DATASET. Or give the depth by number."


@dataclass(frozen=True)
class Point:
    """A measured value with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Curve:
    """What translation from one domain to another was measured to do.

    Attributes:
        source: The domain that images come from.
        target: The domain that they are brought to.
        n_source: Images that were translated.
        n_target: Real images of the target.
        groups_source: Patients (groups) of the translated images.
        groups_target: Patients (groups) of the target's images.
        depths: Rising, from 0 (least structure kept) to 1 (the codec alone).
        structure: By depth: mean SSIM between a source and its translation.
        realism: By depth: KID between the translations and the target's real images, whole sets.
        matched: By depth: KID between translations of one half of the patients and the target's
            images of the other, over the halvings of `real_real`.
        real_real: KID between two halves of the target's real images.
        untouched: KID between the sources themselves and the target's images, whole sets; None if
            not measured.
        of_patients: Whether intervals are over patients whom the model was not trained on; else
            some images are of groups that it was trained on too, and count for themselves.
        warnings: What limits the figures.
    """

    source: str
    target: str
    n_source: int
    n_target: int
    groups_source: int
    groups_target: int
    depths: tuple[float, ...]
    structure: tuple[Point, ...]
    realism: tuple[Point, ...]
    matched: tuple[Point, ...]
    real_real: Point
    untouched: Point | None = None
    of_patients: bool = True
    warnings: tuple[str, ...] = ()


def curves_of(card: Mapping[str, Any]) -> list[Curve]:
    """Read all curves of a card.

    Args:
        card: The contents of a synthmed.json.

    Raises:
        SynthmedError: There is no calibration, it is damaged, of another format, or was measured
            with other weights than the card's.
    """
    found = card.get("calibration")
    if not found or (isinstance(found, Mapping) and found.get("pairs") == []):
        raise SynthmedError("the generator has no calibration", mend=_MEND)
    if not isinstance(found, Mapping) or found.get("format") != FORMAT:
        was = found.get("format") if isinstance(found, Mapping) else None
        raise SynthmedError(
            f"the generator's calibration is not of this version (format {was}, not {FORMAT})",
            mend="Calibrate it again: synthmed calibrate MODEL DATASET. Or give the depth by"
            " number.",
        )
    measured = found.get("generator_hash")
    if measured and card.get("hash") and measured != card["hash"]:
        raise SynthmedError("the calibration was measured with other weights", mend=_MEND)
    try:
        return [_curve(entry) for entry in found["pairs"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SynthmedError("the generator's calibration is damaged", mend=_MEND) from error


def curve_of(card: Mapping[str, Any], source: str, target: str) -> Curve:
    """Read the curve of one ordered pair of domains.

    Args:
        card: The contents of a synthmed.json.
        source: Where the images come from.
        target: What they are brought to.

    Raises:
        SynthmedError: As `curves_of`; or this pair was not calibrated (those that were are named).
    """
    curves = curves_of(card)
    for curve in curves:
        if (curve.source, curve.target) == (source, target):
            return curve
    known = ", ".join(f"{curve.source} to {curve.target}" for curve in curves) or "none"
    raise SynthmedError(
        f"{source} to {target} was not calibrated",
        mend=f"Calibrated: {known}. Measure this pair by synthmed calibrate --pairs.",
    )


def _curve(entry: Mapping[str, Any]) -> Curve:
    names = ("structure", "realism", "matched")
    parts = [list(map(float, entry["depths"])), *(entry[name] for name in names)]
    lines = sorted(zip(*parts, strict=True), key=lambda line: line[0])
    if not lines or not all(0 <= line[0] <= 1 for line in lines):
        raise ValueError("depths")
    depths = tuple(line[0] for line in lines)
    untouched = entry.get("untouched")
    return Curve(
        source=str(entry["source"]),
        target=str(entry["target"]),
        n_source=int(entry["n_source"]),
        n_target=int(entry["n_target"]),
        groups_source=int(entry["groups_source"]),
        groups_target=int(entry["groups_target"]),
        depths=depths,
        structure=tuple(_point(line[1]) for line in lines),
        realism=tuple(_point(line[2]) for line in lines),
        matched=tuple(_point(line[3]) for line in lines),
        real_real=_point(entry["real_real"]),
        untouched=None if untouched is None else _point(untouched),
        of_patients=all(_of_patients(entry, side) for side in ("source", "target")),
        warnings=tuple(map(str, entry.get("warnings", ()))),
    )


def _of_patients(entry: Mapping[str, Any], side: str) -> bool:
    """Whether what intervals of a side resample are patients, none of them of the training set."""
    groups = int(entry[f"groups_{side}"])
    shared = int(entry.get(f"shared_{side}", 0))
    return not shared and int(entry.get(f"units_{side}", groups)) == groups


def _point(found: Mapping[str, Any]) -> Point:
    point = Point(*(float(found[name]) for name in ("value", "low", "high")))
    if not all(map(math.isfinite, (point.value, point.low, point.high))):
        raise ValueError("a value that is not finite")
    return point
