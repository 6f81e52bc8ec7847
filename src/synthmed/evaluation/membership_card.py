"""What a generator's card tells of its training patients, beside the images that were given."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from synthmed.datasets.splits import group_hashes
from synthmed.evaluation.sides import Side

ENOUGH = 0.95
"""Share of the card's groups that the training images must be of, or nothing is green."""


@dataclass(frozen=True)
class KnownGroups:
    """Training and hold-out images beside the groups (patients) that a card names by hash.

    Attributes:
        named: Groups on the card.
        given: Groups on the card of which training images were given.
        strangers: Training images of groups that are not on the card.
        n_train: Training images.
        seen: Hold-out images of groups on the card.
        codec_seen: Hold-out images of groups that the generator's given codec was trained on.
    """

    named: int
    given: int
    strangers: int
    n_train: int
    seen: int
    codec_seen: int

    def to_dict(self) -> dict[str, int]:
        """The numbers as JSON values."""
        return asdict(self)


def known_groups(card: dict[str, Any] | None, train: Side, holdout: Side) -> KnownGroups | None:
    """Count the groups of both sides that a card names; None where it names none.

    Args:
        card: The generator's card, if it is known.
        train: The training images that were given.
        holdout: Real images of other patients.
    """
    named = set((card or {}).get("training_groups") or [])
    if not named:
        return None
    own = [group_hashes([row])[0] for row in train.rows]
    held = [group_hashes([row])[0] for row in holdout.rows]
    codec = set((card or {}).get("codec_groups") or [])
    return KnownGroups(
        len(named),
        len(named & set(own)),
        sum(name not in named for name in own),
        len(own),
        sum(name in named for name in held),
        sum(name in codec for name in held),
    )


def unexpected_groups(known: KnownGroups | None) -> list[str]:
    """Say what does not fit.

    Returns:
        A sentence each for groups that were not given, training images that the card does not
        name, hold-out images that it does, and hold-out images that the codec was trained on; []
        where all fits.
    """
    said: list[str] = []
    if known is None:
        return said
    if known.given < known.named:
        said.append(f"{known.given} of {known.named} training groups of the generator were given")
    if known.strangers:
        said.append(
            f"the generator's card does not name the patients of {known.strangers} training images"
        )
    if known.seen:
        said.append(f"the generator's card names the patients of {known.seen} hold-out images")
    if known.codec_seen:
        said.append(
            "the generator's codec was trained on the patients of "
            f"{known.codec_seen} hold-out images"
        )
    return said
