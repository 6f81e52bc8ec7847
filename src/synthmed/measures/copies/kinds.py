"""The kinds of copies that are planted, inside and outside what the detector searches for."""

from __future__ import annotations

from collections.abc import Callable
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
    """

    name: str
    inside_search: bool
    change: Change

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
        Planter("mirrored", True, _alone(changes.mirrored)),
        Planter("grey values", True, _alone(changes.regraded)),
        Planter("codec", False, _needs_codec),
        Planter("turned and zoomed", False, _alone(changes.turned)),
        Planter("warped with noise", False, _alone(changes.warped)),
        Planter("half pasted", False, changes.half_pasted),
        Planter("coarse with noise", False, _alone(changes.coarse)),
        Planter("cropped", False, _alone(changes.cropped)),
        Planter("covered", False, _alone(changes.covered)),
    )
}
"""All kinds by name."""

USUAL_KINDS = tuple(PLANTED)[:8]
"""What is planted unless other kinds are named."""

INSTEAD_OF_CODEC = "coarse with noise"
"""Takes the place of "codec" where there is no codec."""
