"""Methods judged where the true answer is known: scores, and families compared in pairs.

For each method: PSNR and SSIM to the truth, and with lesion masks the lesion Dice of segmenters on
the translated image, the share of lesions that are kept, and the share of lesion-free slices in
which a lesion is invented. A family of methods (ours at five depths) is represented in comparisons
by the one member with the highest mean SSIM on other images than those of the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import Row
from benchmarks.translate_segmenter import Segmenter
from benchmarks.translate_truth_pairs import Pairs
from benchmarks.translate_truth_values import Values, mean, values_of
from synthmed.errors import SynthmedError
from synthmed.measures.structure import ssim

METRICS = ("psnr", "ssim", "dice")
OURS = ("ours", "ours, detail kept")
IDENTITY = "identity"


@dataclass(frozen=True)
class Judged:
    """A method on the pairs of a table.

    Attributes:
        name: Label of the method.
        family: What it is compared as.
        parameters: Of all networks that run when it translates.
        evaluations: Images through the denoiser, an image.
        choice: Mean SSIM on the pairs that choose a family's member.
        values: Score to (N,) values, one an image; not-a-number where undefined.
    """

    name: str
    family: str
    parameters: int
    evaluations: float
    choice: float
    values: Mapping[str, Values]


def judged(
    methods: Sequence[Any],
    translate: Callable[[Any, Pairs], NDArray[np.float32]],
    choose: Pairs,
    judge: Pairs,
    judges: Sequence[Segmenter] = (),
) -> list[Judged]:
    """Judge methods.

    Args:
        methods: As in `translate_methods`.
        translate: (method, pairs) -> the translated source images.
        choose: Pairs that choose a family's member.
        judge: Pairs of the table, of other groups.
        judges: Lesion segmenters of several seeds.

    Raises:
        SynthmedError: A group in both sets of pairs.
    """
    if both := set(choose.groups) & set(judge.groups):
        raise SynthmedError(f"{len(both)} groups both choose and judge")
    found = []
    for method in methods:
        choice = float(ssim(translate(method, choose), choose.target).mean())
        values = values_of(translate(method, judge), judge, judges)
        about = (method.name, method.family, int(method.parameters), float(method.evaluations))
        found.append(Judged(*about, choice, values))
    return found


def members(every: Sequence[Judged]) -> dict[str, Judged]:
    """Family to the member that stands for it: the one with the highest choice."""
    found: dict[str, Judged] = {}
    for one in every:
        if one.family not in found or one.choice > found[one.family].choice:
            found[one.family] = one
    return found


def lines(every: Sequence[Judged], groups: Sequence[str]) -> list[Row]:
    """A line a method: its scores, and their paired difference to identity."""
    chosen = {one.name for one in members(every).values()}
    identity = next((one for one in every if one.family == IDENTITY), None)
    return [
        {
            "method": one.name,
            "family": one.family,
            "parameters": one.parameters,
            "evaluations": one.evaluations,
            "choice": round(one.choice, 6),
            "chosen": one.name in chosen,
            **{key: mean(values, groups) for key, values in one.values.items()},
            "to_identity": differences(one, identity, groups),
        }
        for one in every
    ]


def differences(one: Judged, other: Judged | None, groups: Sequence[str]) -> Row:
    """Score to the mean paired difference, one minus other, with its interval over groups."""
    if other is None:
        return {}
    return {
        key: mean(one.values[key] - other.values[key], groups)
        for key in METRICS
        if key in one.values and key in other.values
    }


def compared(every: Sequence[Judged], groups: Sequence[str]) -> list[Row]:
    """Ours minus each other family, member against member."""
    found = members(every)
    return [
        {
            "ours": found[mine].name,
            "other": other.name,
            "differences": differences(found[mine], other, groups),
        }
        for mine in OURS
        if mine in found
        for family, other in found.items()
        if family not in OURS
    ]
