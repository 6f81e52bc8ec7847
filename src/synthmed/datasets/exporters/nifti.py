"""Export to NIfTI: volumes stacked from the slices of a series, other images as one slice each."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from synthmed.datasets.exporters.fidelity import codec_psnr, psnr_words
from synthmed.datasets.exporters.job import Job, unique_stems
from synthmed.datasets.exporters.kinds import kind_of
from synthmed.datasets.exporters.nifti_volume import (
    Stack,
    read_mask_stack,
    read_stack,
    spacing_known,
    to_bytes,
)
from synthmed.datasets.exporters.pixels import number
from synthmed.datasets.exporters.provenance import EDITED_NOTICE, NOTICE
from synthmed.datasets.exporters.tables import (
    TableWriter,
    cells_of,
    check_cells,
    plain_columns,
    whole_file,
)
from synthmed.datasets.rows import Row, as_text
from synthmed.errors import SynthmedError
from synthmed.imaging.writing import write_atomic

_ADDED = ["nifti_index"]


@dataclass(frozen=True)
class Options:
    """Options of the NIfTI export.

    Attributes:
        volumes: Stack the slices of a series (`series_id`, else `study_id`, with `instance` or
            `slice`) into volumes; False writes every image by itself.
        slice_spacing: Distance of the slices in mm where the rows do not say it
            (`spacing_slice`); only if you know it.
    """

    volumes: bool = True
    slice_spacing: float | None = None

    def __post_init__(self) -> None:
        """Refuse a distance that cannot be."""
        if self.slice_spacing is not None and not 1e-6 < self.slice_spacing < 1e4:
            raise SynthmedError("a slice spacing is above 0 mm", where=self.slice_spacing)


def write(job: Job, options: Options) -> None:
    """Write <split>/<name>.nii.gz with a JSON sidecar each, masks/<split>/..., metadata.csv."""
    stems, done = unique_stems(job), 0
    with whole_file(job.out / "metadata.csv") as stream:
        table = TableWriter(stream, plain_columns(job.rows, _ADDED))
        for rows in _units(job.rows, options.volumes):
            try:
                for row in rows:
                    check_cells(row)
                stem = stems[job.name(rows[0])]
                _one(job, rows, stem, options)
                for index, row in enumerate(rows):
                    cells: dict[str, Any] = {**cells_of(row), "file_name": f"{stem}.nii.gz"}
                    if all(r.mask_file for r in rows):
                        cells["mask_file_name"] = f"masks/{stem}.nii.gz"
                    table.add({**cells, "nifti_index": index})
            except SynthmedError as error:
                for row in rows:
                    job.reject(row, error)
            else:
                job.written += len(rows)
            done += len(rows)
            job.step(done)


def _units(rows: Sequence[Row], volumes: bool) -> Iterator[list[Row]]:
    """Give the rows of each file: the slices of one series in their order, or one row."""
    series: dict[tuple[str, ...], list[Row]] = {}
    for n, row in enumerate(rows):
        own = as_text(row.extra.get("series_id")) or row.study_id
        stacked = volumes and own and slice_number(row) is not None
        parts = (row.split, row.group_id, own, row.image_type, row.view) if stacked else (str(n),)
        series.setdefault(parts, []).append(row)
    for found in series.values():
        yield sorted(found, key=lambda row: slice_number(row) or 0.0)


def slice_number(row: Row) -> float | None:
    """Give the place of a slice in its series: `instance`, else `slice`."""
    instance = number(row, "instance")
    return number(row, "slice") if instance is None else instance


def _one(job: Job, rows: list[Row], stem: str, options: Options) -> None:
    """Write one image or volume, its mask and its sidecar."""
    image, sidecar = job.out / f"{stem}.nii.gz", job.out / f"{stem}.json"
    if not spacing_known(rows, options.slice_spacing):
        job.note("some spacings are not known: their NIfTI files say 1, unit unknown")
    if image.exists() and sidecar.exists():
        return  # written whole by an earlier run of the same plan; the sidecar comes last
    stack = read_stack(rows, slice_number, options.slice_spacing)
    write_atomic(image, gzip.compress(to_bytes(stack), compresslevel=6, mtime=0))
    if all(row.mask_file for row in rows):
        masks = read_mask_stack([row.mask_file for row in rows if row.mask_file], stack)
        data = gzip.compress(to_bytes(masks), compresslevel=6, mtime=0)
        write_atomic(job.out / "masks" / f"{stem}.nii.gz", data)
    text = json.dumps(_sidecar(job, rows, stack), indent=2, ensure_ascii=False, default=str) + "\n"
    write_atomic(sidecar, text.encode("utf-8", "replace"))


def _sidecar(job: Job, rows: list[Row], stack: Stack) -> dict[str, Any]:
    """Give what NIfTI has no place for; what all slices share stands once."""
    cells = [cells_of(row) | {"file_name": job.name(row)} for row in rows]
    shared = {
        name: value
        for name, value in cells[0].items()
        if all(name in other and other[name] == value for other in cells)
    }
    kind = kind_of(rows[0])
    notice = {"generated": NOTICE, "edited": EDITED_NOTICE, "real": ""}[kind]
    facts: dict[str, Any] = {
        "Synthetic": kind != "real",
        "Notice": notice,
        "Orientation": stack.orientation,
        "SpacingKnown": stack.spacing_known,
        "Unit": stack.unit,
    }
    if kind != "real" and stack.bits > 8:
        facts["CodecPSNR"] = psnr_words(rows[0], codec_psnr(job.info))
    rest = [{k: v for k, v in own.items() if k not in shared} for own in cells]
    return {**facts, "Row": shared, **({"Slices": rest} if len(rows) > 1 else {})}
