"""Whether the compared sets lie in files of one kind: grey or colour, bits, format.

Sixteen bits against eight, colour against grey, or JPEG against PNG can be told apart whatever
the images show.
"""

from __future__ import annotations

import os
import warnings as python_warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from synthmed.errors import SynthmedError
from synthmed.evaluation.sides import Side
from synthmed.imaging.reading import check_image

MANY = 0.05
"""Share of a type's images, on one side, from which a kind of files is named ..."""
FEWER = 0.1
"""... where its share on the other side is at most this part of it."""
Counts = dict[str, int]


def file_kinds(side: Side) -> list[str]:
    """Name the kind of each image's file, such as "16-bit grey PNG" or "8-bit colour JPEG".

    Args:
        side: The side; its files are opened once more, as `check_image` does.

    Returns:
        N names; "unreadable" for a file that has gone since.
    """
    files = [row.file for row in side.rows]
    with (
        python_warnings.catch_warnings(),  # readers silence libraries, which threads undo
        ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool,
    ):
        return list(pool.map(_kind, files))


def name_file_kinds(real: Side, synthetic: Side, warnings: list[str]) -> dict[str, Counts]:
    """Warn, in one line, where a type's images lie in files of different kinds on both sides.

    Args:
        real: The real images.
        synthetic: The synthetic images.
        warnings: The line is added, with the numbers by kind.

    Returns:
        Under "real" and "synthetic" the number of files by kind.
    """
    kinds = [file_kinds(side) for side in (real, synthetic)]
    counts = [dict(Counter(names).most_common()) for names in kinds]
    types = sorted({*real.kinds.tolist()} & {*synthetic.kinds.tolist()})
    mixed = [t for t in types if _differ(_of(real, kinds[0], t), _of(synthetic, kinds[1], t))]
    if mixed:
        which = "" if mixed == types else f" ({', '.join(mixed)})"
        warnings.append(
            f"real and synthetic images{which} lie in files of different kinds: real "
            f"{_words(counts[0])}; synthetic {_words(counts[1])}: features and detectors may see "
            "the files rather than the images"
        )
    return {"real": counts[0], "synthetic": counts[1]}


def _kind(path: Path) -> str:
    try:
        spec = check_image(path)
    except SynthmedError:
        return "unreadable"
    colour = "grey" if spec.channels == 1 else "colour"
    return f"{spec.bits}-bit {colour} {spec.source_format}"


def _of(side: Side, kinds: list[str], image_type: str) -> Counter[str]:
    """The kinds of the files of one image type."""
    return Counter(np.asarray(kinds)[side.kinds == image_type].tolist())


def _differ(a: Counter[str], b: Counter[str]) -> bool:
    """Whether a kind that is common on one side is rare on the other."""
    for names, others in ((a, b), (b, a)):
        for name, count in names.items():
            share, other = count / names.total(), others[name] / others.total()
            if share > MANY and other <= FEWER * share:
                return True
    return False


def _words(counts: Counts) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items())
