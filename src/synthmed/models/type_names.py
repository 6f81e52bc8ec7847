"""Which of a generator's image types a prompt names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from synthmed.datasets.words import vocabulary

_SEPARATORS = str.maketrans(dict.fromkeys(",.;:()", " "))


def type_named(prompt: str, types: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Find the image type that a prompt names.

    Args:
        prompt: The prompt.
        types: The card's types: `name`, and `words` that only captions of this type use.

    Returns:
        The type with the longest name that the prompt holds in full, else the one of which it
        uses the most words; None where that is none, or not one alone.
    """
    text = f" {' '.join(prompt.casefold().split())} ".translate(_SEPARATORS)
    named = [entry for entry in types if f" {str(entry['name']).casefold()} " in text]
    if named:
        return max(named, key=lambda entry: len(entry["name"]))
    words = vocabulary([prompt])
    hits = [len(words & set(entry.get("words", []))) for entry in types]
    best = max(hits, default=0)
    winners = [entry for entry, count in zip(types, hits, strict=True) if count == best > 0]
    return winners[0] if len(winners) == 1 else None
