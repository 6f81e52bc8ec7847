"""Export to PNG files of 8 or 16 bits beside one metadata.csv, which `read_dataset` reads."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synthmed.datasets.exporters.fidelity import codec_psnr
from synthmed.datasets.exporters.job import Job, unique_stems
from synthmed.datasets.exporters.masks import copy_masks
from synthmed.datasets.exporters.pixels import meaning_of, read_levels, to_8_bit
from synthmed.datasets.exporters.provenance import kept_texts, text_chunks
from synthmed.datasets.exporters.tables import (
    TableWriter,
    cells_of,
    check_cells,
    plain_columns,
    whole_file,
)
from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.imaging.writing import write_png


@dataclass(frozen=True)
class Options:
    """Options of the PNG export.

    Attributes:
        bits: 8 or 16 bits per channel; None keeps each image's own. From 16 to 8 the row's window
            is applied, else the full range is mapped; from 8 to 16 each level is multiplied by
            257, which adds nothing.
    """

    bits: int | None = None

    def __post_init__(self) -> None:
        """Refuse other depths."""
        if self.bits not in (None, 8, 16):
            raise SynthmedError(f"PNG files of {self.bits} bits are not written", mend="8 or 16.")


def write(job: Job, options: Options) -> None:
    """Write images/<split>/..., masks/<split>/... and metadata.csv."""
    stems, figures = unique_stems(job), codec_psnr(job.info)
    with whole_file(job.out / "metadata.csv") as stream:
        table = TableWriter(stream, plain_columns(job.rows, ["bits", "codec_psnr"]))
        for row in job.each():
            stem = stems[job.name(row)]
            path = job.out / "images" / f"{stem}.png"
            try:
                check_cells(row)
                cells = _one(job, row, path, options, figures)
                cells["file_name"] = path.relative_to(job.out).as_posix()
                table.add({**cells, **copy_masks(row, job.out, stem)})
            except SynthmedError as error:
                job.reject(row, error)
            else:
                job.written += 1


def _one(
    job: Job, row: Row, path: Path, options: Options, figures: dict[str, float]
) -> dict[str, Any]:
    """Write one image and give its cells."""
    levels, own = read_levels(row.file)
    bits = options.bits or own
    kept, xmp = kept_texts(row.file)
    chunks = text_chunks(row, kept, figures, bits=bits)
    cells = cells_of(row)
    if bits == 8 and own == 16:
        meaning = meaning_of(row, own)
        levels = to_8_bit(levels, meaning)
        if meaning is not None and meaning.window is not None:
            low, high = meaning.window
            cells |= {"value_scale": (high - low) / 2, "value_offset": (high + low) / 2}
        elif len(levels) == 1:
            job.note("16-bit images without a window were mapped to 8 bits over their full range")
    if not path.exists():
        top = 65535.0 if levels.dtype == np.uint16 else 255.0
        x = levels.astype(np.float64) * (2.0 / top) - 1.0
        extra: dict[str, Any] = {"bits": 16} if bits == 16 else {}
        write_png(path, x, chunks, xmp, **extra)
    cells["bits"] = bits
    if "codec_psnr" in chunks:
        cells["codec_psnr"] = chunks["codec_psnr"]
    return cells
