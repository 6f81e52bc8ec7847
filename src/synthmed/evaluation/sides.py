"""A compared set: rows, and their images framed to one size."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.datasets.captions import caption
from synthmed.datasets.rows import Row, as_text

Index = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Side:
    """One of the sets that are compared.

    Attributes:
        name: "real", "synthetic", "train" or "hold-out".
        path: Where it was read.
        rows: The usable rows, in a fixed order.
        pixels: Framed images of this and perhaps more rows, (M, C, S, S) floats in [-1, 1].
        index: (N,) which of these belong to the rows.
        digests: (N,) SHA-256 of each image file.
        info: The contents of dataset.json, {} where there is none.
        rejected: Files that were left out, with reasons: `file_name`, `reason`.
    """

    name: str
    path: Path
    rows: tuple[Row, ...]
    pixels: npt.NDArray[np.floating[Any]]
    index: Index
    digests: npt.NDArray[np.str_]
    info: dict[str, Any] = field(default_factory=dict)
    rejected: tuple[dict[str, str], ...] = ()

    def __len__(self) -> int:
        """Number of images."""
        return len(self.rows)

    @property
    def size(self) -> int:
        """Side of the framed images, in pixels."""
        return int(self.pixels.shape[-1])

    @property
    def groups(self) -> npt.NDArray[np.str_]:
        """(N,) group (patient; for synthetic images the prompt's or the source's group)."""
        return np.asarray([row.group_id for row in self.rows], dtype=np.str_)

    @property
    def kinds(self) -> npt.NDArray[np.str_]:
        """(N,) image type, else modality, else ""."""
        return np.asarray([row.image_type or row.modality for row in self.rows], dtype=np.str_)

    @property
    def prompts(self) -> tuple[str, ...]:
        """What each image was asked to show (synthetic), else its caption; "" where unknown."""
        asked = (as_text(row.extra.get("prompt")) or row.text for row in self.rows)
        return tuple(text or caption(row) for text, row in zip(asked, self.rows, strict=True))

    def images(self, indices: Any = None) -> npt.NDArray[np.float32]:
        """Give images (n, C, S, S), float32 in [-1, 1], of some rows; None takes all."""
        chosen = self.index if indices is None else self.index[self._rows(indices)]
        return np.asarray(self.pixels[chosen], dtype=np.float32)

    def batches(self, size: int = 256) -> Iterator[npt.NDArray[np.float32]]:
        """Give all images in order, (up to `size`, C, S, S) at a time."""
        for start in range(0, len(self), size):
            yield self.images(slice(start, start + size))

    def looks(self) -> list[bytes]:
        """Give a hash of each framed image: equal for one picture in two file formats."""
        return [
            hashlib.blake2b(np.ascontiguousarray(image, dtype=np.float16).tobytes()).digest()
            for batch in self.batches()
            for image in batch
        ]

    def take(self, chosen: Any, name: str | None = None) -> Side:
        """Give a part of the set.

        Args:
            chosen: Row numbers, or a mask (N,).
            name: Name of the part; None keeps the name.
        """
        rows = self._rows(chosen)
        return replace(
            self,
            name=name or self.name,
            rows=tuple(self.rows[i] for i in rows),
            index=self.index[rows],
            digests=self.digests[rows],
        )

    def _rows(self, chosen: Any) -> Index:
        """Row numbers of numbers, a mask or a slice."""
        every = np.arange(len(self))
        return every[chosen if isinstance(chosen, slice) else np.asarray(chosen)]
