from __future__ import annotations

import base64
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from fake_generator import FakeGenerator
from PIL import Image, ImageFont

from synthmed.datasets import read_dataset
from synthmed.errors import SynthmedError
from synthmed.synthesis.contact_sheet import contact_sheet, wrap
from synthmed.synthesis.demo import demo, demo_prompts
from synthmed.synthesis.gallery import gallery
from synthmed.synthesis.generate import generate
from synthmed.synthesis.prompts import Prompt

PROMPTS = [
    Prompt("chest X-ray, PA view, pneumonia", 11),
    Prompt("dermatoscopy, melanoma on the back", 2),
    Prompt("chest X-ray, <script>alert(1)</script>", 1, negative="no & finding"),
]


class Page(HTMLParser):
    """The images, text and links to elsewhere of a page; fails where tags do not match."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.images: list[bytes] = []
        self.outside: list[str] = []
        self.tags: Counter[str] = Counter()
        self.text = ""
        self.open: list[str] = []
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        if tag not in ("meta", "img"):
            self.open.append(tag)
        for name, value in attrs:
            if name in ("src", "href") and value:
                if value.startswith("data:image/png;base64,"):
                    self.images.append(base64.b64decode(value.split(",")[1]))
                elif not value.startswith("#"):
                    self.outside.append(value)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated dataset of 14 images, one prompt full of signs that HTML knows."""
    out = tmp_path_factory.mktemp("pages") / "dataset"
    model = FakeGenerator()
    model.known_words |= {"script", "alert"}
    generate(model, PROMPTS, out, progress=False)  # type: ignore[arg-type]
    return out


def test_the_page_shows_every_image_and_how_it_was_made(dataset: Path, tmp_path: Path) -> None:
    out = gallery(dataset, tmp_path / "page.html", command=["synthmed", "generate", "a b"])
    page = Page(out.read_text(encoding="utf-8"))
    rows = read_dataset(dataset).rows
    assert sorted(page.images) == sorted(row.file.read_bytes() for row in rows)
    for row in rows:
        assert row.text in page.text
        assert str(row.extra["seed"]) in page.text
        assert row.file_name in page.text
    assert page.text.count("chest X-ray · 12") == page.text.count("dermatoscopy · 2") == 1
    assert "Not for clinical use" in page.text
    assert "trainedAlgorithmicMedia" in page.text
    assert "synthmed generate 'a b'" in page.text
    for word in ("guidance1.5", "steps5", "solvermultistep", "run seed0"):
        assert word in page.text.replace("\n", "")


def test_the_page_needs_nothing_else_and_runs_nothing(dataset: Path) -> None:
    page = Page(gallery(dataset).read_text(encoding="utf-8"))
    assert page.outside == []
    assert page.tags["script"] == page.tags["link"] == 0
    assert (dataset / "index.html").is_file()


def test_the_page_of_a_dataset_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(SynthmedError, match="no such dataset folder"):
        gallery(tmp_path / "none")


def test_the_sheet_has_every_image_above_its_prompt(dataset: Path, tmp_path: Path) -> None:
    out = contact_sheet(dataset, tmp_path / "sheet.png", columns=5)
    with Image.open(out) as image:
        assert image.mode == "RGB"
        assert "trainedAlgorithmicMedia" in image.text["DigitalSourceType"]  # type: ignore[attr-defined]
        sheet = np.asarray(image)
    rows = sorted(read_dataset(dataset).rows, key=lambda row: row.image_type)
    for number, row in enumerate(rows):
        with Image.open(row.file) as image:
            shown = image.convert("RGB").resize((160, 160), Image.Resampling.LANCZOS)
        tops = find(sheet, np.asarray(shown))
        assert len(tops) == 1, row.file_name
        (top, left) = tops[0]
        column = number % 5 if row.image_type == "chest X-ray" else number - 12
        assert left == 28 + column * 174
        below = sheet[top + 160 : top + 182, left : left + 160]
        assert (below < 128).any()  # ink


def find(sheet: np.ndarray, picture: np.ndarray) -> list[tuple[int, int]]:
    """Where a picture stands on a sheet, pixel by pixel."""
    first = (sheet == picture[0, 0]).all(axis=2)
    first &= np.roll((sheet == picture[0, 1]).all(axis=2), -1, axis=1)
    height, width = picture.shape[:2]
    return [
        (y, x)
        for y, x in np.argwhere(first)
        if sheet[y : y + height, x : x + width].shape == picture.shape
        and np.array_equal(sheet[y : y + height, x : x + width], picture)
    ]


def test_a_large_dataset_is_thinned_evenly(dataset: Path, tmp_path: Path) -> None:
    one = contact_sheet(dataset, tmp_path / "a.png", limit=3, columns=2)
    with Image.open(one) as image:
        sheet = np.asarray(image)
    rows = read_dataset(dataset).rows
    shown = 0
    for row in rows:
        with Image.open(row.file) as image:
            picture = image.convert("RGB").resize((160, 160), Image.Resampling.LANCZOS)
        shown += len(find(sheet, np.asarray(picture)))
    assert shown == 3


def test_prompts_are_broken_into_lines_that_fit() -> None:
    font = ImageFont.load_default(13)
    assert wrap("short", font, 160) == ["short"]
    text = "a prompt that goes on over several lines of the sheet"
    lines = wrap(text, font, 160)
    assert 1 < len(lines) <= 4
    assert " ".join(lines) == text
    for text in ("many words " * 40, "x" * 200):
        lines = wrap(text, font, 160)
        assert len(lines) <= 4
        assert lines[-1].endswith("…")
        assert all(font.getlength(line) <= 160 for line in lines)


def test_the_demo_covers_every_type_evenly(tmp_path: Path) -> None:
    model = FakeGenerator()
    model.known_words = set()
    result = demo(tmp_path / "out", images=20, model=model, progress=False)  # type: ignore[arg-type]
    assert result.dataset.types == {"chest X-ray": 10, "dermatoscopy": 10}
    rows = read_dataset(tmp_path / "out").rows
    assert len({row.text for row in rows}) == 16
    assert result.contact_sheet == tmp_path / "out" / "contact_sheet.png"
    page = Page(result.page.read_text(encoding="utf-8"))
    assert len(page.images) == 20
    with Image.open(rows[0].file) as image:
        assert image.text["prompt"] == rows[0].text  # type: ignore[attr-defined]
    again = demo(tmp_path / "out", images=20, model=model, progress=False)  # type: ignore[arg-type]
    assert again.dataset.made == 0


def test_every_type_gets_its_share_of_the_demo() -> None:
    prompts = demo_prompts(["brain MRI", "something else"], 5)
    assert [(p.image_type, p.text, p.count) for p in prompts] == [
        ("brain MRI", "brain MRI, FLAIR, lesion", 1),
        ("something else", "something else", 2),
        ("brain MRI", "brain MRI, FLAIR, no lesion", 1),
        ("brain MRI", "brain MRI, T1 pre-contrast, lesion", 1),
    ]
    assert all(p.from_template for p in prompts)
    with pytest.raises(SynthmedError, match=r"^the model does not say which types"):
        demo_prompts([], 3)
    message = "images is 0. Give 1 or more."
    with pytest.raises(SynthmedError, match=f"^{re.escape(message)}$"):
        demo("never", images=0)
