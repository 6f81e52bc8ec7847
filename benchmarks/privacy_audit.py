"""Copies of training images: how many planted ones are found, who passes, and who fails.

Rules, set before any run. The detector is calibrated on the set's held-out patients for a
false-alarm rate of 1 %:

1. *Planted.* Copies of training images of eight kinds, four of which the detector does not search
   for: at least 95 % of all are found and traced to the right patient. Three further kinds stand
   beside them and do not count. Control: the hold-out images themselves, each judged by a rule
   from other patients (the false alarms).
2. *Others.* The held-out patients are dealt into two halves; each is judged as if it were
   synthetic, as it is and through the codec, with the other half as hold-out. An audit *fails* a
   set if the whole interval of its share of copies lies above 5 %, and *passes* it if the whole
   interval lies below. Other patients must pass.
3. *Generators.* One trained on 50 images for as long as the profile allows must fail. The model
   named by `--model` is judged by the same rule on its own training images.

    python -m benchmarks.privacy_audit --profile smoke    # minutes: every row, never quoted
    python -m benchmarks.privacy_audit --profile cpu

Rows are kept as they are finished; the same command continues. Images and the small generator go
to `runs/privacy_audit/`, which git ignores: they hold real patients' images, never publish them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from benchmarks.common import (
    ROOT,
    Results,
    Row,
    model_facts,
    model_folder,
    parse,
    run,
    say,
    show,
)
from benchmarks.data import refuse_overlap
from benchmarks.privacy_generators import bundled_row, overfitted_row
from benchmarks.privacy_rows import FALSE_ALARM, others_row, planted_row
from benchmarks.privacy_scenes import Scene, codec_of, scenes
from benchmarks.privacy_tables import tables
from benchmarks.samplers import SEED
from synthmed.models.generator import Generator
from synthmed.models.quiet import quiet
from synthmed.training.sources import read_sources

NAME = "privacy_audit"


@dataclass(frozen=True)
class Profile:
    """Size of a run.

    Attributes:
        sets: Image sets at most; None takes all that have enough patients.
        groups: Held-out patients that a set needs at least.
        images: Images of each side of a set, at most; None takes all.
        per_kind: Planted copies of each kind.
        large: Whether sets of large images are also judged at twice the model's size.
        steps: Optimiser steps of the generator of few images.
        made: Images that a generator makes.
        device: Where to train and sample.
    """

    sets: int | None
    groups: int
    images: int | None
    per_kind: int
    large: bool
    steps: int
    made: int
    device: str


PROFILES = {
    "smoke": Profile(2, 4, 48, 2, False, 4, 8, "cpu"),
    "cpu": Profile(None, 20, None, 50, True, 6400, 256, "cpu"),
    "gpu": Profile(None, 20, None, 50, True, 6400, 1024, "cuda"),
}


def main(argv: Sequence[str] | None = None, work: Path = ROOT / "runs/privacy_audit") -> None:
    """Run the benchmark.

    Args:
        argv: The command line; None takes the process's.
        work: Folder for the small generator and its images.
    """
    options = parse(__doc__, argv)
    profile = PROFILES[options.profile]
    folder, card = model_folder(options.model)
    rows = read_sources(str(options.data), ROOT).rows
    size = int(card["image_size"])
    found = scenes(rows, size, profile.groups, profile.sets, profile.images, profile.large)
    settings = {
        **asdict(profile),
        "seed": SEED,
        "false_alarm": FALSE_ALARM,
        "sets": [scene.title for scene in found],
        "overlap": refuse_overlap([row for row in rows if row.split != "train"], card),
    }
    facts = {"model": model_facts(card), "settings": settings}
    results = Results(options.results, NAME, options.profile, facts, options.fresh)
    with quiet():
        generator = Generator.load(folder, device=profile.device)
    work = work / f"{card['hash'][:16]}-{options.profile}"
    for name, measure in _rows(found, generator, folder, profile, work).items():
        if results.lacks(name):
            say(f"{name} ...")
            results.add(name, measure())
    show(tables(results.content))


def _rows(
    found: Sequence[Scene], generator: Generator, folder: Path, profile: Profile, work: Path
) -> dict[str, Callable[[], Row]]:
    """All rows, and what measures each."""
    rows: dict[str, Callable[[], Row]] = {}
    for scene in found:
        through = codec_of(generator, scene)
        rows[f"planted: {scene.title}"] = partial(planted_row, scene, through, profile.per_kind)
        rows[f"others: {scene.title}"] = partial(others_row, scene, through)
    first = found[0]
    rows[f"generator: few images, {first.title}"] = partial(
        overfitted_row, first, folder, profile.steps, profile.made, profile.device, work
    )
    rows[f"generator: {generator.card.get('name', 'model')}, {first.title}"] = partial(
        bundled_row, first, generator, profile.made
    )
    return rows


if __name__ == "__main__":
    run(main)
