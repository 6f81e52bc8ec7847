"""The bundled generator was trained on captions of version 1: not one of them may change."""

from __future__ import annotations

import hashlib
from pathlib import Path

from synthmed.datasets.captions import CAPTION_VERSION, STYLES, caption
from synthmed.datasets.concepts import (
    BRAIN_FINDINGS,
    BREAST_TISSUES,
    BREAST_ULTRASOUND_FINDINGS,
    CHEST_FINDINGS,
    CHEST_VIEWS,
    MAMMOGRAPHY_ABNORMALITIES,
    MRI_SEQUENCES,
    SKIN_DIAGNOSES,
    SKIN_SITES,
)
from synthmed.datasets.prompts import prompt_examples, prompt_for
from synthmed.datasets.rows import Row

PINNED = "e830ad563d051de5a03612a4ce141af2a5744cc9f2de7ab06249f3e7f498a344"


def made_rows() -> list[Row]:
    """A row of every finding with every view, sequence, site, tissue and amount."""
    kinds = [("chest X-ray", [a], {"view": v}) for a in CHEST_FINDINGS for v in (*CHEST_VIEWS, "")]
    kinds += [("brain MRI", [a], {"sequence": s}) for a in BRAIN_FINDINGS for s in MRI_SEQUENCES]
    kinds += [("breast ultrasound", [a], {}) for a in BREAST_ULTRASOUND_FINDINGS]
    kinds += [
        ("mammography", [a], {"tissue": t, "abnormality": b})
        for a in ("benign", "malignant", "normal")
        for t in BREAST_TISSUES
        for b in (*MAMMOGRAPHY_ABNORMALITIES, "")
    ]
    kinds += [("dermatoscopy", [a], {"body_part": s}) for a in SKIN_DIAGNOSES for s in SKIN_SITES]
    kinds += [
        ("blood smear", [], {"n_wbc": str(w), "n_platelets": str(p), "n_rbc": str(r)})
        for w in range(3)
        for p in range(4)
        for r in (0, 5, 12, 20)
    ]
    kinds += [
        (kind, [], {"n_nuclei": str(n)})
        for kind in ("fluorescence nuclei", "bright-field nuclei")
        for n in (0, 5, 20, 50, 90)
    ]
    kinds += [("chest X-ray", ["Effusion", "No_Finding", "Hilar_Mass"], {"view": "PA"})]
    kinds += [("knee MRI", ["tear"], {"view": "sagittal"}), ("", [], {})]
    rows = []
    for number, (kind, labels, facts) in enumerate(kinds):
        row = Row(Path(), f"i{number}.png", "train", f"g:{number % 7}", image_type=kind)
        row.labels, row.age = tuple(labels), (None, 0.5, 7.0, 34.0, 90.0)[number % 5]
        row.sex = (None, "F", "M")[number % 3]
        for name, value in facts.items():
            if name in ("view", "body_part"):
                setattr(row, name, value)
            else:
                row.extra[name] = value
        rows.append(row)
    return rows


def test_all_captions_of_a_made_set_stay_as_they_are() -> None:
    rows = made_rows()
    texts = [caption(row, style, seed) for row in rows for style in STYLES for seed in range(3)]
    texts += [text for prompts in prompt_examples().values() for text in prompts]
    texts += [prompt_for("chest X-ray", "No Finding", view="PA", age=56, sex="F")]
    assert len(rows) > 300
    assert CAPTION_VERSION == "1"
    assert hashlib.sha256("\n".join(texts).encode()).hexdigest() == PINNED
