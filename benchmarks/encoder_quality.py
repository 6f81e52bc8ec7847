"""What the features of `medical-64` see on real test images, beside features without training.

On the test rows of the bundled generator's sources (no patient of them was in the encoder's
training; the benchmark refuses to run otherwise):

- the image type, by the nearest image of another patient and by a linear probe;
- findings and attributes (those of `benchmarks/judges-64.yaml`), AUROC of a linear probe. Probes
  are cross-fitted over patients: that of a test image learnt from the train rows, which the encoder
  has not seen either, and from the test images of other patients;
- altered copies: the share whose nearest neighbour among all test images is the original.

Beside it stand `pixels-16`, `statistics` and a network of the same shape with random weights, its
features scaled on validation rows as the encoder's were. Differences are paired; all intervals are
bootstraps over patients.

    python -m benchmarks.encoder_quality --profile smoke
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from benchmarks import common
from benchmarks.data import load_framed, read_rows, refuse_overlap
from benchmarks.encoder_probes import COPIES, Array, altered, found_again, nearest_of_others, probe
from benchmarks.estimates import area, estimate, rate_of_patients
from benchmarks.judges import Attribute, read_judges
from synthmed.datasets.rows import Row
from synthmed.measures.agreement import auroc
from synthmed.measures.extractors.encoder_network import SIZE, EncoderNetwork
from synthmed.measures.extractors.medical_encoder import MedicalEncoder, open_bundled
from synthmed.measures.features import load_extractor
from synthmed.measures.intervals import bootstrap_groups

OURS, RANDOM = "medical-64", "random network"
OTHERS = ("pixels-16", "statistics", RANDOM)
MOST = {"smoke": 20, "cpu": None, "gpu": None}  # test rows of a type
FEWEST = 5
"""Test patients of either answer, without which an attribute is left out."""
MEASURABLE = 0.8
JUDGES = Path(__file__).with_name("judges-64.yaml")
Extract = Callable[[Any], Array]


def main(argv: Sequence[str] | None = None) -> None:
    options = common.parse(__doc__, argv)
    encoder = open_bundled(OURS)
    rows = _some(read_rows(options.data, "test"), MOST[options.profile])
    overlap = refuse_overlap(rows, {"training_groups": encoder.groups})
    facts = {
        "model": {"name": OURS, "hash": encoder.card["weights_sha256"]},
        "data": options.data.name,
        "rows_of_a_type": MOST[options.profile],
        "overlap": overlap,
    }
    results = common.Results(
        options.results, "encoder_quality", options.profile, facts, options.fresh
    )
    more = _some(read_rows(options.data, "train"), MOST[options.profile])
    refuse_overlap(more, {"training_groups": encoder.groups})
    scene = Scene(rows, more, extractors(encoder, _some(read_rows(options.data, "val"), 60)))
    for name, task in tasks(scene, read_judges(JUDGES).attributes).items():
        if results.lacks(name):
            common.say(name)
            results.add(name, task())
    common.show(tables(results.content))


class Scene:
    """The images and their features, computed once.

    Args:
        rows: The test rows, which are judged.
        more: Rows that probes learn from as well.
        extractors: By name.
    """

    def __init__(
        self, rows: Sequence[Row], more: Sequence[Row], extractors: Mapping[str, Extract]
    ) -> None:
        self.rows, self.every, self.extractors = rows, [*rows, *more], extractors
        self.groups = [row.group_id for row in rows]
        self.images, others = load_framed(rows, SIZE), load_framed(more, SIZE)
        self.features = {name: extract(self.images) for name, extract in extractors.items()}
        self.more = {name: extract(others) for name, extract in extractors.items()}

    def probed(self, labels: npt.NDArray[np.int64]) -> dict[str, Array]:
        """Scores of the test rows with a known label by cross-fitted probes, by extractor.

        Args:
            labels: Of all rows, the test rows first; -1 is unknown.
        """
        known = labels >= 0
        groups = [row.group_id for row, sure in zip(self.every, known, strict=True) if sure]
        judged = int(known[: len(self.rows)].sum())
        found = {}
        for name, features in self.features.items():
            every = np.concatenate([features, self.more[name]])[known]
            found[name] = probe(every, labels[known], groups)[:judged]
        return found


def extractors(encoder: MedicalEncoder, rows: Sequence[Row]) -> dict[str, Extract]:
    """The encoder, what stands beside it, and its twin with random weights.

    Args:
        encoder: The encoder.
        rows: Rows on which the twin's features are scaled.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = EncoderNetwork(encoder.card["widths"])
    card = {"name": "random", "version": 1, "widths": encoder.card["widths"]}
    twin = MedicalEncoder(network, card)
    features = torch.from_numpy(twin(load_framed(rows, SIZE)))
    network.mean.copy_(features.mean(dim=0))
    network.spread.copy_(features.std(dim=0).clamp(min=1e-6))
    others = {name: load_extractor(name) for name in OTHERS if name != RANDOM}
    return {OURS: encoder, **others, RANDOM: twin}


def tasks(scene: Scene, attributes: Sequence[Attribute]) -> dict[str, Callable[[], common.Row]]:
    """What is measured, by the name of its row."""
    found: dict[str, Callable[[], common.Row]] = {
        "type: nearest": lambda: type_row(scene, linear=False),
        "type: linear": lambda: type_row(scene, linear=True),
    }
    for attribute in attributes:
        found[f"finding: {attribute.name}"] = lambda a=attribute: finding_row(scene, a)
    for way in COPIES:
        found[f"copy: {way}"] = lambda w=way: copy_row(scene, w)
    return found


def type_row(scene: Scene, linear: bool) -> common.Row:
    """Share of images whose type is told right."""
    _, every = np.unique([row.image_type for row in scene.every], return_inverse=True)
    labels = every[: len(scene.rows)]
    if linear:
        told = {
            name: scores.argmax(axis=1) if scores.ndim == 2 else (scores > 0).astype(int)
            for name, scores in scene.probed(every).items()
        }
    else:
        told = {
            name: labels[nearest_of_others(features, scene.groups)]
            for name, features in scene.features.items()
        }
    hits = {name: (said == labels).astype(np.float64) for name, said in told.items()}
    return _rates(hits, scene.groups)


def finding_row(scene: Scene, attribute: Attribute) -> common.Row:
    """AUROC of a finding or attribute."""
    every = attribute.labels(scene.every)
    known = every[: len(scene.rows)] >= 0
    truth = every[: len(scene.rows)][known]
    groups = [g for g, sure in zip(scene.groups, known, strict=True) if sure]
    for answer in (0, 1):
        own = {g for g, label in zip(groups, truth, strict=True) if label == answer}
        if len(own) < FEWEST:
            return {"skipped": f"fewer than {FEWEST} test patients with one of the answers"}
    scores = scene.probed(every)
    row: common.Row = {"patients": len(set(groups)), "n_learnt": int((every >= 0).sum())}
    for name, own_scores in scores.items():
        row[name] = area(truth, own_scores, groups)
    row["gain"] = {}
    for name in OTHERS:
        ends = bootstrap_groups(_area_gain, [truth, scores[OURS], scores[name]], groups)
        value = _area_gain(truth, scores[OURS], scores[name])
        row["gain"][name] = estimate(value, *ends, len(truth))
    return row


def copy_row(scene: Scene, way: str) -> common.Row:
    """Share of altered copies whose nearest neighbour is the original."""
    copies = altered(scene.images, way)
    hits = {
        name: found_again(scene.features[name], extract(copies))
        for name, extract in scene.extractors.items()
    }
    return _rates(hits, scene.groups)


def tables(content: Mapping[str, Any]) -> list[common.Table]:
    """Make the tables: types and findings, and altered copies."""
    rows: dict[str, common.Row] = content["rows"]
    header = ("", "n (patients)", OURS, *OTHERS)
    seen = [key for key in rows if not key.startswith("copy") and "skipped" not in rows[key]]
    copies = [key for key in rows if key.startswith("copy")]
    findings = [key for key in seen if key.startswith("finding")]
    measurable = [key for key in findings if rows[key][OURS]["value"] >= MEASURABLE]
    notes = [f"{content['overlap']}"]
    if findings:
        notes.append(
            f"{OURS} reaches an AUROC of {MEASURABLE} in {len(measurable)} of {len(findings)} "
            f"findings; it beats {_beaten(rows, findings)}"
        )
    skipped = [key.split(": ")[1] for key in rows if "skipped" in rows[key]]
    notes += [f"too few test patients: {', '.join(skipped)}"] if skipped else []
    return [
        common.Table(
            "Image type (share told right) and findings (AUROC)",
            header,
            [_line(key, rows[key]) for key in seen],
            notes,
        ),
        common.Table(
            "Altered copies whose nearest neighbour is the original",
            header,
            [_line(key, rows[key]) for key in copies],
            [f"{OURS} beats {_beaten(rows, copies)}"] if copies else [],
        ),
    ]


def _line(key: str, row: common.Row) -> list[str]:
    name = key.replace("type: nearest", "type: nearest image of another patient")
    count = f"{row[OURS]['n']} ({row['patients']})"
    return [name, count, *(common.interval(row[e]) for e in (OURS, *OTHERS))]


def _beaten(rows: Mapping[str, common.Row], keys: Sequence[str]) -> str:
    """How often the encoder is better and how often worse, beyond the interval."""
    said = []
    for other in OTHERS:
        gains = [rows[key]["gain"][other] for key in keys]
        known = [gain for gain in gains if gain["low"] is not None]
        better = sum(gain["low"] > 0 for gain in known)
        worse = sum(gain["high"] < 0 for gain in known)
        said.append(f"{other} in {better} of {len(gains)} (worse in {worse})")
    return ", ".join(said)


def _rates(hits: Mapping[str, Array], groups: Sequence[str]) -> common.Row:
    row: common.Row = {"patients": len(set(groups))}
    for name, own in hits.items():
        row[name] = rate_of_patients(own, groups)
    row["gain"] = {name: rate_of_patients(hits[OURS] - hits[name], groups) for name in OTHERS}
    return row


def _area_gain(truth: npt.NDArray[Any], ours: Array, other: Array) -> float:
    return auroc(truth, ours) - auroc(truth, other)


def _some(rows: Sequence[Row], most: int | None) -> list[Row]:
    """At most so many rows of each type, in a fixed random order."""
    draw, found = np.random.default_rng(0), []
    for kind in dict.fromkeys(row.image_type for row in rows):
        own = [row for row in rows if row.image_type == kind]
        found += [own[i] for i in draw.permutation(len(own))[:most]]
    return found


if __name__ == "__main__":
    common.run(main)
