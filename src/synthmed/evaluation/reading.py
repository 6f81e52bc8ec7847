"""Read the compared sets and bring them to one frame."""

from __future__ import annotations

import json
import os
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synthmed.datasets.rows import SPLITS, Row
from synthmed.errors import SynthmedError
from synthmed.evaluation.frames import frame_images
from synthmed.evaluation.sides import Side
from synthmed.imaging.reading import check_image, open_image
from synthmed.training.sources import collect_sources

MOST = 512
"""The default frame is never larger than this, in pixels."""


@dataclass(frozen=True)
class Listing:
    """A set as it was read, before its images are framed.

    Attributes:
        name: "real", "synthetic" or "train".
        path: A dataset folder, or a list of sources.
        rows: Its rows of the chosen split.
        info: The contents of dataset.json.
        rejected: Rows that cannot be used: `file_name`, `reason`.
        notes: What the reader warned of.
    """

    name: str
    path: Path
    rows: list[Row]
    info: dict[str, Any]
    rejected: list[dict[str, str]]
    notes: tuple[str, ...] = ()


def read_listing(
    name: str, source: str | os.PathLike[str], split: str | None, usual: str | None
) -> Listing:
    """Read the table of a set.

    Args:
        name: What the set is called.
        source: A dataset folder, or a YAML list of sources as recipes have it.
        split: The split to take; "all" takes every row.
        usual: The split to take where `split` is None and the set has it; None takes every row.

    Raises:
        SynthmedError: No such set, no row of the split, or fewer than two rows.
    """
    if split not in (None, "all", *SPLITS):
        raise SynthmedError(
            f"no split is called {split!r}", mend=f"Known: {', '.join(SPLITS)}, all."
        )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        found = collect_sources(str(source), Path())
    there = {row.split for row in found.rows}
    chosen = split if split else usual if usual in there else "all"
    rows = [row for row in found.rows if chosen in ("all", row.split)]
    if len(rows) < 2:
        raise SynthmedError(
            f"the {name} set has {len(rows)} image{'s' * (len(rows) != 1)}"
            + ("" if chosen == "all" else f" of split {chosen}"),
            where=source,
            mend=f"At least two are needed; the set has splits {', '.join(sorted(there))}.",
        )
    rejected = [{"file_name": bad["file_name"], "reason": bad["reason"]} for bad in found.rejected]
    notes = tuple(f"{name}: {each.message}" for each in caught)
    return Listing(name, Path(source), rows, _info(Path(source)), rejected, notes)


def frame_size(rows: Sequence[Row]) -> int:
    """Give the longer side that most images have, 512 pixels at most."""
    sizes = Counter(_longer_side(row) for row in rows)
    most = max(sizes.values())
    return min(MOST, *(size for size, count in sizes.items() if count == most))


def channels_of(listings: Sequence[Listing]) -> int:
    """Give 1 where all images of all sets are grey, else 3."""
    every = (row for listing in listings for row in listing.rows)
    return 3 if any(check_image(row.file).channels == 3 for row in every) else 1


def framed_side(
    listing: Listing, size: int, channels: int, cache: Path, progress: Callable[[str], None]
) -> Side:
    """Frame a set's images; blank and unreadable ones are left out and listed.

    Raises:
        SynthmedError: Fewer than two usable images.
    """

    def report(done: int, every: int) -> None:
        progress(f"reading {listing.name}, {done} of {every}")

    frames = frame_images(listing.rows, size, channels, cache, report)
    usable = [i for i in range(len(listing.rows)) if i not in frames.reasons]
    bad = [
        {"file_name": listing.rows[i].file_name, "reason": reason}
        for i, reason in frames.reasons.items()
    ]
    if len(usable) < 2:
        first = f"; the first: {bad[0]['reason']}" if bad else ""
        raise SynthmedError(
            f"the {listing.name} set has {len(usable)} usable images{first}", where=listing.path
        )
    return Side(
        listing.name,
        listing.path,
        tuple(listing.rows[i] for i in usable),
        frames.pixels,
        np.asarray(usable, dtype=np.int64),
        frames.digests[usable],
        listing.info,
        (*listing.rejected, *bad),
    )


def _longer_side(row: Row) -> int:
    from PIL import Image

    try:
        with Image.open(row.file) as image:  # reads the header only
            return max(image.size)
    except OSError:  # not PNG or JPEG
        return max(open_image(row.file)[0].shape[1:])


def _info(path: Path) -> dict[str, Any]:
    file = path / "dataset.json"
    if not path.is_dir() or not file.is_file():
        return {}
    info = json.loads(file.read_text(encoding="utf-8"))
    kinds = {"generation": dict, "filters": list}
    wrong = [name for name, kind in kinds.items() if not isinstance(info.get(name, kind()), kind)]
    if wrong:
        raise SynthmedError(
            f"{wrong[0]!r} of dataset.json is not as synthmed writes it",
            where=path,
            mend="Restore the file, or delete it.",
        )
    return dict(info)
