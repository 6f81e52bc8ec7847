"""A torch Dataset over a dataset folder: image, mask and boxes through one Frame."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from synthmed.datasets.captions import caption
from synthmed.datasets.folder import DatasetFolder, read_dataset
from synthmed.datasets.rows import Row
from synthmed.errors import SynthmedError
from synthmed.imaging.frame import Frame
from synthmed.imaging.reading import open_image, open_mask

UNKNOWN_MASK = -100  # what torch's cross entropy ignores


class TorchDataset(Dataset[dict[str, Any]]):
    """The rows of one split as a torch Dataset.

    An item is a dictionary:

    - "image": float32 (C, size, size) in [-1, 1]; C is 3 where any image of the folder is colour;
    - "mask": int64 (size, size), the stored labels; all -100 where the row has no mask, which
      torch's cross entropy ignores;
    - "masks": the row's named masks, each as "mask", {} where there are none;
    - "boxes": float32 (N, 4), [x, y, width, height] in pixels of the framed image;
    - "box_labels": their N labels;
    - "caption": what `synthmed.datasets.captions.caption` says of the row;
    - "row": the `Row`; "frame": the `Frame`, whose `undo` leads back to the stored image.

    Boxes differ in number, so batches need `collate_fn=TorchDataset.collate`.

    With `monai=True` an item suits MONAI's dictionary transforms (MONAI itself is not needed):
    "image", "mask" as (1, size, size), "boxes", "caption", the row's plain columns (numbers as
    float, NaN where blank), and "image_meta_dict" and "mask_meta_dict" with "filename_or_obj",
    "affine", "spatial_shape" and "original_channel_dim".

    Args:
        folder: A dataset folder, or its path.
        split: "train", "val" or "test"; None takes all rows.
        size: Side of the square, in pixels.
        monai: Give items in the form that MONAI's dictionary transforms read.

    Raises:
        SynthmedError: The folder cannot be read, or has no row in this split.
    """

    def __init__(
        self,
        folder: DatasetFolder | str | os.PathLike[str],
        split: str | None = "train",
        size: int = 64,
        *,
        monai: bool = False,
    ) -> None:
        self.folder = folder if isinstance(folder, DatasetFolder) else read_dataset(folder)
        self.rows = self.folder.rows if split is None else self.folder.split(split)
        self.size, self.monai = size, monai
        if not self.rows:
            raise SynthmedError(
                f"no row of split {split!r}",
                where=self.folder.path,
                mend=f"It has {', '.join(sorted({row.split for row in self.folder.rows}))}",
            )

    def __len__(self) -> int:
        """Give the number of rows."""
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """Read, frame and return one row."""
        row = self.rows[index]
        x, _ = open_image(row.file)
        frame = Frame.for_image(x, self.size)
        image = np.repeat(frame.apply(x), self.folder.spec.channels // x.shape[0], axis=0)
        boxes = frame.apply_boxes([box["bbox"] for box in row.boxes])
        item = {
            "image": torch.from_numpy(image),
            "mask": self._mask(row.mask_file, frame),
            "masks": {name: self._mask(file, frame) for name, file in row.masks.items()},
            "boxes": torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4),
            "box_labels": [str(box["label"]) for box in row.boxes],
            "caption": caption(row),
            "row": row,
            "frame": frame,
        }
        return _monai_view(item) if self.monai else item

    @staticmethod
    def collate(items: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Make a batch: "image" and "mask" stacked to (B, ...), everything else as lists."""
        batch: dict[str, Any] = {key: [item[key] for item in items] for key in items[0]}
        for key in ("image", "mask"):
            batch[key] = torch.stack(batch[key])
        return batch

    def _mask(self, file: Path | None, frame: Frame) -> torch.Tensor:
        if file is None:
            return torch.full((self.size, self.size), UNKNOWN_MASK)
        mask = frame.apply_mask(open_mask(file).astype(np.int64))
        return torch.from_numpy(mask)


def _monai_view(item: dict[str, Any]) -> dict[str, Any]:
    row: Row = item["row"]
    return {
        "image": item["image"],
        "mask": item["mask"][None],
        "boxes": item["boxes"],
        "box_labels": item["box_labels"],
        "caption": item["caption"],
        "labels": "|".join(row.labels),
        **{name: getattr(row, name) for name in ("group_id", "image_type", "modality", "view")},
        "sex": row.sex or "",
        "age": math.nan if row.age is None else row.age,
        "image_meta_dict": _meta(row.file, item["image"]),
        "mask_meta_dict": _meta(row.mask_file, item["mask"]),
    }


def _meta(file: Path | None, pixels: torch.Tensor) -> dict[str, Any]:
    """Give MONAI's metadata of a channel-first array: 2-D images have an identity affine."""
    return {
        "filename_or_obj": "" if file is None else str(file),
        "affine": torch.eye(4, dtype=torch.float64),
        "original_affine": torch.eye(4, dtype=torch.float64),
        "spatial_shape": torch.tensor(pixels.shape[-2:]),
        "original_channel_dim": 0,
    }
