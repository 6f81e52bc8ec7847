"""The words that a model has seen in its captions, and those of a prompt that it has not."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

# Words that say nothing about an image by themselves.
FUNCTION_WORDS = frozenset(
    "a an and are aged at by for from her his image in is of on or patient showing the their to "  # noqa: SIM905
    "view with without year years old".split()
)


def words(text: str) -> list[str]:
    """Split a text into its words, as written, without numbers and punctuation marks.

    Args:
        text: Any text; hyphens separate words ("X-ray" has two).

    Returns:
        The words in order; "T1" is a word, "56" is a number.
    """
    normal = re.sub(r"['’]s\b", "", unicodedata.normalize("NFKC", text))
    return [word for word in re.findall(r"[^\W_]+", normal) if not word.isnumeric()]


def vocabulary(captions: Iterable[str]) -> set[str]:
    """Collect the case-folded words of all captions.

    Args:
        captions: The captions that a model was trained on.

    Returns:
        The words.
    """
    return {word.casefold() for caption in captions for word in words(caption)}


def unknown_words(prompt: str, known: Iterable[str]) -> list[str]:
    """Name the words of a prompt that no caption had.

    Args:
        prompt: The prompt.
        known: Case-folded words, from `vocabulary`.

    Returns:
        The unknown words as written, in order, each once. Numbers are always known.
    """
    known = set(known)
    unknown: dict[str, str] = {}
    for word in words(prompt):
        if word.casefold() not in known:
            unknown.setdefault(word.casefold(), word)
    return list(unknown.values())


def known_content_words(prompt: str, known: Iterable[str]) -> list[str]:
    """Name the known words of a prompt that say something about an image.

    A prompt without any of them says nothing to the model: function words ("on a …") do not count.

    Args:
        prompt: The prompt.
        known: Case-folded words, from `vocabulary`.

    Returns:
        The words, case-folded, in order, each once.
    """
    known = set(known) - FUNCTION_WORDS
    return [w for w in dict.fromkeys(w.casefold() for w in words(prompt)) if w in known]
