"""The scene of a synthetic X-ray: where source, patient and detector stand, and what was drawn."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from synthmed.errors import SynthmedError
from synthmed.xray.scene_checks import TISSUES, check_deformation, check_ranges, check_scene
from synthmed.xray.views import OBLIQUE, VIEWS, Triple, view_angles

__all__ = [
    "OBLIQUE",
    "VIEWS",
    "Deformation",
    "PoseRanges",
    "Scene",
    "draw_scene",
    "view_angles",
]

_OF_VIEW: Triple = (math.nan, math.nan, math.nan)


@dataclass(frozen=True)
class Deformation:
    """A smooth elastic deformation, decided by its seed.

    Attributes:
        seed: Seed of the displacements of the control points, not negative.
        spacing_mm: Distance of the control points.
        amplitude_mm: Largest displacement of a control point along each axis of the volume, at
            most 0.4 of the spacing: a uniform cubic B-spline then cannot fold (Choi and Lee,
            Graphical Models 62, 2000: the bound is 1 / 2.479 of the spacing in three dimensions).

    Raises:
        SynthmedError: A number out of range.
    """

    seed: int
    spacing_mm: float = 60.0
    amplitude_mm: float = 10.0

    def __post_init__(self) -> None:
        """Refuse what could fold."""
        check_deformation(self.seed, self.spacing_mm, self.amplitude_mm)


@dataclass(frozen=True)
class Scene:
    """Everything that decides a render but the exposure; `dataclasses.asdict` gives JSON.

    Attributes:
        projection: "cone" (a point source) or "parallel".
        view: A name of `VIEWS`, or "oblique". It also decides how the image lies: see
            `views.seen_from_source`.
        angles_deg: Azimuth, elevation and roll (see `views`), final numbers. Left out: the view's.
        shift_mm: The isocentre relative to the volume's centre, world x, y, z.
        source_detector_mm: Distance of source and detector.
        source_isocentre_mm: Distance of source and isocentre.
        detector_mm: Height and width of the detector. Parallel beams magnify nothing.
        size: Rows and columns of the image.
        deformation: Elastic deformation of the body, or None.
        tissue_scale: Multiplies the density of "soft", "bone" or "lung"; 1 if left out.

    Raises:
        SynthmedError: An unknown name, a number out of range, or angles that are more than 45
            degrees away from the named view.
    """

    projection: str = "cone"
    view: str = "AP"
    angles_deg: Triple = _OF_VIEW
    shift_mm: Triple = (0.0, 0.0, 0.0)
    source_detector_mm: float = 1800.0
    source_isocentre_mm: float = 1600.0
    detector_mm: tuple[float, float] = (350.0, 350.0)
    size: tuple[int, int] = (256, 256)
    deformation: Deformation | None = None
    tissue_scale: dict[str, float] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Fill in the view's angles and refuse what cannot be."""
        if self.angles_deg is _OF_VIEW:
            object.__setattr__(self, "angles_deg", (*view_angles(self.view), 0.0))
        check_scene(self)

    @classmethod
    def from_dict(cls, mapping: Mapping[str, Any]) -> Scene:
        """Give the scene of a dictionary, as `dataclasses.asdict` or JSON made it.

        Raises:
            SynthmedError: An unknown key, or a value that no scene can have.
        """
        values: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value
            for key, value in mapping.items()
        }
        unknown = values.keys() - {each.name for each in fields(cls)}
        if unknown:
            raise SynthmedError(f"a scene has no {', '.join(sorted(unknown))}", where="scene")
        try:
            if isinstance(values.get("deformation"), Mapping):
                values["deformation"] = Deformation(**values["deformation"])
            return cls(**values)
        except (AttributeError, TypeError, ValueError) as error:
            raise SynthmedError(f"no scene can be read: {error}", where="scene") from error


@dataclass(frozen=True)
class PoseRanges:
    """How far `draw_scene` may go from the base scene; all draws are uniform.

    Attributes:
        angles_deg: Largest change of azimuth, elevation and roll.
        shift_mm: Largest change of the isocentre along world x, y and z.
        field: Lowest and highest factor on the detector's size (a larger field shows more).
        deformation_mm: Largest amplitude of the elastic deformation; 0 for none.
        deformation_spacing_mm: Distance of its control points.
        tissue: Lowest and highest factor on the density of "soft", "bone" or "lung".

    Raises:
        SynthmedError: A range that is upside down or out of bounds, an unknown tissue.
    """

    angles_deg: Triple = (5.0, 3.0, 3.0)
    shift_mm: Triple = (10.0, 10.0, 10.0)
    field: tuple[float, float] = (0.9, 1.1)
    deformation_mm: float = 0.0
    deformation_spacing_mm: float = 60.0
    tissue: Mapping[str, tuple[float, float]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse ranges that are upside down or out of bounds."""
        check_ranges(self)


def draw_scene(base: Scene, ranges: PoseRanges, seed: int) -> Scene:
    """Draw a scene around a base scene; the same seed gives the same scene.

    Args:
        base: The scene in the middle of the ranges.
        ranges: How far each number may go.
        seed: Not negative.

    Returns:
        The drawn scene, final numbers throughout. The field keeps the base's proportions. A base's
        own deformation stays where the ranges ask for none.
    """
    rng = np.random.default_rng(seed)
    angles, shift = rng.uniform(-1, 1, 3), rng.uniform(-1, 1, 3)
    # Every number is drawn whether it is used or not, so that one range moves no other draw.
    factor = float(rng.uniform(*ranges.field))
    amplitude = float(rng.uniform(0, ranges.deformation_mm))
    deformation_seed = int(rng.integers(2**31))
    shares = dict(zip(TISSUES, rng.uniform(size=len(TISSUES)).tolist(), strict=True))
    scale = dict(base.tissue_scale)
    for tissue, (low, high) in ranges.tissue.items():
        scale[tissue] = scale.get(tissue, 1.0) * (low + shares[tissue] * (high - low))
    deformation = base.deformation
    if ranges.deformation_mm > 0:
        deformation = Deformation(deformation_seed, ranges.deformation_spacing_mm, amplitude)
    return replace(
        base,
        angles_deg=_moved(base.angles_deg, ranges.angles_deg, angles),
        shift_mm=_moved(base.shift_mm, ranges.shift_mm, shift),
        detector_mm=(base.detector_mm[0] * factor, base.detector_mm[1] * factor),
        deformation=deformation,
        tissue_scale=scale,
    )


def _moved(base: Triple, width: Triple, draws: Any) -> Triple:
    x, y, z = (float(b + w * d) for b, w, d in zip(base, width, draws, strict=True))
    return x, y, z
