"""Table 4 of `translate`: quality against evaluations, cost against resolution; and timings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch

from benchmarks.common import Row
from benchmarks.timing import clock, rate, watched
from benchmarks.translate_curves import realism
from benchmarks.translate_frame import Bench, Pair
from benchmarks.translate_methods import BATCH, DEPTHS, CodecRoundTrip, Ours, made
from benchmarks.translate_point_rows import left_out
from benchmarks.translate_points import per_image
from benchmarks.translate_setup import (
    SINGLE,
    UNRANKED,
    Known,
    families,
    has_gan,
    judge,
    method,
    title,
)
from synthmed.synthesis.editing import EditSettings
from synthmed.synthesis.editing import evaluations as edit_evaluations
from synthmed.transport.solvers import SOLVERS

INVERSIONS = ("difference", "plain")
BUDGETS = (4, 8, 16, 32, 64)
"""Evaluations of the network for one image, both ways together."""
DEPTH = DEPTHS[2]
FINE = EditSettings(DEPTH, 1.0, 64, "heun", inversion="plain")
"""What stands for the exact solution: 256 evaluations."""
SIDES = (8, 16, 32, 64)
"""Sides of the latents; the images are four times as wide."""
PIECES, WARM = 6, 1


def rows(bench: Bench, known: Known) -> dict[str, Callable[[], Row]]:
    """The rows of table 4: steps, and what can only be timed."""
    found: dict[str, Callable[[], Row]] = {}
    for solver in SOLVERS:
        for inversion in INVERSIONS:
            for budget in BUDGETS:
                row = partial(steps_row, bench, known, solver, inversion, budget)
                found[f"steps: {solver}, {inversion}, {budget}"] = row
    return found


def timings(bench: Bench, known: Known) -> dict[str, Callable[[], Row]]:
    """Seconds an image of each family, and of the network at several sizes."""
    pair = next(pair for pair in bench.profile.pairs if has_gan(bench, pair))
    found: dict[str, Callable[[], Row]] = {
        f"time: {family}": partial(time_row, bench, known, pair, names[0])
        for family, names in families(bench, pair).items()
        if family not in UNRANKED
    }
    for side in SIDES:
        found[f"cost: {side}"] = partial(cost_row, bench, side)
    return found


def within(budget: int, settings: EditSettings) -> EditSettings | None:
    """The settings with as many steps as the budget allows; None if it allows none."""
    steps = 0
    while edit_evaluations(replace(settings, steps=steps + 1)) <= budget:
        steps += 1
    return replace(settings, steps=steps) if steps else None


def steps_row(bench: Bench, known: Known, solver: str, inversion: str, budget: int) -> Row:
    """One solver within one budget, at guidance 1 and one depth, on the first pair.

    `error` is the root of the mean squared difference to a much finer solution, `identity error`
    that of source = target to the codec's round trip; both in units of [-1, 1].
    """
    start = EditSettings(DEPTH, 1.0, 1, solver, inversion=inversion)
    settings = within(budget, start)
    if settings is None:
        return {"skipped": f"one step takes {edit_evaluations(start)} evaluations"}
    pair, own = bench.profile.pairs[0], judge(bench)
    images, groups = own.parts[pair[0]].images, own.parts[pair[0]].groups
    generator, key = bench.generator(), f"steps {title(pair)}"

    def of(how: EditSettings, target: str) -> Any:
        name = f"{how.solver} {how.inversion} {how.steps}"
        return made(bench.work, Ours(generator, how, name), images, pair[0], target, key)

    output = of(settings, pair[1])
    exact = of(FINE if not bench.profile.tiny else replace(FINE, steps=4), pair[1])
    rebuilt = made(bench.work, CodecRoundTrip(generator), images, *pair, key)
    row, kept = own.point(output, *pair)
    untouched = left_out(bench, known, pair, "identity")["kid"]
    row["realism"] = own.estimate(realism(kept["kid"], untouched), len(images), share=True)
    row["error"] = per_image(_away(output, exact), groups)
    row["identity error"] = per_image(_away(of(settings, pair[0]), rebuilt), groups)
    return {"steps": settings.steps, "evaluations": edit_evaluations(settings), **row}


def _away(a: Any, b: Any) -> Any:
    """Root mean squared difference of each image."""
    return np.sqrt(((np.asarray(a, np.float64) - b) ** 2).mean(axis=(1, 2, 3)))


def time_row(bench: Bench, known: Known, pair: Pair, name: str) -> Row:
    """Images per second of a method in batches; the first batch does not count."""
    each = method(bench, known, pair, name)
    images = judge(bench).parts[pair[0]].images
    batch = images[np.arange(BATCH) % len(images)]
    pieces = 2 if bench.profile.tiny else PIECES
    if name in SINGLE:
        batch = np.concatenate([batch] * 4)

    def work() -> Iterator[int]:
        for _ in range(pieces):
            each.translate(batch, *pair)
            yield len(batch)

    each.translate(batch, *pair)
    row: Row = {"batch": len(batch), "evaluations": each.evaluations}
    return _timed(row, work(), bench)


def _timed(row: Row, work: Iterator[int], bench: Bench) -> Row:
    with watched(row, bench.profile.look):
        seconds, counts = clock(work)
    if "withheld" not in row:
        row["rate"] = rate(seconds, counts)
    return row


def cost_row(bench: Bench, side: int) -> Row:
    """Evaluations of the velocity network per second at a side of the latents.

    The network is convolutional and takes any even side; its weights are those for 16.
    """
    generator = bench.generator()
    count = max(1, 32 * 16 * 16 // side**2)
    domain = bench.profile.pairs[0][1]
    tokens = generator.condition([{"domain": domain}] * count)
    latents = torch.randn(
        (count, generator.codec.latent_channels, side, side),
        generator=torch.Generator().manual_seed(side),
    ).to(generator.device)
    pieces = 2 if bench.profile.tiny else PIECES

    def evaluate(times: int) -> None:
        for _ in range(times):
            (out,) = generator.velocities(latents, 0.5, (tokens,))
        out.sum().item()  # waits for the device

    def work() -> Iterator[int]:
        for _ in range(pieces):
            evaluate(4)
            yield 4 * count

    evaluate(WARM)
    row: Row = {"image side": side * generator.codec.factor, "batch": count}
    return _timed(row, work(), bench)
