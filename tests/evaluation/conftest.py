"""Sides and contexts that the tests make, without files."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from synthmed.datasets.rows import Row
from synthmed.evaluation.context import Context, Features, Settings
from synthmed.evaluation.sides import Side
from synthmed.measures.features import load_extractor


def side_of(
    name,
    images,
    groups=None,
    kinds=None,
    prompts=None,
    labels=None,
    ages=None,
    sexes=None,
    domains=None,
    info=None,
):
    """A Side without files: images (N, C, S, S) in [-1, 1]; each column one cell a row."""
    images = np.asarray(images, dtype=np.float32)
    rows = []
    for i in range(len(images)):
        row = Row(Path(f"{name}_{i:04d}.png"), f"{name}_{i:04d}.png", "test", f"{name}:p{i:04d}")
        row.group_id = str(groups[i]) if groups is not None else row.group_id
        row.image_type = kinds[i] if kinds is not None else "chest X-ray"
        row.labels = tuple(labels[i]) if labels is not None else ()
        row.age = ages[i] if ages is not None else None
        row.sex = sexes[i] if sexes is not None else None
        row.domain = domains[i] if domains is not None else ""
        if prompts is not None:
            row.extra["prompt"] = prompts[i]
        rows.append(row)
    digests = [hashlib.sha256(image.tobytes()).hexdigest() for image in images]
    return Side(
        name, Path(name), tuple(rows), images, np.arange(len(rows)), np.asarray(digests), info or {}
    )


def extract(side, spec):
    extractor = load_extractor(spec)
    values = np.asarray(extractor(side.images()), dtype=np.float32)
    return Features(values, extractor.id, extractor.preprocessing)


@pytest.fixture
def make_side():
    return side_of


@pytest.fixture
def make_context():
    def make(real, synthetic, train=None, holdout=None, **settings):
        settings = Settings(**{"extractor": "pixels-16", **settings})
        return Context(real, synthetic, train, holdout, settings, extract)

    return make
