"""Made images that show, or do not show, what is said of them: for alignment and detectability."""

from __future__ import annotations

import numpy as np

CHEST, SKIN = "chest X-ray", "dermatoscopy"
SIZE = 32


def picture(kind, positive, sex, age, draw) -> np.ndarray:
    """An image (1, 32, 32): a finding is a bright square, sex a bar, age a level of grey."""
    level = -0.6 + age / 120 if kind == CHEST else 0.5
    image = level + 0.12 * draw.standard_normal((1, SIZE, SIZE))
    if kind == SKIN:
        image[:, 10:22, 10:22] = -0.5 + 0.1 * draw.standard_normal((1, 12, 12))
    if positive:
        y, x = draw.integers(14, 20, 2)
        image[:, y : y + 7, x : x + 7] += 0.6 if kind == CHEST else -0.4
    if sex == "F":
        image[:, 2:5] += 0.5
    return np.clip(image, -1, 1).astype(np.float32)


def made_side(make_side, name, n, seed, shown=True, kinds=(CHEST, SKIN), info=None, domains=None):
    """A side of `n` images a type, two a group; with `shown` False the images show nothing said."""
    draw = np.random.default_rng(seed)
    columns = {
        key: [] for key in ("images", "groups", "kinds", "prompts", "labels", "ages", "sexes")
    }
    for kind in kinds:
        for i in range(n):
            positive, sex, age = (
                bool(draw.integers(2)),
                "FM"[draw.integers(2)],
                20 + 60 * draw.random(),
            )
            real = (positive, sex, age)
            if not shown:
                real = (bool(draw.integers(2)), "FM"[draw.integers(2)], 20 + 60 * draw.random())
            found = {CHEST: ("No Finding", "Effusion"), SKIN: ("melanocytic nevus", "melanoma")}
            label = found[kind][positive]
            columns["images"].append(picture(kind, *real, draw))
            columns["groups"].append(f"{name}:{kind}{i // 2}")
            columns["kinds"].append(kind)
            columns["labels"].append((label,) if name == "real" else (label.lower(),))
            who = f"{int(age)}-year-old {'woman' if sex == 'F' else 'man'}"
            columns["prompts"].append(f"{kind}, {label.lower()}, {who}")
            columns["ages"].append(age if name == "real" else None)
            columns["sexes"].append(sex if name == "real" else None)
    return make_side(name, np.stack(columns.pop("images")), **columns, info=info, domains=domains)
