"""A contact sheet: one PNG with the images of a dataset, each above its prompt."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from PIL.PngImagePlugin import PngInfo

from synthmed.datasets.folder import read_dataset
from synthmed.datasets.rows import Row
from synthmed.imaging.writing import write_atomic
from synthmed.synthesis.provenance import DIGITAL_SOURCE_TYPE, NOTICE, SOFTWARE

_SIDE = 160  # of a shown image, in pixels
_GAP = 14
_MARGIN = 28
_FONT_SIZE = 14
_LINE = 17  # height of a line of a prompt
_LINES = 4  # lines of a prompt at most
_INK, _FAINT, _PAPER = (28, 33, 40), (104, 113, 125), (255, 255, 255)


def contact_sheet(
    dataset: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    columns: int = 8,
    limit: int = 128,
) -> Path:
    """Draw the images of a dataset folder on one sheet, by type, with their prompts.

    Args:
        dataset: A dataset folder.
        out: The PNG to write.
        columns: Images side by side.
        limit: Images at most; a larger dataset is thinned evenly.

    Returns:
        The path of the sheet, an RGB PNG marked as synthetic.

    Raises:
        SynthmedError: No dataset, or the sheet cannot be written.
    """
    rows = read_dataset(dataset).rows
    if len(rows) > limit:
        rows = [rows[i * len(rows) // limit] for i in range(limit)]
    width = 2 * _MARGIN + columns * _SIDE + (columns - 1) * _GAP
    strips = [_header(width, rows)]
    for kind, group in rows_by_type(rows).items():
        strips.append(_heading(width, kind or "other images", len(group)))
        strips += [
            _strip(width, group[start : start + columns]) for start in range(0, len(group), columns)
        ]
    sheet = Image.new("RGB", (width, sum(strip.height for strip in strips) + _MARGIN), _PAPER)
    top = 0
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height
    _save(sheet, Path(out))
    return Path(out)


def rows_by_type(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Group rows by image type, types and rows in the order in which they appear."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.image_type, []).append(row)
    return groups


def _header(width: int, rows: Sequence[Row]) -> Image.Image:
    strip = Image.new("RGB", (width, 86), _PAPER)
    draw = ImageDraw.Draw(strip)
    names = sorted({str(row.extra["generator"]) for row in rows if row.extra.get("generator")})
    title = "Synthetic medical images" + (f" · generator {', '.join(names)}" if names else "")
    draw.text((_MARGIN, 24), title, _INK, ImageFont.load_default(24))
    note = f"{len(rows)} images, each made from the text below it. No patient is shown."
    draw.text((_MARGIN, 60), f"{note} Not for diagnosis.", _FAINT, ImageFont.load_default(14))
    return strip


def _heading(width: int, kind: str, count: int) -> Image.Image:
    strip = Image.new("RGB", (width, 46), _PAPER)
    draw = ImageDraw.Draw(strip)
    font = ImageFont.load_default(17)
    draw.line((_MARGIN, 10, width - _MARGIN, 10), (222, 226, 231))
    draw.text((_MARGIN, 18), kind, _INK, font)
    draw.text(
        (_MARGIN + font.getlength(kind) + 10, 20), str(count), _FAINT, ImageFont.load_default(14)
    )
    return strip


def _strip(width: int, rows: Sequence[Row]) -> Image.Image:
    """Draw one line of images; it is as high as its longest prompt needs."""
    font = ImageFont.load_default(_FONT_SIZE)
    prompts = [wrap(str(row.extra.get("prompt") or row.text), font, _SIDE) for row in rows]
    height = _SIDE + 6 + _LINE * max(len(lines) for lines in prompts) + _GAP
    strip = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(strip)
    for column, (row, lines) in enumerate(zip(rows, prompts, strict=True)):
        left = _MARGIN + column * (_SIDE + _GAP)
        with Image.open(row.file) as image:
            shown = image.convert("RGB")
        scale = _SIDE / max(shown.size)
        size = (max(1, round(shown.width * scale)), max(1, round(shown.height * scale)))
        shown = shown.resize(size, Image.Resampling.LANCZOS)
        strip.paste(shown, (left + (_SIDE - size[0]) // 2, (_SIDE - size[1]) // 2))
        for number, line in enumerate(lines):
            draw.text((left, _SIDE + 6 + number * _LINE), line, _INK, font)
    return strip


def wrap(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float) -> list[str]:
    """Break a text into lines of at most `width` pixels; what does not fit ends in "…"."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) > _LINES:
        lines = [*lines[: _LINES - 1], " ".join(lines[_LINES - 1 :])]
    return [_shorten(line, font, width) for line in lines]


def _shorten(line: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float) -> str:
    if font.getlength(line) <= width:
        return line
    while line and font.getlength(line + "…") > width:
        line = line[:-1]
    return line.rstrip(" ,") + "…"


def _save(sheet: Image.Image, out: Path) -> None:
    info = PngInfo()
    info.add_itxt("Software", SOFTWARE)
    info.add_itxt("Disclaimer", NOTICE)
    info.add_itxt("DigitalSourceType", DIGITAL_SOURCE_TYPE)
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", pnginfo=info, optimize=True)
    write_atomic(out, buffer.getvalue())
