"""Table 3 of `translate`: a lung segmenter trained on renders, tested on real masks.

Segmenters (MONAI UNet, several seeds) learn from renders of one CT at standard dose with the
projected masks of its lungs, and are tested on the real images of `covid-cxr` on which both lungs
are outlined. Between the ways of training only the images differ: renders as they are, or
translated to the domain of the test images. No segmenter sees a real mask but the ceiling, which is
trained on the other patients' masks. The translators saw none of the tested patients; the bundled
codec, which ours, SDEdit and DDIB share, saw those of them that are in its training split, as
single images without masks.

Set beforehand:

1. *Depth.* 0.45, the middle of the five of table 1, for ours and SDEdit alike.
2. *Gain.* A translation helps where two whole 95 % intervals lie above 0: its Dice minus that
   without translation, and minus that of the control. It harms where the first lies below 0.
   Differences are paired by image and seed, over patients and training seeds.
3. *Identity* goes through the same code and must give a difference of exactly 0.
4. *Control.* The images of ours, each with the mask of another one: the same test must flag that as
   worse than ours, else no gain counts. Lungs are alike, so it may well do better than renders
   that are too unlike; how much it does is told, and so is a floor that looks at no image, the
   mean mask of the renders.

A projected lung reaches behind the heart and the diaphragm, an outlined one does not: this lies in
all rows but the ceiling, and no translation can mend it. The image on which one lung alone is
outlined is left out; the padding beside an image is not judged. Every translator is trained once,
so the intervals hold the part of patients and segmenters alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.common import Row, Table
from benchmarks.translate_renders import SIZE
from benchmarks.translate_segmenter import Masked, Masks, Segmenter, trained
from benchmarks.translate_truth import fitting_of, seeds_of
from benchmarks.translate_use_data import (
    folds,
    mean_mask,
    real_lungs,
    rendered_lungs,
    shuffled,
)
from benchmarks.translate_use_methods import method_of
from benchmarks.translate_use_scores import BOOTSTRAPS, Scores, same_for_all_seeds
from benchmarks.translate_use_tables import (
    CEILING,
    CONTROL,
    DEPTH,
    FLOOR,
    GAN,
    HISTOGRAM,
    IDENTITY,
    KEPT,
    NONE,
    OURS,
    SDEDIT,
    TRANSLATED,
    use_tables,
)
from synthmed.measures.edits.overlap import dice

if TYPE_CHECKING:
    from benchmarks.translate_frame import Bench

SOURCE, TARGET = "render-standard", "covid-cxr"
OPERATIONS = ("shift",)
FOLDS, SHUFFLE_SEED = 5, 0
WAYS = (NONE, IDENTITY, OURS, KEPT, CONTROL, SDEDIT, HISTOGRAM, FLOOR, CEILING, GAN)


def settings(profile: str) -> dict[str, Any]:
    """What the rows depend on."""
    return {
        "source": SOURCE,
        "target": TARGET,
        "depth": DEPTH,
        "folds": 3 if profile == "smoke" else FOLDS,
        "bootstraps": BOOTSTRAPS,
    }


def tables(content: Mapping[str, Any]) -> list[Table]:
    """The table of what is measured so far."""
    return use_tables(content["rows"])


def rows(bench: Bench) -> dict[str, Callable[[], Row]]:
    """The rows of table 3, in the order of the work."""
    return {f"use: {way}": partial(way_row, bench, way) for way in WAYS}


def way_row(bench: Bench, way: str) -> Row:
    """Dice of one way of training, and its differences to no translation and to ours."""
    scores, facts = _scores(bench, way)
    row = {"segmenters": facts, **scores.row()}
    if way != NONE:
        row["gain"] = scores.minus(_scores(bench, NONE)[0])
    if way in (CONTROL, *TRANSLATED) and way != OURS:
        row["to_ours"] = scores.minus(_scores(bench, OURS)[0])
    if way in TRANSLATED:
        row["to_control"] = scores.minus(_scores(bench, CONTROL)[0])
    return row


def _scores(bench: Bench, way: str) -> tuple[Scores, list[Row]]:
    """Dice of all seeds on the real images; networks that are finished are opened."""
    test, inside = real_lungs(bench.shared / "covid-cxr", SIZE, bench.profile.images)
    seeds = seeds_of(bench.profile.tiny)
    if way == CEILING:
        return _ceiling(bench, test, inside)
    if way == FLOOR:
        mask = mean_mask(rendered_lungs(bench, SOURCE, "train"))
        found = dice(test.masks, mask & inside)
        return same_for_all_seeds(found, len(seeds), test.groups), []
    train, val = (_side(bench, way, split) for split in ("train", "val"))
    segmenters = [_trained(bench, train, val, seed) for seed in seeds]
    found = np.stack(
        [dice(test.masks, segmenter(test.images) & inside) for segmenter in segmenters]
    )
    return Scores(found, test.groups), [segmenter.facts for segmenter in segmenters]


def _side(bench: Bench, way: str, split: str) -> Masked:
    """The renders of a split as a way of training sees them."""
    side = rendered_lungs(bench, SOURCE, split)
    if way == NONE:
        return side
    translate = method_of(bench, OURS if way == CONTROL else way, (SOURCE, TARGET))
    side = Masked(translate(side.images), side.masks, side.groups)
    return shuffled(side, SHUFFLE_SEED) if way == CONTROL else side


def _ceiling(bench: Bench, test: Masked, inside: Masks) -> tuple[Scores, list[Row]]:
    """Segmenters trained on real masks, each tested on the patients of the fold it did not see."""
    seeds, facts = seeds_of(bench.profile.tiny), []
    found = np.empty((len(seeds), len(test.groups)))
    for parts in folds(test.groups, 3 if bench.profile.tiny else FOLDS):
        train, val, own = (test.take(parts[name]) for name in ("train", "val", "test"))
        for i, seed in enumerate(seeds):
            segmenter = _trained(bench, train, val, seed)
            found[i, parts["test"]] = dice(own.masks, segmenter(own.images) & inside[parts["test"]])
            facts.append(segmenter.facts)
    return Scores(found, test.groups), facts


def _trained(bench: Bench, train: Masked, val: Masked, seed: int) -> Segmenter:
    store = bench.work / "use" / "segmenters"
    return trained(train, val, fitting_of(bench, OPERATIONS), seed, store)
