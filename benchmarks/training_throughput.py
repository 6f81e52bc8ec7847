"""Images per second of synthmed's flow training beside the usual training loop, part by part.

What it shows, and how to read it: the usual loop encodes images and captions at every step, in
float32 (`benchmarks/usual_loop.py` is written as researchers write it). The rows below it switch on
what synthmed does instead, one more at a time: latents from a cache, the text model once for each
distinct caption of a batch, bfloat16 autocast; and channels_last, which sampling uses and training
leaves out where this row shows that it costs. The last row is `FlowTask.step`, as
`synthmed train` runs it. Networks and batch size are those of the recipe `base-64.yaml`, with its
codec (f = 4) at 64 pixels and with one level more (f = 8) at 128 pixels, so that the velocity
network has the same work in both. Targets: 1.3 times at 64 pixels, 2 times at 128.

The rows of a size are measured in turns, block by block, so that a machine that slows down slows
all of them; "times" is the mean ratio to the usual loop over the blocks, with its interval.
Captions are those of the real training rows, because it matters how many of a batch are equal;
images and latents are made noise, whose values do not matter. "seconds a step" also says when the
cache has paid for itself: encoding all images once costs as much as one epoch's encoding.

    python -m benchmarks.training_throughput --profile smoke    # never quoted
    python -m benchmarks.training_throughput --profile cpu
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch

from benchmarks.common import ROOT, Results, Row, Table, interval, parse, run, say, show
from benchmarks.data import read_rows
from benchmarks.timing import machine, paired_ratio, rate, watched
from benchmarks.usual_loop import Networks, Stock, UsualLoop, cumulative
from synthmed.models.codec import AutoencoderCodec, build_autoencoder
from synthmed.models.denoiser import build_unet
from synthmed.models.generator import Generator
from synthmed.training.captions import CaptionTable, caption_table
from synthmed.training.ema import Ema
from synthmed.training.flow import FlowData, FlowTask
from synthmed.training.latents import LatentCache
from synthmed.training.recipe import load_recipe
from synthmed.training.settings import Recipe
from synthmed.training.text import build_text_conditioner
from synthmed.transport.paths import LinearPath

NAME = "training_throughput"
RECIPE = ROOT / "recipes/base-64.yaml"
SEED = 0
IMAGES = 512
SHIPPED = "synthmed train"
SIZES = {64: ((32, 64, 128), 1.3), 128: ((32, 64, 128, 128), 2.0)}
"""Side of the images: widths of the codec's levels, target."""


@dataclass(frozen=True)
class Profile:
    """Size of a run.

    Attributes:
        blocks: Blocks a row is measured in.
        steps: Optimiser steps a block.
        batch: Images a step; None takes the recipe's.
        device: Where to compute.
        look: Seconds to look at the load of other processes before a size.
    """

    blocks: int
    steps: int
    batch: int | None
    device: str
    look: float


PROFILES = {
    "smoke": Profile(2, 1, 4, "cpu", 0.5),
    "cpu": Profile(12, 5, None, "cpu", 10.0),
    "gpu": Profile(20, 25, None, "cuda", 5.0),
}


def recipe_of(size: int, batch: int | None, device: str) -> Recipe:
    """The bundled model's recipe at a size, on a device, with another batch where it is given."""
    levels = list(SIZES[size][0])
    recipe = load_recipe(
        RECIPE,
        [
            f"data.image_size={size}",
            f"codec.block_out_channels={levels}",
            f"device={device}",
            f"seed={SEED}",
        ],
    )
    return replace(recipe, flow=replace(recipe.flow, batch_size=batch)) if batch else recipe


class Bench:
    """The rows of one size, ready to step.

    Args:
        recipe: Sizes of the networks and of the batch.
        captions: Captions of the training rows.
        types: Their image types.
    """

    def __init__(self, recipe: Recipe, captions: CaptionTable, types: Sequence[str]) -> None:
        self.recipe, self.captions, self.types = recipe, captions, list(types)
        self.device = torch.device(recipe.device)
        draw = np.random.default_rng(SEED)
        size, codec = recipe.data.image_size, recipe.codec
        self.side = size >> (len(codec.block_out_channels) - 1)
        shape = (len(types), 1, codec.latent_channels, self.side, self.side)
        self.latents = draw.standard_normal(shape).astype(np.float16)
        self.pixels = draw.integers(0, 256, (min(IMAGES, len(types)), 3, size, size), np.uint8)
        text = build_text_conditioner(captions.texts, recipe.condition, SEED)
        self.tokens = text.token_ids(captions.texts)

    def networks(self) -> tuple[Networks, Generator]:
        """New networks, the same ones at every call."""
        recipe = self.recipe
        torch.manual_seed(SEED)
        vae = build_autoencoder(
            image_size=recipe.data.image_size,
            latent_channels=recipe.codec.latent_channels,
            block_out_channels=recipe.codec.block_out_channels,
            layers_per_block=recipe.codec.layers_per_block,
        )
        text = build_text_conditioner(self.captions.texts, recipe.condition, SEED)
        unet = build_unet(
            sample_size=self.side,
            latent_channels=recipe.codec.latent_channels,
            condition_width=text.width,
            **asdict(recipe.denoiser),
        )
        size = recipe.data.image_size
        generator = Generator(AutoencoderCodec(vae), {"text": text}, unet, LinearPath(), size)
        return Networks(vae, text.module, unet), generator

    def usual(self) -> dict[str, Callable[[], None]]:
        """The usual loop, and its variants with one part more each."""
        steps: dict[str, Callable[[], None]] = {}
        for name, parts in cumulative():
            networks, _ = self.networks()
            stock = Stock(
                torch.from_numpy(self.pixels),
                torch.from_numpy(self.latents[: len(self.pixels), 0]),
                self.tokens,
                self.captions.index_NC[: len(self.pixels)],
            )
            recipe = self.recipe
            batch, dropout = recipe.flow.batch_size, recipe.condition.dropout
            steps[name] = UsualLoop(networks, stock, parts, batch, dropout, self.device).step
        return steps

    def shipped(self) -> Callable[[], None]:
        """A step as `synthmed train` makes it: on a batch, and the weights' average."""
        _, generator = self.networks()
        generator.unet.to(self.device).train()
        generator.conditioners["text"].module.to(self.device).train()
        generator.device = self.device
        cache = LatentCache(self.latents, np.arange(len(self.types)))
        data = FlowData(cache, cache, self.types, {"text": self.captions}, {"text": self.captions})
        task = FlowTask(self.recipe, data, generator, self.device, None)
        average = Ema(task.modules, self.recipe.flow.schedule.ema)
        count = 0

        def step() -> None:
            nonlocal count
            task.step(count)
            average.update(count)
            count += 1

        return step


def measure(bench: Bench, profile: Profile) -> Row:
    """Time all rows of a size in turns, after one step each to warm up."""
    steps = {**bench.usual(), SHIPPED: bench.shipped()}
    for step in steps.values():
        step()
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    row: Row = {"batch": bench.recipe.flow.batch_size, "steps": profile.blocks * profile.steps}
    with watched(row, profile.look):
        for _ in range(profile.blocks):
            for name, step in steps.items():
                start = time.perf_counter()
                for _ in range(profile.steps):
                    step()
                if bench.device.type == "cuda":
                    torch.cuda.synchronize()
                seconds[name].append(time.perf_counter() - start)
    row["distinct"] = distinct_share(bench)
    if "withheld" not in row:
        images = [profile.steps * bench.recipe.flow.batch_size] * profile.blocks
        first = next(iter(seconds))
        row["rows"] = {
            name: {"rate": rate(own, images), "times": paired_ratio(own, seconds[first])}
            for name, own in seconds.items()
        }
    return row


def distinct_share(bench: Bench) -> float:
    """Distinct captions of a batch as a share of it, the mean of 100 batches."""
    draw = torch.Generator().manual_seed(SEED)
    batch, choices = bench.recipe.flow.batch_size, bench.captions.index_NC
    shares = []
    for _ in range(100):
        rows = torch.randint(len(choices), (batch,), generator=draw)
        drawn = choices[rows, torch.randint(choices.shape[1], (batch,), generator=draw)]
        dropped = torch.rand(batch, generator=draw) < bench.recipe.condition.dropout
        shares.append(len(torch.unique(torch.where(dropped, 0, drawn))) / batch)
    return float(np.mean(shares))


def main(argv: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    options = parse(__doc__, argv)
    profile = PROFILES[options.profile]
    rows = read_rows(options.data, "train")
    data = load_recipe(RECIPE).data
    captions = caption_table(rows, data.styles, data.captions, SEED)
    facts = {
        "machine": machine(profile.device),
        "settings": {**asdict(profile), "training_rows": len(rows), "seed": SEED},
    }
    results = Results(options.results, NAME, options.profile, facts, options.fresh)
    for size in SIZES:
        name = f"{size} px"
        if results.lacks(name):
            say(f"{name} ...")
            recipe = recipe_of(size, profile.batch, profile.device)
            bench = Bench(recipe, captions, [row.image_type for row in rows])
            results.add(name, measure(bench, profile))
    show(tables(results.content))


def tables(content: Mapping[str, Any]) -> list[Table]:
    """The tables of a results file, one a size."""
    return [_table(size, content["rows"].get(f"{size} px", {})) for size in SIZES]


def _table(size: int, row: Mapping[str, Any]) -> Table:
    levels, target = SIZES[size]
    factor = 2 ** (len(levels) - 1)
    title = f"Flow training at {size} pixels (codec f = {factor}), images per second"
    header = ["loop", "images/s", "seconds a step", "times the usual loop"]
    if "rows" not in row:
        state = "withheld" if "withheld" in row else "not yet run"
        return Table(title, header, [[state, "", "", ""]], [f"Target: {target:g} times."])
    lines = [
        [
            name,
            interval(entry["rate"]),
            f"{row['batch'] / entry['rate']['value']:.3g}",
            interval(entry["times"]) if i else "1",
        ]
        for i, (name, entry) in enumerate(row["rows"].items())
    ]
    times = row["rows"][SHIPPED]["times"]
    low = times["value"] if times["low"] is None else times["low"]
    notes = [
        f"Target: {target:g} times, {'reached' if low >= target else 'missed'}.",
        f"{row['steps']} steps of {row['batch']} images a row, in turns; "
        f"{row['distinct']:.0%} of a batch's captions are distinct.",
    ]
    return Table(title, header, lines, notes)


if __name__ == "__main__":
    run(main)
