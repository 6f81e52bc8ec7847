"""Texts that are longer than what a conditioner reads: split by sentences, or refused; never cut.

The length is counted by the generator's own tokenizer:

    conditioner = Generator.load("base-64").conditioners["text"]
    parts = split_text(report, token_counter(conditioner.tokenizer), conditioner.length)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from synthmed.datasets.reports import sentences
from synthmed.errors import SynthmedError

Count = Callable[[str], int]
"""Gives the number of tokens of a text, those for its start and end included."""


def token_counter(tokenizer: Any) -> Count:
    """Count tokens as a conditioner does.

    Args:
        tokenizer: A transformers tokenizer.

    Returns:
        The function that counts; start and end tokens are included, padding is not.
    """

    def count(text: str) -> int:
        return len(tokenizer(text, truncation=False, verbose=False)["input_ids"])

    return count


def check_length(text: str, count: Count, limit: int, where: object = None) -> None:
    """Refuse a text that is too long.

    Args:
        text: The text.
        count: Counts its tokens.
        limit: Tokens that the conditioner reads.
        where: Where the text stands, for the message; by default its beginning.

    Raises:
        SynthmedError: It has more tokens; the message says how many.
    """
    if (length := count(text)) > limit:
        raise SynthmedError(
            f"the text has {length} tokens, the model reads {limit}",
            where=where or _beginning(text),
            mend="Shorten it, or split it by sentences.",
        )


def split_text(text: str, count: Count, limit: int, where: object = None) -> list[str]:
    """Split a text into captions that a conditioner reads whole.

    Sentences stay together as long as they fit; a sentence that is too long by itself is split
    at semicolons and commas. No word is lost.

    Args:
        text: The text.
        count: Counts tokens.
        limit: Tokens that the conditioner reads.
        where: Where the text stands, for the message.

    Returns:
        The captions in order; [] for a blank text.

    Raises:
        SynthmedError: A clause without a comma has more tokens than the limit.
    """
    parts: list[str] = []
    for sentence in sentences(text):
        if count(sentence) <= limit:
            parts.append(sentence)
            continue
        clauses = [piece for piece in re.split(r"(?<=[;,]) ", sentence) if piece.strip()]
        for clause in clauses:
            check_length(clause, count, limit, where)
        parts += _packed(clauses, count, limit)
    return _packed(parts, count, limit)


def _packed(parts: Iterable[str], count: Count, limit: int) -> list[str]:
    """Join neighbours as long as they fit."""
    packed: list[str] = []
    for part in parts:
        joined = f"{packed[-1]} {part}" if packed else part
        if packed and count(joined) <= limit:
            packed[-1] = joined
        else:
            packed.append(part)
    return packed


def _beginning(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 60 else f"{words[:57]}..."
