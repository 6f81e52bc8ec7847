"""The picture and the table of a calibration: what is measured stands in them."""

from __future__ import annotations

import copy
from typing import Any
from xml.etree import ElementTree

import pytest

from synthmed.errors import SynthmedError
from synthmed.synthesis.calibration_curves import curves_of
from synthmed.synthesis.calibration_plot import calibration_svg, figure_of
from synthmed.synthesis.calibration_table import calibration_text


def point(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.02, "high": value + 0.03}


def pair(source: str, target: str) -> dict[str, Any]:
    return {
        "source": source,
        "target": target,
        "n_source": 61,
        "n_target": 52,
        "groups_source": 43,
        "groups_target": 34,
        "depths": [0.0, 0.5, 1.0],
        "structure": [point(value) for value in (0.4, 0.8, 0.97)],
        "realism": [point(value) for value in (0.01, 0.05, 0.4)],
        "matched": [point(value) for value in (0.015, 0.06, 0.41)],
        "real_real": {"value": 0.0, "low": -0.02, "high": 0.02},
        "untouched": point(0.45),
    }


def card(*pairs: tuple[str, str]) -> dict[str, Any]:
    settings = {"guidance": 1.5, "steps": 16}
    found = {"format": 2, "extractor": "pixels-16/1", "settings": settings}
    return {"calibration": {**found, "pairs": [pair(*names) for names in pairs]}}


MADE = card(("render", "site a"), ("site a", "render"))


def test_the_plot_is_a_picture_with_the_pairs_and_their_numbers() -> None:
    svg = calibration_svg(MADE)
    root = ElementTree.fromstring(svg)
    assert root.tag.endswith("svg")
    words = " ".join(text for text in root.itertext() if text.strip())
    for expected in ("render to site a", "site a to render", "n 61 of 43", "n 52 of 34"):
        assert expected in words
    for expected in ("depth", "SSIM to the source", "KID to the target", "real to real"):
        assert expected in words
    assert svg == calibration_svg(MADE)


def test_curves_and_bands_are_drawn_where_the_values_are() -> None:
    figure = figure_of(curves_of(MADE))
    left, right = figure.axes[:2]
    assert left.lines[0].get_xydata().tolist() == [[0, 0.4], [0.5, 0.8], [1, 0.97]]  # type: ignore[union-attr]
    assert right.lines[0].get_ydata().tolist() == [0.01, 0.05, 0.4]  # type: ignore[union-attr]
    assert right.lines[1].get_ydata().tolist() == [0.015, 0.06, 0.41]  # type: ignore[union-attr]
    band = left.collections[0].get_paths()[0].vertices
    assert {0.38, 0.43} <= {round(float(y), 4) for x, y in band if x == 0}
    low, high = right.get_ylim()
    assert low < -0.02
    assert high > 0.45


def test_names_are_shown_as_they_are() -> None:
    words = calibration_svg(card(("$x_1$", "<b>"), ("<b>", "$x_1$"))).decode()
    assert "$x_1$ to &lt;b&gt;" in words
    text = calibration_text(card(("a|b", "<i>")), "calibration.svg")
    assert r"a\|b" in text
    assert r"\<i\>" in text


def test_the_table_says_n_settings_and_what_the_dial_takes() -> None:
    text = calibration_text(MADE, "calibration.svg")
    assert "](calibration.svg)" in text
    assert "guidance 1.5, steps 16" in text
    lines = [line for line in text.splitlines() if line.startswith("| render")]
    assert len(lines) == 1
    cells = [cell.strip() for cell in lines[0].split("|")[1:-1]]
    assert cells[2:4] == ["61 (43)", "52 (34)"]
    assert "0: 0.400 [0.380, 0.430]" in cells[4]
    assert "1: 0.4000 [0.3800, 0.4300]" in cells[5]
    assert cells[9] == "0.7942"  # 0.5 + 0.5 * 0.1 / 0.17, rounded up
    assert "1: 0.4100" in cells[6]
    assert cells[10] == "0"


def test_what_the_dial_cannot_reach_is_said() -> None:
    far = copy.deepcopy(MADE)
    entry = far["calibration"]["pairs"][0]
    entry["structure"] = [point(value) for value in (0.3, 0.4, 0.5)]
    entry["matched"] = [point(value) for value in (0.3, 0.2, 0.4)]
    line = next(t for t in calibration_text(far, "p").splitlines() if t.startswith("| render"))
    assert "none below 1" in line
    assert "none; nearest 0.5" in line


def test_patients_are_claimed_only_where_intervals_are_over_patients() -> None:
    """A simulator's volumes of the training set are no patients, however many its images are."""
    made = copy.deepcopy(MADE)
    one, other = made["calibration"]["pairs"]
    text = calibration_text(made, "p")
    assert "patients that the model was not trained on; intervals over patients." in text
    assert "renders of volumes" not in text
    one |= {"groups_source": 1, "units_source": 61, "shared_source": 1}
    text = calibration_text(made, "p")
    assert "where no note below says otherwise" in text
    assert "- render to site a: renders of volumes that the model was trained on;" in text
    assert "- site a to render" not in text
    other |= {"groups_target": 52, "units_target": 52, "shared_target": 52}  # an image a volume
    text = calibration_text(made, "p")
    assert "Measured on renders of volumes that the model was trained on; intervals over i" in text
    assert "not trained on" not in text


def test_what_limits_a_pair_stands_below_the_table() -> None:
    made = copy.deepcopy(MADE)
    made["calibration"]["pairs"][1]["warnings"] = ["site a: few patients (34)"]
    text = calibration_text(made, "p")
    assert "- site a to render: site a: few patients" in text


def test_no_calibration_no_picture() -> None:
    for found in ({}, {"calibration": {"format": 2, "pairs": []}}):
        with pytest.raises(SynthmedError, match="no calibration"):
            calibration_svg(found)
        with pytest.raises(SynthmedError, match="no calibration"):
            calibration_text(found, "p")
