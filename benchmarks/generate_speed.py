"""Images per second of synthmed's generation beside plain diffusers, on the same folder.

What it shows, and how to read it:

1. *Speed.* Plain diffusers (`StableDiffusionPipeline.from_pretrained(folder)`: 50 steps, guidance
   at every step, float32, the scheduler that is stored in the folder) beside synthmed with its own
   defaults: tensors (`Generator.sample`) and whole datasets (`synthmed.generate`, beside diffusers
   and a PNG an image). The batch size, the prompts, the noise and the scale of guidance are the
   same. A third row gives diffusers as many evaluations of the network as synthmed makes: what is
   left there is what the code gains. Targets: 5 times, and 1.4 times. A target counts as reached
   when the lower end of the interval reaches it.
2. *What each part gains.* synthmed with one thing changed. "synthmed is ... times as fast" above 1
   means that the default is the faster one. The last row repeats the first one: how far it lies
   from 1 is how far the machine drifts.
3. *Quality.* Faster images must not be worse: see `benchmarks/quality.py` for the test and its
   margin, set before any run. Two controls must fail the same test: 4 Euler steps, and prompts
   shuffled over all images. If a control passes, the test has shown nothing.

    python -m benchmarks.generate_speed --profile smoke    # minutes: every row, never quoted
    python -m benchmarks.generate_speed --profile cpu

Rows are kept as they are finished; the same command continues. The made images lie in
`runs/generate_speed/`, which git ignores. While other processes are busy timings are not written;
the next run makes up for them.
"""

from __future__ import annotations

import inspect
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.common import ROOT, Results, Row, model_facts, model_folder, parse, run, say, show
from benchmarks.data import eight_bits, read_rows, refuse_overlap, slug
from benchmarks.quality import (
    MARGIN,
    distances,
    features_of,
    judged_types,
    orders_of,
    real_side,
)
from benchmarks.samplers import SEED, Order, Variant, make
from benchmarks.speed_tables import tables
from benchmarks.speed_variants import network_evaluations, variants
from benchmarks.timing import clock, machine, rate, watched
from synthmed.synthesis.generate import generate
from synthmed.synthesis.sampling import Sampling

NAME = "generate_speed"


@dataclass(frozen=True)
class Profile:
    """Size of a run.

    Attributes:
        images: Images a side, at least.
        types: Image types at most; None takes all.
        batch: Images evaluated together; None takes the default of `synthmed.generate`.
        batches: Other sizes of a batch to try.
        device: Where to compute.
        look: Seconds to look at the load of other processes before a row.
    """

    images: int
    types: int | None
    batch: int | None
    batches: tuple[int, ...]
    device: str
    look: float


PROFILES = {
    "smoke": Profile(16, 2, 8, (1, 16, 32), "cpu", 0.5),
    "cpu": Profile(512, None, None, (1, 8, 64), "cpu", 10.0),
    "gpu": Profile(2048, None, None, (1, 8, 64, 256), "cuda", 5.0),
}


def measure(
    variant: Variant, orders: Sequence[Order], folder: Path, profile: Profile, kept: Path
) -> Row:
    """Make a variant's images, timing them; keep those that are judged."""
    if variant.images is not None:  # enough for several batches, but never many times the rest
        fewest = 2 * variant.batch
        variant = replace(variant, images=max(fewest, min(variant.images, len(orders))))
    made = make(variant, orders, folder, profile.device)
    row: Row = {**variant.facts(), **made.facts}
    parts: list[npt.NDArray[np.float32]] = []

    def work() -> Any:
        for images in made.chunks:
            parts.append(images)
            yield len(images)

    with watched(row, profile.look):
        seconds, counts = clock(work())
    row["images"] = sum(counts)
    if "withheld" not in row:
        row["rate"] = rate(seconds, counts)
    if variant.judged:
        kept.parent.mkdir(parents=True, exist_ok=True)
        levels = np.rint((eight_bits(np.concatenate(parts)) + 1) * 127.5)
        np.save(kept, levels.astype(np.uint8))
    return row


def main(argv: Sequence[str] | None = None, work: Path = ROOT / "runs/generate_speed") -> None:
    """Run the benchmark.

    Args:
        argv: The command line; None takes the process's.
        work: Folder for the made images.
    """
    options = parse(__doc__, argv)
    profile = PROFILES[options.profile]
    folder, card = model_folder(options.model)
    rows = read_rows(options.data, "test")
    types = judged_types(rows, card, profile.types)
    overlap = refuse_overlap([row for row in rows if row.image_type in types], card)
    own = Sampling(**card.get("sampling", {}))
    default = int(inspect.signature(generate).parameters["batch_size"].default)
    orders = orders_of(rows, types, profile.images)
    count = network_evaluations(folder, own, profile.device)
    every = variants(own, count, profile.batch or default, profile.batches)
    facts = {
        "machine": machine(profile.device),
        "model": model_facts(card),
        "settings": {
            **asdict(profile),
            "sampling": asdict(own),
            "types": types,
            "seed": SEED,
            "margin": MARGIN,
            "overlap": overlap,
        },
    }
    results = Results(options.results, NAME, options.profile, facts, options.fresh)
    work = work / f"{card['hash'][:16]}-{options.profile}"
    for variant in every:
        kept = work / f"{slug(variant.name)}.npy"
        if variant.compiled and not shutil.which("g++"):
            results.add(variant.name, {"failed": "no C++ compiler here"})
        elif results.lacks(variant.name) or (variant.judged and not kept.is_file()):
            say(f"{variant.name} ...")
            row = measure(variant, orders, folder, profile, kept)
            if results.lacks(variant.name):
                results.add(variant.name, row)
    _judge(results, every, orders, real_side(rows, types, card["image_size"]), card, work)
    show(tables(results.content))


def _judge(
    results: Results,
    every: Sequence[Variant],
    orders: Sequence[Order],
    real: Any,
    card: Mapping[str, Any],
    work: Path,
) -> None:
    """Compare the kept images with the real ones."""
    baseline = None
    for variant in [variant for variant in every if variant.judged]:
        levels = np.load(work / f"{slug(variant.name)}.npy")
        features = features_of((levels / 127.5 - 1).astype(np.float32), orders, card)
        found = distances(real, orders, features, baseline)
        results.add(f"judged: {variant.name}", {"distances": found, "extractor": real.extractor})
        baseline = baseline or features


if __name__ == "__main__":
    run(main)
