"""Bring the compared sets together: read, framed, without what the generator has seen."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from synthmed.datasets.rows import as_text
from synthmed.errors import SynthmedError
from synthmed.evaluation.context import Context, Settings
from synthmed.evaluation.file_kinds import name_file_kinds
from synthmed.evaluation.near_duplicates import name_near_duplicates
from synthmed.evaluation.overlap import (
    generator_card,
    name_namesakes,
    without_seen,
    without_shared,
    without_strangers,
)
from synthmed.evaluation.patients import name_unknown
from synthmed.evaluation.reading import (
    Listing,
    channels_of,
    frame_size,
    framed_side,
    read_listing,
)
from synthmed.evaluation.sides import Side
from synthmed.evaluation.store import FeatureStore
from synthmed.imaging.writing import write_atomic

_Source = str | os.PathLike[str]
_SMALLEST, _LARGEST = 16, 4096


@dataclass(frozen=True)
class Sets:
    """Where the compared sets are.

    Attributes:
        real: Real images: a dataset folder, or a YAML list of sources.
        synthetic: The synthetic dataset folder.
        train: What the generator was trained on; None where it is not known.
        real_split: Split of `real`; None takes "test" where there is one, "all" every row.
        train_split: Split of `train`; None takes "train" where there is one.
    """

    real: _Source
    synthetic: _Source
    train: _Source | None = None
    real_split: str | None = None
    train_split: str | None = None

    def read(self) -> list[Listing]:
        """Read the tables: real, synthetic and, if it is known, train.

        Raises:
            SynthmedError: A set that is not there, or without two rows of its split.
        """
        listings = [
            read_listing("real", self.real, self.real_split, "test"),
            read_listing("synthetic", self.synthetic, "all", None),
        ]
        if self.train is not None:
            listings.append(read_listing("train", self.train, self.train_split, "train"))
        return listings


def compare(
    sets: Sets, folder: Path, size: int | None, settings: Settings, progress: Callable[[str], None]
) -> Context:
    """Read and frame all sets, and leave out what must not be compared.

    Args:
        sets: Where they are.
        folder: The report's folder; frames and features go to its `cache`, the files that cannot
            be used to its `rejected.csv`.
        size: Side of the frame, in pixels; None takes that of most synthetic images.
        settings: What was asked for.
        progress: Told what is being done.

    Raises:
        SynthmedError: Bad sets, a frame under 16 pixels.
        SafetyError: The generator was trained on the real images.
    """
    listings, cache, warnings = sets.read(), folder / "cache", list[str]()
    side = size or frame_size(listings[1].rows)
    if not _SMALLEST <= side <= _LARGEST:
        raise SynthmedError(
            f"a frame of {side} pixels", mend=f"Give --size {_SMALLEST} to {_LARGEST}."
        )
    channels = channels_of(listings)
    real, made, *rest = (framed_side(one, side, channels, cache, progress) for one in listings)
    train = rest[0] if rest else None
    _list_rejected(folder / "rejected.csv", [real, made, *rest], warnings)
    warnings += [note for one in listings for note in one.notes]
    card = generator_card(settings.generator, made)
    if card is None and train is None:
        warnings.append("the generator is not known: whether it saw the real images is not known")
    _name_promptless(made, warnings)
    fresh = without_seen(real, train, card, warnings)
    judged, synthetic = without_strangers(*without_shared(fresh, made, warnings), warnings)
    holdout = None
    if train is None:
        warnings.append(
            "no training set was given: nothing can be said of copies (--train names it)"
        )
    else:
        holdout = judged.take(slice(None), name="hold-out")
        name_namesakes(judged, train, warnings)
        name_near_duplicates(judged, train, warnings)
    name_unknown([judged, train], warnings)
    files = name_file_kinds(judged, synthetic, warnings)
    store = FeatureStore(cache, progress)
    return Context(
        judged, synthetic, train, holdout, settings, store, progress, warnings, made, files
    )


def _name_promptless(synthetic: Side, warnings: list[str]) -> None:
    """Warn of synthetic images that say not what they were made from."""
    blank = sum(not (as_text(row.extra.get("prompt")) or row.text) for row in synthetic.rows)
    if blank:
        warnings.append(
            f"{blank} of {len(synthetic)} synthetic images have no prompt: they are judged by "
            "what their other columns say"
        )


def _list_rejected(path: Path, sides: Sequence[Side], warnings: list[str]) -> None:
    """List the files that cannot be used; the list of an earlier run goes."""
    lines = [
        (side.name, bad["file_name"], bad["reason"]) for side in sides for bad in side.rejected
    ]
    warnings += [
        f"{len(side.rejected)} {side.name} images cannot be used: rejected.csv lists them"
        for side in sides
        if side.rejected
    ]
    path.unlink(missing_ok=True)
    if lines:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([("set", "file", "reason"), *lines])
        write_atomic(path, text.getvalue().encode("utf-8", "surrogatepass"))
