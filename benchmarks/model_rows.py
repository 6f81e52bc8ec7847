"""What `model_quality` measures: one function a kind of row."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy.ndimage import gaussian_filter

from benchmarks.common import Row
from benchmarks.estimates import Labels, area, area_lost, compared, rate, rate_of_patients
from benchmarks.judge_features import judge_features
from benchmarks.judges import Attribute, TypeJudge
from benchmarks.kernel_judge import Array, CrossFitted, KernelJudge
from benchmarks.model_images import HELD_OUT, Images, Scene, shuffled
from synthmed.measures.features import load_extractor

BLUR = 1.0
"""Standard deviation in pixels of the blur that KID and power must notice."""
FEWEST = 2
"""Real patients of each answer, for training and for judging, without which none is judged."""


def type_row(scene: Scene, judge: TypeJudge, name: str) -> Row:
    """Share of images that the type judge takes for what they are or were ordered as.

    The real images are all that the judge has not seen, those through the codec are test images;
    `chance` is the share of the shuffled prompts that happen to be of the right type.
    """
    real, test = scene.real(name, "train", "test"), scene.real(name, "test")
    orders, every = scene.orders(name), [scene.orders(each) for each in scene.types]
    wrong, _, given = shuffled([orders], every, scene.count // 2)

    def hits(images: Images) -> Array:
        return (judge.types(TypeJudge.features(images)) == name).astype(np.float64)

    chance = float((given == scene.types.index(name)).mean())
    row: Row = {"chance": chance, "patients": len(set(real.groups))}
    row["real"] = rate_of_patients(hits(real.images), real.groups)
    row["codec"] = rate_of_patients(hits(scene.through_codec(test.images)), test.groups)
    for key, title, asked in (("made", name, orders), ("shuffled", f"{name} shuffled", wrong)):
        row[key] = rate(hits(scene.made(title, asked)))
    return row


def attribute_row(scene: Scene, attribute: Attribute) -> Row:
    """AUROC of an attribute on real images and on prompts, by both judges."""
    kind, symmetric = attribute.image_type, attribute.image_type in scene.recipe.symmetric

    def features(images: Images) -> dict[str, Array]:
        return judge_features(images, kind, symmetric)

    train, held_out = scene.real(kind, "train"), scene.real(kind, *HELD_OUT)
    learnt, truth = attribute.labels(train.rows), attribute.labels(held_out.rows)
    known, sure = learnt >= 0, truth >= 0
    groups, truth = np.asarray(held_out.groups)[sure].tolist(), truth[sure]
    if _too_few((truth, groups), (learnt[known], np.asarray(train.groups)[known].tolist())):
        return {"skipped": f"fewer than {FEWEST} patients with one of the answers"}
    answers = scene.answers(attribute)
    if not all(answers):
        return {"skipped": "no caption of one of the answers fits the model"}
    orders, said = [*answers[0], *answers[1]], np.repeat([0, 1], scene.count // 2)
    wrong, wrongly, _ = shuffled(answers, answers, scene.count // 2)
    real = features(held_out.images[sure])
    own = CrossFitted.fit(real, truth, groups, folds=scene.recipe.folds, ridge=scene.recipe.ridge)
    seen = KernelJudge.fit(features(train.images[known]), learnt[known], scene.recipe.ridge)
    codec = features(scene.through_codec(held_out.images[sure]))
    made = features(scene.made(attribute.name, orders))
    other = features(scene.made(f"{attribute.name} shuffled", wrong))
    row: Row = {"image_type": kind, "patients": len(set(groups)), "n_train": int(known.sum())}
    row["note"] = attribute.note
    for key, judge, judge_real in (("own", own, own.held_out), ("train", seen, seen.scores)):
        scores, on_prompts = judge_real(real), judge.scores(made)
        row[key] = {
            "real": area(truth, scores, groups),
            "codec": area(truth, judge_real(codec), groups),
            "made": area(said, on_prompts),
            "shuffled": area(wrongly, judge.scores(other)),
            "loss": area_lost((truth, scores, groups), (said, on_prompts)),
        }
    return row


def _too_few(*sides: tuple[Labels, Sequence[str]]) -> bool:
    """Whether an answer has too few patients; sides are labels and patients."""
    return any(
        len({group for group, label in zip(groups, labels, strict=True) if label == answer})
        < FEWEST
        for labels, groups in sides
        for answer in (0, 1)
    )


def kid_row(scene: Scene, judge: TypeJudge, name: str) -> Row:
    """KID to the real test images, of synthetic and of real training images at equal n."""
    real, train = scene.real(name, "test"), scene.real(name, "train")
    n = min(scene.count, len(train.images))
    chosen = np.random.default_rng(0).permutation(len(train.images))[:n]
    groups, images = [train.groups[i] for i in chosen], train.images[chosen]
    blurred = gaussian_filter(images, (0, 0, BLUR, BLUR)).astype(np.float32)
    sides: dict[str, tuple[Images, list[str] | None]] = {
        "made": (scene.made(name, scene.orders(name))[:n], None),
        "real": (images, groups),
        "codec": (scene.through_codec(images), groups),
        "blurred": (blurred, groups),
    }
    statistics = load_extractor("statistics")
    extractors: dict[str, Callable[[Images], Array]] = {
        "statistics": statistics,
        "judge": lambda x: judge.embedded(TypeJudge.features(x)),
    }
    names = {
        "statistics": f"{statistics.id}, {statistics.preprocessing}",
        "judge": f"features of the type judge, 64 px, recipe {scene.recipe.hash[:12]}",
    }
    row: Row = {
        "extractors": names,
        "n": n,
        "n_real": len(real.images),
        "patients": len(set(real.groups)),
    }
    for key, extract in extractors.items():
        truth = extract(real.images)
        row[key] = {
            side: compared("kid", (truth, real.groups), (extract(x), own))
            for side, (x, own) in sides.items()
        }
    return row


def power_row(scene: Scene, name: str) -> Row:
    """Power above half the Nyquist frequency over that of the real test images."""
    real = scene.real(name, "test")
    sides: dict[str, tuple[Images, list[str] | None]] = {
        "made": (scene.made(name, scene.orders(name)), None),
        "codec": (scene.through_codec(real.images), real.groups),
        "blurred": (gaussian_filter(real.images, (0, 0, BLUR, BLUR)), real.groups),
    }
    return {
        side: compared("high-frequency-ratio", (real.images, real.groups), other)
        for side, other in sides.items()
    }
