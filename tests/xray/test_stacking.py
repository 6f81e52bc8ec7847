"""Stacks of slices that are sheared little by little: what adds up to a tilted gantry."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ct_files import SHAPE, affine, change, phantom, write_series

from synthmed.errors import SynthmedError
from synthmed.xray.stacking import read_slices


def stack(folder: Path, step_mm: float, aside: Any) -> tuple[Path, ...]:
    """A series of 16 slices, `step_mm` apart, the k-th `aside[k]` mm towards the back."""
    files = write_series(folder, phantom()[0])
    x0, y0 = (affine() @ [SHAPE[0] - 1, SHAPE[1] - 1, 0, 1.0])[:2]
    for k, file in enumerate(files):
        change(file, ImagePositionPatient=[-x0, -y0 + float(aside[k]), 900 + step_mm * k])
    return tuple(files)


K = np.arange(SHAPE[2])


@pytest.mark.parametrize(
    ("step_mm", "aside", "degrees"),
    [
        (1.0, 0.0872 * K, "5.0"),  # 0.09 mm a step, 1.3 mm in all
        (0.25, 0.0875 * K, "19.3"),
        (0.5, 0.08 * K + 0.009 * (-1.0) ** K, "9.0"),  # rounding hides no drift
        (15.0, 4.0 * K, "14.9"),
    ],
)
def test_a_tilted_gantry_is_found_by_the_drift_of_all_slices(
    tmp_path: Path, step_mm: float, aside: Any, degrees: str
) -> None:
    with pytest.raises(SynthmedError) as caught:
        read_slices(stack(tmp_path, step_mm, aside))
    assert re.search(rf"gantry was tilted by about {degrees} degrees", str(caught.value))


@pytest.mark.parametrize(
    "aside",
    [
        0.06 * K,  # 0.9 mm in all
        0.05 * (-1.0) ** K,  # positions rounded to 0.1 mm
        np.where(K == 7, 0.09, 0.0),
    ],
)
def test_what_positions_may_be_rounded_to(tmp_path: Path, aside: Any) -> None:
    values, grid = read_slices(stack(tmp_path, 1.0, aside))
    assert values.shape == SHAPE
    assert np.linalg.norm(grid[:3, 2]) == pytest.approx(1.0)


def test_one_slice_beside_the_others_is_no_tilt(tmp_path: Path) -> None:
    with pytest.raises(SynthmedError, match=r"lie up to 2\.00 mm beside each other"):
        read_slices(stack(tmp_path, 1.0, np.where(K == 7, 2.0, 0.0)))
