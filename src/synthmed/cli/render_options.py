"""The options of `synthmed render` as the arguments of `render`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from synthmed.errors import SynthmedError

DEFAULT_FIELD = 430.0  # mm, the longer side of a common detector
_BEHIND = 200.0  # mm from the isocentre to the detector, unless named
_SAME = (
    *("count", "pairs", "labels", "names", "series", "keep_table", "seed", "bits", "invert"),
    *("split", "body_part", "image_type", "name", "salt"),
)


def render_options(given: Mapping[str, Any]) -> dict[str, Any]:
    """Turn the command's options into the arguments of `synthmed.xray.render.render`.

    Raises:
        SynthmedError: A text that is not what its option asks for.
    """
    from synthmed.xray.organs import parse_groups

    return {
        **{name: given[name] for name in _SAME},
        "views": _views(given["views"], given["oblique"] or []),
        "exposures": _exposures(given["exposures"]),
        "scene": _scene(given),
        "ranges": _ranges(given),
        "organs": parse_groups(given["organs"] or []),
        "licences": given["licence"] or [],
    }


def _views(views: str | None, oblique: list[str]) -> list[str | tuple[float, ...]]:
    from synthmed.xray.views import VIEWS

    known = {name.lower(): name for name in VIEWS}
    named = [part.strip() for part in (views or "").split(",") if part.strip()]
    named = [known.get(name.lower(), name) for name in named]
    if views is not None and not named:
        raise SynthmedError("no view was given", where="--views")
    angles = [_numbers("--oblique", text, (2, 3)) for text in oblique]
    return [*named, *angles] or ["PA"]


def _exposures(text: str) -> str | list[str]:
    if text.lower().endswith((".yaml", ".yml")):
        return text
    return [part.strip() for part in text.split(",") if part.strip()]


def _scene(given: Mapping[str, Any]) -> Any:
    from synthmed.xray.scene import Scene

    size = _numbers("--size", given["size"], (1, 2))
    rows, columns = (size[0], size[-1])
    if not all(number.is_integer() and number > 0 for number in size):
        raise SynthmedError(f"--size {given['size']} are no pixels", mend="Such as 256 or 256,320.")
    sides = _numbers("--field-mm", given["field_mm"] or str(DEFAULT_FIELD), (1, 2))
    longer = max(rows, columns)
    height, width = (sides[0] * rows / longer, sides[0] * columns / longer)
    if len(sides) == 2:
        height, width = sides
    detector = given["source_detector"]
    isocentre = given["source_isocentre"]
    return Scene(
        projection=given["projection"],
        source_detector_mm=detector,
        source_isocentre_mm=detector - _BEHIND if isocentre is None else isocentre,
        detector_mm=(height, width),
        size=(int(rows), int(columns)),
    )


def _ranges(given: Mapping[str, Any]) -> Any:
    from synthmed.xray.scene import PoseRanges

    angles = _numbers("--jitter-degrees", given["jitter_degrees"], (1, 3))
    shift = _numbers("--jitter-mm", given["jitter_mm"], (1, 3))
    field = _numbers("--jitter-field", given["jitter_field"], (2,))
    return PoseRanges(
        angles_deg=(angles[0], angles[len(angles) // 2], angles[-1]),
        shift_mm=(shift[0], shift[len(shift) // 2], shift[-1]),
        field=(field[0], field[1]),
        deformation_mm=given["deform"],
        deformation_spacing_mm=given["deform_spacing"],
        tissue=_density(given["density"] or ""),
    )


def _density(text: str) -> dict[str, tuple[float, float]]:
    factors: dict[str, tuple[float, float]] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        tissue, _, values = (piece.strip() for piece in part.partition("="))
        low, high = _numbers("--density", values.replace(":", ","), (2,))
        if tissue in factors:
            raise SynthmedError(f"--density names {tissue!r} twice")
        factors[tissue] = (low, high)
    return factors


def _numbers(option: str, text: str, counts: tuple[int, ...]) -> tuple[float, ...]:
    """Read numbers separated by commas.

    Raises:
        SynthmedError: Another count of them, or no numbers.
    """
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) not in counts:
        wanted = " or ".join(map(str, counts))
        raise SynthmedError(f"{option} {text!r}: give {wanted} numbers, separated by commas")
    return numbers
