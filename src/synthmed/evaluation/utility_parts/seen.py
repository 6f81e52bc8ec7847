"""Whose images a generator saw: what its card says, and how a row of the table is marked."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from synthmed.errors import SafetyError
from synthmed.evaluation.utility_parts.labelled import Labelled

UNKNOWN = "generator's training patients unknown"
OTHERS = "saw other images"


def seen_groups(card: Mapping[str, Any] | None) -> frozenset[str] | None:
    """Give the hashes of the groups that a generator learnt from, as its card has them.

    Groups of its validation images count too: they chose the step that was kept; and so do those
    that a codec given to it was trained on.

    Args:
        card: Its `synthmed.json`; None where it is not known.

    Returns:
        SHA-256 of each group; None where there is no card, or it does not say.
    """
    if card is None or not card.get("training_groups"):
        return None
    others = (card.get(key) or () for key in ("validation_groups", "codec_groups"))
    return frozenset(card["training_groups"]).union(*others)


def refuse_seen(test: Labelled, seen: Set[str] | None, what: str) -> None:
    """Make sure that nobody who is tested on was seen before.

    Args:
        test: The test images.
        seen: Hashes of the groups that were trained on; None is not known.
        what: Who saw them, for the message.

    Raises:
        SafetyError: A test patient among them.
    """
    if seen is not None and (both := test.hashes() & seen):
        raise SafetyError(
            f"{len(both)} of the test patients were seen by {what}",
            mend="Test on patients that neither the classifier nor the generator was trained on.",
        )


def mark(seen: Set[str] | None, own: Set[str], real: Mapping[str, Set[str]]) -> str:
    """Say of a row whether its generator saw more than the row's real images.

    Args:
        seen: Hashes of the groups that the generator saw; None is not known.
        own: Hashes of the groups of the row's real images.
        real: The same of all real sets of the table, by name.

    Returns:
        "" where it saw these groups at most, else such as "saw 2N", "saw other images".
    """
    if seen is None:
        return UNKNOWN
    every = set().union(*real.values())
    here, other = seen & every, bool(seen - every)
    words = []
    if not here <= own:
        holding = sorted((len(groups), name) for name, groups in real.items() if here <= groups)
        words.append(holding[0][1] if holding else "more of the real images")
    if other:
        words.append("other images")
    return f"saw {' and '.join(words)}" if words else ""
