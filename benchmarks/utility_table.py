"""What synthetic images are worth for training: MediSyn's main table on real sets.

For each set: classifiers trained on N real patients, on 2N, on N and as many synthetic images, on
synthetic images alone, and on these and then on N; tested on real test patients. The generator is
trained by `synthmed train` on the same N patients and on nothing else of the set: the patients
whose loss chooses its step are among the N. Beside it a row with a bundled generator, which is
marked with what it saw. All that is measured is told, good or bad.

Set beforehand:

1. *Sets.* Of the candidates in `benchmarks/utility-sets.yaml` those two are taken where the lower
   end of what 2N is worth over N is highest, for a plain classifier on training rows alone.
2. *Help.* Real N and synthetic help if AUROC exceeds that of real N, and that of real N trained
   twice as long, with the whole 95 % interval of the paired difference.
3. *Twice the data.* They are worth twice the data if real 2N is better than N by a whole interval,
   and they are not worse than real 2N by more than 0.02: the whole interval of the difference.
4. *Control.* Synthetic images with shuffled labels must not help; if they do, nothing counts.

    python -m benchmarks.utility_table --profile smoke    # minutes: every row, never quoted
    python -m benchmarks.utility_table --profile cpu

Networks continue from their checkpoints, images and classifiers that are finished are kept, in
`runs/utility_table/`, which git ignores; the same command continues. It holds real images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from benchmarks.common import ROOT, Results, Row, model_facts, model_folder, parse, run, say, show
from benchmarks.data import slug
from benchmarks.utility_choice import gain
from benchmarks.utility_generator import Size, bundled_images, facts, own_images, trained
from benchmarks.utility_sets import SEEN, Candidate, candidates, read_set
from benchmarks.utility_tables import DOUBLE, MARGIN, tables
from synthmed.evaluation.utility_parts.designs import Design, headline
from synthmed.evaluation.utility_parts.table import utility_table

NAME = "utility_table"

__all__ = ["main", "tables"]


@dataclass(frozen=True)
class Profile:
    """Size of a run.

    Attributes:
        sets: Sets that are taken.
        rows: Rows of a split at most; None takes all.
        repeats: Draws of the choice of sets.
        size: Side of the images in pixels; None takes the set's.
        views: Images that each network of a generator sees.
        tiny: Tiny networks.
        steps: Optimiser steps of a classifier.
        batch: Images a step.
        seeds: Seeds of a row.
        bootstraps: Draws of the bootstrap.
        device: Where to compute.
        dtype: Of the classifiers' training.
        workers: Processes that train classifiers at a time.
    """

    sets: int
    rows: int | None
    repeats: int
    size: int | None
    views: int
    tiny: bool
    steps: int
    batch: int
    seeds: int
    bootstraps: int
    device: str
    dtype: str
    workers: int


PROFILES = {
    "smoke": Profile(2, 56, 2, 32, 16, True, 4, 8, 2, 100, "cpu", "float32", 1),
    "cpu": Profile(2, None, 10, None, 102_400, False, 1600, 64, 5, 1000, "cpu", "bfloat16", 2),
    "gpu": Profile(2, None, 10, None, 102_400, False, 1600, 64, 5, 1000, "cuda", "bfloat16", 1),
}


def main(
    argv: Sequence[str] | None = None,
    listing: Path = ROOT / "benchmarks/utility-sets.yaml",
    work: Path = ROOT / "runs/utility_table",
) -> None:
    """Run the benchmark.

    Args:
        argv: The command line; None takes the process's.
        listing: The candidates.
        work: Folder for real images, networks and predictions.
    """
    options = parse(__doc__, argv)
    profile, work = PROFILES[options.profile], work / options.profile
    bundled, card = model_folder(options.model)
    known = candidates(listing)
    settings = {**asdict(profile), "margin": MARGIN, "candidates": [c.name for c in known]}
    about = {"model": model_facts(card), "settings": settings}
    results = Results(options.results, NAME, options.profile, about, options.fresh)
    for candidate in known:
        if results.lacks(f"choice: {candidate.name}"):
            say(f"choice: {candidate.name} ...")
            real = read_set(candidate, work / slug(candidate.name), profile.rows)
            results.add(f"choice: {candidate.name}", gain(real, profile.repeats))
    for candidate in chosen(known, results.rows, profile.sets):
        if results.lacks(f"table: {candidate.name}"):
            say(f"table: {candidate.name} ...")
            found = measure(candidate, profile, bundled, work / slug(candidate.name))
            results.add(f"table: {candidate.name}", found)
    show(tables(results.content))


def chosen(known: Sequence[Candidate], rows: Mapping[str, Row], count: int) -> list[Candidate]:
    """The candidates where the lower end of what 2N is worth is highest."""

    def low(candidate: Candidate) -> float:
        return float(rows[f"choice: {candidate.name}"]["gain"]["low"] or 0.0)

    return sorted(known, key=low, reverse=True)[:count]


def measure(candidate: Candidate, profile: Profile, bundled: Path, work: Path) -> Row:
    """Train the generator, make the images, train and test the classifiers."""
    sized = replace(candidate, size=profile.size or candidate.size)
    real = read_set(sized, work, profile.rows)
    size = Size(profile.views, profile.tiny, profile.device)
    generator = trained(real, work, size)
    sets = {"synthetic": own_images(real, generator, work / "synthetic", profile.device)}
    designs = headline()
    other = bundled_images(real, bundled, work / "bundled", profile.device)
    if other is not None:
        sets[bundled.name] = other
        name = f"real N + {bundled.name}"
        designs.append(Design(name, "together", "N", bundled.name, ratio=1.0))
    double = real.double
    data = utility_table(
        {"N": double.take(real.half), "2N": double},
        real.test,
        sets,
        labels=real.classes,
        designs=designs,
        seeds=tuple(range(profile.seeds)),
        classifier=f"small-cnn:{min(real.size, SEEN)}",
        steps=profile.steps,
        batch_size=profile.batch,
        device=profile.device,
        dtype=profile.dtype,
        bootstraps=profile.bootstraps,
        also_against=[DOUBLE],
        store=work / "predictions",
        workers=profile.workers,
        progress=say,
    )
    return {"size": real.size, "generator": facts(generator, size), "table": data}


if __name__ == "__main__":
    run(main)
