"""Filter: a dataset without the images that checks reject, and with replacements if asked for."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from synthmed.datasets.folder import read_dataset
from synthmed.datasets.writing import DatasetWriter
from synthmed.errors import SafetyError, SynthmedError
from synthmed.synthesis.filters.checks import Check
from synthmed.synthesis.filters.materials import Materials, PathLike, gather
from synthmed.synthesis.filters.places import check_places, fresh_folder
from synthmed.synthesis.filters.record import by_check
from synthmed.synthesis.filters.registry import CHECKS, choose
from synthmed.synthesis.filters.rounds import run_rounds
from synthmed.synthesis.filters.writing import write_kept
from synthmed.training.bars import stage

if TYPE_CHECKING:
    from synthmed.models.generator import Generator


@dataclass(frozen=True)
class FilterResult:
    """What `filter_dataset` did.

    Attributes:
        path: The new dataset folder.
        images: Images in it.
        rejected: Images of the source that were rejected.
        redrawn: Replacements among `images`.
        by_check: Rejected images of the source by check.
        models: Trained models that were asked: `check`, `id`, `sha256`.
        warnings: What the user should know.
        checks: The checks that were run.
    """

    path: Path
    images: int
    rejected: int
    redrawn: int
    by_check: dict[str, int]
    models: tuple[dict[str, str], ...]
    warnings: tuple[str, ...]
    checks: tuple[str, ...]


def filter_dataset(
    dataset: PathLike,
    out: PathLike,
    *,
    checks: Sequence[str] | None = None,
    real: PathLike | None = None,
    train: PathLike | None = None,
    scorer: PathLike | None = None,
    redraw: Generator | PathLike | None = None,
    tries: int = 3,
    seed: int = 0,
    batch_size: int = 32,
    device: str = "auto",
    dtype: str = "auto",
    progress: bool = True,
) -> FilterResult:
    """Write a dataset again without the images that checks reject.

    Nothing of the source is changed. The new folder appears whole or not at all: it is made under
    another name and renamed. `rejected.csv` in it lists every rejected image with the check,
    score, threshold and reason; dataset.json names the checks and the models under `filters`.

    Args:
        dataset: Dataset folder.
        out: The new folder: it must not exist, or be empty.
        checks: Names in `synthmed.synthesis.filters.registry.CHECKS`; None takes all that can be
            run with the images that are given, and warns of those that cannot.
        real: Dataset folder of real images, or a YAML list of sources as recipes have it; test rows
            are not read.
        train: The same of the generator's training images.
        scorer: Folder of a trained classifier; None fits one on the training rows of `real`.
        redraw: A generator that draws replacements for rejected rows that have a prompt.
        tries: Rounds of replacements.
        seed: Seeds the fit of a scorer, and replacements where the source names no seed.
        batch_size: Images that the generator evaluates together.
        device: "auto", "cpu", "cuda", ...; of the generator.
        dtype: "auto", "float32" or "bfloat16"; of the generator.
        progress: Show progress bars on standard error.

    Returns:
        What was done.

    Raises:
        SynthmedError: A folder that cannot be read or is in use, an unknown check, images that a
            check needs and that are not there, or no image that passes.
        SafetyError: Images of other patients that equal training images.
    """
    if tries < 1 or batch_size < 1:
        raise SynthmedError("tries and batch size are at least 1")
    if scorer is not None and real is None:
        raise SynthmedError("a scorer needs --real to be calibrated on", where="--scorer")
    names = choose(checks, real=real is not None, train=train is not None)
    source, target = read_dataset(dataset), Path(out)
    check_places(source.path, target)
    with stage("reading", shown=progress):
        materials = gather(real, train, scorer, seed)
        judges = _build(names, materials, asked=checks is not None)
    with fresh_folder(target) as folder:
        writer = DatasetWriter(folder, source.spec)
        for row in source.rows:
            writer.path_of(row)  # finds rows that cannot be written before anything is done
        drawing = None
        if redraw is not None:
            from synthmed.synthesis.filters.redraw import Redraw

            drawing = Redraw(
                redraw,
                source,
                folder,
                materials,
                batch_size=batch_size,
                device=device,
                dtype=dtype,
            )
        kept, rejections = run_rounds(source, judges, drawing, tries, progress)
        made = write_kept(folder, source, kept, rejections, judges, drawing)
    refused = [entry for entry in rejections if entry.round == 0]
    return FilterResult(
        target,
        len(kept),
        len(refused),
        made["redrawn"],
        by_check(refused),
        tuple(made["models"]),
        tuple(materials.notes),
        tuple(judge.name for judge in judges),
    )


def _build(names: Sequence[str], materials: Materials, *, asked: bool) -> list[Check]:
    """Make the checks; those that nobody asked for are left out, with a note, where they cannot.

    Raises:
        SynthmedError: A check that was asked for cannot be made of the given images.
        SafetyError: Images of other patients that equal training images.
    """
    judges = []
    for name in names:
        try:
            judges.append(CHECKS[name].build(materials))
        except SafetyError:
            raise
        except SynthmedError as error:
            if asked:
                raise
            note = f"the check {name!r} was left out: {error}"
            materials.notes.append(note)
            warnings.warn(note, stacklevel=3)
    return judges
