"""``utility_table``: what classifiers are worth that were trained on real or synthetic images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from synthmed.errors import SafetyError, SynthmedError
from synthmed.evaluation.utility_parts.designs import RATIOS, Design, standard
from synthmed.evaluation.utility_parts.draws import Draws, Scored, scored
from synthmed.evaluation.utility_parts.labelled import Labelled
from synthmed.evaluation.utility_parts.runs import Runs
from synthmed.evaluation.utility_parts.seen import mark, refuse_seen
from synthmed.evaluation.utility_parts.subgroups import subgroup_rows
from synthmed.evaluation.utility_parts.training import Fitting
from synthmed.evaluation.utility_parts.workers import fill
from synthmed.measures.classifiers.scores import SCORES


def utility_table(
    real_train: Labelled | Mapping[str, Labelled],
    real_test: Labelled,
    synthetic: Labelled | Mapping[str, Labelled],
    *,
    labels: Sequence[str],
    designs: Sequence[Design] | None = None,
    seeds: Sequence[int] = (0, 1, 2),
    classifier: str = "small-cnn",
    steps: int = 400,
    batch_size: int = 32,
    device: str = "cpu",
    dtype: str = "float32",
    baseline: str | None = None,
    also_against: Sequence[str] = (),
    bootstraps: int = 1000,
    seed: int = 0,
    store: Path | None = None,
    workers: int = 1,
    progress: Callable[[str], None] | None = None,
) -> dict[str, Any]:
    """Train classifiers on real and synthetic images and test them on real ones of other patients.

    Every design gets the same number of steps, batch size and schedule, and nothing is chosen on
    any image (`synthmed.evaluation.utility_parts.training`). A score is the mean over the seeds;
    its 95 % interval comes from drawing test patients and seeds anew (`draws`), and the spread
    over seeds stands beside it. Differences to the baseline are paired in patients and seeds.

    Args:
        real_train: Real training images, or several sets by name (one is "real").
        real_test: Real images of other patients.
        synthetic: Synthetic images, or several sets by name (one is "synthetic"). What their
            generator saw (`Labelled.seen`) is checked against the test patients and marks rows.
        labels: Names of the classes, in the order of the label numbers.
        designs: What to train on; None takes `standard()`, as far as the images reach.
        seeds: Seeds of training; each draws fractions, synthetic images, weights and batches.
        classifier: Spec of the network (`make_classifier`).
        steps: Optimiser steps.
        batch_size: Images a step.
        device: "auto", "cpu", "cuda", ...
        dtype: "float32" or "bfloat16" (autocast).
        baseline: Name of the design that others are compared with; None takes the first.
        also_against: Further designs that others are compared with.
        bootstraps: Draws of the bootstrap.
        seed: Seeds the draws.
        store: Folder for finished predictions, so that a killed run continues.
        workers: Processes that train at a time, with one thread each; above 1 needs `store`.
        progress: Told what is being trained.

    Returns:
        JSON values: `rows` (a design each), `subgroups`, and all settings.

    Raises:
        SafetyError: A test patient is among the training patients, the generator's included.
        SynthmedError: Sets, designs or classes that do not fit together.
    """
    real = {"real": real_train} if isinstance(real_train, Labelled) else dict(real_train)
    made = {"synthetic": synthetic} if isinstance(synthetic, Labelled) else dict(synthetic)
    real = {name: side.known() for name, side in real.items()}
    made = {name: side.known() for name, side in made.items()}
    test = real_test.known()
    _check(real, made, test, labels, seeds)
    fitting = Fitting(classifier, steps, batch_size, device=device, dtype=dtype)
    runs = Runs(real, made, test, len(labels), fitting, store, progress or (lambda _: None))
    chosen = list(designs) if designs is not None else _default_designs(real, made)
    base = baseline or chosen[0].name
    _check_designs(runs, chosen, [base, *also_against], seeds[0])
    draws = Draws.make(test.groups, len(seeds), bootstraps, seed)
    if workers > 1:
        fill(runs, chosen, seeds, workers)
    found = {design.name: runs.probabilities(design, seeds) for design in chosen}
    every = {
        name: {metric: scored(metric, test.labels, p, draws) for metric in SCORES}
        for name, p in found.items()
    }
    longer = [d.name for d in chosen if d.times > 1]
    references = list(dict.fromkeys([base, *longer, *also_against]))
    return {
        "classes": list(labels),
        "baseline": base,
        "test": _about(test, labels),
        "fitting": asdict(fitting),
        "seeds": list(seeds),
        "bootstraps": bootstraps,
        "seed": seed,
        "rows": [_row(runs, design, seeds[0], every, references) for design in chosen],
        "subgroups": subgroup_rows(test, found, draws, chosen, base),
    }


def _row(
    runs: Runs,
    design: Design,
    seed: int,
    every: Mapping[str, Mapping[str, Scored]],
    references: Sequence[str],
) -> dict[str, Any]:
    """What the table says of a design; numbers of images are those of the first seed."""
    chosen, scores = runs.chosen(design, seed), every[design.name]
    row: dict[str, Any] = {
        "design": design.name,
        "way": design.way,
        "control": design.control,
        "shuffled": design.shuffled,
        "steps": runs.fitting.steps * design.times,
        "real": None,
        "synthetic": None,
        "saw": "",
    }
    if chosen.real is not None:
        row["real"] = {
            "set": design.real,
            "fraction": design.fraction,
            "images": len(chosen.real),
            "patients": len(set(chosen.real.groups.tolist())),
        }
    if chosen.synthetic is not None:
        images = len(chosen.synthetic)
        row["synthetic"] = {"set": design.synthetic, "ratio": design.ratio, "images": images}
        own = runs.real[design.real] if chosen.real is None else chosen.real
        named = {name: side.hashes() for name, side in runs.real.items()}
        row["saw"] = mark(chosen.synthetic.seen, own.hashes(), named)
    row["scores"] = {m: {**found.estimate(), **found.spread()} for m, found in scores.items()}
    row["differences"] = {
        name: {m: scores[m].minus(every[name][m]).estimate() for m in scores}
        for name in references
        if name != design.name
    }
    return row


def _default_designs(real: Mapping[str, Labelled], made: Mapping[str, Labelled]) -> list[Design]:
    """The standard designs at the ratios for which there are images enough."""
    n, m = len(real.get("real", ())), len(made.get("synthetic", ()))
    ratios = [ratio for ratio in RATIOS if round(ratio * n) <= m]
    return standard(ratios=ratios or [m / max(n, 1)])


def _check(
    real: Mapping[str, Labelled],
    made: Mapping[str, Labelled],
    test: Labelled,
    labels: Sequence[str],
    seeds: Sequence[int],
) -> None:
    """Refuse sets that share test patients, and labels that fit no class."""
    if not seeds or len(set(seeds)) < len(seeds):
        raise SynthmedError("the seeds must be different numbers, at least one")
    for name, side in {**real, **made, "test": test}.items():
        if not len(side) or side.labels.max() >= len(labels):
            raise SynthmedError(f"images of {len(labels)} known classes are needed", where=name)
    if len(np.unique(test.labels)) < 2:
        raise SynthmedError("the test images are all of one class")
    for name, side in {**real, **made}.items():
        if both := set(side.groups.tolist()) & set(test.groups.tolist()):
            raise SafetyError(
                f"{len(both)} test patients are among the training images",
                where=name,
                mend="Split by patient.",
            )
        refuse_seen(test, side.seen, f"the generator of {name!r}")


def _check_designs(runs: Runs, designs: Sequence[Design], named: Sequence[str], seed: int) -> None:
    """Find designs that cannot be trained before the first is trained."""
    names = [design.name for design in designs]
    if not set(named) <= set(names) or len(set(names)) < len(names):
        raise SynthmedError(
            f"the designs need different names and the baseline among them: {', '.join(named)}"
        )
    for design in designs:
        runs.chosen(design, seed)


def _about(test: Labelled, labels: Sequence[str]) -> dict[str, Any]:
    counts = np.bincount(test.labels, minlength=len(labels)).tolist()
    return {
        "images": len(test),
        "patients": len(set(test.groups.tolist())),
        "by_class": dict(zip(labels, counts, strict=True)),
    }
