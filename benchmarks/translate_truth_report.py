"""A row of table 2: methods judged, families compared, the control flagged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import Row
from benchmarks.translate_methods import made
from benchmarks.translate_segmenter import Segmenter
from benchmarks.translate_truth_pairs import Pairs
from benchmarks.translate_truth_scores import (
    IDENTITY,
    OURS,
    Judged,
    compared,
    differences,
    judged,
    lines,
    members,
)
from benchmarks.translate_truth_values import another, mean, values_of

WRONG, RIGHT = "another's truth", "truth"


def report(
    work: Path,
    key: str,
    methods: Sequence[Any],
    domains: tuple[str, str],
    sides: tuple[Pairs, Pairs],
    judges: Sequence[Segmenter] = (),
) -> Row:
    """Translate, judge and compare.

    Args:
        work: Folder of the benchmark; the translated images are kept there.
        key: Names the task among the kept images.
        methods: As in `translate_methods`.
        domains: Source and target, as the methods call them.
        sides: Pairs that choose a family's member, and pairs that judge.
        judges: Lesion segmenters of several seeds.

    Returns:
        `lines` (a method each), `compared` (ours minus each other family), `control` (another's
        truth minus the member of ours, or identity), `extremes` (scores of another's truth and of
        the truth itself), and the numbers of images.
    """
    choose, judge = sides
    groups = judge.groups

    def translate(method: Any, pairs: Pairs) -> NDArray[np.float32]:
        return made(work, method, pairs.source, *domains, f"truth-{key}")

    every = judged(methods, translate, choose, judge, judges)
    taken = members(every)
    against = next((taken[name] for name in (OURS[0], IDENTITY) if name in taken), every[0])
    wrong = values_of(judge.target[another(groups)], judge, judges)
    right = values_of(judge.target, judge, judges)
    control = differences(Judged(WRONG, WRONG, 0, 0.0, 0.0, wrong), against, groups)
    ceiling = {name: mean(of, groups) for name, of in right.items() if name not in ("psnr", "ssim")}
    return {
        "n": len(groups),
        "groups": len(set(groups)),
        "n_choosing": len(choose.groups),
        "lines": lines(every, groups),
        "extremes": {
            WRONG: {name: mean(of, groups) for name, of in wrong.items()},
            RIGHT: ceiling,
        },
        "control": {"than": against.name, **control},
        "compared": compared(every, groups),
    }
