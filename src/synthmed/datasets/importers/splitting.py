"""Splits by group: the shares asked for, decided by a keyed hash of the group."""

from __future__ import annotations

import math

from synthmed.datasets.importers.pseudonyms import Pseudonyms
from synthmed.datasets.rows import SPLITS
from synthmed.errors import SynthmedError

Shares = tuple[float, float, float]


def parse_shares(text: str) -> Shares:
    """Read "0.8,0.1,0.1": the shares of train, val and test, which sum to 1.

    Raises:
        SynthmedError: No three such numbers.
    """
    try:
        train, val, test = (float(part) for part in text.split(","))
    except ValueError:
        train = val = test = math.nan
    shares = (train, val, test)
    if not (all(0 <= share <= 1 for share in shares) and abs(sum(shares) - 1) < 1e-6):
        raise SynthmedError(
            f"the split {text!r} is not three shares that sum to 1",
            mend="Write the shares of train, val and test, such as 0.8,0.1,0.1.",
        )
    return shares


def split_of(group_id: str, shares: Shares, seed: int, pseudonyms: Pseudonyms) -> str:
    """Give a group's split; all its images go there, whatever else the dataset holds."""
    place, end = pseudonyms.share(group_id, seed), 0.0
    for name, share in zip(SPLITS, shares, strict=True):
        end += share
        if place < end:
            return name
    return max(zip(shares, SPLITS, strict=True))[1]
