"""Translate: images of one domain to another domain of the same model, as a dataset folder.

MedShift: Caetano et al. 2025, arXiv:2508.21435; the mechanism is in `synthmed.synthesis.editing`.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthmed.errors import SynthmedError
from synthmed.synthesis.dial import choose_depth
from synthmed.synthesis.editing import EditSettings
from synthmed.synthesis.generate import open_model
from synthmed.synthesis.journal import claim, clear_errors
from synthmed.synthesis.translate_plan import (
    about_translation,
    choose_dials,
    edit_warnings,
    own_settings,
    translation_plan,
)
from synthmed.synthesis.translate_run import TranslationRun
from synthmed.synthesis.translate_sources import read_sources

if TYPE_CHECKING:
    from synthmed.models.generator import Generator

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class TranslateResult:
    """What `translate` made.

    Attributes:
        path: The dataset folder.
        images: Images in it.
        made: Images made by this call; the others were there from an earlier one.
        rejected: File and reason of each image that could not be translated.
        left_out: Rows that were of the target domain already.
        depths: Depth by source domain.
        generator: Name of the generator.
        generator_hash: SHA-256 of its weights.
        warnings: What the user has been warned of.
    """

    path: Path
    images: int
    made: int
    rejected: tuple[tuple[str, str], ...]
    left_out: int
    depths: dict[str, float]
    generator: str
    generator_hash: str
    warnings: tuple[str, ...]


def translate(
    model: Generator | PathLike,
    images: PathLike,
    out: PathLike,
    *,
    target: str,
    source: str | None = None,
    split: str | None = None,
    depth: float | None = None,
    keep_structure: float | None = None,
    match_realism: bool = False,
    guidance: float | None = None,
    steps: int | None = None,
    solver: str | None = None,
    detail: str = "model",
    batch_size: int = 16,
    device: str = "auto",
    dtype: str = "auto",
    progress: bool = True,
) -> TranslateResult:
    """Bring images to another domain and write them as a dataset folder.

    The domain changes, the text of a row stays. Labels, masks, boxes, group and split are kept.
    Images of any size are framed to the model's and led back to their own size, bits and spacing.
    Nothing is random: the same call on the same machine gives the same bytes. A killed run
    continues; images that cannot be translated are listed in rejected.csv.

    Args:
        model: A Generator with domains, a folder, or the name of a bundled one.
        images: An image file, a folder of image files, or a dataset folder (`read_sources`).
        out: The dataset folder: new, empty, or one that the same call began.
        target: The domain to bring them to.
        source: The domain that they come from; None takes each row's own.
        split: Split of a dataset folder that is translated; None takes all.
        depth: From 0 (least structure kept) to 1 (nothing changed).
        keep_structure: In place of a depth: the mean SSIM to the source that shall be kept.
        match_realism: In place of a depth: the largest that reaches the target's realism.
        guidance: Scale of the difference between the domains. None takes, here and below, the
            model's own: the calibration's where the depth comes from it, else the card's
            `translation`, else its `sampling`, else `EditSettings`'.
        steps: Solver steps, each way.
        solver: "euler", "heun" or "multistep".
        detail: "model", or "keep": only the difference is added to the source.
        batch_size: Images evaluated together; halved where memory does not suffice.
        device: "auto", "cpu", "cuda", ...; for a model that is loaded here.
        dtype: "auto", "float32" or "bfloat16"; for a model that is loaded here.
        progress: Show a progress bar on standard error.

    Returns:
        What was made.

    Raises:
        SynthmedError: A model without domains, an unknown domain (the known ones are listed), no
            way or two to choose the depth, no calibration for one that needs it, bad options, no
            image that can be translated, a folder in use, a full disk.
    """
    if batch_size < 1:
        raise SynthmedError(f"batch_size is {batch_size}", mend="Give 1 or more.")
    options = {"guidance": guidance, "steps": steps, "solver": solver}
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    EditSettings(1.0, detail=detail, **given)  # finds bad values before a model is loaded
    ways: dict[str, Any] = {
        "depth": depth,
        "keep_structure": keep_structure,
        "match_realism": match_realism,
    }
    calibrated = keep_structure is not None or match_realism
    if depth is not None or not calibrated:
        choose_depth({}, "", target, **ways)  # needs no card: finds a bad depth, or none, at once
    folder, place = Path(images), Path(out)
    _check_apart(folder, place)
    generator = open_model(model, device=device, dtype=dtype)
    _check_domains(generator, {"--from": source, "--to": target})
    found = read_sources(folder, source, target, generator.domains, split)
    own = own_settings(generator.card, calibrated=calibrated)
    settings = EditSettings(1.0, **{**own, **given}, detail=detail)
    dials = choose_dials(generator.card, found, target, settings, ways)
    told = [*found.notes, *edit_warnings(generator, found, target, dials)]
    for sentence in told:
        warnings.warn(sentence, stacklevel=2)
    plan = translation_plan(generator, found, target, settings, dials, batch_size)
    about = about_translation(generator, found, dials)
    run = TranslationRun(generator, found, place, plan, settings, about)
    with clear_errors(place):
        claim(place, plan)
        made = run.fill(progress=progress)
    return TranslateResult(
        path=place,
        images=run.images,
        made=made,
        rejected=tuple(run.rejected),
        left_out=found.left_out,
        depths={domain: dial.depth for domain, dial in dials.items()},
        generator=generator.name,
        generator_hash=generator.hash,
        warnings=tuple(told),
    )


def _check_apart(images: Path, out: Path) -> None:
    here, there = images.resolve(), out.resolve()
    if images.is_dir() and (here == there or here in there.parents):
        raise SynthmedError(
            "the translations would lie among their sources",
            where=out,
            mend="Name a folder beside the images.",
        )


def _check_domains(generator: Generator, wanted: Mapping[str, str | None]) -> None:
    known = generator.domains
    if not known:
        raise SynthmedError(
            "this model knows no domains",
            where=generator.name,
            mend='Train one with condition.kind "domain" or "text+domain".',
        )
    for option, domain in wanted.items():
        if domain is not None and domain not in known:
            raise SynthmedError(
                f"the model knows no domain {domain!r}",
                where=option,
                mend=f"Known: {', '.join(known)}.",
            )
