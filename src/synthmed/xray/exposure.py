"""Exposures: the settings of tube, grid, detector and display. One exposure is one domain."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from synthmed.errors import SynthmedError
from synthmed.xray.spectrum import spectrum

DISPLAYS = ("log", "linear")
_RANGES = {
    "photons": (1.0, 1e12),
    "electronic_noise": (0.0, 1e9),
    "scatter": (0.0, 20.0),
    "blur_mm": (0.0, 50.0),
}


@dataclass(frozen=True)
class Exposure:
    """A setting of the simulator; `dataclasses.asdict` gives JSON.

    Attributes:
        name: The domain's name.
        photons: Mean number of photons that a detector pixel counts without a body in the beam:
            the dose. 1 to 1e12.
        electronic_noise: Standard deviation of the read-out noise, in photons. 0 to 1e9.
        scatter: Scatter-to-primary ratio behind a wide body that absorbs nearly all: about 0.1
            with a good grid, 1 and more without one. 0 to 20.
        blur_mm: Standard deviation of the detector's Gaussian point spread, in mm. 0 to 50.
        spectrum: "mono-70keV" (one energy), "120kVp" (a tube with 2.5 mm of aluminium) or
            "120kVp-4mmAl": see `spectrum.spectrum`. A tube's beam hardens.
        display: "log" (minus the natural logarithm of the transmission) or "linear" (minus the
            transmission); bone is bright in both.
        window: The display values shown as black and white, or None for the image's own robust
            window: see `display.robust_window`.
        monochrome1: Give the image inverted, bone dark.

    Raises:
        SynthmedError: A number out of range, an unknown display or spectrum.
    """

    name: str
    photons: float = 2e5
    electronic_noise: float = 5.0
    scatter: float = 0.1
    blur_mm: float = 0.3
    spectrum: str = "110kVp"
    display: str = "log"
    window: tuple[float, float] | None = None
    monochrome1: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        _check(self)


def load_exposures(path: Path | str) -> dict[str, Exposure]:
    """Read exposures from YAML: names, and below each the fields that differ from the defaults.

    Example: ``{ward: {photons: 20000, scatter: 0.8, window: [0.5, 6]}}``.

    Returns:
        The exposures by name, in the file's order.

    Raises:
        SynthmedError: No such file, no valid YAML, an unknown field, a value of the wrong type or
            out of range.
    """
    path = Path(path)
    try:
        mapping = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SynthmedError(f"cannot read the exposures: {error.strerror}", where=path) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise SynthmedError("the exposures are no valid YAML", where=f"{path}: {error}") from error
    if not isinstance(mapping, dict) or not mapping:
        raise SynthmedError(
            "no exposures",
            where=path,
            mend="Write a name, and its fields below: {low: {photons: 5000}}.",
        )
    return {str(name): _read(str(name), values, path) for name, values in mapping.items()}


def _read(name: str, values: Any, path: Path) -> Exposure:
    known = [each.name for each in fields(Exposure) if each.name != "name"]
    if not isinstance(values or {}, dict):
        raise SynthmedError(f"the exposure {name!r} is not a mapping", where=path)
    unknown = sorted({str(key) for key in values or {}} - set(known))
    if unknown:
        raise SynthmedError(
            f"the exposure {name!r} has no {', '.join(unknown)}",
            where=path,
            mend=f"Known: {', '.join(known)}.",
        )
    try:
        return Exposure(name, **{key: _value(key, value) for key, value in (values or {}).items()})
    except SynthmedError as error:
        raise SynthmedError(str(error), where=path) from error


def _value(key: str, value: Any) -> Any:
    """Turn YAML's list into a pair, and its "2e5", which YAML 1.1 takes for a word, to a number."""
    if isinstance(value, list):
        return tuple(value)
    if key in _RANGES and isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return value


def _check(exposure: Exposure) -> None:
    where = f"exposure {exposure.name}"
    if not isinstance(exposure.name, str) or not exposure.name.strip():
        raise SynthmedError("an exposure needs a name")
    for key, (low, high) in _RANGES.items():
        value = getattr(exposure, key)
        if not (_number(value) and low <= value <= high):
            raise SynthmedError(
                f"{key} is {value!r}", where=where, mend=f"Take {low:g} to {high:g}."
            )
    if exposure.display not in DISPLAYS:
        raise SynthmedError(
            f"no display {exposure.display!r}", where=where, mend=f"Known: {', '.join(DISPLAYS)}."
        )
    if not isinstance(exposure.spectrum, str):
        raise SynthmedError(f"no spectrum {exposure.spectrum!r}", where=where)
    spectrum(exposure.spectrum)
    window = exposure.window
    if window is not None and not (
        isinstance(window, tuple)
        and len(window) == 2
        and all(map(_number, window))
        and window[0] < window[1]
    ):
        raise SynthmedError(
            f"the window {window!r} is no range", where=where, mend="Take [black, white]."
        )
    if not isinstance(exposure.monochrome1, bool):
        raise SynthmedError(
            f"monochrome1 is {exposure.monochrome1!r}", where=where, mend="Take true or false."
        )


def _number(value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


EXPOSURES: dict[str, Exposure] = {
    preset.name: preset
    for preset in (
        Exposure("standard"),
        Exposure("low-dose", photons=1e4),
        Exposure("high-dose", photons=5e6),
        Exposure("scatter", scatter=1.0),
        Exposure("soft", spectrum="60kVp", scatter=0.2),
        Exposure("hard", spectrum="140kVp-4mmAl"),
        Exposure("blurred", photons=5e4, electronic_noise=20.0, blur_mm=2.0),
        Exposure("linear", display="linear", window=(-0.3, 0.0)),
    )
}
