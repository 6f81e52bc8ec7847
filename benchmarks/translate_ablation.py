"""Table 5 of `translate`: what each choice is worth, on the first pair, at all depths."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.common import Row
from benchmarks.data import slug
from benchmarks.translate_curves import areas, realism
from benchmarks.translate_frame import Bench
from benchmarks.translate_methods import (
    DEPTHS,
    CodecRoundTrip,
    Method,
    OnNetwork,
    Ours,
    made,
)
from benchmarks.translate_models import facts
from benchmarks.translate_point_rows import left_out
from benchmarks.translate_points import keep_leave_out, per_image, read_leave_out
from benchmarks.translate_setup import Known, judge
from synthmed.models.domain_norm import normalise
from synthmed.models.fields import velocity_field
from synthmed.models.generator import Generator
from synthmed.models.records import Record
from synthmed.synthesis.editing import EditSettings
from synthmed.transport.grids import uniform_grid
from synthmed.transport.solvers import integrate

SCALE = 2.0
"""Guidance where there is guidance: the default of MedShift's first author's code."""
BASE = "guidance 1 (base)"
NAMES = (
    BASE,
    f"guidance {SCALE:g} on the difference",
    "inversion plain, guidance 1",
    f"inversion plain, guidance {SCALE:g} on the difference",
    f"ordinary guidance {SCALE:g}, encode guidance 1",
    f"ordinary guidance {SCALE:g}, encode guidance {SCALE:g}",
)


class OrdinaryGuidance(OnNetwork):
    """Translation guided from the null condition: `v_null + w (v - v_null)`, as in MedShift's code.

    Args:
        generator: The model.
        depth: Time to go back to.
        back: Scale on the way back, under the source.
        forth: Scale on the way forward, under the target.
        steps: Solver steps each way.
    """

    def __init__(
        self, generator: Generator, depth: float, back: float, forth: float, steps: int
    ) -> None:
        name = f"ordinary guidance {back:g} back {forth:g} forth, depth {depth:g}"
        super().__init__(generator, name, "ordinary guidance")
        self.depth, self.back, self.forth, self.steps = depth, back, forth, steps

    @property
    def evaluations(self) -> float:
        """Of the network, both ways together."""
        return self.steps * sum(1 if scale == 1 else 2 for scale in (self.back, self.forth))

    @property
    def key(self) -> str:
        """Model and settings."""
        how = (self.depth, self.back, self.forth, self.steps)
        return f"ordinary {self.generator.hash} {how}"

    @torch.no_grad()
    def batch(
        self, images: Tensor, source: list[Record], target: list[Record], first: int
    ) -> Tensor:
        """Encode and decode a batch."""
        model, null = self.generator, self.generator.null(len(images))
        z = model.encode(images, source, depth=1.0)
        z = normalise(z, source, model.latent_normalisation)
        grid = uniform_grid(self.steps, 1.0, max(self.depth, model.path.t_min))
        own = model.condition(source)
        field = velocity_field(model.velocities, model.path, own, null, self.back)
        z = integrate(field, z, grid, "multistep")
        empty: list[Record] = [{}] * len(images)
        return model.decode(
            z, target, empty, depth=self.depth, guidance=self.forth, steps=self.steps
        )


def variants(bench: Bench, model: Generator) -> dict[str, list[Method]]:
    """The ablations that need no training of their own: five depths each."""
    steps = bench.profile.steps

    def edited(guidance: float, inversion: str) -> list[Method]:
        settings = [EditSettings(d, guidance, steps, inversion=inversion) for d in DEPTHS]
        return [Ours(model, one, f"{inversion} {guidance:g}, {one.depth:g}") for one in settings]

    def ordinary(back: float, forth: float) -> list[Method]:
        return [OrdinaryGuidance(model, depth, back, forth, steps) for depth in DEPTHS]

    dials = (
        edited(1.0, "difference"),
        edited(SCALE, "difference"),
        edited(1.0, "plain"),
        edited(SCALE, "plain"),
        ordinary(1.0, SCALE),
        ordinary(SCALE, SCALE),
    )
    return dict(zip(NAMES, dials, strict=True))


def rows(bench: Bench, known: Known) -> dict[str, Callable[[], Row]]:
    """Rows that need no further training."""
    return {f"ablation: {name}": partial(ablation_row, bench, known, name) for name in NAMES}


def trained_rows(bench: Bench, known: Known) -> dict[str, Callable[[], Row]]:
    """Rows of models that differ in training, the most essential first."""
    return {
        f"ablation: {name}": partial(trained_row, bench, known, name)
        for name in bench.profile.variants
    }


def ablation_row(bench: Bench, known: Known, name: str) -> Row:
    """A variant on the model of all domains."""
    return _row(bench, known, name, variants(bench, bench.generator())[name], bench.generator())


def trained_row(bench: Bench, known: Known, name: str) -> Row:
    """A model with one thing changed in training, otherwise as the base."""
    folder = bench.variant(name)
    model = bench.generator(folder)
    row = _row(bench, known, name, variants(bench, model)[BASE], model)
    return {**row, "model": facts(folder)}


def _row(bench: Bench, known: Known, name: str, dial: list[Method], model: Generator) -> Row:
    """Area, its difference to the base's, and the error of source = target."""
    pair, own = bench.profile.pairs[0], judge(bench)
    images, groups = own.parts[pair[0]].images, own.parts[pair[0]].groups
    key = f"ablation {name}"
    points = [own.point(made(bench.work, one, images, *pair, key), *pair) for one in dial]
    untouched = left_out(bench, known, pair, "identity")["kid"]
    structure = np.stack([kept["ssim"] for _, kept in points])
    real = np.stack([realism(kept["kid"], untouched) for _, kept in points])
    area = areas(structure, real)
    keep_leave_out(_file(bench, name), {"area": area})
    base = read_leave_out(_file(bench, BASE))["area"] if _file(bench, BASE).is_file() else area
    few = images[: 16 if bench.profile.tiny else 64]
    same = made(bench.work, dial[2], few, pair[0], pair[0], key)
    rebuilt = made(bench.work, CodecRoundTrip(model), few, pair[0], pair[0], key)
    error = np.sqrt(((same.astype(np.float64) - rebuilt) ** 2).mean(axis=(1, 2, 3)))
    return {
        "area": own.estimate(area, len(images), share=True),
        "minus base": None if name == BASE else own.estimate(area - base, len(images)),
        "ssim": [own.estimate(one, len(images)) for one in structure],
        "realism": [own.estimate(one, len(images), share=True) for one in real],
        "identity error": per_image(error, groups[: len(few)]),
        "evaluations": dial[0].evaluations,
    }


def _file(bench: Bench, name: str) -> Path:
    return bench.work / "points" / "ablation" / f"{slug(name)}.json"
