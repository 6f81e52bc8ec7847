from __future__ import annotations

import re
from typing import Any

import matplotlib
import numpy as np
import pytest

from synthmed.evaluation.report.palette import SERIES, series_numbers
from synthmed.evaluation.report.plot_kinds import POINTS
from synthmed.evaluation.report.plot_parts import power
from synthmed.evaluation.report.plots import draw
from synthmed.evaluation.sections import Plot

DATA: dict[str, dict[str, Any]] = {
    "histogram": {"series": {"real": [1, 2, 2, 3], "synthetic": [2, 3, None]}, "x": "distance"},
    "scatter": {"series": {"real": [[0, 1], [2, 3]], "synthetic": [[1, None], [1, 1]]}},
    "lines": {
        "x": [1, 2, 3],
        "series": {"real": [1, 10, 100], "other": [2, None, 9]},
        "bands": {"real": [[0.5, 2], [5, 20], None]},
        "x_label": "images",
        "y_label": "seconds",
        "log": True,
    },
    "bars": {
        "labels": ["pneumonia", "a very long label that goes on and on for ever"],
        "series": {"real": [0.9, 0.8], "synthetic": [0.7, None]},
        "intervals": {"real": [[0.85, 0.95], None]},
    },
    "image": {"pixels": [[0, 0.5], [1, None]], "labels": ["columns", "rows"]},
}


def drawn(kind: str, prefix: str = "p", **data: Any) -> str:
    plot = Plot("key", "Title", "Caption", kind, {**DATA[kind], **data})  # type: ignore[arg-type]
    svg, problem = draw(plot, prefix, private_page=False)
    assert svg is not None, problem
    return str(svg)


@pytest.mark.parametrize("kind", DATA)
def test_figures_are_elements_of_the_page(kind: str) -> None:
    svg = drawn(kind, "fidelity-3")
    assert svg.startswith('<svg viewBox="0 0 400 ')
    assert 'role="img" aria-label="Title. ' in svg
    assert svg.count("<svg") == svg.count("</svg>") == 1
    for word in ("<?xml", "<!", "<metadata", "<style", "DejaVu", "font:", "xlink", "http", "Date"):
        assert word not in svg, word
    assert all(name.startswith("fidelity-3-") for name in re.findall(r'\bid="([^"]*)"', svg))
    targets = re.findall(r'(?:url\(#|href="#)([^")]*)', svg)
    assert set(targets) <= set(re.findall(r'\bid="([^"]*)"', svg))


@pytest.mark.parametrize("kind", DATA)
def test_colours_are_the_page_s_own(kind: str) -> None:
    svg = re.sub(r"base64,[^\"]*", "", drawn(kind))
    assert "var(--ink)" in svg
    rest = set(re.findall(r"#[0-9a-f]{6}\b", svg))
    assert rest <= ({"#ffffff", "#000000"} if kind != "image" else rest)
    if kind != "image":
        assert "var(--s2)" in svg  # real


@pytest.mark.parametrize("kind", DATA)
def test_the_same_bytes_whatever_the_settings_of_the_user(kind: str) -> None:
    first = drawn(kind)
    before = dict(matplotlib.rcParams)
    assert drawn(kind) == first
    with matplotlib.rc_context({"font.size": 30, "svg.fonttype": "path", "axes.grid": True}):
        assert drawn(kind) == first
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("kind", DATA)
def test_labels_are_text_as_it_was_given(kind: str) -> None:
    odd = "a<b & $x_1$ “ü” 中"
    data: dict[str, dict[str, Any]] = {
        "histogram": {"x": odd},
        "scatter": {"x_label": odd, "y_label": "y"},
        "lines": {"x_label": odd},
        "bars": {"x_label": odd},
        "image": {"labels": [odd, "", "x"]},
    }
    assert f">{odd.replace('&', '&amp;').replace('<', '&lt;')}<" in drawn(kind, **data[kind])


def test_a_series_that_begins_with_an_underscore_is_named() -> None:
    svg = drawn("histogram", series={"_hidden": [1, 2], "real": [1, 2]})
    assert "_hidden" in svg


def test_marks_are_named() -> None:
    assert ">threshold<" in drawn("histogram", marks={"threshold": 2.5, "none": None})


def test_what_is_not_measurable_is_said_in_the_bars() -> None:
    assert drawn("bars").count("not measurable") == 1
    assert "a very long label that…" not in drawn("bars")
    assert "a very long label that" in drawn("bars")


def test_many_points_are_thinned_and_the_figure_says_so() -> None:
    points = np.random.default_rng(0).normal(size=(3 * POINTS, 2)).tolist()
    few, many = drawn("scatter"), drawn("scatter", series={"real": points})
    assert "is drawn" not in few
    assert "one in 3 of 6,000 points is drawn" in many
    assert many.count("<use") == POINTS


def test_many_bars_are_cut_and_the_figure_says_so() -> None:
    svg = drawn(
        "bars", labels=[f"l{n}" for n in range(60)], series={"real": [0.5] * 60}, intervals={}
    )
    assert "the first 40 of 60" in svg
    assert ">l39<" in svg
    assert ">l40<" not in svg


def test_shares_are_of_each_set() -> None:
    """Ten times the images of the same values draw the same outline."""
    one = drawn("histogram", series={"real": [1.0, 2.0, 2.0, 4.0]})
    ten = drawn("histogram", series={"real": [1.0, 2.0, 2.0, 4.0] * 2})
    assert outline(one) == outline(ten)


def outline(svg: str) -> list[str]:
    return re.findall(r' d="(.*?)"', svg, re.DOTALL)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("histogram", {"series": {"real": [None]}}),
        ("histogram", {"series": {}}),
        ("histogram", {}),
        ("scatter", {"series": {"real": []}}),
        ("scatter", {"series": {"real": [[1, 2, 3]]}}),
        ("lines", {"x": [1], "series": {"real": [1, 2]}}),
        ("lines", {"x": [1], "series": {"real": [None]}}),
        ("bars", {"labels": ["a"], "series": {}}),
        ("bars", {"labels": ["a"], "series": {"real": ["word"]}}),
        ("image", {"pixels": []}),
        ("image", {"pixels": [[1], [1, 2]]}),
        ("pie", {}),
    ],
)
def test_broken_data_are_told_and_do_not_stop_the_report(kind: str, data: dict[str, Any]) -> None:
    svg, problem = draw(Plot("k", "t", "c", kind, data), "p", private_page=False)  # type: ignore[arg-type]
    assert svg is None
    assert problem


def test_sets_keep_their_colours_and_no_two_series_share_one() -> None:
    assert series_numbers(["real", "synthetic"]) == {"real": 1, "synthetic": 0}
    assert series_numbers(["hold-out", "train"]) == {"hold-out": 3, "train": 2}
    names = ["synthetic to train", "real", "real again", "x", "Hold-out to train", "y"]
    places = series_numbers(names)
    assert sorted(places.values()) == list(range(len(SERIES)))
    assert (places["synthetic to train"], places["real"], places["Hold-out to train"]) == (0, 1, 3)
    assert len(series_numbers([f"n{i}" for i in range(20)])) == 20


def test_the_words_of_a_figure_give_its_main_numbers() -> None:
    words = {kind: re.search('aria-label="([^"]*)"', drawn(kind)) for kind in DATA}
    told = {kind: found.group(1) for kind, found in words.items() if found}
    assert told["histogram"] == (
        "Title. Histogram: real (4 values, median 2); synthetic (2 values, median 2.5)."
    )
    assert told["lines"].startswith("Title. Lines over images from 1 to 3: real from 1 to 100;")
    assert "real: pneumonia 0.9, a very long label" in told["bars"]
    assert told["image"] == "Title. Map of 2 by 2 values from 0 to 1."


def test_two_labels_name_the_ends_of_a_map_s_scale() -> None:
    svg = drawn("image", labels=["AUROC 0.5", "AUROC 1.0"])
    assert svg.count(">AUROC 0.5<") == svg.count(">AUROC 1.0<") == 1
    assert ">0.5<" not in svg
    assert ">0.5<" in drawn("image", labels=[])


def test_powers_of_ten_are_plain_text() -> None:
    svg = drawn("lines", series={"real": [1e-5, 1, 1e6], "other": [1, 2, 3]}, bands={})
    assert ">10⁻⁴<" in svg or ">10⁻⁵<" in svg
    assert "mathdefault" not in svg
    assert [power(value) for value in (0.01, 1.0, 1000.0, 1e4)] == ["0.01", "1", "1,000", "10⁴"]


def test_zero_is_marked_where_a_line_crosses_it() -> None:
    above = drawn("lines", log=False, bands={})
    across = drawn("lines", log=False, bands={}, series={"real": [-1, 10, 100]})
    assert "−1" not in above
    assert across.count("var(--faint); stroke-width: 0.9") == 1
    assert "var(--faint); stroke-width: 0.9" not in above
