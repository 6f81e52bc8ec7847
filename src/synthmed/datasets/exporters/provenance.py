"""What an exported file says of itself: that it is synthetic, and how it was made."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthmed.datasets.exporters.fidelity import psnr_words
from synthmed.datasets.exporters.kinds import NOT_ANONYMOUS, kind_of
from synthmed.datasets.rows import Row, as_text

NOTICE = (
    "Synthetic image made by a generative model. It shows no patient. Not for diagnosis, treatment "
    "or any decision about a person; not to be passed off as a real image."
)
EDITED_NOTICE = (
    f"Image {NOT_ANONYMOUS}. Not for diagnosis, treatment or any decision about a person; not to "
    "be passed off as the original."
)
XMP_KEYWORD = "XML:com.adobe.xmp"
_MADE_WITH = ("seed", "generator", "generator_hash", "guidance", "steps")
_MAX_TEXT = 1 << 20  # characters of a file's text chunks that are carried on


def made_with(row: Row) -> dict[str, str]:
    """Give how a row's image was made, by column; the prompt as its SHA-256 only."""
    facts = {c: as_text(row.extra.get(c)) for c in _MADE_WITH}
    prompt = as_text(row.extra.get("prompt"))
    if prompt:
        facts["prompt_sha256"] = hashlib.sha256(prompt.encode("utf-8", "replace")).hexdigest()
    return {name: value for name, value in facts.items() if value}


def text_chunks(
    row: Row, kept: Mapping[str, str], figures: Mapping[str, float], *, bits: int
) -> dict[str, str]:
    """Give the text chunks of a row's exported PNG.

    Args:
        row: The row.
        kept: The chunks of its image file; they win.
        figures: What `codec_psnr` gave.
        bits: Bits per channel of the output; more than 8 name the codec's PSNR.

    Returns:
        Chunks by keyword; {} for a real image whose file has none.
    """
    kind = kind_of(row)
    chunks: dict[str, str] = {}
    if kind != "real":
        chunks = {
            "Source": "synthetic" if kind == "generated" else "synthetic, edited from a real image",
            "Disclaimer": NOTICE if kind == "generated" else EDITED_NOTICE,
            **made_with(row),
        }
        if bits > 8:
            chunks["codec_psnr"] = psnr_words(row, figures)
    chunks = {name: text.encode("utf-8", "replace").decode() for name, text in chunks.items()}
    return {**chunks, **kept}


def kept_texts(path: Path) -> tuple[dict[str, str], str | None]:
    """Read the text chunks and the XMP packet of a PNG.

    Returns:
        Chunks by keyword and the packet; nothing for other files, for those that cannot be read,
        and beyond a million characters.
    """
    from PIL import Image

    try:
        with Image.open(path, formats=("PNG",)) as image:
            image.load()  # chunks may stand behind the pixels
            texts: dict[str, Any] = dict(getattr(image, "text", {}))
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError, Image.DecompressionBombError):
        return {}, None
    kept: dict[str, str] = {}
    room = _MAX_TEXT
    for name, value in texts.items():
        room -= len(value)
        if room < 0:
            break
        kept[name] = str(value)
    packet = kept.pop(XMP_KEYWORD, None)
    return kept, packet
