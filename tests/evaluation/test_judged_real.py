"""Known answers on real chest X-rays: label swap, blur, and halves of the same patients' set."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from synthmed.datasets.folder import read_dataset
from synthmed.evaluation.alignment import alignment
from synthmed.evaluation.detectability import detectability
from synthmed.evaluation.sides import Side
from synthmed.imaging.reading import open_image

QUICK = {"extractor": "structure-16", "bootstraps": 100}
VIEW = "chest X-ray, view AP view"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def halves(shared_data):
    """Two halves of the patients of nih-cxr64, as if one of them were synthetic."""
    columns = {
        "image_type": {"const": "chest X-ray"},
        "group_id": {"template": "nih:{patient_id}"},
    }
    rows = tuple(read_dataset(shared_data / "nih-cxr64", columns=columns).rows)
    pixels = np.stack([open_image(row.file)[0] for row in rows])
    digests = np.asarray([str(i) for i in range(len(rows))])
    every = Side("real", Path("nih"), rows, pixels, np.arange(len(rows)), digests)
    names = np.unique(every.groups)
    first = np.random.default_rng(0).permutation(names)[: len(names) // 2]
    mask = np.isin(every.groups, first)
    return every.take(mask), every.take(~mask, "synthetic")


def swapped(side, share):
    """A side of which a share of the rows says the other view."""
    draw = np.random.default_rng(1).random(len(side))
    other = {"AP": "PA", "PA": "AP"}
    rows = [
        replace(row, view=other.get(row.view, row.view)) if at < share else row
        for row, at in zip(side.rows, draw, strict=True)
    ]
    return replace(side, rows=tuple(rows))


def test_swapped_labels_lower_alignment_step_by_step(halves, make_context) -> None:
    real, other = halves
    areas, states = [], []
    for share in (0.0, 0.25, 0.5):
        section = alignment(make_context(real, swapped(other, share), **QUICK))
        found = next(each for each in section.data["concepts"] if each["concept"] == VIEW)
        areas.append(found["synthetic"]["value"])
        states.append(found["state"])
        assert found["real"]["value"] > 0.8
        assert found["shuffled"]["value"] == pytest.approx(0.5, abs=0.05)
    assert areas[0] > areas[1] + 0.1 > areas[2] + 0.2
    assert areas[2] == pytest.approx(0.5, abs=0.12)
    assert states[0] != "red"
    assert states[1:] == ["red", "red"]


def test_blur_is_detected_step_by_step_and_real_images_are_not(halves, make_context) -> None:
    real, other = halves
    areas = []
    for sigma in (0.0, 0.3, 0.4, 0.8):
        pixels = gaussian_filter(other.pixels, (0, 0, sigma, sigma)) if sigma else other.pixels
        section = detectability(make_context(real, replace(other, pixels=pixels), **QUICK))
        areas.append(max(each["auroc"]["value"] for each in section.data["total"].values()))
        if not sigma:
            intervals = [each["auroc"] for each in section.data["total"].values()]
            assert all(each["low"] < 0.6 for each in intervals)
    assert areas[0] < 0.7
    assert areas[3] > 0.98
    assert all(later >= earlier - 0.03 for earlier, later in pairwise(areas))
