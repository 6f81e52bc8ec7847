"""Duplicate: nearly the same image as one that is kept already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.datasets.rows import Row
from synthmed.datasets.validation.fingerprints import BITS, WIDTH, fingerprint
from synthmed.datasets.validation.near_duplicates import (
    LEAST_CORRELATION,
    MOST_BITS,
    best_matches,
)
from synthmed.synthesis.filters.checks import Candidate, Verdict

_PRINT = np.dtype([("vector", np.float32, (WIDTH,)), ("bits", np.uint8, (BITS // 8,))])
_BLOCK = 256


class Duplicate:
    """Rejects images that are nearly the same as an earlier one, by perceptual fingerprints.

    The first image of a family is kept, in the order of the rows. It remembers what it has let
    pass, so it comes last and sees only what the other checks have left.
    """

    name = "duplicate"

    def __init__(self) -> None:
        self.thresholds: dict[str, Any] = {"correlation": LEAST_CORRELATION, "bits": MOST_BITS}
        self.models: list[dict[str, str]] = []
        self._kept = np.zeros(0, _PRINT)
        self._names: list[str] = []

    def measure(self, candidates: Sequence[Candidate]) -> npt.NDArray[Any]:
        """(B,) fingerprints."""
        prints = np.zeros(len(candidates), _PRINT)
        for index, candidate in enumerate(candidates):
            seen = fingerprint(candidate.image)
            prints[index] = (seen.vector, seen.bits)
        return prints

    def judge(
        self, rows: Sequence[Row], measured: npt.NDArray[Any], alive: npt.NDArray[np.bool_]
    ) -> list[Verdict | None]:
        """Reject what resembles an image that was let pass, in this round or before."""
        verdicts: list[Verdict | None] = [None] * len(rows)
        indices = np.flatnonzero(alive)
        for start in range(0, len(indices), _BLOCK):
            block = indices[start : start + _BLOCK]
            self._against_kept(measured, block, verdicts)
            self._within(rows, measured, [i for i in block if verdicts[i] is None], verdicts)
        return verdicts

    def _against_kept(
        self, measured: npt.NDArray[Any], block: npt.NDArray[Any], verdicts: list[Verdict | None]
    ) -> None:
        """Compare a block with all that was kept before it."""
        count = len(self._kept)
        for first, second, correlation in _matches(self._kept, measured[block]):
            verdicts[int(block[second - count])] = _verdict(self._names[first], correlation)

    def _within(
        self,
        rows: Sequence[Row],
        measured: npt.NDArray[Any],
        block: list[Any],
        verdicts: list[Verdict | None],
    ) -> None:
        """Compare the images of a block with the earlier ones of it that are kept."""
        kept: list[int] = []
        for index in map(int, block):
            found = list(_matches(measured[kept], measured[[index]])) if kept else []
            if found:
                verdicts[index] = _verdict(_name(rows[kept[found[0][0]]]), found[0][2])
            else:
                kept.append(index)
        self._kept = np.concatenate([self._kept, measured[kept]])
        self._names += [_name(rows[i]) for i in kept]


def _matches(kept: npt.NDArray[Any], new: npt.NDArray[Any]) -> list[tuple[int, int, float]]:
    """Index of the kept image, index behind the kept ones of the new image, correlation."""
    both = np.concatenate([kept, new])
    first, second = np.arange(len(kept)), np.arange(len(kept), len(both))
    found = best_matches(both["vector"], both["bits"], first, second)
    return [(match.first, match.second, match.correlation) for match in found]


def _name(row: Row) -> str:
    return f"{row.split}/{row.file_name}"


def _verdict(other: str, correlation: float) -> Verdict:
    said = f"nearly the same as {other} (correlation {correlation:.3f})"
    return Verdict(correlation, LEAST_CORRELATION, said)
