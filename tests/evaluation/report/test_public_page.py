"""The page that is passed on holds no pixel of a patient."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import report_sample as sample
from page_reader import Page, decoded
from PIL import Image

from synthmed.errors import SafetyError
from synthmed.evaluation.report import Grid, write_report
from synthmed.evaluation.report.grids import pictures
from synthmed.evaluation.report.plots import draw
from synthmed.evaluation.report.strips import strips
from synthmed.evaluation.sections import Plot

MARKER = np.random.default_rng(77).integers(0, 256, (32, 32)).astype(np.uint8)
WORD = "patient 0815"


def holds_marker(html: str) -> bool:
    """Whether any image of a page, however it is put in, is the marker image in grey or colour."""
    for image in Page(html).images():
        if image.shape[:2] == MARKER.shape:
            channels = image.reshape(*MARKER.shape, -1).astype(float)
            for channel in [*np.moveaxis(channels, -1, 0), *np.moveaxis(channels[::-1], -1, 0)]:
                if channel.std() and abs(correlation(channel)) > 0.9:
                    return True
    return False


def correlation(channel: np.ndarray) -> float:
    return float(np.corrcoef(channel.ravel(), MARKER.ravel())[0, 1])


@pytest.fixture
def plot() -> Plot:
    pixels = {"pixels": (MARKER / 255).tolist(), "labels": [WORD]}
    return Plot("pair", f"Pair of {WORD}", f"{WORD}.", "image", pixels, private=True)


def test_the_marker_is_found_where_it_is(tmp_path: Path, plot: Plot) -> None:
    for number, shown in enumerate((MARKER, np.stack([MARKER] * 3, axis=-1))):
        grid = Grid("t", "c", [(shown, "label")], False)
        page = write_report(tmp_path / str(number), sample.header(), [], [grid])
        assert holds_marker(page.read_text(encoding="utf-8"))
    section = replace(sample.privacy(), plots=[replace(plot, private=False)])
    page = write_report(tmp_path / "plot", sample.header(), [section], [])
    assert holds_marker(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("way", ["private grid", "marked grid", "unmarked private grid", "plot"])
def test_private_pixels_reach_the_private_page_only(way: str, tmp_path: Path, plot: Plot) -> None:
    grid = Grid(f"Grid of {WORD}", f"{WORD}.", [(MARKER, WORD)], way != "unmarked private grid")
    section = replace(sample.privacy(), plots=[plot] if way == "plot" else [])
    grids = [*sample.grids(), *([grid] if way == "marked grid" else [])]
    private = [grid] if "private grid" in way else []
    write_report(tmp_path, sample.header(), [section], grids, private)
    public, closed = (
        (tmp_path / name).read_text(encoding="utf-8")
        for name in ("report.html", "report-private.html")
    )
    assert not holds_marker(public)
    assert WORD not in public
    assert encoded(MARKER) not in public
    assert holds_marker(closed)
    assert WORD in closed
    assert WORD not in (tmp_path / "report.json").read_text(encoding="utf-8")


def test_what_draws_and_encodes_refuses_too(plot: Plot) -> None:
    grid = Grid("title", "c", [(MARKER, "x")], True)
    with pytest.raises(SafetyError, match=r"public page \[title\]"):
        pictures(grid, private_page=False)
    with pytest.raises(SafetyError, match="public page"):
        draw(plot, "p", private_page=False)


def test_synthetic_images_say_so_inside_the_file_and_others_do_not() -> None:
    for private in (False, True):
        grid = Grid("title", "c", [(MARKER, "")], private)
        (picture,) = pictures(grid, private_page=True)
        assert np.array_equal(decoded(picture.source), MARKER)
        with Image.open(io.BytesIO(base64.b64decode(picture.source.split(",")[1]))) as image:
            texts = dict(image.text)  # type: ignore[attr-defined]
        assert ("trainedAlgorithmicMedia" in texts.get("DigitalSourceType", "")) != private
        assert picture.alt.startswith("Patient data" if private else "Synthetic image")


def test_large_images_are_shown_smaller_and_long_labels_shorter() -> None:
    grid = Grid("title", "c", [(np.zeros((512, 300, 3), np.uint8), "word " * 80)], False)
    (picture,) = pictures(grid, private_page=False)
    assert decoded(picture.source).shape == (256, 150, 3)
    assert len(picture.label) <= 140
    assert picture.label.endswith("word…")


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4)), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4), np.uint8)],
    ids=["float", "four channels", "empty"],
)
def test_other_arrays_are_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"^'x' is (float64|uint8) of shape"):
        Grid("title", "c", [(image, "x")], False)


def encoded(image: np.ndarray) -> str:
    """The pixels of a PNG of the image, as base64 has them from the data chunk on."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()[48:-15]).decode()[3:200]


def test_piled_pairs_are_taken_apart(plot: Plot) -> None:
    grid = strips(replace(plot, data={**plot.data, "labels": ["first", "second"]}))
    assert grid is not None
    assert grid.private
    assert [label for _, label in grid.images] == ["first", "second"]
    assert np.array_equal(np.concatenate([image for image, _ in grid.images]), MARKER)
    for other in (
        replace(plot, private=False),
        replace(plot, kind="bars"),
        replace(plot, data={**plot.data, "labels": ["a", "b", "c"]}),  # 32 rows are not three
        replace(plot, data={**plot.data, "labels": []}),
        replace(plot, data={"pixels": [[0, 1], [1]], "labels": ["a"]}),
        replace(plot, data={"labels": ["a"]}),
    ):
        assert strips(other) is None
