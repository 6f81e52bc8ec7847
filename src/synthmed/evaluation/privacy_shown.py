"""How the section on privacy is shown: tables, histograms, and pairs for the private report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.evaluation.context import Context
from synthmed.evaluation.privacy_called import names_of
from synthmed.evaluation.privacy_copies import Found
from synthmed.evaluation.privacy_copy_light import percent
from synthmed.evaluation.privacy_lights import number
from synthmed.evaluation.privacy_searches import searched
from synthmed.evaluation.sections import Plot, Table

PAIRS = 12
_MOST = 2000  # values of a histogram's series


def tables(context: Context, data: dict[str, Any], found: Sequence[Found]) -> list[Table]:
    """Give the tables: types, planted copies, closest pairs, distances."""
    return [
        _types(data),
        _planted(data),
        _closest(context, found),
        *([_distances(data)] if data["distances"] else []),
    ]


def plots(
    context: Context, found: Sequence[Found], nearest: dict[str, npt.NDArray[Any]] | None
) -> list[Plot]:
    """Give the histograms, and the closest pairs as pictures where these are asked for."""
    shown = [_scores(found)]
    if nearest is not None:
        series = {name: values(pairs[:, 0]) for name, pairs in nearest.items()}
        shown.append(
            Plot(
                "distances",
                "Nearest neighbours in feature space",
                "Distances to the nearest image. A generator that copies shifts the first "
                "curve to the left of the second.",
                "histogram",
                {"series": series, "x": "distance to the nearest image"},
            )
        )
    if context.settings.with_real_images and found:
        shown.append(_pictures(context, found))
    return shown


def values(numbers: npt.NDArray[Any]) -> list[float]:
    """A series of a plot: at most 2,000 numbers that stand evenly among the sorted ones."""
    ordered = np.sort(np.asarray(numbers, dtype=np.float64))
    if len(ordered) > _MOST:
        ordered = ordered[np.linspace(0, len(ordered) - 1, _MOST).round().astype(int)]
    return [round(float(number), 5) for number in ordered]


def _types(data: dict[str, Any]) -> Table:
    lines = [
        [
            kind,
            *(str(entry[name]) for name in ("n_synthetic", "n_train", "n_holdout", "copies")),
            percent(entry["copy_rate"]),
            percent(entry["false_alarms"]),
            f"{entry['self_test']['found']} of {entry['self_test']['planted']}",
        ]
        for kind, entry in data["by_type"].items()
    ]
    header = ["type", "synthetic", "training", "hold-out", "copies", "copy rate", "false alarms"]
    return Table("Copies by type", [*header, "planted found"], lines)


def _planted(data: dict[str, Any]) -> Table:
    lines = [
        [
            kind,
            "yes" if counts["inside_search"] else "no",
            f"{counts['found']} of {counts['planted']}",
            f"{counts['low']:.0%} to {counts['high']:.0%}",
        ]
        for kind, counts in data["self_test"]["by_kind"].items()
    ]
    note = "Copies of training images made in this run and mixed into no set: the search's eyesight"
    header = ["kind", "searched for as such", "found", "95 % interval"]
    return Table("Planted copies (self-test)", header, lines, [note + "."])


def closest_pairs(found: Sequence[Found]) -> list[tuple[Found, int]]:
    """The synthetic images that come closest to calling, over all searches, closest first."""
    pairs = [(one, int(i)) for one in found for i in np.argsort(-one.audit.scores)[:PAIRS]]
    pairs.sort(key=lambda pair: pair[0].audit.threshold - pair[0].audit.scores[pair[1]])
    return pairs[:PAIRS]


def _closest(context: Context, found: Sequence[Found]) -> Table:
    assert context.train is not None
    lines = []
    names = (names_of(searched(context)), names_of(context.train))
    for one, i in closest_pairs(found):
        made = names[0][int(one.search.synthetic[i])]
        score, limit = float(one.audit.scores[i]), one.audit.threshold
        seen = names[1][int(one.search.train[one.audit.matches[i]])] if score > limit else "-"
        cells = [f"{score:.3g}", f"{limit:.3g}", "copy" if score > limit else "no"]
        second = f"{one.audit.views['pixels'].values[i, 1]:.3g}"
        far = " / ".join(f"{x:.3g}" for x in one.audit.views["features"].values[i])
        lines.append([made, seen, one.search.kind, *cells, second, far])
    header = ["synthetic image", "training image", "type", "score", "threshold", "called a copy"]
    notes = [
        "Score: how far the training image stands out in the comparison tile by tile; beside it "
        "the score of the nearest image of another patient, and the distances in feature space "
        "to the nearest training image and to the nearest one of another patient. Training images "
        "are named for copies only."
    ]
    return Table("Closest pairs", [*header, "next patient", "feature distances"], lines, notes)


def _distances(data: dict[str, Any]) -> Table:
    header = ["from, to", "neighbour", "1 % quantile", "5 %", "median", "95 %"]
    lines = [
        [name, which, *(f"{figures[q]:.3g}" for q in ("0.01", "0.05", "0.5", "0.95"))]
        for name, both in data["distances"].items()
        for which, figures in both.items()
    ]
    notes = []
    for key, words in (("authenticity", "Authenticity"), ("c_t", "C_T")):
        if data[key] is not None:
            beside = data[key].get("holdout")
            than = f" (hold-out images {number(beside)})" if beside else ""
            notes.append(f"{words}: {number(data[key])}{than}.")
    return Table("Distances in feature space", header, lines, notes)


def _scores(found: Sequence[Found]) -> Plot:
    made = np.concatenate([one.audit.scores - one.audit.threshold for one in found])
    held = np.concatenate([one.audit.holdout_scores - one.audit.threshold for one in found])
    return Plot(
        "scores",
        "How far the closest training image stands out",
        "Scores less the threshold of each type: beyond 0 an image is called a copy. Hold-out "
        "images are of other patients: they show what no copy looks like.",
        "histogram",
        {
            "series": {"synthetic": values(made), "hold-out": values(held)},
            "x": "score less threshold",
            "marks": {"threshold": 0.0},
        },
    )


def _pictures(context: Context, found: Sequence[Found]) -> Plot:
    """Pairs below one another: the synthetic image on the left, the training image beside it."""
    assert context.train is not None
    grids, labels = [], []
    names = (names_of(searched(context)), names_of(context.train))
    for one, i in closest_pairs(found):
        made = int(one.search.synthetic[i])
        seen = int(one.search.train[one.audit.matches[i]])
        pair = [searched(context).images([made])[0], context.train.images([seen])[0]]
        grids.append(np.concatenate([image.mean(axis=0) for image in pair], axis=1))
        labels.append(f"{names[0][made]} | {names[1][seen]}: {one.audit.scores[i]:.3g}")
    pixels = (np.concatenate(grids, axis=0) + 1.0) / 2.0
    return Plot(
        "closest",
        "Closest pairs",
        "Left: synthetic. Right: the training image that it comes closest to. Patient data.",
        "image",
        {"pixels": np.round(np.clip(pixels, 0, 1), 3).tolist(), "labels": labels},
        private=True,
    )


def membership_plot(scores: dict[str, npt.NDArray[Any]]) -> Plot:
    """Give the histogram of the membership test's scores of training and hold-out images."""
    return Plot(
        "membership",
        "The generator's loss on images that it was and was not trained on",
        "Negative loss, standardised within types: curves that lie apart tell who was in the "
        "training set.",
        "histogram",
        {"series": {n: values(x) for n, x in scores.items()}, "x": "negative loss, standardised"},
    )
