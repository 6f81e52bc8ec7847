"""The kinds of copies that are planted, inside and outside what the detector searches for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from numpy.random import Generator

from synthmed.errors import SynthmedError
from synthmed.measures.arrays import Array
from synthmed.measures.copies import changes

Change = Callable[[Array, Array, Generator], Array]
"""(images, images of other patients, random generator) -> copies."""


@dataclass(frozen=True)
class Planter:
    """One kind of planted copy.

    Attributes:
        name: What it is called in a report.
        inside_search: Whether the detector searches for exactly this; the others show whether it
            finds what nobody told it to look for.
        change: Makes the copies.
        position: Name in ``SYMMETRIES`` of the position that must be searched for that; "" where
            any search is one for this kind.
    """

    name: str
    inside_search: bool
    change: Change
    position: str = ""

    def inside(self, symmetries: Sequence[str]) -> bool:
        """Whether a detector that searches these positions searches for exactly this."""
        return self.inside_search and (not self.position or self.position in symmetries)

    def __call__(self, images: Array, others: Array, rng: Generator) -> Array:
        """Makes copies.

        Args:
            images: (N, C, S, S) training images in [-1, 1].
            others: (M, C, S, S) images of other patients.
            rng: Draws what is random.

        Returns:
            (N, C, S, S) in [-1, 1].

        Raises:
            SynthmedError: The kind "codec": `plant` sends its images through the codec itself.
        """
        return self.change(images, others, rng)


def _exact(images: Array, others: Array, rng: Generator) -> Array:
    return images.copy()


def _alone(change: Callable[[Array, Generator], Array]) -> Change:
    return lambda images, others, rng: change(images, rng)


def _needs_codec(images: Array, others: Array, rng: Generator) -> Array:
    raise SynthmedError(
        "copies through the codec need a codec", where="codec", mend="Give through_codec"
    )


PLANTED: dict[str, Planter] = {
    planter.name: planter
    for planter in (
        Planter("exact", True, _exact),
        Planter("shifted", True, _alone(changes.shifted)),
        Planter("mirrored", True, _alone(changes.mirrored), "mirror"),
        Planter("grey values", True, _alone(changes.regraded)),
        Planter("codec", False, _needs_codec),
        Planter("turned and zoomed", False, _alone(changes.turned)),
        Planter("warped with noise", False, _alone(changes.warped)),
        Planter("half pasted", False, changes.half_pasted),
        Planter("coarse with noise", False, _alone(changes.coarse)),
        Planter("cropped", False, _alone(changes.cropped)),
        Planter("covered", False, _alone(changes.covered)),
        Planter("upside-down", True, _alone(changes.upside_down), "upside-down"),
        Planter("inverted", True, _alone(changes.inverted)),
    )
}
"""All kinds by name."""

USUAL_KINDS = tuple(PLANTED)[:8]
"""The kinds that the benchmark counts, and what `plant` plants unless other kinds are named."""

INSTEAD_OF_CODEC = "coarse with noise"
"""Takes the place of "codec" where there is no codec."""


def usual_kinds(codec: bool) -> list[str]:
    """The usual kinds, with another in the place of "codec" where there is no codec."""
    return [INSTEAD_OF_CODEC if name == "codec" and not codec else name for name in USUAL_KINDS]


def self_test_kinds(symmetries: Sequence[str], codec: bool) -> list[str]:
    """What a self-test plants: the usual kinds, and as many further ones inside as outside.

    Args:
        symmetries: Positions that the detector searches.
        codec: Whether there is a codec.

    Returns:
        The usual kinds, "inverted", "upside-down" where that position is searched, and for each
        of these one further kind outside the search, so that half of all kinds stay outside.
    """
    further = ["inverted", "upside-down"]
    inside = [name for name in further if PLANTED[name].inside(symmetries)]
    return [*usual_kinds(codec), *inside, *("covered", "cropped")[: len(inside)]]
