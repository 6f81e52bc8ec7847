"""Write a dataset folder: images, masks, a typed table per split, dataset.json last."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy.typing as npt

from synthmed.datasets.folder import DatasetFolder, read_dataset
from synthmed.datasets.parsing import inside
from synthmed.datasets.rows import SPLITS, Row, row_cells
from synthmed.datasets.splits import content_hash
from synthmed.datasets.table_writing import table_texts
from synthmed.errors import SynthmedError
from synthmed.imaging.spec import ImageSpec
from synthmed.imaging.writing import write_atomic, write_jpeg, write_png

FORMAT_VERSION = 1
_WRITERS = {".png": write_png, ".jpg": write_jpeg, ".jpeg": write_jpeg}


class DatasetWriter:
    """Writes a dataset folder, image by image, so that a killed run leaves only whole files.

    The folder is finished when dataset.json is there. Add the rows in a fixed order: it is the
    order of the tables.

    Args:
        out: The folder; made if missing.
        spec: The spec of the images.
        info: What dataset.json says besides (sources, licences, split rule, ...).

    Raises:
        SynthmedError: A finished dataset is there already.
    """

    def __init__(
        self, out: str | os.PathLike[str], spec: ImageSpec, info: Mapping[str, Any] | None = None
    ) -> None:
        self.out, self.spec, self.info = Path(out), spec, dict(info or {})
        if (self.out / "dataset.json").exists():
            raise SynthmedError(
                "a finished dataset is there already", where=out, mend="Choose another folder."
            )
        self._cells: dict[str, list[dict[str, Any]]] = {split: [] for split in SPLITS}
        self._names: set[Path] = set()
        self._masks: set[Path] = set()

    def path_of(self, row: Row) -> Path:
        """Give the path that a row's image has, or will have, in the written folder.

        Raises:
            SynthmedError: No such split, or a file name that is no PNG or JPEG of this folder.
        """
        if row.split not in SPLITS:
            raise SynthmedError(
                f"split {row.split!r} is not one of {', '.join(SPLITS)}", where=row.file_name
            )
        try:
            path = inside(self.out / row.split, row.file_name, "file_name")
        except ValueError as error:
            raise SynthmedError(str(error), where=row.file_name) from error
        if path.suffix.lower() not in _WRITERS:
            raise SynthmedError(
                f"{path.suffix!r} images are not written",
                where=row.file_name,
                mend=f"Use one of {', '.join(_WRITERS)}",
            )
        return path

    def add(
        self,
        row: Row,
        image: npt.NDArray[Any] | None,
        *,
        text: Mapping[str, str] | None = None,
        xmp: str | None = None,
        spec: ImageSpec | None = None,
    ) -> Path:
        """Write a row's image and copy its masks; the row enters the table at `finish`.

        PNGs have 16 bits where the spec has more than 8.

        Args:
            row: `split`, `file_name` (relative to the split's folder) and `group_id` are needed.
            image: (1 or 3, H, W) in [-1, 1]; None where an earlier run has written it already.
            text: Text chunks for the image file.
            xmp: An XMP packet for the image file.
            spec: The spec of this image, where it is not the dataset's; its columns
                (`spec_columns`) are added to the row's.

        Returns:
            The image's path.

        Raises:
            SynthmedError: A row that cannot stand in the folder, a name that was added before,
                a full disk.
        """
        path = self.path_of(row)
        _check_row(row, path in self._names)
        if image is not None:
            bits = (spec or self.spec).bits
            if bits > 8 and path.suffix.lower() == ".png":
                write_png(path, image, text, xmp, bits=16)
            else:
                _WRITERS[path.suffix.lower()](path, image, text, xmp)
        cells = row_cells(row)
        if spec is not None:
            cells.update(spec_columns(spec))
        if row.mask_file:
            cells["mask_file_name"] = self._copy_mask(row, row.mask_file, "")
        if row.masks:
            cells["masks"] = {
                name: self._copy_mask(row, file, f"__{index}")
                for index, (name, file) in enumerate(row.masks.items())
            }
        self._cells[row.split].append(cells)
        self._names.add(path)
        return path

    def finish(self) -> DatasetFolder:
        """Write the tables, read the folder back, and write dataset.json with its content hash.

        Returns:
            The folder as read back.

        Raises:
            SynthmedError: No row was added, or a row cannot be read back.
        """
        if not self._names:
            raise SynthmedError("no row was added to this dataset", where=self.out)
        texts, kinds = table_texts(self._cells)
        for split in SPLITS:
            table = self.out / split / "metadata.jsonl"
            if split in texts:
                write_atomic(table, texts[split].encode("utf-8"))
            else:
                table.unlink(missing_ok=True)
        folder = read_dataset(self.out)
        if folder.rejected:
            bad = folder.rejected[0]
            raise SynthmedError(
                f"{len(folder.rejected)} written rows cannot be read back: {bad.reason}",
                where=bad.file_name,
                mend="Add these rows again, with their images.",
            )
        info = {
            "format_version": FORMAT_VERSION,
            "spec": self.spec.to_dict(),
            "rows": {split: len(folder.split(split)) for split in SPLITS},
            "columns": kinds,
            "content_hash": content_hash(folder.rows),
            **self.info,
        }
        data = json.dumps(info, indent=2, ensure_ascii=False) + "\n"
        write_atomic(self.out / "dataset.json", data.encode("utf-8"))
        return DatasetFolder(self.out, self.spec, folder.rows, [], info)

    def _copy_mask(self, row: Row, source: Path, suffix: str) -> str:
        """Copy a mask beside the images; give its name relative to the split's folder."""
        image = PurePosixPath(row.file_name)
        stem = image.relative_to("images") if image.parts[0] == "images" else image
        name = PurePosixPath("masks") / stem.with_name(f"{stem.stem}{suffix}{source.suffix}")
        while (target := self.out / row.split / name) in self._masks:  # such as of a.png and a.jpg
            name = name.with_stem(f"{name.stem}_")
        self._masks.add(target)
        if not (target.exists() and target.samefile(source)):
            write_atomic(target, source.read_bytes())
        return name.as_posix()


def spec_columns(spec: ImageSpec) -> dict[str, Any]:
    """Give the columns that lead an image back to its unit, where a spec says more than 8 bits.

    Returns:
        `value_scale` and `value_offset` (value = scale * x + offset, x in [-1, 1]) and `unit`,
        left out for plain 8-bit images; `spacing_row` and `spacing_column` in mm; `window_low`
        and `window_high` in the unit. What is unknown is left out.
    """
    columns: dict[str, Any] = {}
    if (spec.scale, spec.offset, spec.unit) != (127.5, 127.5, "stored value"):
        columns = {
            "value_scale": float(spec.scale),
            "value_offset": float(spec.offset),
            "unit": spec.unit,
        }
    if spec.spacing is not None:
        columns["spacing_row"], columns["spacing_column"] = map(float, spec.spacing)
    if spec.window is not None:
        columns["window_low"], columns["window_high"] = map(float, spec.window)
    return columns


def _check_row(row: Row, seen: bool) -> None:
    if seen:
        raise SynthmedError("two rows have the same image", where=row.file_name)
    if not row.group_id:
        raise SynthmedError(
            "a row needs a group_id",
            where=row.file_name,
            mend="Name its patient as source:patient, or what else must stay in one split.",
        )
    for column in row.extra:
        if column == "image" or column.endswith(("_file_name", "_file_names")):
            raise SynthmedError(
                f"column {column!r} would be taken for an image",
                where=row.file_name,
                mend="Rename it.",
            )
