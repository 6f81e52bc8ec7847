"""The velocity field of a model under some conditions, ready for a solver."""

from __future__ import annotations

from torch import Tensor

from synthmed.errors import SynthmedError
from synthmed.transport.guidance import Field, Guidance, Velocities, guided
from synthmed.transport.paths import Path


def velocity_field(
    velocities: Velocities,
    path: Path,
    target: Tensor,
    base: Tensor,
    guidance: Guidance | float = 1.0,
    *,
    apart: bool = False,
) -> Field:
    """The guided field `v_base + w (v_target - v_base)` with the path's drift.

    Args:
        velocities: A Generator's `velocities`.
        path: Its path, or the same with another drift.
        target: Tokens `(B, L, D)` of the conditions to follow.
        base: Tokens of the conditions to move away from.
        guidance: Guidance; a number is its scale.
        apart: Evaluate each condition in a pass of its own, at the batch's own size, instead of
            all in one pass. Networks round differently in batches of other sizes; apart, equal
            conditions give equal velocities bit for bit.

    Returns:
        The field: latents `(B, C, h, w)` and a time to velocities `(B, C, h, w)`.
    """
    strength = guidance if isinstance(guidance, Guidance) else Guidance(float(guidance))
    velocity = guided(_one_by_one(velocities) if apart else velocities, target, base, strength)
    return lambda z, t: path.drift_velocity(velocity(z, t))


def check_depth(depth: float) -> None:
    """Check that a depth is a time.

    Raises:
        SynthmedError: It is not within [0, 1].
    """
    if not 0 <= depth <= 1:
        raise SynthmedError(
            f"a depth of {depth}", mend="Give a time from 0 (noise) to 1 (the image itself)."
        )


def _one_by_one(velocities: Velocities) -> Velocities:
    def each(z: Tensor, t: float, conditions: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return tuple(velocities(z, t, (condition,))[0] for condition in conditions)

    return each
