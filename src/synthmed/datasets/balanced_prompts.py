"""Balanced prompts: every concept the same number of images, from combinations that exist.

One image after the other goes to the concept that has the fewest so far (an image of two concepts
counts for both), through the combination of it that disturbs the balance least. Where every
concept has a combination of its own, the numbers of any two concepts differ by at most one.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from synthmed.datasets.combinations import Combination, Patient
from synthmed.datasets.patients import patient_words
from synthmed.errors import SynthmedError
from synthmed.imaging.writing import write_atomic

MOST = 1_000_000
_HEADER = ("prompt", "count", "id", "image_type", "labels")
Concept = tuple[str, str]
"""Image type and name of a concept."""


@dataclass(frozen=True)
class Order:
    """One line of a prompt list.

    Attributes:
        prompt: The prompt.
        count: Images of it.
        combination: What it asks for.
    """

    prompt: str
    count: int
    combination: Combination


def balanced(
    combinations: Sequence[Combination],
    count: int,
    *,
    seed: int = 0,
    cap: int | None = None,
    patients: dict[str, list[Patient]] | None = None,
) -> list[Order]:
    """Distribute images over combinations so that every concept has an equal share.

    Args:
        combinations: What may be asked for.
        count: Images in all.
        seed: Decides among what is equally good.
        cap: Images of a concept at most.
        patients: Image type to ages and sexes, which the prompts then name in turn.

    Returns:
        The orders; their counts add up to `count`, or to less where the caps allow no more.

    Raises:
        SynthmedError: No combination, or a number that is out of range.
    """
    if not combinations:
        raise SynthmedError("nothing to make prompts of", mend="Give rows with image types.")
    for name, number in (("count", count), ("cap", cap)):
        if number is not None and not 1 <= number <= MOST:
            raise SynthmedError(f"{name} is {number}", mend=f"Give 1 to {MOST:,}.")
    order = sorted(combinations, key=lambda c: _hash(f"{seed}|{c.prompt}"))
    used = _distribute(order, count, cap or count)
    totals: Counter[tuple[str, int]] = Counter()
    turns = {kind: _shuffled(known, seed) for kind, known in (patients or {}).items()}
    given: Counter[str] = Counter()
    for index, combination in enumerate(order):
        for _ in range(used[index]):
            prompt = combination.prompt
            if turn := turns.get(combination.image_type):
                age, sex = turn[given[combination.image_type] % len(turn)]
                given[combination.image_type] += 1
                words = patient_words(age, sex)
                prompt = f"{prompt}, {words}" if words else prompt
            totals[prompt, index] += 1
    return [Order(prompt, n, order[index]) for (prompt, index), n in totals.items()]


def shares(orders: Sequence[Order]) -> dict[Concept, int]:
    """Count the images of each concept."""
    counts: Counter[Concept] = Counter()
    for one in orders:
        for concept in one.combination.concepts:
            counts[one.combination.image_type, concept] += one.count
    return dict(counts)


def write_prompts(path: Path, orders: Sequence[Order]) -> None:
    """Write a prompt list that `synthmed generate --prompts` reads, whole or not at all.

    Raises:
        SynthmedError: The file cannot be written.
    """
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(_HEADER)
    for number, one in enumerate(orders, 1):
        kind, labels = one.combination.image_type, "|".join(one.combination.labels)
        table.writerow((one.prompt, one.count, f"p{number:06d}", kind, labels))
    write_atomic(path, text.getvalue().encode("utf-8"))


def _distribute(order: Sequence[Combination], count: int, cap: int) -> list[int]:
    """Give the number of images of each combination."""
    keys = [[(c.image_type, name) for name in c.concepts] for c in order]
    of_concept: dict[Concept, list[int]] = {}
    for index, concepts in enumerate(keys):
        for concept in concepts:
            of_concept.setdefault(concept, []).append(index)
    images: dict[Concept, int] = dict.fromkeys(of_concept, 0)
    used = [0] * len(order)
    open_concepts = dict.fromkeys(of_concept)
    for _ in range(count):
        while open_concepts:
            least = min(open_concepts, key=images.__getitem__)
            free = [i for i in of_concept[least] if all(images[k] < cap for k in keys[i])]
            if free:
                break
            del open_concepts[least]  # caps only ever close combinations
        else:
            break
        best = min(free, key=lambda i: (max(images[k] for k in keys[i]), used[i]))
        used[best] += 1
        for concept in keys[best]:
            images[concept] += 1
    return used


def _shuffled(patients: Sequence[Patient], seed: int) -> list[Patient]:
    """Order patients by a hash, women and men in turn where both are known."""
    order = sorted(patients, key=lambda patient: _hash(f"{seed}|{patient}"))
    women, men = ([p for p in order if p[1] == sex] for sex in ("F", "M"))
    if not women or not men:
        return order
    turns = max(len(women), len(men))
    return [one[i % len(one)] for i in range(turns) for one in (women, men)]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
