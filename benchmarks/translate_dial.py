"""The calibrated dial of `translate` beside a fixed depth: what was asked for, what came."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.common import Row
from benchmarks.translate_curves import realism
from benchmarks.translate_frame import Bench, Pair
from benchmarks.translate_methods import DEPTHS, Ours, made
from benchmarks.translate_point_rows import left_out
from benchmarks.translate_setup import Known, guidance, judge, title
from synthmed.errors import SynthmedError
from synthmed.synthesis.calibration import calibrate
from synthmed.synthesis.dial import choose_depth
from synthmed.synthesis.editing import EditSettings
from synthmed.synthesis.editing import evaluations as edit_evaluations

KEEP = 0.7
"""Structure (mean SSIM) that the calibrated dial is asked for."""
FIXED = DEPTHS[2]
"""A depth that MedShift's table names, taken for all pairs."""
ASKED: dict[str, dict[str, Any]] = {
    f"structure {KEEP:g}": {"keep_structure": KEEP},
    "matched realism": {"match_realism": True},
    f"fixed depth {FIXED:g}": {"depth": FIXED},
}


def rows(bench: Bench, known: Known) -> dict[str, Callable[[], Row]]:
    """One row a pair."""
    return {
        f"dial: {title(pair)}": partial(dial_row, bench, known, pair)
        for pair in bench.profile.pairs
    }


def dial_row(bench: Bench, known: Known, pair: Pair) -> Row:
    """The dial calibrated on validation images, and a fixed depth, on test images."""
    scale, steps = guidance(known)[0], bench.profile.steps
    try:
        _calibrate(bench, scale)
    except SynthmedError as error:
        return {"skipped": str(error)}
    card = json.loads((bench.model / "synthmed.json").read_text(encoding="utf-8"))
    row: Row = {}
    for name, how in ASKED.items():
        try:
            dial = choose_depth(card, *pair, **how)
        except SynthmedError as error:
            row[name] = {"refused": str(error)}
            continue
        settings = EditSettings(dial.depth, scale, steps)
        row[name] = {
            "depth": dial.depth,
            "warnings": list(dial.warnings),
            "evaluations": edit_evaluations(settings),
            **_on_test(bench, known, pair, settings, name),
        }
    return row


def _on_test(
    bench: Bench, known: Known, pair: Pair, settings: EditSettings, name: str
) -> dict[str, Any]:
    """SSIM to the source and realism of the test images at these settings."""
    own, each = judge(bench), Ours(bench.generator(), settings, name)
    images = own.parts[pair[0]].images
    output = made(bench.work, each, images, *pair, f"dial {title(pair)}")
    row, kept = own.point(output, *pair)
    real = realism(kept["kid"], left_out(bench, known, pair, "identity")["kid"])
    return {
        "ssim": row["ssim"],
        "kid": row["kid"],
        "realism": own.estimate(real, len(images), share=True),
    }


def _calibrate(bench: Bench, scale: float) -> None:
    """Calibrate the model of all domains on validation images; what was measured stays."""
    tiny = bench.profile.tiny
    with warnings.catch_warnings(action="ignore"):  # the table says what they say
        calibrate(
            bench.model,
            bench.data.folder,
            depths=(0.0, 0.5, 1.0) if tiny else tuple(i / 10 for i in range(11)),
            pairs=list(bench.profile.pairs),
            most=40 if tiny else 200,
            guidance=scale,
            steps=bench.profile.steps,
            device=bench.device,
            dtype="float32",
            progress=False,
        )
