"""A report of invented figures: every kind of table, light and plot once, long names, blanks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmed.evaluation.report import Grid, Header, write_report
from synthmed.evaluation.sections import Light, Plot, Section, Table

EXTRACTOR = "medical-64:v1:3f2a91c7"
TYPES = {
    "chest X-ray": 120,
    "dermatoscopy": 96,
    "brain MRI": 60,
    "breast ultrasound": 48,
    "blood smear microscopy": 36,
}


def header(**changes: Any) -> Header:
    """Who was compared, in the invented report."""
    real = {
        "name": "real",
        "path": "test",
        "n": 360,
        "groups": 214,
        "types": TYPES,
        "content_hash": "9b1c" * 16,
        "rejected": 2,
        "licences": ["CC0-1.0", "CC BY 4.0"],
    }
    synthetic = {
        "name": "synthetic",
        "path": "bundled",
        "n": 1200,
        "groups": 300,
        "types": dict.fromkeys(TYPES, 240),
        "content_hash": "57ad" * 16,
        "generator": "base-64",
        "generator_hash": "c40e" * 16,
        "guidance": 1.5,
        "steps": 24,
    }
    values: dict[str, Any] = {
        "title": "bundled against test",
        "created": "2026-11-21",
        "command": "synthmed evaluate --real data/test --synthetic out/bundled --train data/train "
        "--generator base-64 --out report",
        "software": {"synthmed": "0.2.0", "python": "3.11.9", "torch": "2.13.0", "numpy": "2.4.6"},
        "real": real,
        "synthetic": synthetic,
        "train": {**real, "name": "train", "path": "/home/someone/data/train", "n": 2643},
        "holdout": {**real, "name": "hold-out", "n": 302, "groups": 180},
        "settings": {"extractor": "medical-64", "seed": 0, "text_model": None, "blocks": 20},
        "warnings": [
            "2 real images cannot be used; the first: a/17.png: the image is of one value"
        ],
    }
    return Header(**{**values, **changes})


def fidelity() -> Section:
    """Realism and diversity."""
    rng = np.random.default_rng(1)
    names = ["all", *TYPES]
    lines = [
        [
            name,
            str(360 if name == "all" else TYPES[name]),
            *(f"{v:.3f} [{v - 0.02:.3f}, {v + 0.02:.3f}]" for v in rng.uniform(-0.01, 0.2, 2)),
            *(f"{v:.2f} [{v - 0.06:.2f}, {v + 0.06:.2f}]" for v in rng.uniform(0.2, 0.9, 4)),
        ]
        for name in names
    ]
    lines[-1][4] = "–"
    header_row = ["type", "n", "KID", "CMMD", "precision", "recall", "density", "coverage"]
    table = Table(
        "Distances and neighbour metrics by type",
        header_row,
        lines,
        ["Brackets: 95 % intervals by the grouped jackknife, 20 blocks. KID: lower is better."],
    )
    baseline = Table(
        "Beside real against real (two halves by patient)",
        ["metric", "real against synthetic", "real against real"],
        [
            ["KID", "0.087 [0.071, 0.103]", "0.0004 [-0.002, 0.003]"],
            ["Fréchet distance, n = 180", "61.2 [55.0, 67.4]", "24.8 [21.1, 28.4]"],
            ["coverage", "0.41 [0.35, 0.47]", "0.93 [0.90, 0.96]"],
        ],
    )
    frequency = np.linspace(1, 32, 32)
    power = {
        "real": (1e4 / frequency**2.2).tolist(),
        "synthetic": (1e4 / frequency**2.6).tolist(),
    }
    cloud = {
        "real": rng.normal(0, 1, (360, 2)).tolist(),
        "synthetic": rng.normal(0.7, 0.8, (1200, 2)).tolist(),
    }
    plots = [
        Plot(
            "map",
            "Embedding map",
            "The first two principal axes of the features of both sets. Where one set lies alone, "
            "the other has nothing like it.",
            "scatter",
            {"series": cloud},
        ),
        Plot(
            "spectrum",
            "Power spectrum",
            "Mean power by spatial frequency; the band is the 95 % interval over patients.",
            "lines",
            {
                "x": frequency.tolist(),
                "series": power,
                "bands": {"real": [[0.8 * p, 1.2 * p] for p in power["real"]]},
                "x_label": "frequency (cycles per image)",
                "y_label": "power",
                "log": True,
            },
        ),
    ]
    reason = "KID 0.087 [0.071, 0.103] against 0.0004 [-0.002, 0.003] real against real."
    rules = "Green: the interval lies below 0.05. Amber: below 0.15. Red: otherwise."
    return Section(
        "fidelity",
        "Realism and diversity",
        "The synthetic images are close to the real ones in their features but less varied: they "
        "cover 41 % (35 to 47) of the real images, where a second real sample covers 93 %.",
        {"kid": measured(0.087, 0.071, 0.103), "frechet": measured(float("nan"), -np.inf, 3.0)},
        [table, baseline],
        [
            Light("Distance of the features", "amber", rules, reason),
            Light(
                "Diversity",
                "red",
                "Green: coverage at least 0.8 of the real baseline. Amber: 0.5. Red: below.",
                "Coverage 0.41 [0.35, 0.47]; the baseline is 0.93.",
            ),
        ],
        plots,
        ["Fréchet distances below 2,048 images are mostly bias: see KID or CMMD."],
        [
            f"KID (Bińkowski et al. 2018), unbiased, cubic kernel, on features of {EXTRACTOR}, "
            "n = 360 real (214 patients) and 1,200 synthetic images, seed 0."
        ],
    )


def privacy() -> Section:
    """Copies, with a private figure."""
    rng = np.random.default_rng(2)
    pairs = np.concatenate([np.hstack([picture(n), picture(n + 50)]) / 255 for n in range(3)])
    plots = [
        Plot(
            "distances",
            "Distance to the nearest training image",
            "A copying generator has a second hill at the left.",
            "histogram",
            {
                "series": {
                    "synthetic": rng.normal(0.5, 0.09, 1200).tolist(),
                    "hold-out": [None, *rng.normal(0.52, 0.1, 302).tolist()],
                },
                "x": "cosine distance",
                "marks": {"threshold": 0.27},
            },
        ),
        Plot(
            "pair",
            "The closest pairs of all",
            "Left synthetic, right real.",
            "image",
            {"pixels": pairs.tolist(), "labels": [f"pair {n}" for n in range(3)]},
            private=True,
        ),
    ]
    data = {
        "copies": [{"synthetic": "images/0007.png", "train": "images/0412.png", "score": 0.991}],
        "self_test": {"found": 39, "planted": 40},
        "share": {"value": 1 / 1200, "low": 0.0001, "high": 0.0047, "n": 1200},
    }
    return Section(
        "privacy",
        "Privacy",
        "One of 1,200 synthetic images is a copy of a training image. The self-test found 39 of "
        "the 40 planted copies.",
        data,
        [
            Table(
                "Planted copies by kind",
                ["kind", "searched for", "found", "recall"],
                [
                    ["exact", "yes", "5 of 5", "100 % (57 to 100)"],
                    ["shift and flip", "yes", "5 of 5", "100 % (57 to 100)"],
                    ["7° rotation with zoom", "no", "4 of 5", "80 % (38 to 96)"],
                ],
            )
        ],
        [
            Light(
                "Copies of training images",
                "red",
                "Green: none, and the self-test finds 95 %. Amber: none, but fewer are found. "
                "Red: any copy.",
                "1 of 1,200 images, 0.08 % (0.01 to 0.47).",
            ),
            Light("Membership", "green", "Green: AUROC below 0.55.", "AUROC 0.51 [0.48, 0.54]."),
        ],
        plots,
        [],
        ["Copies: calibrated on 302 hold-out images of 180 patients, quantile 0.01, seed 0."],
    )


def alignment() -> Section:
    """True to the prompts, one thing not measurable."""
    labels = ["pneumonia", "melanoma", "lesion", "malignant", "a concept with quite a long name"]
    values = [0.91, 0.84, 0.77, 0.69, None]
    return Section(
        "alignment",
        "True to the prompts",
        "Classifiers trained on real images recognise four of five concepts.",
        {"clip": None, "not_measurable": "no image-text model was given"},
        [],
        [Light("Image-text agreement", "grey", "Grey: not measurable.", "No model was given.")],
        [
            Plot(
                "auroc",
                "AUROC per concept",
                "Thin lines: 95 % intervals.",
                "bars",
                {
                    "labels": labels,
                    "series": {"synthetic": values, "real": [0.95, 0.93, 0.88, 0.81, 0.9]},
                    "intervals": {
                        "synthetic": [[v - 0.05, v + 0.04] if v else None for v in values]
                    },
                    "x_label": "AUROC",
                },
            ),
            Plot(
                "where",
                "Where the classifier looks",
                "Mean saliency.",
                "image",
                {
                    "pixels": np.hypot(*np.mgrid[-1:1:24j, -1:1:24j]).clip(0, 1).tolist(),
                    "labels": [],
                },
            ),
        ],
        [],
        ["Judges: one classifier per concept, counted where its AUROC on real patients is 0.80."],
    )


def grids() -> list[Grid]:
    """Synthetic images of two types, one of them in colour."""
    labels = [f"chest X-ray, PA view, finding number {n}" for n in range(8)]
    skin = [f"dermatoscopy, melanoma on the back, copy {n}" for n in range(8)]
    return [
        Grid(
            "chest X-ray",
            "8 of 240 synthetic images, drawn at random (seed 0).",
            [(picture(n), label) for n, label in enumerate(labels)],
            False,
        ),
        Grid(
            "dermatoscopy",
            "8 of 240 synthetic images, drawn at random (seed 0).",
            [(np.stack([picture(n)] * 3, axis=-1), label) for n, label in enumerate(skin)],
            False,
        ),
    ]


def private_grids() -> list[Grid]:
    """Images that stand for those of patients."""
    images = [(picture(90 + n), f"{'synthetic' if n % 2 else 'real'} {n}") for n in range(6)]
    return [Grid("Closest pairs", "The three closest pairs.", images, True)]


def sections() -> list[Section]:
    """All parts of the invented report."""
    return [fidelity(), alignment(), privacy()]


def picture(seed: int) -> npt.NDArray[np.uint8]:
    """Two dark ovals on a light ground, with noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1:1:64j, -1:1:64j]
    image = 170 - 60 * np.hypot(x, y)
    for centre in (-0.4, 0.4):
        image[((x - centre) / 0.28) ** 2 + (y / (0.6 + 0.1 * rng.random())) ** 2 < 1] -= 90
    return np.clip(image + rng.normal(0, 9, image.shape), 0, 255).astype(np.uint8)


def measured(value: float, low: float, high: float) -> dict[str, Any]:
    """A measured number as sections write it."""
    ends = {"value": value, "low": low, "high": high, "n_real": 360, "n_synthetic": 1200}
    return {**ends, "extractor": EXTRACTOR, "preprocessing": "64 px, mean 0.5"}


def write(out: Path, **changes: Any) -> Path:
    """Write the invented report, with its private page."""
    return write_report(out, header(**changes), sections(), grids(), private_grids())
