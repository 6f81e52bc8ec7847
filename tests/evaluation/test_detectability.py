"""Section "detectability": traces are found and placed; equal sets are not told apart."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from synthmed.evaluation.detectability import detectability
from synthmed.evaluation.detectability_samples import halves, matched, sample_of
from synthmed.measures.forensics import band_edges

QUICK = {"bootstraps": 100}
SIZE = 32


def textures(n, seed, change=lambda x: x):
    """Images of smooth noise, each patient with a level of grey."""
    draw = np.random.default_rng(seed)
    x = gaussian_filter(draw.standard_normal((n, 1, SIZE, SIZE)), (0, 0, 1, 1)) * 0.8
    x += 0.05 * draw.standard_normal(x.shape) + draw.uniform(-0.3, 0.3, (n, 1, 1, 1))
    return np.clip(change(x), -1, 1).astype(np.float32)


def sides(make_side, change, n=160, kinds=None):
    groups = [f"r{i // 2}" for i in range(n)], [f"s{i // 2}" for i in range(n)]
    real = make_side("real", textures(n, 0), groups[0], kinds)
    return real, make_side("synthetic", textures(n, 1, change), groups[1], kinds)


def wave(x):
    """A weak ripple of 0.25 cycles per pixel, as upsampling leaves."""
    return x + 0.06 * np.cos(np.pi / 2 * np.arange(SIZE))


def corner(x):
    """Noise in the upper left corner."""
    x = x.copy()
    x[:, :, :4, :4] = np.random.default_rng(9).normal(0, 0.4, (len(x), 1, 4, 4))
    return x


def test_equal_sets_are_not_told_apart(make_side, make_context) -> None:
    section = detectability(make_context(*sides(make_side, lambda x: x), **QUICK))
    for each in section.data["total"].values():
        assert each["auroc"]["low"] <= 0.55
        assert each["auroc"]["high"] < 0.75
        assert each["p"] > 0.01
    control = section.data["controls"]
    assert all(
        0.3 < control["real_against_real"][n]["auroc"]["value"] < 0.7 for n in ("linear", "kernel")
    )
    blurred = control["real_against_blurred"]
    assert max(blurred[name]["auroc"]["low"] for name in ("linear", "kernel")) > 0.9
    assert section.lights[0].state in ("green", "amber")


def test_a_ripple_is_found_in_its_band(make_side, make_context) -> None:
    section = detectability(make_context(*sides(make_side, wave), **QUICK))
    assert section.data["total"]["linear"]["auroc"]["low"] > 0.9
    assert section.data["total"]["linear"]["p"] == pytest.approx(1 / 1001, abs=1e-5)
    assert section.lights[0].state == "red"
    bands = section.data["traces"]["bands"]
    best = max(bands, key=lambda band: band["difference"])
    assert best["low"] <= 0.25 <= best["high"]
    high = band_edges()[1][1]
    assert next(b["auroc"] for b in bands if b["high"] == pytest.approx(high, abs=1e-3)) < 0.7
    assert str(round(best["low"], 3)) in section.summary or "cycles per pixel" in section.summary
    assert json.loads(json.dumps(section.data)) == section.data
    for table in section.tables:
        assert all(len(line) == len(table.header) for line in table.lines)


def test_a_spoilt_corner_is_found_in_its_place(make_side, make_context) -> None:
    section = detectability(make_context(*sides(make_side, corner), **QUICK))
    tiles = np.asarray(section.data["traces"]["tiles"])
    assert tiles.shape == (8, 8)
    assert tiles[0, 0] == tiles.max() > 0.9
    assert np.median(tiles) < 0.65
    assert section.data["traces"]["strongest"]["tile"] == "row 1 and column 1 of 8 × 8"
    picture = next(plot for plot in section.plots if plot.kind == "image")
    assert picture.data["pixels"][0][0] > 0.8
    assert not picture.private  # it shows no image


def test_finer_grey_levels_alone_are_not_detected(make_side, make_context) -> None:
    def stored(x):
        return np.rint((np.clip(x, -1, 1) + 1) * 127.5) / 127.5 - 1

    section = detectability(make_context(*sides(make_side, stored), **QUICK))
    assert all(each["p"] > 0.01 for each in section.data["total"].values())


def test_types_have_rows_of_their_own_and_equal_numbers(make_side, make_context) -> None:
    kinds = ["a"] * 80 + ["b"] * 80
    real, made = sides(make_side, wave, kinds=kinds)
    made = made.take(np.r_[0:160, 0:0])
    fewer = made.take(np.r_[0:60, 80:160])  # 60 of type a, 80 of type b
    parts = matched(real, fewer, 0)
    assert [int((side.kinds == "a").sum()) for side in parts] == [60, 60]
    assert [int((side.kinds == "b").sum()) for side in parts] == [80, 80]
    section = detectability(make_context(real, fewer, **QUICK))
    assert [row["image_type"] for row in section.data["by_type"]] == ["a", "b"]
    assert section.data["n"] == {"real": 140, "synthetic": 140}
    assert all(row["linear"]["auroc"]["value"] > 0.8 for row in section.data["by_type"])
    assert len(matched(real, made, 0, largest=40)[0]) == 40


def test_a_real_set_that_is_told_apart_from_itself_is_said_so(make_side, make_context) -> None:
    n = 160
    draw = np.random.default_rng(3)
    groups = [f"r{i // 16}" for i in range(n)]  # ten patients, each with a look of its own
    look = draw.normal(0, 0.5, (10, 1, SIZE, SIZE)).repeat(16, axis=0)
    real = make_side("real", np.clip(look + 0.1 * textures(n, 0), -1, 1), groups)
    made = make_side("synthetic", textures(n, 1))
    section = detectability(make_context(real, made, **QUICK))
    control = section.data["controls"]["real_against_real"]
    measured = [each["auroc"] for each in control.values() if each["auroc"]]
    if any(area["low"] > 0.6 for area in measured):
        assert section.lights[0].state == "grey"
        assert section.warnings
    else:  # groups are kept whole, so that looks known by heart do not help
        assert all(area["low"] <= 0.6 for area in measured)


def test_few_images_are_not_tested(make_side, make_context) -> None:
    section = detectability(make_context(*sides(make_side, wave, n=20), **QUICK))
    assert section.data["total"]["linear"]["auroc"] is None
    assert "20 images of 10 groups" in section.data["total"]["linear"]["not_measurable"]
    assert section.lights[0].state == "grey"
    assert section.plots == []
    assert section.summary == "There are too few images for a test."
    one = make_side("real", textures(60, 0), ["p"] * 60)
    section = detectability(make_context(one, sides(make_side, wave)[1], **QUICK))
    assert "60 images of 1 groups" in section.data["total"]["linear"]["not_measurable"]


def test_halves_keep_patients_whole(make_side) -> None:
    real, _ = sides(make_side, wave, n=41)
    first, second = halves(sample_of(real), 0)
    assert (first ^ second).all()
    assert not set(real.groups[first]) & set(real.groups[second])
    assert 15 <= first.sum() <= 26
