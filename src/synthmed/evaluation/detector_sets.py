"""The images that a detector may be trained on: marked rightly, comparable, enough."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from synthmed.errors import SynthmedError
from synthmed.evaluation.detectability_samples import FEWEST, FEWEST_GROUPS
from synthmed.evaluation.overlap import without_strangers
from synthmed.evaluation.sides import Side

FEWEST_OF_TYPE = 20
"""Images a side of a type, without which the type is left out."""


def new_folder(out: Path) -> Path:
    """Give the folder for a detector; refuse one that holds anything."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise SynthmedError(
            "the folder for the detector is not empty", where=out, mend="Name a new folder."
        )
    return out


def check_marks(real: Side, synthetic: Side, warnings: list[str]) -> None:
    """Refuse a real set that says that it is synthetic; name a synthetic one that does not."""
    marked = [_marked(side) for side in (real, synthetic)]
    if marked[0]:
        raise SynthmedError(
            f"{marked[0]} of the real images are marked as synthetic",
            where=real.path,
            mend="Give real images by --real.",
        )
    if marked[1] < len(synthetic):
        warnings.append(f"{len(synthetic) - marked[1]} synthetic images are not marked as such")


def _marked(side: Side) -> int:
    if side.info.get("synthetic") is True:
        return len(side)
    marks = (str(row.extra.get("synthetic", "")).strip().casefold() for row in side.rows)
    return sum(mark in ("true", "1", "yes") for mark in marks)


def comparable(real: Side, synthetic: Side, warnings: list[str]) -> tuple[Side, Side]:
    """Leave out files that both sets hold, and types that one of them has too few of."""
    both = set(real.digests) & set(synthetic.digests)
    if both:
        warnings.append(f"{len(both)} files are in both sets: they were left out")
        kept = [side.take(~np.isin(side.digests, list(both))) for side in (real, synthetic)]
        if min(map(len, kept)) == 0:
            raise SynthmedError("both sets hold the same files", where=synthetic.path)
        real, synthetic = kept
    real, synthetic = without_strangers(real, synthetic, warnings)
    counts = [Counter(map(str, side.kinds)) for side in (real, synthetic)]
    few = sorted(k for k in counts[0] if min(c[k] for c in counts) < FEWEST_OF_TYPE)
    if few and len(few) < len(counts[0]):
        warnings.append(f"fewer than {FEWEST_OF_TYPE} images a side, left out: {', '.join(few)}")
        real, synthetic = (side.take(~np.isin(side.kinds, few)) for side in (real, synthetic))
    return real, synthetic


def check_counts(real: Side, synthetic: Side) -> None:
    """Refuse sets that are too small for a detector."""
    for side in (real, synthetic):
        groups = len(set(side.groups))
        if len(side) < FEWEST or groups < FEWEST_GROUPS:
            raise SynthmedError(
                f"{len(side)} comparable {side.name} images of {groups} groups",
                where=side.path,
                mend=f"A detector needs {FEWEST} images of {FEWEST_GROUPS} groups a side.",
            )


def generators_of(side: Side) -> list[dict[str, Any]]:
    """The generators of the images, with hash and number of images."""
    names: Counter[tuple[str, str]] = Counter(
        (str(row.extra.get("generator", "")), str(row.extra.get("generator_hash", "")))
        for row in side.rows
    )
    return [
        {"name": name or "unknown", "hash": digest, "images": n}
        for (name, digest), n in names.most_common()
    ]
