"""The rows of `generate_speed`: baselines, synthmed, synthmed with one thing changed, controls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.samplers import SEED, Variant
from synthmed.models.generator import Generator
from synthmed.synthesis.sampling import Sampling
from synthmed.transport.guidance import Guidance
from synthmed.transport.solvers import SOLVERS, evaluations

DIFFUSERS, MATCHED, OURS = "diffusers, 50 steps", "diffusers, our evaluations", "synthmed"
DIFFUSERS_FILES, OURS_FILES = "diffusers, 50 steps, files", "synthmed generate, files"
CONTROLS = ("control: 4 Euler steps", "control: shuffled prompts")
AGAIN = "synthmed, once more"


def network_evaluations(folder: Path, sampling: Sampling, device: str) -> int:
    """Count how often synthmed evaluates the network for one image."""
    generator = Generator.load(folder, device=device)
    calls: list[int] = []
    generator.unet.register_forward_pre_hook(lambda _, args: calls.append(len(args[0])))
    how = Guidance(sampling.guidance, sampling.start, sampling.stop)
    generator.sample([""], [SEED], steps=sampling.steps, guidance=how, solver=sampling.solver)
    return sum(calls)


def variants(own: Sampling, count: int, batch: int, others: Sequence[int]) -> list[Variant]:
    """All rows: baselines, ours, ours with one thing changed, controls.

    Args:
        own: The model's own settings.
        count: Evaluations an image that they make.
        batch: Images evaluated together.
        others: Other batch sizes.
    """
    plain = replace(own, steps=50)
    matched = replace(own, steps=-(-count // (1 if own.guidance == 1 else 2)))
    ours = Variant(OURS, "synthmed", own, batch)
    whole = (own.start, own.stop) == (0.0, 1.0)
    guided = replace(own, start=0.2, stop=0.8) if whole else replace(own, start=0.0, stop=1.0)
    heun = max(1, evaluations(own.solver, own.steps) // 2)
    rows = [
        Variant(DIFFUSERS, "diffusers", plain, batch),
        Variant(MATCHED, "diffusers", matched, batch),
        ours,
        Variant(DIFFUSERS_FILES, "diffusers", plain, batch, files=True, judged=False),
        Variant(OURS_FILES, "synthmed", own, batch, files=True, judged=False),
        replace(ours, name="50 steps", sampling=plain),
        replace(ours, name=f"guidance in t {guided.start:g} to {guided.stop:g}", sampling=guided),
        replace(ours, name="float32", dtype="float32"),
        replace(ours, name="without channels_last", contiguous=True),
        replace(ours, name="compiled", compiled=True, judged=False),
    ]
    for solver in [name for name in SOLVERS if name != own.solver]:
        changed = replace(own, solver=solver, steps=heun if solver == "heun" else own.steps)
        rows.append(replace(ours, name=f"{solver}, {changed.steps} steps", sampling=changed))
    rows += [
        replace(ours, name=f"batches of {size}", batch=size, images=size * 64, judged=False)
        for size in others
    ]
    euler = replace(own, solver="euler", steps=4)
    return [
        *rows,
        replace(ours, name=CONTROLS[0], sampling=euler),
        replace(ours, name=CONTROLS[1], shuffled=True),
        replace(ours, name=AGAIN, judged=False),
    ]
