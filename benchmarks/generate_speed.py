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

from benchmarks.common import (
    ROOT,
    Results,
    Row,
    Table,
    interval,
    model_facts,
    model_folder,
    parse,
    run,
    say,
    show,
)
from benchmarks.data import eight_bits, read_rows, refuse_overlap, slug
from benchmarks.quality import (
    MARGIN,
    METRICS,
    closest_call,
    distances,
    features_of,
    judged_types,
    orders_of,
    passes,
    real_side,
)
from benchmarks.samplers import SEED, Order, Variant, make
from benchmarks.timing import clock, machine, rate, ratio, watched
from synthmed.models.generator import Generator
from synthmed.synthesis.generate import generate
from synthmed.synthesis.sampling import Sampling
from synthmed.transport.guidance import Guidance
from synthmed.transport.solvers import SOLVERS, evaluations

NAME = "generate_speed"
DIFFUSERS, MATCHED, OURS = "diffusers, 50 steps", "diffusers, our evaluations", "synthmed"
DIFFUSERS_FILES, OURS_FILES = "diffusers, 50 steps, files", "synthmed generate, files"
CONTROLS = ("control: 4 Euler steps", "control: shuffled prompts")
AGAIN = "synthmed, once more"
TARGETS = {DIFFUSERS: 5.0, MATCHED: 1.4, DIFFUSERS_FILES: 5.0}


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


def tables(content: Mapping[str, Any]) -> list[Table]:
    """The tables of a results file."""
    rows = content["rows"]
    return [
        speed_table(content, rows),
        parts_table(rows),
        *(quality_table(rows, metric) for metric in METRICS),
        verdict_table(rows),
    ]


def _rate(row: Mapping[str, Any]) -> str:
    if "rate" in row:
        return interval(row["rate"])
    return str(row.get("failed", "withheld" if "withheld" in row else "not yet run"))


def _times(rows: Mapping[str, Row], fast: str, slow: str) -> dict[str, Any] | None:
    a, b = rows.get(fast, {}).get("rate"), rows.get(slow, {}).get("rate")
    return ratio(a, b) if a and b else None


def speed_table(content: Mapping[str, Any], rows: Mapping[str, Row]) -> Table:
    """Baselines and ours side by side."""
    pairs = [(DIFFUSERS, OURS), (MATCHED, OURS), (DIFFUSERS_FILES, OURS_FILES)]
    lines, notes = [], []
    for slow, fast in pairs:
        times = _times(rows, fast, slow)
        names = [slow, fast]
        here = [rows.get(name, {}) for name in names]
        cells = [str(row.get("evaluations", "")) for row in here]
        gain = interval(times) if times else ""
        lines.append([*names, *cells, *map(_rate, here), gain, f"{TARGETS[slow]:g}"])
        if times:
            low = times["value"] if times["low"] is None else times["low"]
            verdict = "reached" if low >= TARGETS[slow] else "missed"
            notes.append(f"{fast} against {slow}: target {TARGETS[slow]:g} times, {verdict}.")
    own = content["settings"]["sampling"]
    how = ", ".join(f"{key} {value}" for key, value in own.items())
    images = rows.get(OURS, {}).get("images", "?")
    notes += [
        f"{images} images a side, the same prompts and noise; seed {content['settings']['seed']}.",
        f"synthmed's own settings: {how}; {rows.get(OURS, {}).get('dtype', '?')}, channels_last.",
    ]
    header = ["baseline", "ours", "evaluations: baseline", "ours", "images/s: baseline", "ours"]
    header += ["times", "target"]
    return Table("Images per second, diffusers beside synthmed", header, lines, notes)


def parts_table(rows: Mapping[str, Row]) -> Table:
    """The rows with one thing changed."""
    skip = {DIFFUSERS, MATCHED, DIFFUSERS_FILES, OURS_FILES, *CONTROLS}
    lines = []
    for name, row in rows.items():
        if name in skip or name.startswith("judged: "):
            continue
        times = _times(rows, OURS, name)
        lines.append(
            [
                name,
                str(row.get("evaluations", "")),
                str(row.get("images", "")),
                _rate(row),
                interval(times) if times else "",
            ]
        )
    notes = [
        f"Compiling took {row['compile_seconds']} s, which is not in its rate."
        for row in rows.values()
        if "compile_seconds" in row
    ]
    header = ["changed", "evaluations", "n", "images/s", "synthmed is ... times as fast"]
    return Table("What each part gains", header, lines, notes)


def quality_table(rows: Mapping[str, Row], metric: str) -> Table:
    """Distances to real test patients per type."""
    names = (DIFFUSERS, OURS, *CONTROLS)
    found = [rows.get(f"judged: {name}", {}).get("distances", {}).get(metric, {}) for name in names]
    base, ours, *controls = found
    lines = [
        [
            name,
            f"{entry['n_real']} ({entry['patients']})",
            str(entry["n"]),
            interval(base[name]),
            interval(entry),
            interval(entry["difference"], 2),
            *(interval(control[name]["difference"], 2) for control in controls),
            f"{entry['margin']:.2g}",
        ]
        for name, entry in ours.items()
        if all(name in control for control in controls)
    ]
    header = ["type", "real (patients)", "n", "diffusers", "ours", "ours - diffusers"]
    header += ["4 Euler steps - diffusers", "shuffled - diffusers", "margin"]
    title = f"{metric} to real test patients (low is good); differences from diffusers' 50 steps"
    return Table(title, header, lines)


def verdict_table(rows: Mapping[str, Row]) -> Table:
    """Who is no worse than diffusers' 50 steps, and whether the controls were found."""
    lines = []
    for name, row in rows.items():
        if name.startswith("judged: ") and name != f"judged: {DIFFUSERS}":
            calls = [closest_call(row, metric) for metric in METRICS]
            shares = [f"{share:.2f} ({kind})" for kind, share in calls]
            verdict = "no worse" if passes(row) else "fails"
            lines.append([name.removeprefix("judged: "), *shares, verdict])
    notes = [
        f"Upper end of the difference, as a share of the margin ({MARGIN:g} of the distance to the "
        "other types), for the type where it is largest: below 1 passes.",
    ]
    judged = [rows.get(f"judged: {name}") for name in (OURS, *CONTROLS)]
    if all(judged):
        ours, *controls = (passes(row) for row in judged if row)
        sound = "both controls fail, as they must"
        if any(controls):
            sound = "A CONTROL PASSES, so that this test shows nothing"
        notes.append(f"synthmed {'is no worse' if ours else 'FAILS'}; {sound}.")
    header = ["images", *METRICS, "verdict"]
    return Table("No worse than diffusers' 50 steps?", header, lines, notes)


if __name__ == "__main__":
    run(main)
