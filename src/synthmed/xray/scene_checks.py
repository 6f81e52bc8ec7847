"""What a scene, its deformation and its ranges may be: one clear error instead of a wrong image."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from synthmed.errors import SynthmedError
from synthmed.xray.views import check_angles

if TYPE_CHECKING:
    from synthmed.xray.scene import PoseRanges, Scene

PROJECTIONS = ("cone", "parallel")
TISSUES = ("soft", "bone", "lung")
MAX_AMPLITUDE = 0.4  # of the control points' spacing: beyond it a deformation may fold
MAX_SIDE = 4096  # pixels
MAX_SCALE = 10.0  # of a density


def check_deformation(seed: int, spacing_mm: float, amplitude_mm: float) -> None:
    """Refuse a deformation that could fold the body.

    Raises:
        SynthmedError: A negative seed, a spacing of 0 or less, an amplitude above 0.4 of it.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise SynthmedError(f"the seed {seed!r} is no whole number from 0 on", where="deformation")
    _positive("deformation.spacing_mm", [spacing_mm])
    most = MAX_AMPLITUDE * spacing_mm
    if not (_number(amplitude_mm) and 0 <= amplitude_mm <= most):
        raise SynthmedError(
            f"an amplitude of {amplitude_mm} mm could fold the body",
            where="deformation.amplitude_mm",
            mend=f"Take 0 to {most:g} mm, or a wider spacing.",
        )


def check_scene(scene: Scene) -> None:
    """Refuse a scene that cannot be built.

    Raises:
        SynthmedError: As `Scene` says.
    """
    if scene.projection not in PROJECTIONS:
        raise SynthmedError(
            f"no projection {scene.projection!r}",
            where="projection",
            mend=f"Known: {', '.join(PROJECTIONS)}.",
        )
    _length("angles_deg", scene.angles_deg, 3)
    check_angles(scene.view, scene.angles_deg)
    _length("shift_mm", scene.shift_mm, 3)
    _length("detector_mm", scene.detector_mm, 2)
    _positive("detector_mm", scene.detector_mm)
    distances = (scene.source_isocentre_mm, scene.source_detector_mm)
    _positive("source_isocentre_mm, source_detector_mm", distances)
    if distances[0] > distances[1]:
        raise SynthmedError(
            f"the isocentre ({distances[0]:g} mm) is farther from the source than the detector "
            f"({distances[1]:g} mm)",
            where="source_isocentre_mm",
            mend="Take a smaller source_isocentre_mm.",
        )
    _length("size", scene.size, 2)
    if not all(isinstance(n, int) and 2 <= n <= MAX_SIDE for n in scene.size):
        raise SynthmedError(
            f"a size of {scene.size} pixels",
            where="size",
            mend=f"Rows and columns: 2 to {MAX_SIDE}.",
        )
    if scene.deformation is not None and not hasattr(scene.deformation, "amplitude_mm"):
        raise SynthmedError("the deformation is none", where="deformation")
    for tissue, scale in scene.tissue_scale.items():
        _tissue(tissue, "tissue_scale")
        _within(f"tissue_scale.{tissue}", [scale], 0.0, MAX_SCALE)


def check_ranges(ranges: PoseRanges) -> None:
    """Refuse ranges that are upside down or out of bounds.

    Raises:
        SynthmedError: As `PoseRanges` says.
    """
    _length("angles_deg", ranges.angles_deg, 3)
    _within("angles_deg", ranges.angles_deg, 0.0, 180.0)
    _length("shift_mm", ranges.shift_mm, 3)
    _within("shift_mm", ranges.shift_mm, 0.0, 1e4)
    _ordered("field", ranges.field, 0.05, 20.0)
    check_deformation(0, ranges.deformation_spacing_mm, ranges.deformation_mm)
    for tissue, bounds in ranges.tissue.items():
        _tissue(tissue, "tissue")
        _ordered(f"tissue.{tissue}", bounds, 0.0, MAX_SCALE)


def _number(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


def _length(name: str, values: Any, length: int) -> None:
    if not (isinstance(values, tuple) and len(values) == length and all(map(_number, values))):
        raise SynthmedError(f"{values!r} is not {length} numbers", where=name)


def _within(name: str, values: Iterable[float], low: float, high: float) -> None:
    for value in values:
        if not (_number(value) and low <= value <= high):
            raise SynthmedError(
                f"{value!r} is out of range", where=name, mend=f"Take {low:g} to {high:g}."
            )


def _positive(name: str, values: Iterable[float]) -> None:
    for value in values:
        if not (_number(value) and 0 < value <= 1e5):
            raise SynthmedError(f"{value!r} mm is no length", where=name, mend="Take more than 0.")


def _ordered(name: str, bounds: Any, low: float, high: float) -> None:
    _length(name, bounds, 2)
    _within(name, bounds, low, high)
    if bounds[0] > bounds[1]:
        raise SynthmedError(f"the range {bounds} is upside down", where=name)


def _tissue(name: str, where: str) -> None:
    if name not in TISSUES:
        raise SynthmedError(
            f"no tissue {name!r}", where=where, mend=f"Known: {', '.join(TISSUES)}."
        )
