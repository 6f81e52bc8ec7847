"""Train a detector of synthetic images from a real and a synthetic dataset."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from synthmed.datasets.splits import group_hashes
from synthmed.errors import SynthmedError
from synthmed.evaluation.detectability_samples import matched
from synthmed.evaluation.detector import Detector, features_of, strangeness
from synthmed.evaluation.detector_scores import held_out_figures
from synthmed.evaluation.detector_sets import (
    check_counts,
    check_marks,
    comparable,
    generators_of,
    new_folder,
)
from synthmed.evaluation.header import side_facts
from synthmed.evaluation.reading import frame_size, framed_side, read_listing
from synthmed.evaluation.sides import Side
from synthmed.measures import forensics
from synthmed.measures.cross_fitting import cross_fit
from synthmed.measures.linear_probe import LinearProbe, scaled

FOLDS = 5
LARGEST = 10_000
"""Images a side that a detector is trained on."""
_BATCH = 64
_NOTICE = (
    "The score says how much an image resembles the synthetic images of these generators more "
    "than these real ones. It proves nothing about a single image; other generators, other "
    "devices and other ways of compressing can deceive it."
)


def fit_detector(
    real: str | os.PathLike[str],
    synthetic: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    size: int | None = None,
    seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> Detector:
    """Train a detector and write it into a folder.

    A logistic regression of traces (spectrum, noise, grey levels, texture, colour), on equal
    numbers of images of each type. How well it does is measured on held-out groups (5 folds).

    Args:
        real: Real images: a dataset folder, or a YAML list of sources.
        synthetic: Synthetic images, the same.
        out: Folder for the detector, new or empty.
        size: Side of the frame that all images are brought to; None takes the size that most
            synthetic images have.
        seed: Seeds the draws.
        progress: Told what is being done.

    Returns:
        The detector; its card says what it was trained on, and its scores on held-out groups.

    Raises:
        SynthmedError: Bad input: too few images, no type in common, real images that are marked
            as synthetic, a folder that is not empty.
    """
    folder, warnings = new_folder(Path(out)), list[str]()
    listings = [read_listing("real", real, "all", None)]
    listings.append(read_listing("synthetic", synthetic, "all", None))
    side = size or frame_size(listings[1].rows)
    if not 16 <= side <= 4096:
        raise SynthmedError(f"a frame of {side} pixels", mend="Give --size from 16 to 4096.")
    with tempfile.TemporaryDirectory() as work:  # it holds framed patients' images: never kept
        sides = [framed_side(one, side, 3, Path(work), progress) for one in listings]
        check_marks(sides[0], sides[1], warnings)
        parts = matched(*comparable(sides[0], sides[1], warnings), seed, LARGEST)
        check_counts(*parts)
        progress("traces of all images")
        x = np.concatenate([features_of(batch) for s in parts for batch in s.batches(_BATCH)])
        detector = _trained(x, parts, side, seed, progress)
        detector.card["warnings"] = warnings
    detector.save(folder)
    return Detector.load(folder)


def _trained(
    x: npt.NDArray[np.float64],
    parts: tuple[Side, Side],
    size: int,
    seed: int,
    progress: Callable[[str], None],
) -> Detector:
    labels = np.repeat([0, 1], [len(part) for part in parts])
    groups = np.concatenate([part.groups for part in parts])
    kinds = np.concatenate([part.kinds for part in parts])
    progress("training on all but one fold of groups, for each fold")
    crossed = cross_fit(LinearProbe.fit, {"x": x}, labels, groups.tolist(), FOLDS)
    figures = held_out_figures(labels, crossed.held_out({"x": x}), groups, kinds, seed)
    probe = LinearProbe.fit({"x": x}, labels, groups.tolist())
    z = scaled(x, probe.mean, probe.spread)
    names = [str(kind) for kind in np.unique(kinds)]
    centres = np.stack([z[kinds == name].mean(axis=0) for name in names])
    widths = np.stack([np.maximum(z[kinds == name].std(axis=0), 0.1) for name in names])
    weights = {
        "mean": probe.mean,
        "spread": probe.spread,
        "weights": probe.weights,
        "bias": np.asarray([probe.bias]),
        "centres": centres,
        "widths": widths,
    }
    card = {
        "size": size,
        "features": forensics.ID,
        "preprocessing": f"{size} px frame, three channels, {forensics.PREPROCESSING}",
        "kinds": names,
        "real": side_facts(parts[0]),
        "synthetic": side_facts(parts[1]),
        "generators": generators_of(parts[1]),
        **figures,
        "unfamiliar_above": float(np.quantile(strangeness(z, centres, widths), 0.99)),
        "strength": probe.strength,
        "seed": seed,
        "training_groups": group_hashes(parts[0].rows),
        "notice": _NOTICE,
    }
    return Detector(weights, card)
