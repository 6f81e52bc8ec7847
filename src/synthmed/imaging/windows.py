"""Display windows: named presets, the file's own, or percentiles."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.errors import SynthmedError
from synthmed.imaging.spec import ImageSpec

WINDOWS: dict[str, dict[str, tuple[float, float]]] = {
    "CT": {
        "abdomen": (-150.0, 250.0),
        "angiography": (0.0, 600.0),
        "bone": (-500.0, 1300.0),
        "brain": (0.0, 80.0),
        "liver": (-45.0, 105.0),
        "lung": (-1350.0, 150.0),
        "mediastinum": (-160.0, 240.0),
        "soft tissue": (-125.0, 225.0),
        "stroke": (20.0, 60.0),
        "subdural": (-30.0, 180.0),
        "temporal bone": (-800.0, 2000.0),
    },
}
"""Modality -> name -> (low, high) in the unit (CT: HU). The values are those in common use, as
level and width: lung -600/1500, mediastinum 40/400, bone 400/1800, brain 40/80. Only CT has values
that mean the same on every machine; all else is windowed by the file or by percentiles."""


def window_for(
    spec: ImageSpec, choice: str | tuple[float, float], x: npt.NDArray[Any]
) -> tuple[float, float]:
    """Find a window in an image's own [-1, 1] range, ready for ``Frame(window=...)``.

    Args:
        spec: The image's spec.
        choice: A name of `WINDOWS`; "file" for the window that the file names; "full" for -1 to 1;
            or two percentiles of the image's values, such as (1, 99).
        x: The image (C, H, W).

    Returns:
        (low, high), low < high; values beyond [-1, 1] are possible.

    Raises:
        SynthmedError: No such window for this modality, the file names none, or the percentiles
            are not between 0 and 100 and rising.
    """
    if not isinstance(choice, str):
        return _percentiles(choice, x)
    if choice == "full":
        return -1.0, 1.0
    if choice == "file":
        if spec.window is None:
            raise SynthmedError(
                "this file names no window", mend="Choose a preset, percentiles or full."
            )
        return _in_x(spec, spec.window)
    known = WINDOWS.get(spec.modality or ("CT" if spec.unit == "HU" else ""), {})
    if choice not in known:
        raise SynthmedError(
            f"no window of modality {spec.modality or 'unknown'} is called {choice!r}",
            mend=f"Known: {', '.join([*known, 'file', 'full'])}, or two percentiles.",
        )
    if spec.unit != "HU":
        raise SynthmedError(
            f"the window {choice!r} is in HU, this image is in {spec.unit!r}",
            mend="Choose percentiles or full.",
        )
    return _in_x(spec, known[choice])


def _in_x(spec: ImageSpec, window: tuple[float, float]) -> tuple[float, float]:
    ends = [(value - spec.offset) / spec.scale for value in window]
    return _apart(min(ends), max(ends))


def _percentiles(choice: tuple[float, float], x: npt.NDArray[Any]) -> tuple[float, float]:
    if len(choice) != 2 or not 0 <= choice[0] < choice[1] <= 100:
        raise SynthmedError(f"two rising percentiles from 0 to 100 are needed, not {choice}")
    low, high = np.percentile(x, choice)
    return _apart(float(low), float(high))


def _apart(low: float, high: float) -> tuple[float, float]:
    """Widen a window of nothing (a constant image) so that it can be divided by."""
    return (low, high) if high - low > 1e-6 else (low - 5e-7, low + 5e-7)
