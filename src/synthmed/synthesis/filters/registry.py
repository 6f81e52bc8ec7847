"""The registry of checks, and which of them a user's call asks for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from synthmed.errors import SynthmedError
from synthmed.synthesis.filters.checks import Check
from synthmed.synthesis.filters.materials import Materials


@dataclass(frozen=True)
class Entry:
    """A registered check.

    Attributes:
        build: Makes it; imports what it needs.
        needs: "real" or "train": what the user must give; "" for nothing.
        what: What it rejects, in a few words.
    """

    build: Callable[[Materials], Check]
    needs: str
    what: str


def _blank(_: Materials) -> Check:
    from synthmed.synthesis.filters.blank import Blank

    return Blank()


def _broken(materials: Materials) -> Check:
    from synthmed.synthesis.filters.broken import Broken

    return Broken(materials)


def _off_prompt(materials: Materials) -> Check:
    from synthmed.synthesis.filters.off_prompt import OffPrompt

    return OffPrompt(materials)


def _near_copy(materials: Materials) -> Check:
    from synthmed.synthesis.filters.near_copy import NearCopy

    return NearCopy(materials)


def _duplicate(_: Materials) -> Check:
    from synthmed.synthesis.filters.duplicate import Duplicate

    return Duplicate()


CHECKS: dict[str, Entry] = {
    "blank": Entry(_blank, "", "images of nearly one grey level"),
    "broken": Entry(_broken, "real", "images farther from the real ones than real ones are"),
    "off-prompt": Entry(_off_prompt, "real", "images that do not show their type or labels"),
    "near-copy": Entry(_near_copy, "train", "images too close to a training image"),
    "duplicate": Entry(_duplicate, "", "images nearly the same as an earlier one"),
}
"""In the order in which they judge; the first check that rejects an image names it."""


def choose(names: Sequence[str] | None, *, real: bool, train: bool) -> list[str]:
    """Give the names of the checks to run, in the registry's order.

    Args:
        names: What the user asks for; None takes all that can be run.
        real: Whether real images were given.
        train: Whether training images were given.

    Raises:
        SynthmedError: An unknown name, none at all, or one whose images were not given.
    """
    given = {"": True, "real": real, "train": train}
    if names is None:
        return [name for name, entry in CHECKS.items() if given[entry.needs]]
    known = ", ".join(CHECKS)
    if not names:
        raise SynthmedError("no check is named", where="--checks", mend=f"Known: {known}")
    for name in names:
        if name not in CHECKS:
            raise SynthmedError(f"unknown check {name!r}", where="--checks", mend=f"Known: {known}")
        if not given[CHECKS[name].needs]:
            option = CHECKS[name].needs
            raise SynthmedError(
                f"the check {name!r} needs --{option}",
                where="--checks",
                mend=f"Give a dataset folder by --{option}, or leave the check out.",
            )
    return [name for name in CHECKS if name in names]
