"""Table 1 of `translate`: every method between domains, its curve, and the ranking."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.common import Row
from benchmarks.data import refuse_overlap
from benchmarks.translate_curve_rows import curve, curves_row, ranking_row
from benchmarks.translate_curves import areas
from benchmarks.translate_data import REAL
from benchmarks.translate_frame import Bench, Pair
from benchmarks.translate_methods import DEPTHS, GUIDANCES, OURS, SDEDIT, ours, sdedit
from benchmarks.translate_point_rows import measured, point_row, reference_row
from benchmarks.translate_setup import REFERENCE, Known, has_gan, judge, method_names, title
from synthmed.synthesis.editing import EditSettings
from synthmed.synthesis.editing import evaluations as edit_evaluations


def rows(bench: Bench, known: Known) -> dict[str, Callable[[], Row]]:
    """All rows of table 1: pairs with a CycleGAN, the ranking over them; other pairs come last."""
    found: dict[str, Callable[[], Row]] = {
        "data": partial(data_row, bench),
        "model": bench.model_facts,
        f"choice: {OURS}": partial(choice_row, bench, OURS),
        f"choice: {SDEDIT}": partial(choice_row, bench, SDEDIT),
    }
    ranked = [pair for pair in bench.profile.pairs if has_gan(bench, pair)]
    for pair in ranked:
        found |= pair_rows(bench, known, pair)
    found["ranking"] = partial(ranking_row, bench, known, ranked)
    return found


def pair_rows(bench: Bench, known: Known, pair: Pair) -> dict[str, Callable[[], Row]]:
    """The rows of one pair of domains."""
    start = f"point: {title(pair)}: "
    found: dict[str, Callable[[], Row]] = {
        start + name: partial(point_row, bench, known, pair, name)
        for name in method_names(bench, pair)
    }
    found[start + REFERENCE] = partial(reference_row, bench, pair)
    found[f"curves: {title(pair)}"] = partial(curves_row, bench, known, pair)
    return found


def data_row(bench: Bench) -> Row:
    """What is translated, learnt from and judged by."""
    parts = judge(bench).parts
    held_out = [row for name in REAL for row in parts[name].rows]
    card = bench.generator().card
    return {
        "hash": bench.data.hash,
        "counts": bench.data.counts(),
        "judged": {name: len(part.rows) for name, part in parts.items()},
        "extractor": judge(bench).extract.id,
        "preprocessing": judge(bench).extract.preprocessing,
        "overlap of the model": refuse_overlap(held_out, card),
        "overlap of the extractor": "none of the judging groups was seen in training",
        "shared": f"{len(bench.data.shared)} CT stands in every split, in other poses",
    }


def choice_row(bench: Bench, family: str) -> Row:
    """The scale of guidance whose area is largest on validation images of the first pair."""
    own, pair, steps = judge(bench, "val"), bench.profile.pairs[0], bench.profile.steps
    found = {}
    for scale in GUIDANCES:
        settings = EditSettings(DEPTHS[0], scale, steps)
        dial: list[Any] = list(ours(bench.generator(), scale, steps))
        if family == SDEDIT:
            dial = list(sdedit(bench.generator(), scale, edit_evaluations(settings)))
        points = [measured(bench, own, each, pair, "choice")[1] for each in dial]
        untouched = own.point(own.parts[pair[0]].images, *pair)[1]["kid"]
        area = areas(*curve(points, untouched))
        found[f"{scale:g}"] = own.estimate(area, len(own.parts[pair[0]].rows), share=True)
    best = max(GUIDANCES, key=lambda scale: found[f"{scale:g}"]["value"])
    return {"pair": title(pair), "extractor": own.extract.id, "area": found, "chosen": best}
