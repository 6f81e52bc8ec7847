"""CLIP score and retrieval: do images and prompts find each other, as real ones and captions do?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.evaluation.context import Context, Settings
from synthmed.evaluation.judged_estimates import Estimate, ends_over_groups, estimate, sampled
from synthmed.evaluation.sides import Side
from synthmed.evaluation.text_image import ImageTextModel, open_image_text
from synthmed.measures.retrieval import chance_at, clip_score, recall_at, unit_rows

MOST = 1000
"""Images a side among which is searched."""
KS = (1, 5, 10)
FEWEST = 10

Array = npt.NDArray[np.float64]


def judge_texts(context: Context, warnings: list[str]) -> dict[str, Any]:
    """Measure CLIP score and recall@k on both sides, among equal numbers of images.

    Args:
        context: The sets; `settings.text_model` names the model.
        warnings: What a reader must know is added.

    Returns:
        "model", "preprocessing", and for "real", "synthetic" and "shuffled" (the synthetic
        images with their prompts shuffled within each type): "clip_score", "image_to_text" and
        "text_to_image", the latter two by k: "recall" and "chance". Without enough texts:
        "not_measurable".

    Raises:
        SynthmedError: The model is not there, or compares no images with texts.
    """
    seed = context.settings.seed
    sides = [_with_texts(side) for side in (context.real, context.synthetic)]
    n = min(MOST, *map(len, sides))
    if n < FEWEST:
        return {"not_measurable": f"{n} images of one side have a text, {FEWEST} are needed"}
    model = open_image_text(str(context.settings.text_model))
    found: dict[str, Any] = {"model": model.id, "preprocessing": model.preprocessing, "n": n}
    for side in sides:
        part = side.take(sampled(side.groups, n, seed))
        if cut := model.cut(sorted(set(part.prompts))):
            warnings.append(
                f"{cut} {side.name} texts are longer than the {model.longest} tokens that "
                f"{model.id} reads: they were cut"
            )
        images = unit_rows(model.images(part.batches(64)))
        texts, own = np.unique(np.asarray(part.prompts), return_inverse=True)
        embedded = unit_rows(model.texts([str(text) for text in texts]))
        found[side.name] = _figures(images, embedded, own, part, model, context.settings)
        if side.name == context.synthetic.name:
            wrong = _shuffled(own, part.kinds, seed)
            found["shuffled"] = _figures(images, embedded, wrong, part, model, context.settings)
            found["texts"] = len(texts)
    return found


def _with_texts(side: Side) -> Side:
    return side.take(np.asarray([bool(text.strip()) for text in side.prompts], dtype=bool))


def _shuffled(
    own: npt.NDArray[np.int64], kinds: npt.NDArray[np.str_], seed: int
) -> npt.NDArray[np.int64]:
    """Texts of images, permuted among the images of each type."""
    wrong, rng = own.copy(), np.random.default_rng(seed)
    for kind in np.unique(kinds):
        rows = np.flatnonzero(kinds == kind)
        wrong[rows] = own[rng.permutation(rows)]
    return wrong


def _figures(
    images: Array,
    texts: Array,
    own: npt.NDArray[np.int64],
    part: Side,
    model: ImageTextModel,
    settings: Settings,
) -> dict[str, Any]:
    """CLIP score and recalls of images whose texts are `own`."""

    def number(values: Array, groups: npt.NDArray[Any]) -> Estimate:
        ends = ends_over_groups(np.mean, [values], groups, settings)
        counts = (len(part), 0) if part.name == "real" else (0, len(part))
        return estimate(float(values.mean()), ends, counts, (model.id, model.preprocessing))

    used = np.unique(own)
    similarity = images @ texts[used].T
    relevant = own[:, None] == used[None]
    found: dict[str, Any] = {"clip_score": number(clip_score(images, texts[own]), part.groups)}
    directions: Sequence[tuple[str, Array, npt.NDArray[np.bool_], npt.NDArray[Any]]] = (
        ("image_to_text", similarity, relevant, part.groups),
        ("text_to_image", similarity.T, relevant.T, used),
    )
    for name, values, wanted, groups in directions:
        found[name] = {
            str(k): {
                "recall": number(recall_at(values, wanted, k), groups),
                "chance": round(float(chance_at(wanted, k).mean()), 6),
            }
            for k in KS
        }
    return found
