from __future__ import annotations

import itertools
import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import report_sample as sample
from page_reader import Page

from synthmed.evaluation.report import Grid, Header, write_report
from synthmed.evaluation.sections import Light, Plot, Section, Table

HOSTILE = (
    "<script>alert(1)</script>\"'><img src=x onerror=alert(2)></style></svg>--> ]]> "
    '{{ 7 * 7 }} {% raw %} $\\frac{1}{$ &amp; \x00\x1b\u202e\udc80 style="fill: red"'
)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    out = tmp_path_factory.mktemp("pages")
    sample.write(out)
    return {path.name: path.read_text(encoding="utf-8") for path in out.glob("*.html")}


@pytest.mark.parametrize("name", ["report.html", "report-private.html"])
def test_the_page_needs_nothing_else_and_runs_nothing(pages: dict[str, str], name: str) -> None:
    page = Page(pages[name])
    assert page.tags["script"] == page.tags["link"] == page.tags["iframe"] == 0
    for tag, attributes in page.found:
        for key, value in attributes.items():
            assert not key.startswith("on"), (tag, key)
            if key in ("src", "href", "xlink:href", "srcset", "data", "action"):
                assert value.startswith(("#", "data:image/png;base64,")), (tag, value)
            for target in re.findall(r"url\(([^)]*)\)", value):
                assert target.startswith("#"), (tag, value)
    style = "".join(text for tag, text in page.texts if tag == "style")
    assert "url(" not in style
    assert "@import" not in style
    policies = [each["content"] for each in page.attributes("meta") if "http-equiv" in each]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


@pytest.mark.parametrize("name", ["report.html", "report-private.html"])
def test_landmarks_headings_and_ids(pages: dict[str, str], name: str) -> None:
    page = Page(pages[name])
    assert all(page.tags[tag] == 1 for tag in ("main", "nav", "header", "footer", "h1", "title"))
    levels = [int(tag[1]) for tag, _ in page.found if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    ids = [attributes["id"] for _, attributes in page.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.found:
        named = attributes.get("aria-labelledby", "").split()
        named += re.findall(r"url\(#([^)]*)\)", " ".join(attributes.values()))
        if attributes.get("href", "").startswith("#"):
            named.append(attributes["href"][1:])
        assert set(named) <= set(ids)
    assert pages[name].startswith("<!DOCTYPE html>")


def test_everything_has_a_text_for_those_who_do_not_see_it(pages: dict[str, str]) -> None:
    page = Page(pages["report.html"])
    images = page.attributes("img")
    assert len(images) == 16
    assert all(each["alt"].startswith("Synthetic image, ") for each in images)
    assert len({each["alt"] for each in images}) == 16
    figures = [each for each in page.attributes("svg") if each.get("role") == "img"]
    assert len(figures) == 5
    assert figures[0]["aria-label"].startswith("Embedding map. Scatter plot: real (360 points)")
    hidden = [each for each in page.attributes("svg") if each.get("role") != "img"]
    assert all(each["aria-hidden"] == "true" for each in hidden)


def test_each_light_has_its_word_its_shape_its_reason_and_its_rule(pages: dict[str, str]) -> None:
    page = Page(pages["report.html"])
    lights = [light for section in sample.sections() for light in section.lights]
    words = {"green": "Green", "amber": "Amber", "red": "Red", "grey": "Not measurable"}
    for light in lights:
        assert page.text.count(light.rule.replace(" %", "\u00a0%")) == 2  # on screen, in print
        assert light.reason.split(" [")[0] in page.text.replace("\u00a0", " ")
    shown = [text for tag, text in page.texts if tag == "span" and text in words.values()]
    assert shown == [words[light.state] for light in lights]
    used = [each["href"] for each in page.attributes("use") if each["href"].startswith("#sign-")]
    # once in the overview and once in its part, behind the tally
    assert len(used) == 4 + 2 * len(lights)
    assert {f"#sign-{light.state}" for light in lights} == set(used)


def test_the_verdict_and_what_was_compared(pages: dict[str, str]) -> None:
    text = Page(pages["report.html"]).text.replace("\u00a0", " ")
    assert "2 of 5 checks are red: Diversity, Copies of training images; 1 of 5" in text
    assert "1,200 synthetic against 360 real images of 214 patients or groups" in text
    for word in ("57ad" * 16, "CC0-1.0; CC BY 4.0", "dermatoscopy: 96", "2,643", "base-64"):
        assert word in text
    assert "@software{synthmed," in text
    assert "synthmed evaluate --real data/test" in text
    for section in sample.sections():
        assert all(method.split(",")[0] in text for method in section.methods)
        assert all(warning in text for warning in section.warnings)


def test_tables_align_numbers_and_keep_intervals_in_one_piece(pages: dict[str, str]) -> None:
    page = Page(pages["report.html"])
    heads = [each for each in page.attributes("th") if each.get("scope") == "col"]
    assert [("number" in each.get("class", "")) for each in heads[:8]] == [False] + [True] * 7
    intervals = [text for tag, text in page.texts if tag == "span" and text.startswith(("[", "("))]
    assert len(intervals) == 6 * 6 - 1 + 6 + 3
    assert not any(" " in text for text in intervals)
    assert "−0.002" in page.text
    assert sum(each.get("tabindex") == "0" for each in page.attributes("div")) == 3


def test_the_private_page_says_so_and_the_public_one_does_not(pages: dict[str, str]) -> None:
    private, public = Page(pages["report-private.html"]), Page(pages["report.html"])
    assert "This page contains patient data." in private.text
    assert private.text.count("Patient data") == 2  # the grid and the plot
    assert "noindex" in pages["report-private.html"]
    assert "atient data" not in public.text
    assert "None is a picture of a patient" in public.text
    assert "None is a picture of a patient" not in private.text


def test_nothing_can_inject_html(tmp_path: Path) -> None:
    def write(text: str, out: Path) -> str:
        grid = Grid(text, text, [(np.zeros((4, 4), np.uint8), text)], False)
        page = write_report(out, _header(text), [_section(text)], [grid])
        return page.read_text(encoding="utf-8")

    same_length = re.sub("[<>\"'&{}%$\\\\]", "x", HOSTILE)
    hostile, harmless = write(HOSTILE, tmp_path / "a"), write(same_length, tmp_path / "b")
    assert Page(hostile).tags == Page(harmless).tags
    names = [sorted(attributes) for _, attributes in Page(hostile).found]
    assert names == [sorted(attributes) for _, attributes in Page(harmless).found]
    text = Page(hostile).text
    assert text.count("alert(1)") >= 25
    assert "{{ 7 * 7 }}" in text
    assert "\\udc80" in text
    assert not set("\x00\x1b\u202e") & set(hostile)


def _header(text: str) -> Header:
    side: dict[str, Any] = {"name": text, "n": 1, "path": text, "types": {text: 1}, text: text}
    values = {"software": {text: text}, "settings": {text: [text]}, "warnings": [f"w {text}"]}
    return sample.header(
        title=text, command=text, real=side, synthetic=side, train=side, holdout=side, **values
    )


def _section(text: str) -> Section:
    pairs = {text: [[0, 1], [1, 2]], f"{text} 2": [[0, 1], [1, 2]]}
    series = {name: [1, 2] for name in pairs}
    data: dict[str, dict[str, Any]] = {
        "histogram": {"series": series, "x": text, "marks": {text: 1.5}},
        "scatter": {"series": pairs, "x_label": text, "y_label": text},
        "lines": {"x": [1, 2], "series": series, "x_label": text, "y_label": text},
        "bars": {"labels": [text, text], "series": series, "intervals": pairs, "x_label": text},
        "image": {"pixels": [[0, 1], [1, 0]], "labels": [text, text, text]},
        "none": {},
    }
    plots = [Plot(text, text, text, kind, each) for kind, each in data.items()]  # type: ignore[arg-type]
    table = Table(text, [text], [[text]], [text])
    light = Light(text, "red", text, text)
    section = Section("key", text, text, {text: text}, [table], [light], plots, [text], [text])
    return replace(section, data={})


def test_a_figure_that_cannot_be_drawn_is_said_so(tmp_path: Path) -> None:
    plot = Plot("x", "Broken", "c", "lines", {"x": [1, 2], "series": {"a": [1]}})
    section = Section("key", "Title", "s", plots=[plot])
    page = write_report(tmp_path, sample.header(), [section], []).read_text(encoding="utf-8")
    assert "No figure: its data cannot be drawn" in page


def test_a_warning_of_both_kinds_is_shown_with_its_section_only(tmp_path: Path) -> None:
    section = Section("key", "Title", "s", warnings=["few images"])
    header = sample.header(warnings=["few images", "no training set"])
    page = write_report(tmp_path, header, [section], []).read_text(encoding="utf-8")
    assert Page(page).text.count("few images") == 2  # among all, and in its part
    assert '<a href="#section-key">Title</a>: few images' in page


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast(scheme: str) -> None:
    css = files("synthmed.evaluation").joinpath("templates/report.css").read_text("utf-8")
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    assert len(blocks) == 2
    colours = dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", blocks[scheme == "dark"]))
    for name in ("ink", "faint", "accent", "green", "amber", "red", "grey"):
        assert contrast(colours[name], colours["paper"]) >= 4.5, name
    for name in ("ink", "accent"):
        assert contrast(colours[name], colours["warn-paper"]) >= 4.5, name
    assert contrast(colours["ink"], colours["soft"]) >= 4.5
    assert contrast(colours["on-private"], colours["private"]) >= 4.5
    for number in range(1, 7):
        assert contrast(colours[f"s{number}"], colours["paper"]) >= 3
    for name in ("green", "amber", "red"):
        assert contrast(colours["on-sign"], colours[name]) >= 3, name


def test_dark_is_for_screens_only() -> None:
    css = files("synthmed.evaluation").joinpath("templates/report.css").read_text("utf-8")
    assert re.findall(r"@media ([^{]*prefers-color-scheme[^{]*) \{", css) == [
        "screen and (prefers-color-scheme: dark)"
    ]
