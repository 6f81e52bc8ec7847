"""What prompts may be made of: the combinations of labels and views that a dataset holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from synthmed.datasets.caption_recipes import RECIPES, other
from synthmed.datasets.captions import plain
from synthmed.datasets.phrases import clean
from synthmed.datasets.prompts import prompt_for
from synthmed.datasets.rows import Row
from synthmed.datasets.synonyms import NORMAL, concept_of
from synthmed.errors import SynthmedError

Patient = tuple[float | None, str | None]
"""Age in years and sex ("M" or "F"), each None where it is not known."""


@dataclass(frozen=True)
class Combination:
    """One thing that a prompt can ask for.

    Attributes:
        prompt: The prompt, in the captions' canonical wording, without a patient.
        image_type: Type of the image.
        labels: Labels as in the dataset.
        concepts: What it counts for: the labels' concepts, else what the prompt shows.
    """

    prompt: str
    image_type: str
    labels: tuple[str, ...]
    concepts: tuple[str, ...]


@dataclass(frozen=True)
class Choices:
    """What prompts are drawn from.

    Attributes:
        combinations: The combinations, each once.
        patients: Image type to ages and sexes; empty where none is known.
    """

    combinations: list[Combination]
    patients: dict[str, list[Patient]]


def choices_of(rows: Iterable[Row]) -> Choices:
    """Find the combinations that rows hold; rows of the same prompt are one combination.

    Args:
        rows: The rows; those without an image type are left out.

    Returns:
        The combinations in the order of the rows, and the patients of each type.
    """
    found: dict[str, Combination] = {}
    patients: dict[str, dict[Patient, None]] = {}
    for row in rows:
        if not clean(row.image_type):
            continue
        prompt = plain(row)
        if prompt not in found:
            found[prompt] = Combination(prompt, row.image_type, row.labels, _concepts(row))
        if row.sex or (row.age is not None and row.age >= 1):
            patients.setdefault(row.image_type, {}).setdefault((row.age, row.sex))
    kept = {kind: sorted(known, key=repr) for kind, known in patients.items()}
    return Choices(list(found.values()), kept)


def allowed(text: str, known: Sequence[Combination]) -> list[Combination]:
    """Make the combinations that a user allows beside those of the data.

    Args:
        text: "cardiomegaly + effusion", or with its type: "chest X-ray: cardiomegaly + effusion".
        known: The combinations of the data; their types and labels may be used.

    Returns:
        One combination for each type meant.

    Raises:
        SynthmedError: A type or a label that the data does not have, or an unclear type.
    """
    types = list(dict.fromkeys(c.image_type for c in known))
    kind, _, words = text.rpartition(":")
    if not kind.strip() and len(types) > 1:
        raise SynthmedError(
            f"--allow {text!r} does not say the image type",
            mend=f"Write for example '{types[0]}: {text.strip()}'.",
        )
    kind = kind.strip() or types[0]
    if kind not in types:
        raise SynthmedError(
            f"no image type {kind!r} in the data", mend=f"It has {', '.join(types)}"
        )
    names = {_folded(label): label for c in known if c.image_type == kind for label in c.labels}
    labels: list[str] = []
    for word in words.split("+"):
        if _folded(word) not in names:
            have = ", ".join(sorted(names.values())) or "none"
            raise SynthmedError(f"no label {word.strip()!r} of {kind}", mend=f"It has {have}.")
        labels.append(names[_folded(word)])
    return [combination(kind, tuple(labels), "")]


def _folded(label: str) -> str:
    return clean(label).casefold()


def _concepts(row: Row) -> tuple[str, ...]:
    """Name what a row counts for."""
    named = [concept_of(label, row.image_type) or clean(label) for label in row.labels]
    present = [name for name in named if name and name != NORMAL]
    if named:
        return tuple(dict.fromkeys(present or [NORMAL]))
    parts = RECIPES.get(clean(row.image_type).casefold(), other)(row, lambda names: names[0])
    return parts.findings or (row.image_type,)


def combination(kind: str, labels: tuple[str, ...], view: str) -> Combination:
    """Make a combination of an image type, labels and a view ("" for none)."""
    row = Row(Path(), "", "train", "", labels=labels, view=view, image_type=kind)
    return Combination(prompt_for(kind, *labels, view=view), kind, labels, _concepts(row))
