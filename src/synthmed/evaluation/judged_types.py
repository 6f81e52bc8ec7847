"""Are synthetic images taken for the type that they were ordered as?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from synthmed.evaluation.context import Context
from synthmed.evaluation.judged_comparison import Scores
from synthmed.evaluation.judged_estimates import ends_over_groups, estimate
from synthmed.evaluation.judging import Judged


def type_accuracy(judged: Sequence[Judged], context: Context) -> dict[str, Any]:
    """Share of images that the judges of types take for what they are, or were ordered as.

    Each type has its judges (against all others); an image is taken for the type whose judges,
    each scaled to its own spread on real images, score highest on average. Two types that are
    each other's opposite share one question.

    Args:
        judged: All judged concepts.
        context: Seed and draws.

    Returns:
        "real", "synthetic" and "shuffled" (the orders permuted among the images), or
        "not_measurable".
    """
    ones = [one for one in judged if one.question.aspect == "type" and one.judges]
    names = [one.question.answer for one in ones]
    asked = [one for one in judged if one.question.aspect == "type"]
    kinds = {str(kind) for kind in context.synthetic.kinds}
    if not ones or len(ones) < len(asked):
        return {"not_measurable": "types were not asked of both sides, or no judge knows them all"}
    sides = []
    for which in (0, 1):
        scores = np.stack([_of(one, which) for one in ones], axis=1)
        if len(ones) == 1:  # of two types: not the one is the other
            scores = np.concatenate([scores, -scores], axis=1)
            names = [*names[:1], *sorted(kinds - {names[0]})]
        rows = ones[0].rows[which]
        side = (context.real, context.synthetic)[which]
        sides.append(
            (np.asarray(names)[scores.argmax(axis=1)], side.kinds[rows], side.groups[rows])
        )
    if len(names) < 2 or len(names) < len(kinds):
        return {"not_measurable": "a type has too few images for a judge"}
    ids = ones[0].entry["real"]["extractor"], ones[0].entry["real"]["preprocessing"]
    wrong = np.random.default_rng(context.settings.seed).permutation(sides[1][1])
    found: dict[str, Any] = {"types": [str(name) for name in names]}
    for key, taken, truth, groups, real in (
        ("real", *sides[0], True),
        ("synthetic", *sides[1], False),
        ("shuffled", sides[1][0], wrong, sides[1][2], False),
    ):
        hits = (taken == truth).astype(np.float64)
        counts = (len(hits), 0) if real else (0, len(hits))
        ends = ends_over_groups(np.mean, [hits], groups, context.settings)
        found[key] = estimate(float(hits.mean()), ends, counts, ids)
    return found


def _of(one: Judged, which: int) -> Scores:
    """(n,) mean over judges of a side's scores, scaled by their spread on real images."""
    spread = one.real[1].std(axis=0) + 1e-9
    scores = (one.real, one.synthetic)[which][1]
    return np.asarray((scores / spread).mean(axis=1))
