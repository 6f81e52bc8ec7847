"""The labels that a prompt states, in the words of the caption engine's tables.

A phrase counts where it stands as whole words and is not negated; the longest phrase wins, and a
phrase that several labels share counts for none of them. What is absent ("no finding") is a label
only where nothing is present, as in the captions.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from functools import cache

from synthmed.datasets import concepts
from synthmed.datasets.concepts import Table

_TABLES: Mapping[str, Table] = {
    "chest x-ray": concepts.CHEST_FINDINGS,
    "brain mri": concepts.BRAIN_FINDINGS,
    "breast ultrasound": concepts.BREAST_ULTRASOUND_FINDINGS,
    "mammography": {
        label: concepts.Concept((label,)) for label in ("benign", "malignant", "normal")
    },
    "dermatoscopy": concepts.SKIN_DIAGNOSES,
}
_NEGATION = re.compile(r"\b(no|not|without|negative for|free of)\b[^,;.]*$")


def labels_of(prompt: str, image_type: str) -> tuple[str, ...]:
    """Find the labels that a prompt states.

    Args:
        prompt: The prompt.
        image_type: Its type, for example "chest X-ray"; types without a table have no labels.

    Returns:
        Labels as the tables name them, in the order of the prompt; () where none is certain.
    """
    table = _TABLES.get(image_type.casefold())
    if table is None:
        return ()
    text = " ".join(prompt.casefold().split())
    phrases = _phrases(image_type.casefold())
    pattern = "|".join(re.escape(phrase) for phrase in sorted(phrases, key=len, reverse=True))
    present: list[str] = []
    absent: list[str] = []
    for match in re.finditer(rf"(?<![\w-])(?:{pattern})(?![\w-])", text):
        label = phrases[match.group()]
        if label is None or _NEGATION.search(text[: match.start()]):
            continue
        (absent if table[label].absent else present).append(label)
    return tuple(dict.fromkeys(present or absent[:1]))


@cache
def _phrases(image_type: str) -> dict[str, str | None]:
    """Give every phrase's label; None where several labels share it."""
    table = _TABLES[image_type]
    own: dict[str, str | None] = {}
    for label, concept in table.items():
        own.setdefault(concept.names[0].casefold(), label)
        own.setdefault(label, label)
        for adjective in concept.adjectives:
            own.setdefault(adjective.casefold(), label)
    shared = Counter(
        name.casefold() for concept in set(table.values()) for name in set(concept.names)
    )
    for label, concept in table.items():
        for name in concept.names:
            phrase = name.casefold()
            own.setdefault(phrase, label if shared[phrase] == 1 else None)
    return own
