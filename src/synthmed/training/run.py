"""`train`: a recipe and its data to a Generator, stage by stage, each resumable."""

from __future__ import annotations

import csv
import warnings
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

from synthmed.models.device import pick_device
from synthmed.training.bars import stage
from synthmed.training.claim import Place, claim
from synthmed.training.codec_stage import ready_codec
from synthmed.training.conditions import ready_conditions
from synthmed.training.data import TrainingImages, load_images
from synthmed.training.disk import writing
from synthmed.training.flow_stage import train_generator
from synthmed.training.leakage import check_pixels
from synthmed.training.recipe import load_recipe
from synthmed.training.settings import Recipe
from synthmed.training.workers import begin, first_process_first, is_first, wait

_NAMED = 3  # rejected files that the warning names


def train(
    recipe: Path | str,
    *,
    out: Path | str | None = None,
    overrides: Sequence[str] = (),
    resume: bool = False,
    progress: bool = True,
) -> Path:
    """Train a Generator as a recipe says: codec, gate, latent cache, flow.

    A run that was killed continues with `resume=True` and then ends with the same weights, bit for
    bit, as an uninterrupted one (same processor, same number of threads and processes). Under
    `accelerate launch` or `torchrun` several processes share each batch.

    Args:
        recipe: A YAML recipe.
        out: Folder of the run; by default `runs/` and the recipe's name.
        overrides: `key.subkey=value`, as with `--set`.
        resume: Continue the run in `out`.
        progress: Show progress on standard error.

    Returns:
        The Generator's folder, `out/generator`.

    Raises:
        SynthmedError: A recipe or data that cannot be used, a folder with another run, a codec
            that fails its gate, a full disk.
        SafetyError: A patient (of no shared group), or the same pixels, in more than one split.
        DivergedError: A loss that is no number; the last checkpoint is kept.
    """
    settings = load_recipe(recipe, overrides)
    folder = Path(out) if out is not None else Path("runs") / settings.name
    begin(settings.device)
    shown = progress and is_first()
    place = Place(folder, Path(recipe).parent, pick_device(settings.device), shown)
    with writing(folder), claim(folder, settings, resume) if is_first() else nullcontext():
        wait()
        return _stages(settings, place)


def _stages(recipe: Recipe, place: Place) -> Path:
    with stage("reading images", shown=place.shown) as report, first_process_first():
        images = load_images(recipe.data, place.base, place.folder / "cache", report)
        if is_first():
            check_pixels(images, place.folder / "cache")
    if is_first():
        _report_rejected(images, place.folder / "rejected.csv")
    conditions = ready_conditions(recipe, images)
    ready = ready_codec(recipe, images, place)
    return train_generator(recipe, images, ready, conditions, place)


def _report_rejected(images: TrainingImages, file: Path) -> None:
    """List the images that were left out, and name the first in a warning."""
    if not images.rejected:
        file.unlink(missing_ok=True)
        return
    with open(file, "w", newline="", encoding="utf-8") as stream:
        table = csv.DictWriter(stream, ["source", "file_name", "reason"])
        table.writeheader()
        table.writerows(images.rejected)
    named = [f"{row['file_name']}: {row['reason']}" for row in images.rejected[:_NAMED]]
    more = ", ..." if len(images.rejected) > _NAMED else ""
    warnings.warn(
        f"{len(images.rejected)} images are left out, listed in {file} ({'; '.join(named)}{more})",
        stacklevel=3,
    )
