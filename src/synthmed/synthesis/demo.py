"""The demonstration: images of every type of a model, on a sheet and on a page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from synthmed.datasets.prompts import prompt_examples
from synthmed.errors import SynthmedError
from synthmed.synthesis.contact_sheet import contact_sheet
from synthmed.synthesis.gallery import gallery
from synthmed.synthesis.generate import GenerateResult, generate, open_model
from synthmed.synthesis.prompts import Prompt

if TYPE_CHECKING:
    from synthmed.models.generator import Generator


@dataclass(frozen=True)
class DemoResult:
    """What `demo` made.

    Attributes:
        dataset: The images and their tables.
        contact_sheet: A PNG with all images above their prompts.
        page: A self-contained web page that says how each image was made.
    """

    dataset: GenerateResult
    contact_sheet: Path
    page: Path


def demo(
    out: str | os.PathLike[str],
    *,
    images: int = 64,
    model: Generator | str | os.PathLike[str] = "base-64",
    seed: int = 0,
    command: Sequence[str] = (),
    progress: bool = True,
) -> DemoResult:
    """Generate images of every type of a model and show them.

    Args:
        out: The dataset folder; `contact_sheet.png` and `index.html` are put into it.
        images: Images in all, spread evenly over the types and their example prompts.
        model: A Generator that names its types.
        seed: Seed of the run.
        command: The command that was given, to be shown on the page.
        progress: Show a progress bar.

    Returns:
        The dataset and where to look.

    Raises:
        SynthmedError: As `generate`; a model that does not name its types.
    """
    if images < 1:
        raise SynthmedError(f"images is {images}", mend="Give 1 or more.")
    model = open_model(model)
    prompts = demo_prompts([str(entry["name"]) for entry in model.types], images)
    result = generate(model, prompts, out, seed=seed, progress=progress)
    sheet = contact_sheet(result.path, result.path / "contact_sheet.png", limit=max(images, 64))
    return DemoResult(result, sheet, gallery(result.path, command=command))


def demo_prompts(types: Sequence[str], images: int) -> list[Prompt]:
    """Spread images over the example prompts of some image types.

    Args:
        types: Names of image types; one without example prompts is asked for by its name.
        images: Images in all.

    Returns:
        Prompts with counts that sum to `images`; types in turn get an image of their next prompt.

    Raises:
        SynthmedError: No types.
    """
    if not types:
        raise SynthmedError(
            "the model does not say which types of image it makes",
            mend="Use synthmed generate with prompts of your own.",
        )
    examples = prompt_examples()
    counts: dict[tuple[str, str], int] = {}
    for number in range(images):
        turn, which = divmod(number, len(types))
        kind = types[which]
        texts = examples.get(kind, [kind])
        key = (kind, texts[turn % len(texts)])
        counts[key] = counts.get(key, 0) + 1
    return [
        Prompt(text, count, image_type=kind, from_template=True)
        for (kind, text), count in counts.items()
    ]
