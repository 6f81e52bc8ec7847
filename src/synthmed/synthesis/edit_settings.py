"""How images are edited, and what that costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from synthmed.errors import SynthmedError
from synthmed.models.fields import check_depth
from synthmed.transport.difference import recorded_evaluations
from synthmed.transport.solvers import SOLVERS
from synthmed.transport.solvers import evaluations as solver_evaluations

DETAILS = ("model", "keep")
INVERSIONS = ("difference", "plain")


@dataclass(frozen=True)
class EditSettings:
    """How images are edited.

    Attributes:
        depth: Time to go back to: near 1 keeps the structure, 0 (the path's first time) gives all
            of it up; 1 changes nothing.
        guidance: Scale w of the difference between target and source.
        steps: Solver steps, each way.
        solver: "euler", "heun" or "multistep".
        detail: "model" gives the decoded image; "keep" adds only the difference to the source:
            `source + decode(edited latents) - decode(source's latents)`, clipped to [-1, 1].
        inversion: "difference" or "plain".

    Raises:
        SynthmedError: A value without a meaning; the known names are listed.
    """

    depth: float
    guidance: float = 1.0
    steps: int = 16
    solver: str = "multistep"
    detail: str = "model"
    inversion: str = "difference"

    def __post_init__(self) -> None:
        """Check the values that a user gives."""
        check_depth(self.depth)
        if not math.isfinite(self.guidance):
            raise SynthmedError(f"guidance is {self.guidance}", mend="Give a number.")
        if self.steps < 1:
            raise SynthmedError(f"steps is {self.steps}", mend="Give 1 or more.")
        known = {"solver": tuple(SOLVERS), "detail": DETAILS, "inversion": INVERSIONS}
        for name, values in known.items():
            if getattr(self, name) not in values:
                raise SynthmedError(
                    f"unknown {name} {getattr(self, name)!r}", mend=f"Known: {', '.join(values)}."
                )


def evaluations(settings: EditSettings) -> int:
    """Images that pass through the denoiser to edit one image, encoding and decoding together.

    With guidance other than 1 each evaluation on the way forward counts twice: the network sees
    the image under the target's and under the source's condition. `inversion="difference"` makes
    one more evaluation, at the last point of the way back. At depth 1 there is none.

    Args:
        settings: How images are edited.
    """
    if settings.depth == 1:
        return 0
    each_way = solver_evaluations(settings.solver, settings.steps)
    plain = settings.inversion == "plain"
    back = each_way if plain else recorded_evaluations(settings.solver, settings.steps)
    return back + each_way * (1 if settings.guidance == 1 else 2)
