"""How good a generator's images are, type by type, beside real patients it has not seen.

Margins, set before any run; a target is *reached* when the whole 95 % interval lies on its good
side, *missed* when the whole interval lies on the other, else *open*:

1. *Type.* A judge takes at least 90 % of the images for the type of their prompt.
2. *Attributes.* AUROC of what the prompt says is at most .10 below that of the same judge on real
   images with the same captions. A judge counts only if it reaches .80 on real images; otherwise
   the attribute is not measurable on this data. Two judges: one with patients of its own, and one
   that was trained on the generator's training rows; see `benchmarks/judges-64.yaml`.
3. *Controls.* With prompts shuffled at sampling, 1 and 2 fall to chance (interval at or below it).
4. *KID* to real test patients, beside that of real training images (other patients) at equal n,
   of these through the codec, and blurred by one pixel (which must be found worse). No margin.
5. *Power* above half the Nyquist frequency: 0.5 to 2 times that of real test images.
6. *Copies* of training images: at most 5 %, by thresholds from held-out patients; at least 90 % of
   planted copies that went through the codec must be found.
7. *Diversity.* The distance of two images of one prompt is at least 0.7 of that of two real
   patients with one caption.

    python -m benchmarks.model_quality --profile smoke    # minutes: every row, never quoted
    python -m benchmarks.model_quality --profile cpu

Rows and images are kept as they are finished; the same command continues. Pictures of real images
beside made ones go to `runs/model_quality/`, which git ignores: never publish them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

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
from benchmarks.data import refuse_overlap, slug
from benchmarks.judges import JudgeRecipe, TypeJudge, read_judges
from benchmarks.model_copies import copies_row, diversity_row
from benchmarks.model_images import HELD_OUT, Scene
from benchmarks.model_rows import attribute_row, kid_row, power_row, type_row
from benchmarks.model_tables import tables
from benchmarks.quality import judged_types
from benchmarks.samplers import SEED
from synthmed.datasets.rows import Row as RealRow
from synthmed.models.generator import Generator
from synthmed.models.quiet import quiet
from synthmed.synthesis.sampling import Sampling
from synthmed.training.pictures import save_grid
from synthmed.training.sources import read_sources

NAME = "model_quality"


@dataclass(frozen=True)
class Profile:
    """Size of a run.

    Attributes:
        images: Images made for each type and for each attribute; half as many shuffled ones.
        real: Real images of each type and split, at most; None takes all.
        device: Where to sample.
    """

    images: int
    real: int | None
    device: str


PROFILES = {
    "smoke": Profile(8, 40, "cpu"),
    "cpu": Profile(256, None, "cpu"),
    "gpu": Profile(1024, None, "cuda"),
}


def main(
    argv: Sequence[str] | None = None,
    judges: Path = ROOT / "benchmarks/judges-64.yaml",
    work: Path = ROOT / "runs/model_quality",
) -> None:
    """Run the benchmark.

    Args:
        argv: The command line; None takes the process's.
        judges: The judges' recipe.
        work: Folder for made images and for pictures with real ones.
    """
    options = parse(__doc__, argv)
    profile = PROFILES[options.profile]
    folder, card = model_folder(options.model)
    recipe = read_judges(judges)
    rows = read_sources(str(options.data), ROOT).rows
    types = judged_types([row for row in rows if row.split == "test"], card, None)
    rows = _at_most([row for row in rows if row.image_type in types], profile.real)
    with quiet():
        generator = Generator.load(folder, device=profile.device)
    sampling = Sampling(**card.get("sampling", {}))
    work = work / f"{card['hash'][:16]}-{options.profile}"
    scene = Scene(generator, sampling, recipe, rows, types, profile.images, work)
    facts = {"model": model_facts(card), "settings": _settings(scene, profile, card)}
    results = Results(options.results, NAME, options.profile, facts, options.fresh)
    for name, measure in _rows(scene).items():
        if results.lacks(name):
            say(f"{name} ...")
            results.add(name, measure())
    for name in types:
        grid = torch.from_numpy(scene.pairs(name, 24))
        save_grid(grid, 8, work / f"real-beside-made-{slug(name)}.png")
    say(f"pictures, with real images in the odd rows: {work}")
    show(tables(results.content))


def _settings(scene: Scene, profile: Profile, card: dict[str, Any]) -> dict[str, Any]:
    """What the rows depend on."""
    held_out = [row for row in scene.rows if row.split in HELD_OUT]
    return {
        **asdict(profile),
        "sampling": asdict(scene.sampling),
        "dtype": scene.generator.dtype,
        "types": scene.types,
        "seed": SEED,
        "judges": scene.recipe.hash,
        "captions too long for the model": len(held_out) - len(scene.prompts),
        "overlap": refuse_overlap(held_out, card),
        "overlap of the judges `train`": "trained on the generator's own training rows",
    }


def _rows(scene: Scene) -> dict[str, Callable[[], Row]]:
    """All rows, and what measures each."""
    val = scene.real("", "val")
    judge = TypeJudge.fit(val.images, val.rows, scene.recipe.ridge)
    rows: dict[str, Callable[[], Row]] = {}
    for name in scene.types:
        rows[f"type: {name}"] = partial(type_row, scene, judge, name)
        rows[f"power: {name}"] = partial(power_row, scene, name)
        rows[f"kid: {name}"] = partial(kid_row, scene, judge, name)
        rows[f"diversity: {name}"] = partial(diversity_row, scene, judge, name)
    for attribute in _attributes(scene.recipe, scene.types):
        rows[f"attribute: {attribute.name}"] = partial(attribute_row, scene, attribute)
    for name in scene.types:
        rows[f"copies: {name}"] = partial(copies_row, scene, name)
    return rows


def _attributes(recipe: JudgeRecipe, types: Sequence[str]) -> list[Any]:
    return [attribute for attribute in recipe.attributes if attribute.image_type in types]


def _at_most(rows: Sequence[RealRow], most: int | None) -> list[RealRow]:
    """Rows spread evenly over each type and split, at most so many of each."""
    if most is None:
        return list(rows)
    kinds: dict[tuple[str, str], list[RealRow]] = {}
    for row in rows:
        kinds.setdefault((row.image_type, row.split), []).append(row)
    return [
        own[i * len(own) // n]
        for own in kinds.values()
        for n in [min(most, len(own))]
        for i in range(n)
    ]


if __name__ == "__main__":
    run(main)
