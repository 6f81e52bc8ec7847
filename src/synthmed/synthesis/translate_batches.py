"""Translate the squares of a batch: padded to full size, in pieces where memory runs out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch

from synthmed.errors import SynthmedError
from synthmed.models.records import Record
from synthmed.synthesis.editing import EditSettings, edit_parts

if TYPE_CHECKING:
    from synthmed.models.generator import Generator

_OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")
Made = tuple[npt.NDArray[Any], npt.NDArray[Any] | None]
"""An edited image (3, S, S), and with kept detail what the codec alone makes of its source."""


@dataclass
class Editor:
    """Edits batches; remembers the batch size that fits into memory.

    Attributes:
        generator: The model.
        size: Images evaluated together; halved whenever memory runs out.
    """

    generator: Generator
    size: int

    def __call__(
        self,
        squares: Sequence[npt.NDArray[Any]],
        source: Sequence[Record],
        target: Sequence[Record],
        settings: EditSettings,
    ) -> list[Made]:
        """Edit images.

        Args:
            squares: At least one, each (3, S, S) in [-1, 1].
            source: Their conditions.
            target: Those of what they become.
            settings: How.

        Returns:
            What was made of each.

        Raises:
            SynthmedError: As `edit`; memory does not even hold one image at a time.
        """
        while True:
            made = self._try(squares, source, target, settings)
            if made is not None:
                return made
            if self.size == 1:
                raise SynthmedError(
                    "out of memory with one image at a time",
                    mend="Free some memory, or use another --device.",
                )
            self.size = (self.size + 1) // 2
            warnings.warn(f"out of memory: continuing with batches of {self.size}", stacklevel=1)
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def _try(
        self,
        squares: Sequence[npt.NDArray[Any]],
        source: Sequence[Record],
        target: Sequence[Record],
        settings: EditSettings,
    ) -> list[Made] | None:
        """Edit in pieces of the current size; None if memory runs out."""
        made: list[Made] = []
        try:
            for start in range(0, len(squares), self.size):
                part = slice(start, start + self.size)
                made += self._piece(squares[part], source[part], target[part], settings)
        except (RuntimeError, MemoryError) as error:
            short = any(sign in str(error).lower() for sign in _OUT_OF_MEMORY)
            if not short and not isinstance(error, MemoryError):
                raise
            return None
        return made

    def _piece(
        self,
        squares: Sequence[npt.NDArray[Any]],
        source: Sequence[Record],
        target: Sequence[Record],
        settings: EditSettings,
    ) -> list[Made]:
        """Edit up to `size` images; the last is repeated to fill the shape."""
        count, missing = len(squares), self.size - len(squares)
        images = torch.from_numpy(np.stack([*squares, *[squares[-1]] * missing]))
        one, other = ([*side, *[side[-1]] * missing] for side in (source, target))
        edited, rebuilt = edit_parts(self.generator, images, one, other, settings)
        kept = [None if rebuilt is None else rebuilt[i].numpy() for i in range(count)]
        return list(zip(edited.numpy()[:count], kept, strict=True))
