"""The dial: a depth by number, by structure or by realism, from curves that the tests make."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from synthmed.errors import SynthmedError
from synthmed.synthesis.calibration_curves import curve_of, curves_of
from synthmed.synthesis.dial import choose_depth

DEPTHS = [0.0, 0.25, 0.5, 0.75, 1.0]
SETTINGS = {"guidance": 1.0, "steps": 16, "solver": "multistep", "detail": "model"}


def point(value: float, half: float = 0.01) -> dict[str, float]:
    return {"value": value, "low": value - half, "high": value + half}


def card(structure: list[float], realism: list[float], high: float = 0.02) -> dict[str, Any]:
    pair = {
        "source": "render",
        "target": "real",
        "n_source": 60,
        "n_target": 55,
        "groups_source": 40,
        "groups_target": 30,
        "depths": DEPTHS,
        "structure": [point(value) for value in structure],
        "realism": [point(9.0) for _ in realism],  # of whole sets: no business of the dial
        "matched": [point(value) for value in realism],
        "real_real": {"value": 0.0, "low": -0.02, "high": high},
    }
    calibration = {"format": 2, "settings": SETTINGS, "generator_hash": "a", "pairs": [pair]}
    return {"hash": "a", "calibration": calibration}


RISING = [0.3, 0.5, 0.7, 0.8, 0.95]
KID = [0.01, 0.015, 0.03, 0.2, 0.5]


def test_a_number_is_taken_and_needs_no_calibration() -> None:
    dial = choose_depth({}, "render", "real", depth=0.4)
    assert (dial.depth, dial.warnings) == (0.4, ())
    assert "as asked for" in dial.how


@pytest.mark.parametrize(("wanted", "depth"), [(0.6, 0.375), (0.7, 0.5), (0.2, 0.0), (0.9, 0.9167)])
def test_structure_is_interpolated_between_depths(wanted: float, depth: float) -> None:
    dial = choose_depth(card(RISING, KID), "render", "real", keep_structure=wanted)
    assert dial.depth == pytest.approx(depth, abs=1e-9)
    assert "60 images of 40 groups to 55 of 30" in dial.how


def test_a_curve_that_falls_counts_with_its_lowest_later_value() -> None:
    bumpy = [0.3, 0.8, 0.6, 0.8, 0.95]  # 0.7 is not kept from 0.25 on: it falls again
    dial = choose_depth(card(bumpy, KID), "render", "real", keep_structure=0.7)
    assert dial.depth == pytest.approx(0.625)


@pytest.mark.parametrize("wanted", [0.96, 0.95])
def test_structure_that_no_depth_below_1_keeps_is_an_error(wanted: float) -> None:
    with pytest.raises(SynthmedError, match=r"0\.800 is reached at depth 0\.75, 0\.950 .*depth 1"):
        choose_depth(card(RISING, KID), "render", "real", keep_structure=wanted)


def test_realism_takes_the_largest_depth_within_the_real_real_interval() -> None:
    dial = choose_depth(card(RISING, KID), "render", "real", match_realism=True)
    assert (dial.depth, dial.warnings) == (0.25, ())
    wide = choose_depth(card(RISING, KID, high=0.03), "render", "real", match_realism=True)
    assert wide.depth == 0.5  # its upper end belongs to the interval


def test_where_none_is_within_the_nearest_is_taken_with_a_warning() -> None:
    far = [0.3, 0.1, 0.2, 0.4, 0.5]
    dial = choose_depth(card(RISING, far), "render", "real", match_realism=True)
    assert dial.depth == 0.25
    assert len(dial.warnings) == 1
    assert "no depth brings render as near to real" in dial.warnings[0]
    assert "outside the real-real interval" in dial.how


def test_domains_that_do_not_differ_need_no_translation_and_say_so() -> None:
    dial = choose_depth(card(RISING, [0.0] * 5), "render", "real", match_realism=True)
    assert dial.depth == 1
    assert "without any translation" in dial.warnings[0]


def test_other_settings_than_the_calibrations_are_a_warning() -> None:
    made = card(RISING, KID)
    same = choose_depth(made, "render", "real", match_realism=True, settings=SETTINGS)
    assert same.warnings == ()
    other = {**SETTINGS, "steps": 8, "detail": "keep"}
    told = choose_depth(made, "render", "real", keep_structure=0.6, settings=other).warnings
    assert len(told) == 1
    assert "steps 8 instead of 16, detail keep instead of model" in told[0]
    by_number = choose_depth(made, "render", "real", depth=0.3, settings=other)
    assert by_number.warnings == ()  # a number says nothing of a calibration


@pytest.mark.parametrize(
    ("ways", "message"),
    [
        ({}, "no depth"),
        ({"depth": 0.4, "match_realism": True}, "2 ways"),
        ({"depth": 0.4, "keep_structure": 0.9, "match_realism": True}, "3 ways"),
        ({"depth": 1.2}, "a depth of 1.2"),
        ({"depth": float("nan")}, "a depth of nan"),
        ({"keep_structure": 0.0}, "a structure of 0"),
        ({"keep_structure": 1.5}, "a structure of 1.5"),
        ({"keep_structure": float("nan")}, "a structure of nan"),
    ],
)
def test_one_way_and_sensible_numbers(ways: dict[str, Any], message: str) -> None:
    with pytest.raises(SynthmedError, match=message):
        choose_depth(card(RISING, KID), "render", "real", **ways)


def test_no_calibration_another_pair_other_weights_and_damage_are_said() -> None:
    for empty in ({}, {"calibration": None}, {"calibration": {"format": 2, "pairs": []}}):
        with pytest.raises(SynthmedError, match=r"no calibration.*synthmed calibrate"):
            choose_depth(empty, "render", "real", keep_structure=0.9)
    made = card(RISING, KID)
    with pytest.raises(SynthmedError, match=r"real to render was not calibrated.*render to real"):
        choose_depth(made, "real", "render", match_realism=True)
    with pytest.raises(SynthmedError, match="other weights"):
        choose_depth({**made, "hash": "b"}, "render", "real", match_realism=True)
    for damage in (
        {"depths": "x"},
        {"structure": [1]},
        {"real_real": None},
        {"n_source": None},
        {"matched": None},
    ):
        broken = copy.deepcopy(made)
        broken["calibration"]["pairs"][0].update(damage)
        with pytest.raises(SynthmedError, match="damaged"):
            choose_depth(broken, "render", "real", match_realism=True)
    for other in (1, 9):
        old = {"calibration": {"format": other, "pairs": [1]}}
        with pytest.raises(SynthmedError, match=f"format {other}, not 2.*Calibrate it again"):
            choose_depth(old, "a", "b", match_realism=True)


def test_curves_are_sorted_by_depth() -> None:
    made = card(RISING, KID)
    entry = made["calibration"]["pairs"][0]
    for name in ("depths", "structure", "realism", "matched"):
        entry[name] = entry[name][::-1]
    assert len(curves_of(made)) == 1
    curve = curve_of(made, "render", "real")
    assert curve.depths == tuple(DEPTHS)
    assert [p.value for p in curve.structure] == RISING
    assert [p.value for p in curve.matched] == KID


def test_what_limits_a_curve_is_told_where_realism_is_matched() -> None:
    made = card(RISING, KID)
    made["calibration"]["pairs"][0]["warnings"] = ["real: few patients"]
    assert choose_depth(made, "render", "real", match_realism=True).warnings == (
        "real: few patients",
    )
    assert choose_depth(made, "render", "real", keep_structure=0.6).warnings == ()


def test_a_wish_that_does_not_bind_is_said() -> None:
    dial = choose_depth(card(RISING, KID), "render", "real", keep_structure=0.2)
    assert dial.depth == 0.0
    (told,) = dial.warnings
    assert "keeps more structure than 0.2" in told
    assert "0.300" in told
    assert not choose_depth(card(RISING, KID), "render", "real", keep_structure=0.6).warnings


@pytest.mark.parametrize(("untouched", "warned"), [(8.9, True), (9.1, False)])
def test_a_model_that_does_not_help_is_said(untouched: float, warned: bool) -> None:
    made = card(RISING, KID)
    made["calibration"]["pairs"][0]["untouched"] = point(untouched)
    told = choose_depth(made, "render", "real", keep_structure=0.6).warnings
    assert any("nearer to real than the untouched" in text for text in told) is warned
